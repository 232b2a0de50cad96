"""Picture sources: shipped ones, torchvision's networks with ImageNet weights, local weight files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from tlkit.errors import BadInput, require_known
from tlkit.study.source import Card, Source, read_state_dict
from tlkit.study.task import Task
from tlkit.system import files
from tlkit.vision.loaders import TASKS
from tlkit.vision.networks import backbones
from tlkit.vision.worlds import tasks as worlds

SHIPPED = ("glyphs", "shape", "texture")


def names() -> list[str]:
    """Return every name that `load_source` knows."""
    return [*SHIPPED, *backbones.torchvision_names()]


def load_source(name: str, weights: str | Path | None = None, sha256: str | None = None) -> Source:
    """Load a source.

    Parameters
    ----------
    name : str
        A shipped source (``glyphs``, ``shape``, ``texture``), a torchvision network, or the path of a
        ``.safetensors`` file that ``Source.save`` wrote.
    weights : path, optional
        A local weight file for a torchvision network of 1,000 ImageNet classes. By default torchvision's own:
        from ``weights/`` in ``TLKIT_DATA``, from the cache, or downloaded.
    sha256 : str, optional
        Checksum of `weights`, verified before it is read.

    Raises
    ------
    UnknownName
        If there is no such source.
    BadInput
        If the weights are of another architecture; names and shapes are named.
    FileProblem
        If a file is missing, damaged, or of another kind.
    """
    if str(name).endswith((".safetensors", ".json")):
        return Source.load(name)
    require_known("source", str(name), names())
    if name in SHIPPED:
        if weights is not None:
            raise BadInput(
                f"Source {name!r} is shipped with its weights; "
                "a weight file goes with a torchvision network's name."
            )
        return _shipped(name)
    return _torchvision(name, weights, sha256)


def _shipped(name: str) -> Source:
    source = Source.load(files.shipped(f"sources/{name}.safetensors"))
    return Source(source.card, source.state, partial(_source_task, source.card.task))


def _source_task(name: str) -> Task:
    """Load the task that a shipped source was trained on; a world's card says ``worlds:factor``."""
    loader, _, factor = name.partition(":")
    return worlds.source_task(factor) if factor else TASKS[loader]()


def _torchvision(name: str, weights: str | Path | None, sha256: str | None) -> Source:
    from torchvision.models import get_model_weights

    published = get_model_weights(name).DEFAULT
    path = Path(weights) if weights is not None else _published_file(published)
    whole = backbones.build_torchvision(name)
    backbones.load_state(whole, read_state_dict(path, sha256), str(path.name))
    return _as_source(name, whole, published, path)


def _published_file(published: object) -> Path:
    """Find or fetch torchvision's file; its name ends in the first characters of its SHA-256."""
    file_name = published.url.rsplit("/", 1)[-1]
    prefix = Path(file_name).stem.rsplit("-", 1)[-1]
    local = files.find_local(f"weights/{file_name}")
    if local is None:
        return files.download(
            published.url, files.cache_dir() / "data" / "weights" / file_name, sha256=prefix
        )
    files.verify(local, prefix)
    return local


def _as_source(name: str, whole: torch.nn.Module, published: object, path: Path) -> Source:
    """Cut the network into backbone and head, with the picture size and classes it was trained for."""
    backbone, _, weight, bias = backbones.split(whole)
    preset = published.transforms()
    inputs = {"channels": 3, "size": preset.crop_size[0], "mean": list(preset.mean), "std": list(preset.std)}
    state = {f"backbone.{key}": value for key, value in backbone.state_dict().items()}
    state |= {"head.weight": weight, "head.bias": bias}
    card = Card(
        name=name,
        title=f"{name}, ImageNet",
        architecture={"name": name},
        inputs=inputs,
        classes=tuple(published.meta["categories"]),
        data=f"ImageNet-1k (weights: {path.name})",
        licence="See the publisher's terms; ImageNet itself is for research.",
    )
    return Source(card, state)
