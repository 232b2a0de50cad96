"""HTTP download that resumes (RFC 9110, sections 13.1.5 and 14: If-Range and range requests)."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tlkit.errors import FileProblem
from tlkit.system.writing import atomic_write

CHUNK = 1 << 18
TIMEOUT_SECONDS = 30  # of silence
MOST_SECONDS = 6 * 60 * 60  # in all: a server may trickle for ever
MOST_BYTES = 20 << 30
BROKEN_OFF = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
NO_ADDRESS = (http.client.InvalidURL, ValueError)
KEPT = "What has arrived is kept: try again to go on."


class Extent(NamedTuple):
    """What a server sends: from which byte on, and how long the whole file is, if it says so."""

    start: int
    total: int | None


def fetch(url: str, part: Path, path: Path) -> None:
    """Bring `part` to the full length that the server announces, going on from what it holds already.

    It goes on only where the server tells by ``ETag`` or ``Last-Modified`` that its file is still the same.

    Parameters
    ----------
    url : str
        Where the file is, by http or https.
    part : Path
        The unfinished file.
    path : Path
        Where the finished file will be; only for the advice in an error.

    Raises
    ------
    FileProblem
        If there is no network, the address is none, the server refuses or talks nonsense, the connection
        breaks, or the file is too large.
    """
    _require_address(url)
    begun = _begun(part)
    try:
        with _open(url, part, begun) as response:
            extent = _extent(url, response)
            if begun and extent.start and (extent.start != begun or _version(response) != _noted(part)):
                _forget(part)  # of another version, or at another place than was asked for
            elif extent.start and not begun:
                raise _nonsense(url, f"the middle of the file, from byte {extent.start:,}")
            else:
                _append(url, response, part, extent)
                _require_all(url, part, extent.total)
                return
    except urllib.error.HTTPError as error:
        if not (begun and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE):
            reason = f"The server refused {url} ({error.code} {error.reason})."
            raise FileProblem(f"{reason} {_by_hand(path)}") from error
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(begun):
            return  # it was whole
        _forget(part)
    except NO_ADDRESS as error:
        raise _no_address(url) from error
    except BROKEN_OFF as error:
        raise FileProblem(
            f"{url} could not be downloaded: {getattr(error, 'reason', error)}. Is this machine offline? "
            f"{KEPT} {_by_hand(path)}"
        ) from error
    fetch(url, part, path)


def _by_hand(path: Path) -> str:
    return f"Or get the file on another machine and put it at {path}."


def _require_address(url: str) -> None:
    try:
        address = urlsplit(url)
        good = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        good = False
    if not good:
        raise _no_address(url)


def _no_address(url: str) -> FileProblem:
    return FileProblem(f"{url!r} is no web address: it begins with http:// or https:// and names a server.")


def _nonsense(url: str, what: str) -> FileProblem:
    return FileProblem(f"The server of {url} answers with {what}: try again later, or another address.")


# What is there already
def _begun(part: Path) -> int:
    """How many bytes can be gone on from: none of a file of unknown version, and none behind a link."""
    if part.is_dir() and not part.is_symlink():
        raise FileProblem(f"{part} is a folder where a download puts its unfinished file: remove it.")
    if part.is_symlink() or not _noted(part):
        _forget(part)
    return part.stat().st_size if part.exists() else 0


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


def _noted(part: Path) -> str:
    try:
        return _note(part).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


# What the server sends
def _open(url: str, part: Path, begun: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "tlkit"}
    if begun:
        headers |= {"Range": f"bytes={begun}-", "If-Range": _noted(part)}
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS)


def _version(response: http.client.HTTPResponse) -> str:
    """What tells a file's versions apart; a weak tag does not tell it byte for byte."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _extent(url: str, response: http.client.HTTPResponse) -> Extent:
    length = response.headers.get("Content-Length", "")
    if length and not re.fullmatch(r"[0-9]{1,18}", length):
        raise _nonsense(url, f"a length that is no number, {length[:20]!r}")
    if response.status != http.client.PARTIAL_CONTENT:
        return Extent(0, int(length) if length else None)
    sent = response.headers.get("Content-Range", "")
    told = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", sent)
    if told is None:
        raise _nonsense(url, f"a part of the file, and does not say which ({sent[:40]!r})")
    return Extent(int(told[1]), None if told[2] == "*" else int(told[2]))


def _append(url: str, response: http.client.HTTPResponse, part: Path, extent: Extent) -> None:
    from tqdm import tqdm

    _refuse_huge(url, part, extent.total or 0)
    if not extent.start:
        atomic_write(_note(part), _version(response))
    until = time.monotonic() + MOST_SECONDS
    bar = tqdm(total=extent.total, initial=extent.start, unit="B", unit_scale=True, desc=part.stem)
    with bar, os.fdopen(os.open(part, WRITING), "r+b") as file:
        file.truncate(extent.start)
        file.seek(extent.start)
        while chunk := response.read1(CHUNK):  # what there is, so that the clock is looked at
            file.write(chunk)
            bar.update(len(chunk))
            _refuse_huge(url, part, file.tell())
            if time.monotonic() > until:
                raise FileProblem(f"The download of {url} takes longer than {MOST_SECONDS:,} seconds. {KEPT}")


# Never through a link that somebody has put there.
WRITING = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def _refuse_huge(url: str, part: Path, size: int) -> None:
    if size > MOST_BYTES:
        with contextlib.suppress(OSError):  # on Windows, while it is open
            _forget(part)
        raise FileProblem(f"{url} is larger than {MOST_BYTES:,} bytes, the most that is downloaded.")


def _require_all(url: str, part: Path, total: int | None) -> None:
    size = part.stat().st_size
    if total is not None and size < total:
        raise FileProblem(f"The download of {url} broke off after {size:,} of {total:,} bytes. {KEPT}")
    if total is not None and size > total:
        _forget(part)
        raise _nonsense(url, f"{size:,} bytes, having announced {total:,}")
    _note(part).unlink(missing_ok=True)
