"""Weight files as PyTorch writes them: tensors by name, and nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors

from tlkit.errors import FileProblem
from tlkit.system import files

NESTED = 2  # levels of a checkpoint in which its state dict is looked for


def read_state_dict(path: str | Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """Read a PyTorch weight file, tensors only.

    Parameters
    ----------
    path : path
        A ``.pth`` or ``.safetensors`` file. Of a checkpoint, the state dict of most tensors is taken.
    sha256 : str, optional
        Verified before a byte is read; its first characters are enough.

    Raises
    ------
    FileProblem
        If the file is missing, has another checksum, or holds anything but tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileProblem(f"There is no weight file {path}.")
    if sha256:
        files.verify(path, sha256)
    if path.suffix == ".safetensors":
        try:
            return load_tensors(path.read_bytes())
        except SafetensorError as error:
            raise FileProblem(
                f"{path} is not a safetensors file ({error}); a pickled file must end in .pth."
            ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise FileProblem(f"{path} is damaged or holds more than tensors, and is refused: {error}") from error
    found = _state_dicts(content)
    if not found:
        raise FileProblem(f"{path} holds no state dict (names with tensors) but {type(content).__name__}.")
    return max(found, key=len)


def _state_dicts(content: Any, depth: int = NESTED) -> list[dict[str, torch.Tensor]]:
    """Find what a file holds of names with tensors, itself or in mappings within it, at most so deep."""
    if not isinstance(content, Mapping):
        return []
    own = {name: each for name, each in content.items() if isinstance(each, torch.Tensor)}
    inner = [found for each in content.values() if depth for found in _state_dicts(each, depth - 1)]
    return [own, *inner] if own and all(isinstance(name, str) for name in own) else inner
