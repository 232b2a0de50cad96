"""Zip archives from elsewhere: whole, of a bearable size, and unpacked all or nothing."""

from __future__ import annotations

import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tlkit.errors import FileProblem
from tlkit.system.writing import DISK_FULL, atomic, file_problem

MOST_UNPACKED = 20 << 30  # bytes
# RuntimeError: a password, or a way of packing that Python does not know.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError)


DELETED = "That is done: it is deleted, and the next call downloads it again."


class BadArchive(FileProblem):
    """An archive that is damaged, or holds something else than it should."""


def require_whole(archive: str | Path) -> None:
    """Read an archive to its end.

    Raises
    ------
    BadArchive
        If it is no zip file, or a part of it is damaged.
    """
    with _opened(archive) as pack:
        damaged = pack.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged!r} is damaged")


def unzip(archive: str | Path, folder: str | Path) -> Path:
    """Unpack a zip into a new folder, all or nothing; no entry can land outside it.

    Raises
    ------
    BadArchive
        If the archive is damaged, or too large to unpack.
    FileProblem
        If the disk is full.
    """
    with atomic(folder) as temporary, _opened(archive) as pack:
        _require_space(archive, _size(pack))
        pack.extractall(temporary)  # drops "..", drives and leading slashes from the names itself
    return Path(folder)


def unpack(archive: Path, folder: Path, check: Callable[[Path], None]) -> Path:
    """Unpack a download and delete the archive; one that is not what it should be leaves no folder.

    Parameters
    ----------
    archive, folder : Path
    check : callable
        Gets the unpacked folder, and raises `BadArchive` if it is not as expected.

    Raises
    ------
    BadArchive
        If it is not what it should be: it is deleted, so that the next call downloads it again.
    FileProblem
        If the disk is full.
    """
    try:
        with atomic(folder) as temporary:
            check(unzip(archive, temporary))
    except BadArchive as error:
        archive.unlink()
        raise BadArchive(f"{error} {DELETED}") from error
    archive.unlink()
    return folder


@contextmanager
def _opened(archive: str | Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as pack:
            _refuse_huge(archive, _size(pack))
            yield pack
    except FileProblem:
        raise
    except DAMAGED as error:
        raise BadArchive(f"{archive} is not a whole zip file ({error}): delete it and try again.") from error
    except OSError as error:
        if error.errno in DISK_FULL or not Path(archive).is_file():
            raise file_problem(error, Path(archive)) from error
        raise BadArchive(f"{archive} cannot be unpacked ({error}): delete it and try again.") from error


def _refuse_huge(archive: str | Path, unpacked: int) -> None:
    if unpacked > MOST_UNPACKED:
        raise BadArchive(
            f"{archive} would unpack to {unpacked:,} bytes, where {MOST_UNPACKED:,} are the most: "
            "delete it and try again."
        )


def _require_space(archive: str | Path, unpacked: int) -> None:
    free = shutil.disk_usage(Path(archive).parent).free
    if unpacked > free:
        raise FileProblem(
            f"{archive} unpacks to {unpacked:,} bytes, and {free:,} are free. Free some space, "
            "or set TLKIT_CACHE to a folder on another disk."
        )


def _size(pack: zipfile.ZipFile) -> int:
    return sum(entry.file_size for entry in pack.infolist())
