"""Writing all or nothing: beside the final place first, and renamed at the end."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tlkit.errors import FileProblem

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
UNFINISHED = ".tlkit-"  # what names begin with of files at which a process is at work
A_DAY = 24 * 60 * 60  # seconds


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Give a temporary path (same folder and suffix) that becomes `path` on success and is removed on error.

    Raises
    ------
    FileProblem
        If the disk is full or the place cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f"{UNFINISHED}{uuid.uuid4().hex[:8]}-{path.name}")
    make_parent(path)
    _sweep(path.parent)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in DISK_FULL or str(error.filename) in {str(temporary), str(path)}:
            raise file_problem(error, path) from error
        raise
    finally:
        _remove(temporary)


def atomic_write(path: str | Path, content: bytes | str) -> Path:
    """Write bytes or text (UTF-8) to `path`, all or nothing, and return the path."""
    with atomic(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return Path(path)


def file_problem(error: OSError, path: Path) -> FileProblem:
    """Return the error of a file that could not be written, with what to do."""
    if error.errno in DISK_FULL:
        return FileProblem(
            f"The disk is full: {path} could not be written. Free some space, "
            "or set TLKIT_CACHE to a folder on another disk."
        )
    return FileProblem(f"{path} cannot be written ({error.strerror or error}).")


def make_parent(path: Path) -> None:
    """Make the folder that a file goes to.

    Raises
    ------
    FileProblem
        If it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_problem(error, path) from error


def _sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder, once nobody can be at it any more."""
    with suppress(OSError):
        for left in folder.glob(f"{UNFINISHED}*"):
            if time.time() - left.lstat().st_mtime > A_DAY:
                _remove(left)


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
