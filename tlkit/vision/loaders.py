"""Image tasks by name: embedded sets, the tutorial's, arrays in a file, and what a name may stand for."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tlkit.classification.draws import first_of_each_class
from tlkit.errors import BadInput, FileProblem, require_known, require_params
from tlkit.system import files
from tlkit.vision.images import arrays
from tlkit.vision.images.files import SUFFIXES
from tlkit.vision.images.glyphs import CHARACTERS
from tlkit.vision.images.glyphs import split as split_glyphs
from tlkit.vision.loading import torchvision
from tlkit.vision.loading.folders import folder_task, hymenoptera
from tlkit.vision.tasks import ImageTask
from tlkit.vision.worlds.tasks import make_task

Loader = Callable[..., ImageTask]

TABLES = {".csv", ".tsv", ".tab", ".txt", ".parquet", ".inter", ".data", ".dat"}
DIGITS_POOL = 90  # of each class; about 180 are there


def digits(*, size: int | None = None) -> ImageTask:
    """Load scikit-learn's 1,797 real handwritten digits: 90 of each class to learn from, the others to test.

    Parameters
    ----------
    size : int, optional
        Side in pixels, 32 by default; the originals are 8x8 with 17 levels of grey.
    """
    from sklearn.datasets import load_digits

    raw, labels = load_digits(return_X_y=True)
    pictures = arrays.as_images((raw / 16).reshape(-1, 8, 8))
    pictures = arrays.resize(pictures, size or 32)
    pool = np.zeros(len(labels), dtype=bool)
    pool[first_of_each_class(labels, DIGITS_POOL, seed=0)] = True
    return ImageTask(pictures[pool], labels[pool], pictures[~pool], labels[~pool], name="digits")


def glyphs(*, size: int | None = None) -> ImageTask:
    """Load the shipped glyphs: 62 printed characters in many typefaces, whole families held out for the test.

    Parameters
    ----------
    size : int, optional
        Side in pixels, 32 by default.
    """
    X, y, X_test, y_test = split_glyphs()
    new = ~arrays.is_repeated(X, X_test)  # typefaces copy from each other
    X, X_test = arrays.resize(X[new], size), arrays.resize(X_test, size)
    return ImageTask(X, y[new], X_test, y_test, tuple(CHARACTERS), name="glyphs")


def npz_task(
    path: str | Path, *, size: int | None = None, metric: str = "accuracy", name: str | None = None
) -> ImageTask:
    """Load arrays in MedMNIST's form: ``{train,val,test}_{images,labels}`` in one ``.npz``.

    ``train`` and ``val`` together are the training pool (strategies validate on a part of their budget);
    ``test`` is the test.

    Parameters
    ----------
    path : path
        The file. ``val`` may be absent.
    size : int, optional
        Side in pixels to resize to.
    metric : {"accuracy", "balanced_accuracy"}
        The headline metric.
    name : str, optional
        Of the task; by default the file's.

    Raises
    ------
    BadInput
        If arrays are missing or have another form.
    FileProblem
        If the file cannot be read, or holds pickled objects.
    """
    arrays = _read_npz(Path(path))
    missing = [key for key in _npz_keys("train", "test") if key not in arrays]
    if missing:
        raise BadInput(
            f"{path} lacks {', '.join(missing)}. Expected: {', '.join(_npz_keys('train', 'val', 'test'))} "
            f"(val may be absent); found {', '.join(sorted(arrays)) or 'nothing'}."
        )
    parts = [part for part in ("train", "val") if f"{part}_images" in arrays]
    X, y = (np.concatenate([arrays[f"{part}_{kind}"] for part in parts]) for kind in ("images", "labels"))
    return ImageTask.from_arrays(
        X, y, arrays["test_images"], arrays["test_labels"], None, name or Path(path).stem, metric, size
    )


def _npz_keys(*parts: str) -> list[str]:
    return [f"{part}_{kind}" for part in parts for kind in ("images", "labels")]


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FileProblem(f"{path} cannot be read as an .npz of plain arrays: {error}") from error


TASKS: dict[str, Loader] = {
    "digits": digits,
    "glyphs": glyphs,
    "worlds": make_task,
    "hymenoptera": hymenoptera,
}


def names() -> list[str]:
    """Return every name that `load_task` knows, torchvision's data sets last."""
    return [*TASKS, *torchvision.names()]


def can_load(name: str | Path) -> bool:
    """Tell whether `load_task` finds something under this name or path."""
    return _loader(name) is not None


def load_task(name: str | Path, **params: Any) -> ImageTask:
    """Load an image task by name or path.

    Parameters
    ----------
    name : str or path
        A name of `names`; the path of a folder of class folders or of an ``.npz`` in MedMNIST's form; or the
        name of such a folder or file in ``TLKIT_DATA`` or the cache.
    **params
        Of the loader, such as `size`.

    Raises
    ------
    UnknownName
        If there is no such task, or it has no such parameter.
    """
    loader = _loader(name)
    if loader is None:
        require_known("image task", str(name), names())
    require_params(f"task {str(name)!r}", params, loader)
    return loader(**params)


def _loader(name: str | Path) -> Loader | None:
    """Find what a name stands for: a known task, a path, a local copy, a data set of torchvision."""
    text = str(name)
    if text in TASKS or not text:
        return TASKS.get(text)
    here = Path(text).expanduser()
    is_path = here.name != text
    if is_path and here.exists():
        return _own(here)
    local = files.find_local(text) or files.find_local(f"{text}.npz")
    if local is not None:
        return _own(local)
    if known := torchvision.match(text):
        return partial(torchvision.torchvision_task, known)
    # What is meant as a path goes on to its loader, which says that nothing is there.
    return _own(here) if is_path or here.exists() else None


def _own(path: Path) -> Loader | None:
    """Return the loader of a practitioner's own data, unless they are tables."""
    inside = path / f"{path.name}.npz"
    if _holds_tables(path) if path.is_dir() else path.suffix.lower() in TABLES:
        return None
    if path.suffix == ".npz" or inside.is_file():
        return partial(npz_task, inside if inside.is_file() else path)
    return None if path.is_file() else partial(folder_task, path)


def _holds_tables(folder: Path) -> bool:
    """Tell a folder of tables, with neither pictures nor class folders, which another modality may know."""
    inside = [each for each in folder.iterdir() if not each.name.startswith((".", "__MACOSX"))]
    suffixes = {each.suffix.lower() for each in inside}
    return bool(suffixes & TABLES) and not suffixes & SUFFIXES and not any(each.is_dir() for each in inside)
