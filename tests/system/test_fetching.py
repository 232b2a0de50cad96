"""Downloads that break, go on, change under way, lie, or never end."""

import errno
import http.server
import io
import os
import threading
import zipfile

import numpy as np
import pytest

from tlkit.errors import FileProblem
from tlkit.system import fetching, files

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = "0" * 64
ETAG = '"of these bytes"'


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `content`; what it says of it can be changed: a poor, a breaking or a lying server."""

    content, version = CONTENT, {"ETag": ETAG}
    ranges, heeds_versions, drop_after, status, said, seen = True, True, None, None, {}, []

    def do_GET(self):
        asked, known = self.headers.get("Range"), self.headers.get("If-Range")
        type(self).seen.append(asked)
        same = known in {None, *self.version.values()} or not self.heeds_versions
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges and same else 0
        end = len(self.content)
        if start >= end:
            self.answer(416, {"Content-Range": f"bytes */{end}"})
            return
        part = {"Content-Range": f"bytes {start}-{end - 1}/{end}"} if start else {}
        self.answer(206 if start else 200, {"Content-Length": str(end - start)} | part | self.version)
        self.wfile.write(self.content[start : self.drop_after])

    def answer(self, status, headers):
        self.send_response(self.status or status)
        for name, value in (headers | self.said).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = type("Handler", (Server,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        handler.url = f"http://127.0.0.1:{httpd.server_port}/file.bin"
        yield handler
        httpd.shutdown()
        thread.join()


def test_download_whole(server, tmp_path):
    path = files.download(server.url, tmp_path / "new" / "file.bin", sha256=None)
    assert path.read_bytes() == CONTENT
    assert files.download(server.url, path, files.sha256(path)) == path
    assert server.seen == [None], "a file that is there is not fetched again"


def test_interrupted_download_resumes(server, tmp_path):
    path = tmp_path / "file.bin"
    server.drop_after = 100_000
    with pytest.raises(FileProblem, match=r"broke off after 100,000 of 300,000 bytes.*try again"):
        files.download(server.url, path)
    assert not path.exists()
    server.drop_after = None
    assert files.download(server.url, path).read_bytes() == CONTENT
    assert server.seen == [None, "bytes=100000-"]
    assert not list(tmp_path.glob("*.part*"))


def begin(server, path, part=CONTENT[:100_000]):
    """Leave what an interrupted download leaves."""
    path.with_name(path.name + ".part").write_bytes(part)
    path.with_name(path.name + ".part.version").write_text(*server.version.values())


def test_a_server_without_ranges_starts_again(server, tmp_path):
    begin(server, tmp_path / "file.bin", b"x" * 1000)
    server.ranges = False
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"of an older version"])
def test_part_as_long_as_the_file_or_longer(server, tmp_path, part):
    begin(server, tmp_path / "file.bin", part)
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.seen[0] == f"bytes={len(part)}-"


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    path = tmp_path / "file.bin"
    with pytest.raises(FileProblem, match=r"wrong checksum"):
        files.download(server.url, path, SHA256)
    assert not path.exists()
    assert not path.with_name("file.bin.part").exists()


def test_wrong_checksum_of_a_file_that_is_there(server, tmp_path):
    path = files.atomic_write(tmp_path / "file.bin", "damaged")
    with pytest.raises(FileProblem, match=r"delete it and try again"):
        files.download(server.url, path, SHA256)


def test_offline_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    path = tmp_path / "file.bin"
    with pytest.raises(FileProblem, match=r"offline.*put it at .*file.bin"):
        files.download("http://127.0.0.1:9/file.bin", path)
    assert not path.exists()


def test_missing_at_the_server(server, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "do_GET", lambda self: self.send_error(404))
    with pytest.raises(FileProblem, match=r"refused .*404"):
        files.download(server.url, tmp_path / "file.bin")


def test_full_disk_while_downloading_keeps_the_part(server, tmp_path, monkeypatch):
    class Full:
        def __init__(self, **_): ...
        def __enter__(self): ...
        def __exit__(self, *_): ...
        def update(self, n):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tqdm.tqdm", Full)
    with pytest.raises(FileProblem, match=r"disk is full"):
        files.download(server.url, tmp_path / "file.bin")
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.seen[1].startswith("bytes=")


@pytest.mark.parametrize("heeds_versions", [True, False])
def test_a_file_that_changed_at_the_server_is_not_glued(server, tmp_path, heeds_versions):
    path = tmp_path / "file.bin"
    begin(server, path)
    server.content, server.version = CONTENT[::-1], {"ETag": '"of others"'}
    server.heeds_versions = heeds_versions
    assert files.download(server.url, path).read_bytes() == CONTENT[::-1]
    assert server.seen[0] == "bytes=100000-"


@pytest.mark.parametrize(
    ("version", "resumes"),
    [
        ({"ETag": ETAG}, True),
        ({"Last-Modified": "Mon, 02 Nov 2026 08:00:00 GMT"}, True),
        ({"ETag": 'W/"much the same"'}, False),
        ({}, False),
    ],
    ids=str,
)
def test_only_a_file_of_known_version_is_gone_on_with(server, tmp_path, version, resumes):
    path = tmp_path / "file.bin"
    server.version, server.drop_after = version, 100_000
    with pytest.raises(FileProblem, match="broke off"):
        files.download(server.url, path)
    server.drop_after = None
    assert files.download(server.url, path).read_bytes() == CONTENT
    assert (server.seen[1] == "bytes=100000-") is resumes


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "ftp://example.org/x",
        "example.org/x",
        "",
        "http://",
        "http://[::1",
        "http://example.org:port/x",
        "http://example.org/a b",
        "http://example.org/\x00",
        "http://example.org/\u00e9",
        "http://" + "a" * 70 + ".org/x",
    ],
)
def test_an_address_that_is_none_is_a_clear_error(tmp_path, monkeypatch, url):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(FileProblem, match="is no web address: it begins with http://"):
        files.download(url, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()


@pytest.mark.parametrize(
    ("said", "begun", "reason"),
    [
        ({"Content-Length": "many"}, False, "a length that is no number, 'many'"),
        ({"Content-Length": "-3"}, False, "a length that is no number, '-3'"),
        ({"Content-Range": None}, True, "a part of the file, and does not say which"),
        ({"Content-Range": "bytes 5"}, True, "a part of the file, and does not say which"),
        ({"Content-Range": "bytes x-y/z"}, True, "a part of the file, and does not say which"),
    ],
    ids=str,
)
def test_a_server_that_talks_nonsense_is_a_clear_error(server, tmp_path, said, begun, reason):
    path = tmp_path / "file.bin"
    if begun:
        begin(server, path)
    server.said = said
    with pytest.raises(FileProblem, match=f"The server of .* answers with {reason}"):
        files.download(server.url, path)
    assert not path.exists()
    server.said = {}
    assert files.download(server.url, path).read_bytes() == CONTENT


def test_a_part_from_another_place_than_asked_for_is_not_used(server, tmp_path):
    begin(server, tmp_path / "file.bin")
    server.said = {"Content-Range": f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}"}
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.seen == ["bytes=100000-", None]


def test_a_part_that_nobody_asked_for_is_refused(server, tmp_path):
    server.status, server.said = 206, {"Content-Range": f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}"}
    with pytest.raises(FileProblem, match="the middle of the file, from byte 7"):
        files.download(server.url, tmp_path / "file.bin")


def test_a_range_refused_at_the_first_request_is_told_as_it_is(server, tmp_path):
    server.content = b""
    with pytest.raises(FileProblem, match=r"The server refused .*\(416 "):
        files.download(server.url, tmp_path / "file.bin")
    assert server.seen == [None]


@pytest.mark.skipif(os.name == "nt", reason="links take a privilege")
def test_an_unfinished_file_that_is_a_link_is_not_followed(server, tmp_path):
    target = files.atomic_write(tmp_path / "target", "kept")
    begin(server, tmp_path / "file.bin")
    (tmp_path / "file.bin.part").unlink()
    (tmp_path / "file.bin.part").symlink_to(target)
    path = files.download(server.url, tmp_path / "file.bin")
    assert (path.read_bytes(), path.is_symlink()) == (CONTENT, False)
    assert target.read_text() == "kept"


def test_an_unfinished_file_that_is_a_folder_is_a_clear_error(server, tmp_path):
    (tmp_path / "file.bin.part").mkdir()
    with pytest.raises(FileProblem, match=r"file.bin.part is a folder.*remove it"):
        files.download(server.url, tmp_path / "file.bin")


@pytest.mark.parametrize("length", ["300000", None])
def test_a_file_beyond_all_measure_is_refused(server, tmp_path, monkeypatch, length):
    monkeypatch.setattr(fetching, "MOST_BYTES", 200_000)
    server.said = {"Content-Length": length}
    with pytest.raises(FileProblem, match="is larger than 200,000 bytes"):
        files.download(server.url, tmp_path / "file.bin")
    assert [name for name in os.listdir(tmp_path) if not name.endswith(".lock")] == []


def test_a_download_that_never_ends_is_given_up_and_kept(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "MOST_SECONDS", -1)
    with pytest.raises(FileProblem, match="takes longer than .* seconds. What has arrived is kept"):
        files.download(server.url, tmp_path / "file.bin")
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.seen[1].startswith("bytes=")


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("x", b"x" * 1000)
        pack.writestr("y", CONTENT[:1000])
    return buffer.getvalue()


def damaged():
    content = bytearray(zipped())
    content[500] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    "content", [b"<html>Log in</html>", damaged(), zipped()[:-9]], ids=["page", "bit", "cut"]
)
def test_what_comes_as_a_zip_and_is_none_is_not_kept(server, tmp_path, content):
    path = tmp_path / "file.zip"
    server.content = content
    with pytest.raises(FileProblem, match="is not a whole zip file.*is deleted, and the next call downloads"):
        files.download(server.url, path)
    assert [name for name in os.listdir(tmp_path) if not name.endswith(".lock")] == []
    server.content = zipped()
    assert files.download(server.url, path).read_bytes() == zipped()
