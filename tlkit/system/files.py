"""Where files live and how they get there: cache, classroom drive, downloads, atomic writes, digests."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import platformdirs
from filelock import FileLock

from tlkit.errors import FileProblem
from tlkit.system.archives import DELETED, require_whole, unzip
from tlkit.system.digests import digest
from tlkit.system.fetching import fetch
from tlkit.system.writing import UNFINISHED, atomic, atomic_write, file_problem, make_parent

__all__ = [
    "UNFINISHED", "atomic", "atomic_write", "cache_dir", "cache_place", "data_dirs", "digest", "download",
    "find_local", "sha256", "shipped", "unzip", "verify",
]  # fmt: skip


def cache_place() -> Path:
    """Return where the folder for downloads and cached results is: ``$TLKIT_CACHE``, else the user's own.

    It may be absent or read-only: whoever only reads need not care.

    Raises
    ------
    FileProblem
        If it lies in the home folder of a user who does not exist.
    """
    folder = Path(os.environ.get("TLKIT_CACHE") or platformdirs.user_cache_path("tlkit", appauthor=False))
    try:
        return folder.expanduser()
    except RuntimeError as error:
        raise _no_cache(folder, "there is no such home folder") from error


def cache_dir() -> Path:
    """Return the folder for downloads and cached results, which is made and can be written.

    Raises
    ------
    FileProblem
        If the folder cannot be created or written.
    """
    folder = cache_place()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "not writable")
    except OSError as error:
        raise _no_cache(folder, error.strerror) from error
    return folder


def _no_cache(folder: Path, reason: str | None) -> FileProblem:
    return FileProblem(
        f"The cache folder {folder} cannot be written ({reason}). "
        "Set the environment variable TLKIT_CACHE to a folder you may write to."
    )


def data_dirs() -> list[Path]:
    """Return the existing folders named by ``$TLKIT_DATA`` (several are separated as in ``$PATH``)."""
    named = os.environ.get("TLKIT_DATA", "").split(os.pathsep)
    # os.path leaves a "~nobody" as it is, where pathlib raises.
    return [
        folder for folder in (Path(os.path.expanduser(name)) for name in named if name) if folder.is_dir()
    ]


def find_local(relative: str) -> Path | None:
    """Return the first local copy of a file or folder: in ``$TLKIT_DATA``, then in the cache's ``data``."""
    places = [*data_dirs(), cache_place() / "data"]
    return next((place / relative for place in places if (place / relative).exists()), None)


def shipped(relative: str) -> Path:
    """Return the path of a file that comes with tlkit.

    Raises
    ------
    FileProblem
        If the installation lacks it.
    """
    package = Path(__file__).resolve().parents[1]
    places = [package / "data", package.parent / "data"]  # an installed wheel; a checkout of the repository
    found = next((place / relative for place in places if (place / relative).exists()), None)
    if found is None:
        raise FileProblem(
            f"The shipped file {relative!r} is missing; looked in {' and '.join(map(str, places))}. "
            "Install tlkit again, or make the shipped files with `tlkit build`."
        )
    return found


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content as hexadecimal text."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: str | Path, expected: str, algorithm: str = "sha256") -> None:
    """Check a file's checksum against the expected one, or its first characters (8 at least).

    Raises
    ------
    FileProblem
        If the content differs; names both checksums.
    """
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if len(expected) < 8 or not found.startswith(expected.lower()):
        raise FileProblem(
            f"{path} has the wrong checksum: expected {algorithm} {expected.lower()}, found {found}. "
            "The file is damaged or another version: delete it and try again."
        )


def download(url: str, path: str | Path, sha256: str | None = None, md5: str | None = None) -> Path:
    """Download a file with a progress bar; an interrupted download goes on where it stopped.

    Parameters
    ----------
    url : str
        Where the file is.
    path : path
        Where it goes. If it is there already, it is only verified.
    sha256 : str, optional
        Expected checksum.
    md5 : str, optional
        The same, where a publisher gives no better.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    FileProblem
        If there is no network, the download broke off, the checksum is wrong, a zip is damaged, or the disk
        is full.
    """
    path = Path(path)
    expected = {"sha256": sha256} if sha256 else {"md5": md5} if md5 else {}
    if not path.exists():
        _download_new(url, path, expected)
        return path
    for algorithm, value in expected.items():
        verify(path, value, algorithm)
    return path


def _download_new(url: str, path: Path, expected: dict[str, str]) -> None:
    part = path.with_name(path.name + ".part")
    make_parent(path)
    try:
        with FileLock(path.with_name(f".{path.name}.lock")):  # two notebooks must not append to the same part
            if path.exists():
                return
            fetch(url, part, path)
            _verify_or_remove(part, path, expected)
            os.replace(part, path)
    except FileProblem:
        raise
    except OSError as error:
        raise file_problem(error, path) from error


def _verify_or_remove(part: Path, path: Path, expected: dict[str, str]) -> None:
    """Check what has arrived before it gets its name: resuming a wrong file would never make it right."""
    try:
        for algorithm, value in expected.items():
            verify(part, value, algorithm)
        if path.suffix == ".zip":
            require_whole(part)
    except FileProblem as error:
        part.unlink()
        raise FileProblem(f"{error} {DELETED}") from error
