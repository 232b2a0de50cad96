"""HTTP download that resumes (RFC 9110, section 14: range requests)."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from tlkit.errors import FileProblem

CHUNK = 1 << 18
TIMEOUT_SECONDS = 30
BROKEN_OFF = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)


def fetch(url: str, part: Path, path: Path) -> None:
    """Bring `part` to the full length that the server announces, going on from what it holds already.

    Parameters
    ----------
    url : str
        Where the file is.
    part : Path
        The unfinished file.
    path : Path
        Where the finished file will be; only for the advice in an error.

    Raises
    ------
    FileProblem
        If there is no network, the server refuses, or the connection breaks.
    """
    try:
        with _open(url, part.stat().st_size if part.exists() else 0) as response:
            start, total = _extent(response)
            _append(response, part, start, total)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            reason = f"The server refused {url} ({error.code} {error.reason})."
            raise FileProblem(f"{reason} {_by_hand(path)}") from error
        if error.headers.get("Content-Range", "").rpartition("/")[2] != str(part.stat().st_size):
            part.unlink()  # longer than the server's file: from another version
            fetch(url, part, path)
        return
    except BROKEN_OFF as error:
        raise FileProblem(
            f"{url} could not be downloaded: {getattr(error, 'reason', error)}. Is this machine offline? "
            f"What has arrived is kept: try again to go on. {_by_hand(path)}"
        ) from error
    if total is not None and part.stat().st_size < total:
        raise FileProblem(
            f"The download of {url} broke off after {part.stat().st_size:,} of {total:,} bytes. "
            "What has arrived is kept: try again to go on."
        )


def _by_hand(path: Path) -> str:
    return f"Or get the file on another machine and put it at {path}."


def _open(url: str, start: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "tlkit"} | ({"Range": f"bytes={start}-"} if start else {})
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS)


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Return (offset of the first byte sent, length of the whole file or None if it is not announced)."""
    length = response.headers.get("Content-Length")
    if response.status != http.client.PARTIAL_CONTENT:
        return 0, int(length) if length else None
    sent, _, total = response.headers["Content-Range"].removeprefix("bytes ").partition("/")
    return int(sent.partition("-")[0]), int(total) if total.isdigit() else None


def _append(response: http.client.HTTPResponse, part: Path, start: int, total: int | None) -> None:
    from tqdm import tqdm

    part.touch()
    bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=part.stem)
    with bar, open(part, "r+b") as file:
        file.truncate(start)
        file.seek(start)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
