"""torchvision's classification data sets by name, as arrays."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tlkit.classification.draws import held_out
from tlkit.errors import FileProblem, require_known
from tlkit.system import files
from tlkit.vision.images.files import decode, framing, is_grey, upright_shape
from tlkit.vision.tasks import ImageTask

Split = dict[str, Any]

OTHER_PURPOSE = {
    "CelebA", "Kinetics", "Kitti", "LFWPairs", "LFWPeople", "Middlebury2014Stereo", "MovingMNIST",
    "PhotoTour", "SBDataset", "SBU", "VOCDetection", "VOCSegmentation", "WIDERFace",
}  # fmt: skip
# What a signature cannot tell: another name of the test, a validation split to learn from, a smaller edition.
ODD_SPLITS: dict[str, tuple[list[Split], Split]] = {
    "CLEVRClassification": ([{"split": "train"}], {"split": "val"}),  # its test labels are not public
    "Country211": ([{"split": "train"}, {"split": "valid"}], {"split": "test"}),
    "DTD": ([{"split": "train"}, {"split": "val"}], {"split": "test"}),
    "EMNIST": ([{"split": "balanced", "train": True}], {"split": "balanced", "train": False}),
    "Flowers102": ([{"split": "train"}, {"split": "val"}], {"split": "test"}),
    "Imagenette": ([{"split": "train"}], {"split": "val"}),
    "INaturalist": ([{"version": "2021_train_mini"}], {"version": "2021_valid"}),
    "PCAM": ([{"split": "train"}, {"split": "val"}], {"split": "test"}),
    "Places365": ([{"split": "train-standard", "small": True}], {"split": "val", "small": True}),
    "RenderedSST2": ([{"split": "train"}, {"split": "val"}], {"split": "test"}),
}
DOWNLOAD_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    ImportError,
)  # torchvision has no error of its own
SAMPLE = 200


def _kind(name: str) -> Any:
    from torchvision import datasets  # seconds to import, and most tasks need none of it

    return getattr(datasets, name)


@cache
def names() -> tuple[str, ...]:
    """Return the data sets that torchvision classifies and can download."""
    kinds = {name: _kind(name) for name in _kind("__all__")}
    classes = {name: kind for name, kind in kinds.items() if inspect.isclass(kind)}
    known = {name for name, kind in classes.items() if "download" in _parameters(kind)}
    return tuple(sorted(known - OTHER_PURPOSE))


def match(name: str) -> str | None:
    """Return torchvision's spelling of a data set's name, whatever its case and dashes, or None."""
    return {_plain(known): known for known in names()}.get(_plain(name))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _parameters(kind: Any) -> dict[str, inspect.Parameter]:
    """Return a constructor's parameters, with those that it hands on to its base as ``**kwargs``."""
    found: dict[str, inspect.Parameter] = {}
    for each in kind.__mro__:
        own = inspect.signature(each.__init__).parameters
        found = dict(own) | found
        if not any(param.kind is param.VAR_KEYWORD for param in own.values()):
            break
    return found


def splits(name: str) -> tuple[list[Split], Split | None]:
    """Return the arguments for the parts of the training pool, and those for the test, if there is one."""
    if name in ODD_SPLITS:
        return ODD_SPLITS[name]
    params = _parameters(_kind(name))
    if "train" in params:
        return [{"train": True}], {"train": False}
    if "split" in params:
        return [{"split": params["split"].default}], {"split": "test"}
    return [{}], None


def torchvision_task(name: str, *, size: int | None = None, metric: str = "accuracy") -> ImageTask:
    """Load a data set of torchvision: from ``torchvision/NAME`` in ``TLKIT_DATA``, the cache or the network.

    The decoded pictures are cached, so that a second call takes no decoding. Without a split of its own,
    a fixed stratified 30 % is held out for the test.

    Parameters
    ----------
    name : str
        As torchvision spells it; case and dashes do not matter.
    size : int, optional
        Side in pixels; see `tlkit.vision.images.files.framing`.
    metric : {"accuracy", "balanced_accuracy"}
        The headline metric.

    Raises
    ------
    UnknownName
        If torchvision has no such data set.
    FileProblem
        If it cannot be downloaded or decoded.
    """
    name = match(name) or require_known("torchvision data set", name, names())
    cached = files.cache_dir() / "arrays" / f"{name}-{size or 'native'}.npz"
    if not cached.exists():
        arrays = _arrays(name, size)
        with files.atomic(cached) as temporary:
            np.savez(temporary, **arrays)
    with np.load(cached, allow_pickle=False) as stored:
        arrays = dict(stored)
    return ImageTask(**arrays, name=name, metric=metric)


def _arrays(name: str, size: int | None) -> dict[str, Any]:
    """Decode a data set's pool and test; labels are re-coded to 0..n-1."""
    pool, test = splits(name)
    parts = _open(name, [*pool, *([test] if test else [])])
    pictures, labels = _decode(name, parts, size)
    codes, y = np.unique(labels, return_inverse=True)
    classes = _class_names(parts[0], codes)
    in_test = np.arange(len(y)) >= len(y) - len(parts[-1]) if test else held_out(y, 0.3, classes)
    return {
        "X": pictures[~in_test], "y": y[~in_test], "X_test": pictures[in_test], "y_test": y[in_test],
        "classes": np.array(classes),
    }  # fmt: skip


def _open(name: str, arguments: list[Split]) -> list[Any]:
    kind = _kind(name)
    root = files.find_local(f"torchvision/{name}") or _download(name, arguments)
    try:
        return [kind(root=str(root), download=False, **each) for each in arguments]
    except DOWNLOAD_ERRORS as error:
        raise FileProblem(
            f"{root} is not torchvision's {name} ({error}). Delete it and try again."
        ) from error


def _download(name: str, arguments: list[Split]) -> Path:
    """Download all or nothing: torchvision alone would leave half of what it unpacks."""
    place = files.cache_dir() / "data" / "torchvision" / name
    try:
        with files.atomic(place) as temporary:
            temporary.mkdir()
            for each in arguments:
                _kind(name)(root=str(temporary), download=True, **each)
    except FileProblem:
        raise
    except DOWNLOAD_ERRORS as error:
        raise FileProblem(
            f"{name} could not be downloaded ({error}). Is this machine offline? Load it once where there "
            f"is a network, and copy {place} to torchvision/{name} in a folder that TLKIT_DATA names. "
            "The tasks digits, glyphs and worlds need no download."
        ) from error
    return place


def _decode(name: str, parts: list[Any], size: int | None) -> tuple[np.ndarray, np.ndarray]:
    places = [(part, index) for part in parts for index in range(len(part))]
    labels = np.zeros(len(places), np.int64)

    def read(number: int) -> Any:
        part, index = places[number]
        picture, label = part[index]
        labels[number] = int(label)
        return picture

    sample = [read(number) for number in np.linspace(0, len(places) - 1, SAMPLE).astype(int)]
    frame = framing(map(upright_shape, sample), size)
    channels = 1 if all(map(is_grey, sample)) else 3
    pictures, whole = decode(read, len(places), frame, channels, progress=name)
    if not whole.all():
        raise FileProblem(
            f"{(~whole).sum():,} of {len(whole):,} pictures of {name} are damaged or of another shape than "
            "the others; a `size` brings them to one shape."
        )
    return pictures, labels


def _class_names(dataset: Any, codes: np.ndarray) -> list[str]:
    known = getattr(dataset, "classes", None) or getattr(dataset, "categories", None) or []
    return [str(known[code]) if code < len(known) else str(code) for code in codes.tolist()]
