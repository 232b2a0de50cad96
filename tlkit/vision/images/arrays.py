"""The one form pictures have inside tlkit: uint8 arrays N C H W."""

from __future__ import annotations

from typing import Any

import numpy as np

from tlkit.errors import BadInput

CHANNELS = (1, 3)
FORMS = "(N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1 (grey) or 3 (RGB)"


def as_images(X: Any) -> np.ndarray:
    """Return pictures as one uint8 array, without a copy where they are one already.

    Parameters
    ----------
    X : array-like of shape (N, H, W), (N, H, W, C) or (N, C, H, W)
        uint8, or floating point in [0, 1]. Where both readings of four axes are possible, C comes first.

    Returns
    -------
    ndarray of shape (N, C, H, W), uint8

    Raises
    ------
    BadInput
        If shape, channels or type are others, or there are NaN or values outside [0, 1].
    """
    return _as_bytes(_channels_first(_as_array(X)))


def _as_array(X: Any) -> np.ndarray:
    try:
        array = np.asarray(X)
    except (ValueError, TypeError, RuntimeError) as error:
        raise BadInput(
            f"The pictures cannot be read as one array ({error}). Pictures of different sizes can be loaded "
            "from a folder: load_task('path/to/folder', size=64)."
        ) from error
    if array.ndim not in (3, 4):
        raise BadInput(f"Pictures must be an array of shape {FORMS}; found shape {array.shape}.")
    if 0 in array.shape:
        raise BadInput(f"There are no pictures: found shape {array.shape}.")
    return array


def _channels_first(array: np.ndarray) -> np.ndarray:
    if array.ndim == 3:
        return array[:, None]
    if array.shape[1] in CHANNELS:
        return array
    if array.shape[3] in CHANNELS:
        return np.moveaxis(array, 3, 1)
    alpha = " Drop a transparency channel with X[..., :3]." if array.shape[3] == 4 else ""
    raise BadInput(f"Pictures must have shape {FORMS}; found shape {array.shape}.{alpha}")


def _as_bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind != "f":
        raise BadInput(
            f"Pictures must be uint8 (0 to 255) or floating point in [0, 1]; found {array.dtype}. "
            "If the values are 0 to 255, pass X.astype('uint8')."
        )
    missing = int(np.isnan(array).sum())
    if missing:
        raise BadInput(
            f"The pictures hold {missing:,} NaN of {array.size:,} values; replace or drop them first."
        )
    low, high = array.min(), array.max()
    if low < 0 or high > 1:
        raise BadInput(
            f"Floating-point pictures must lie in [0, 1]; found {low:.4g} to {high:.4g}. "
            "Divide by 255, or pass uint8; do not standardise before: networks do that themselves."
        )
    return np.ascontiguousarray((array * 255).round().astype(np.uint8))


def resize(images: np.ndarray, size: int | None) -> np.ndarray:
    """Resize pictures so that the short side is `size`, and crop the middle to a square.

    Bilinear, with smoothing where pictures shrink. The same array comes back if nothing is to be done.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W), uint8
    size : int or None
        Side in pixels; None keeps the pictures as they are.

    Returns
    -------
    ndarray of shape (N, C, size, size), uint8
    """
    height, width = images.shape[2:]
    if require_size(size) is None or height == width == size:
        return images
    import torch
    from torch.nn.functional import interpolate

    short = min(height, width)
    shape = (round(height * size / short), round(width * size / short))
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    done = np.empty((*images.shape[:2], size, size), np.uint8)
    for first in range(0, len(images), 1024):
        pixels = torch.tensor(images[first : first + 1024])
        part = interpolate(pixels, shape, mode="bilinear", antialias=True).numpy()
        done[first : first + 1024] = part[:, :, top : top + size, left : left + size]
    return done


def require_size(size: int | None) -> int | None:
    """Return a picture's side if it is None or a whole number of at least 8 pixels; else raise BadInput."""
    if size is None or (isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 8):
        return size
    raise BadInput(f"size must be the side of the pictures in pixels (8 or more) or None; found {size!r}.")
