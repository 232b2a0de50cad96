"""Features of a frozen source: computed once for an array of pictures, kept on disk by content."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache

import numpy as np
import torch

from tlkit.errors import DeviceProblem, FileProblem
from tlkit.study.source import Source
from tlkit.system import compute, files, provenance
from tlkit.vision.networks.backbones import Network, from_source

BATCH = {"cpu": 16}  # on the CPU, larger ones leave the reach of the allocator: twice the time at 224 pixels
DEFAULT_BATCH = 256


def features(source: Source, pictures: np.ndarray, device: torch.device) -> np.ndarray:
    """Return the backbone's features of pictures, in evaluation mode and without augmentation.

    Parameters
    ----------
    source : Source
        A network with a backbone.
    pictures : ndarray of shape (N, C, H, W), uint8
    device : torch.device

    Returns
    -------
    ndarray of shape (N, n_features), float32
        From the cache folder when these pictures have been seen by this source before.
    """
    key = files.digest("features", provenance.code([__name__]), source.fingerprint, pictures, device.type)
    path = files.cache_dir() / "features" / key[:2] / f"{key}.npy"
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        computed = outputs(_network(source, device).features, pictures, device)
    buffer = io.BytesIO()
    np.save(buffer, computed, allow_pickle=False)
    try:
        files.atomic_write(path, buffer.getvalue())
    except FileProblem:
        if not path.exists():  # else another process has just written the same
            raise
    return computed


@lru_cache(maxsize=2)
def _network(source: Source, device: torch.device) -> Network:
    return from_source(source).to(device).eval()


def outputs(function: torch.nn.Module, pictures: np.ndarray, device: torch.device) -> np.ndarray:
    """Map pictures through a network in batches; a batch is halved, with a notice, where memory runs out.

    Parameters
    ----------
    function : callable
        Maps a batch (n, C, H, W) on the device to (n, d).
    pictures : ndarray of shape (N, C, H, W), uint8
    device : torch.device

    Returns
    -------
    ndarray of shape (N, d), float32

    Raises
    ------
    DeviceProblem
        If the device's memory does not hold a single picture.
    """
    size, start, done = BATCH.get(device.type, DEFAULT_BATCH), 0, []
    while start < len(pictures):
        try:
            with torch.inference_mode(), compute.autocast(device):
                batch = torch.from_numpy(pictures[start : start + size]).to(device)
                done.append(function(batch).float().cpu())
            start += size
        except RuntimeError as error:
            if not compute.is_out_of_memory(error):
                raise
            if size == 1:
                raise DeviceProblem(
                    "The device's memory does not hold one picture of this size: "
                    "use a smaller one, or set TLKIT_DEVICE=cpu."
                ) from error
            size //= 2
            warnings.warn(f"Out of device memory: pictures now go in batches of {size}.", stacklevel=2)
    return torch.cat(done).numpy()
