"""Image tasks by name: embedded sets, the tutorial's, arrays in a file, and what a name may stand for."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from tlkit.classification.draws import first_of_each_class, is_repeated
from tlkit.errors import BadInput, FileProblem
from tlkit.study.register import DOWNLOADED, GENERATED, SHIPPED, Loader, tasks
from tlkit.system import files
from tlkit.vision.images import arrays
from tlkit.vision.images.files import SUFFIXES
from tlkit.vision.images.glyphs import CHARACTERS
from tlkit.vision.images.glyphs import split as split_glyphs
from tlkit.vision.loading import torchvision
from tlkit.vision.loading.folders import folder_task, hymenoptera
from tlkit.vision.tasks import ImageTask
from tlkit.vision.worlds.tasks import make_task

tasks.named("worlds", "Pictures of one factor (shape, texture, ...), with a similarity dial", GENERATED)(
    make_task
)
tasks.named("hymenoptera", "Photographs of ants and bees, from PyTorch's tutorial (47 MB)", DOWNLOADED)(
    hymenoptera
)

TABLES = {".csv", ".tsv", ".tab", ".txt", ".parquet", ".inter", ".data", ".dat"}
DIGITS_POOL = 90  # of each class; about 180 are there


@tasks.named("digits", "Handwritten digits, 1,797 real ones from scikit-learn", SHIPPED)
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


@tasks.named("glyphs", "Printed characters, 62 in many typefaces", SHIPPED)
def glyphs(*, size: int | None = None) -> ImageTask:
    """Load the shipped glyphs: 62 printed characters in many typefaces, whole families held out for the test.

    Parameters
    ----------
    size : int, optional
        Side in pixels, 32 by default.
    """
    X, y, X_test, y_test = split_glyphs()
    new = ~is_repeated(X, X_test)  # typefaces copy from each other
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


@tasks.finder(torchvision.names, "Data sets of torchvision", DOWNLOADED)
def find(name: str) -> Loader | None:
    """Find the loader of a path, a local copy, or a data set of torchvision."""
    if not name:
        return None
    here = Path(name).expanduser()
    is_path = here.name != name
    if is_path and here.exists():
        return _own(here)
    local = files.find_local(name) or files.find_local(f"{name}.npz")
    if local is not None:
        return _own(local)
    if known := torchvision.match(name):
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
