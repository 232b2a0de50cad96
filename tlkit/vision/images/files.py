"""Picture files, decoded by all cores into one array."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from tlkit.errors import BadInput, require_known
from tlkit.vision.images.arrays import require_size

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp"}
GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16B", "I", "F"}
PHOTO_SIDE = 224
LARGE_GB = 2
UNREADABLE = ("refuse", "skip")

BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Framing:
    """How pictures come to one shape: resized to a `short` side, then the middle cropped."""

    height: int
    width: int
    short: int | None

    def apply(self, picture: Image.Image) -> Image.Image:
        """Return the picture in this framing."""
        if self.short is None:
            return picture
        scale = self.short / min(picture.size)
        width, height = (round(side * scale) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        left, top = (width - self.width) // 2, (height - self.height) // 2
        return picture.crop((left, top, left + self.width, top + self.height))


def framing(shapes: Iterable[tuple[int, int]], size: int | None) -> Framing:
    """Choose how pictures of these shapes come to one: untouched where possible.

    Pictures that are all the same square are resized as a whole. Others lose an eighth of their short
    side and what sticks out of the middle square, as in PyTorch's transfer-learning tutorial (short side
    256, crop 224). Without a size, pictures that are all alike stay, and others come to 224.

    Parameters
    ----------
    shapes : iterable of (height, width)
        Read only as far as the first that differs.
    size : int or None
        Side in pixels.
    """
    shapes = iter(shapes)
    height, width = next(shapes)
    alike = all(shape == (height, width) for shape in shapes)
    if alike and (size is None or height == width == size):
        return Framing(height, width, None)
    side = require_size(size) or PHOTO_SIDE
    return Framing(side, side, side if alike and height == width else round(side * 8 / 7))


def upright_shape(picture: Image.Image) -> tuple[int, int]:
    """Return (height, width) after the camera's orientation is undone, without decoding."""
    width, height = picture.size
    lying = picture.getexif().get(0x0112, 1) >= 5  # EXIF orientation: 5 to 8 are turned by a quarter
    return (width, height) if lying else (height, width)


def is_grey(picture: Image.Image) -> bool:
    """Tell whether a picture has brightness alone."""
    return picture.mode in GREY_MODES


def decode(
    read: Callable[[int], Image.Image], count: int, frame: Framing, channels: int, progress: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Decode pictures on all cores.

    Parameters
    ----------
    read : callable
        Gives picture number i, open.
    count : int
        How many there are.
    frame : Framing
        Their common shape.
    channels : {1, 3}
        Grey or RGB.
    progress : str
        Title of a progress bar; none if empty.

    Returns
    -------
    pictures : ndarray of shape (count, channels, H, W), uint8
    whole : ndarray of shape (count,), bool
        False where a picture could not be decoded.
    """
    done = np.empty((count, channels, frame.height, frame.width), np.uint8)
    if done.nbytes > LARGE_GB * 1e9:
        warnings.warn(
            f"{count:,} pictures take {done.nbytes / 1e9:.1f} GB of memory; a smaller `size` takes less.",
            UserWarning,
            stacklevel=3,
        )

    def one(index: int) -> bool:
        try:
            with read(index) as picture:
                pixels = np.asarray(frame.apply(_plain(picture, frame, channels)))
            if pixels.shape[:2] != (frame.height, frame.width):
                raise ValueError("a picture of another shape than the others")
        except BROKEN:
            return False
        done[index] = pixels.reshape(frame.height, frame.width, channels).transpose(2, 0, 1)
        return True

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding and resizing release Python's lock
        steps = pool.map(one, range(count))
        whole = list(tqdm(steps, total=count, desc=progress, unit="picture", delay=1) if progress else steps)
    return done, np.array(whole, dtype=bool)


def _plain(picture: Image.Image, frame: Framing, channels: int) -> Image.Image:
    """Return a picture upright and of 8 bits a channel."""
    if frame.short is not None:
        picture.draft(None, (2 * frame.short, 2 * frame.short))  # a large JPEG is decoded at a fraction
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I"):  # 16 bits: Pillow would clip what is above 255
        levels = np.asarray(picture, dtype=np.float32) / 257
        picture = Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    elif picture.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    return picture.convert("L" if channels == 1 else "RGB")


def read_files(
    paths: Sequence[Path], size: int | None = None, unreadable: str = "refuse"
) -> tuple[np.ndarray, np.ndarray]:
    """Decode picture files into one array.

    Parameters
    ----------
    paths : sequence of Path
    size : int or None
        Side in pixels; see `framing`.
    unreadable : {"refuse", "skip"}
        What to do with files that are no whole pictures.

    Returns
    -------
    pictures : ndarray of shape (n_whole, C, H, W), uint8
        One channel if every picture is grey, else three.
    whole : ndarray of shape (n_paths,), bool
        Which files these are.

    Raises
    ------
    BadInput
        If files are unreadable and not to be skipped (their number and the first names), or all are.
    """
    require_known("way with unreadable pictures", unreadable, UNREADABLE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        headers = list(pool.map(_header, paths))
    good = np.flatnonzero([header is not None for header in headers])
    known = [header for header in headers if header is not None]
    whole = np.zeros(len(paths), dtype=bool)
    if len(good):
        frame = framing((header.shape for header in known), size)
        channels = 1 if all(header.grey for header in known) else 3
        pictures, whole[good] = decode(lambda i: Image.open(paths[good[i]]), len(good), frame, channels)
    if not whole.all():
        _refuse_or_warn(
            [path for path, fine in zip(paths, whole, strict=True) if not fine], len(paths), unreadable
        )
    return (pictures if whole[good].all() else pictures[whole[good]]), whole


@dataclass(frozen=True)
class Header:
    """What is known of a picture file before it is decoded."""

    shape: tuple[int, int]
    grey: bool


def _header(path: Path) -> Header | None:
    try:
        with Image.open(path) as picture:
            return Header(upright_shape(picture), is_grey(picture))
    except BROKEN:
        return None


def _refuse_or_warn(bad: list[Path], count: int, unreadable: str) -> None:
    names = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
    text = f"{len(bad):,} of {count:,} picture files cannot be read: {names}."
    if unreadable == "refuse" or len(bad) == count:
        raise BadInput(f"{text} Mend or remove them, or pass unreadable='skip' to go on with the others.")
    warnings.warn(f"{text} They are skipped.", UserWarning, stacklevel=3)
