"""Image tasks from picture files: a folder of class folders, and the tutorial's ants and bees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from tlkit.classification.draws import held_out
from tlkit.errors import BadInput, FileProblem
from tlkit.system import archives, files
from tlkit.vision.images.files import SUFFIXES, read_files
from tlkit.vision.tasks import ImageTask

LAYOUTS = (
    "FOLDER/CLASS/picture.jpg, or FOLDER/train/CLASS/picture.jpg with FOLDER/test (or val, valid) like it"
)
VALIDATION = ("val", "valid", "validation")
HYMENOPTERA_URL = "https://download.pytorch.org/tutorial/hymenoptera_data.zip"
HYMENOPTERA_PLACES = ("hymenoptera/hymenoptera_data", "hymenoptera", "hymenoptera_data")
# No checksum of the archive is published: it is accepted if it holds the pictures that the tutorial counts.
HYMENOPTERA_COUNTS = {
    ("train", "ants"): 123,
    ("train", "bees"): 121,
    ("val", "ants"): 70,
    ("val", "bees"): 83,
}


def folder_task(
    path: str | Path,
    *,
    size: int | None = None,
    test_share: float = 0.3,
    unreadable: str = "refuse",
    metric: str = "accuracy",
    name: str | None = None,
) -> ImageTask:
    """Load your own pictures: a folder that holds a folder for each class.

    With ``train`` and ``test`` folders inside, these are used, and ``val`` joins the training pool; with
    ``train`` and ``val`` alone, ``val`` is the test. Otherwise a fixed stratified share is held out.

    Parameters
    ----------
    path : path
        The folder.
    size : int, optional
        Side in pixels. By default pictures that are all alike stay as they are, and others come to 224:
        short side 256, middle cropped.
    test_share : float
        Share of each class that is held out where the folder has no split of its own.
    unreadable : {"refuse", "skip"}
        What to do with files that are no whole pictures.
    metric : {"accuracy", "balanced_accuracy"}
        The headline metric.
    name : str, optional
        Of the task; by default the folder's.

    Raises
    ------
    BadInput
        If the folder has another layout, classes without pictures, or unreadable pictures.
    FileProblem
        If there is no folder.
    """
    path = Path(path)
    parts = _parts(path)
    classes = _classes(parts[0])
    pool = _listed(parts[:-1] if len(parts) > 1 else parts, classes)
    test = _listed(parts[-1:], classes) if len(parts) > 1 else []
    paths, labels = zip(*pool, *test, strict=True)
    images, whole = read_files(paths, size, unreadable)
    labels = np.array(labels)[whole]
    in_test = (np.arange(len(paths)) >= len(pool))[whole]
    if len(parts) == 1:
        in_test = held_out(labels, test_share, classes)
    name = name or path.resolve().name
    return ImageTask(
        images[~in_test], labels[~in_test], images[in_test], labels[in_test], classes, name, metric
    )


def _parts(path: Path) -> list[Path]:
    """Return the folders of class folders: one to be split, or those of the pool and then the test's."""
    if not path.is_dir():
        raise FileProblem(f"There is no folder {path}. Expected: {LAYOUTS}.")
    if not (path / "train").is_dir():
        return [path]
    validation = [path / each for each in VALIDATION if (path / each).is_dir()]
    test = [path / "test"] if (path / "test").is_dir() else []
    if not validation and not test:
        raise BadInput(f"{path} has a train folder but neither test nor val. Expected: {LAYOUTS}.")
    return [path / "train", *validation, *test]


def _is_hidden(path: Path) -> bool:
    """Tell what systems and notebooks leave behind: ``.ipynb_checkpoints`` holds copies of pictures."""
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _folders(path: Path) -> list[Path]:
    inside = sorted(each for each in path.iterdir() if each.is_dir())
    return [each for each in inside if not _is_hidden(each.relative_to(path))]


def _pictures(folder: Path) -> list[Path]:
    found = sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
    return [each for each in found if not _is_hidden(each.relative_to(folder))]


def _classes(path: Path) -> list[str]:
    folders = _folders(path)
    if not folders:
        raise BadInput(f"{path} holds no class folders. Expected: {LAYOUTS}.")
    empty = [folder.name for folder in folders if not _pictures(folder)]
    if empty:
        raise BadInput(
            f"{path} has class folders without pictures: {', '.join(empty)}. "
            f"Expected: {LAYOUTS}; pictures end in {', '.join(sorted(SUFFIXES))}."
        )
    return [folder.name for folder in folders]


def _listed(parts: Sequence[Path], classes: list[str]) -> list[tuple[Path, int]]:
    """Return every picture file with its label."""
    listed = []
    for part in parts:
        foreign = sorted({folder.name for folder in _folders(part)} - set(classes))
        if foreign:
            raise BadInput(f"{part} has classes that {part.parent / 'train'} has not: {', '.join(foreign)}.")
        for label, name in enumerate(classes):
            listed += [(picture, label) for picture in _pictures(part / name)]
    if not listed:
        raise BadInput(f"{parts[0]} holds no pictures. Expected: {LAYOUTS}.")
    return listed


def hymenoptera(*, size: int | None = None, unreadable: str = "refuse") -> ImageTask:
    """Load the ants and bees of PyTorch's transfer-learning tutorial: 244 training and 153 test photographs.

    Taken from ``TLKIT_DATA`` or the cache, else downloaded (47 MB). Ants and bees are ImageNet classes and
    the photographs are ImageNet's: a network trained on ImageNet has probably seen them.

    Parameters
    ----------
    size : int, optional
        Side in pixels, 224 by default: short side 256, middle cropped, as in the tutorial.
    unreadable : {"refuse", "skip"}
        What to do with files that are no whole pictures.

    Raises
    ------
    FileProblem
        If it is not there and cannot be downloaded.
    """
    found = next(filter(None, map(files.find_local, HYMENOPTERA_PLACES)), None)
    path = found or _download_hymenoptera() / "hymenoptera_data"
    return folder_task(path, size=size or 224, unreadable=unreadable, name="hymenoptera")


def _download_hymenoptera() -> Path:
    """Fetch and unpack the pictures, once where several processes ask at the same time."""
    place = files.cache_dir() / "data"
    place.mkdir(exist_ok=True)
    with FileLock(place / "hymenoptera.lock"):
        if not (place / "hymenoptera").exists():
            archives.unpack(_fetch_hymenoptera(place), place / "hymenoptera", _check_hymenoptera)
    return place / "hymenoptera"


def _fetch_hymenoptera(place: Path) -> Path:
    try:
        return files.download(HYMENOPTERA_URL, place / "hymenoptera_data.zip")
    except FileProblem as error:
        raise FileProblem(
            f"{error} Or put its folders train and val at hymenoptera/ in a folder that TLKIT_DATA names. "
            "The tasks digits, glyphs and worlds need no download."
        ) from error


def _check_hymenoptera(folder: Path) -> None:
    parts = {part: folder.joinpath("hymenoptera_data", *part) for part in HYMENOPTERA_COUNTS}
    found = {part: len(_pictures(place)) if place.is_dir() else 0 for part, place in parts.items()}
    if found != HYMENOPTERA_COUNTS:
        raise archives.BadArchive(
            f"{HYMENOPTERA_URL} does not hold the pictures expected: found {found}, expected "
            f"{HYMENOPTERA_COUNTS}. Delete it and try again."
        )
