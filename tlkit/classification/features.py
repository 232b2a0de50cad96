"""Features of a frozen source: computed once for an array of examples, kept on disk by content."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from tlkit.classification.networks import Classifier, from_source
from tlkit.errors import DeviceProblem, FileProblem
from tlkit.study.source import Source
from tlkit.system import compute, files, provenance
from tlkit.system.archives import DAMAGED

BATCH = {"cpu": 16}  # on the CPU, larger ones leave the reach of the allocator: twice the time at 224 pixels
DEFAULT_BATCH = 256


def features(
    network: Callable[..., Classifier], source: Source, inputs: np.ndarray, device: torch.device
) -> np.ndarray:
    """Return the backbone's features of examples, in evaluation mode and without augmentation.

    Parameters
    ----------
    network : callable
        Builds the modality's network.
    source : Source
        A network with a backbone.
    inputs : ndarray of shape (N, ...)
        Examples.
    device : torch.device

    Returns
    -------
    ndarray of shape (N, n_features), float32
        From the cache folder when these examples have been seen by this source before.
    """
    key = files.digest(
        "features", provenance.code([__name__, network.__module__]), source.fingerprint, inputs, device.type
    )
    path = files.cache_place() / "features" / key[:2] / f"{key}.npz"
    stored = _stored(path, len(inputs))
    if stored is not None:
        return stored
    computed = outputs(_rebuilt(network, source, device).features, inputs, device)
    buffer = io.BytesIO()
    np.savez(buffer, features=computed)
    with suppress(FileProblem):  # a disk that is full or read-only: computed again the next time
        files.atomic_write(path, buffer.getvalue())
    return computed


def _stored(path: Path, n_examples: int) -> np.ndarray | None:
    """Read features, unless they are absent or damaged: each part of an .npz has a checksum."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = stored["features"]
    except (*DAMAGED, OSError, KeyError, TypeError, MemoryError):
        return None
    return found if found.dtype == np.float32 and found.ndim == 2 and len(found) == n_examples else None


@lru_cache(maxsize=2)
def _rebuilt(network: Callable[..., Classifier], source: Source, device: torch.device) -> Classifier:
    return from_source(network, source).to(device).eval()


def outputs(
    function: Callable[[torch.Tensor], torch.Tensor], inputs: np.ndarray, device: torch.device
) -> np.ndarray:
    """Map examples through a network in batches; a batch is halved, with a notice, where memory runs out.

    Parameters
    ----------
    function : callable
        Maps a batch (n, ...) on the device to (n, d).
    inputs : ndarray of shape (N, ...)
    device : torch.device

    Returns
    -------
    ndarray of shape (N, d), float32

    Raises
    ------
    DeviceProblem
        If the device's memory does not hold a single example.
    """
    size, start, done = BATCH.get(device.type, DEFAULT_BATCH), 0, []
    while start < len(inputs):
        try:
            with torch.inference_mode(), compute.autocast(device), compute.fast_threads():
                batch = torch.tensor(inputs[start : start + size], device=device)
                done.append(function(batch).float().cpu())
            start += size
        except RuntimeError as error:
            if not compute.is_out_of_memory(error):
                raise
            if size == 1:
                raise DeviceProblem(
                    "The device's memory does not hold one example of this size: "
                    "use a smaller one, or set TLKIT_DEVICE=cpu."
                ) from error
            size //= 2
            warnings.warn(f"Out of device memory: examples now go in batches of {size}.", stacklevel=2)
    return torch.cat(done).numpy()
