"""Files: places, atomic writes, checksums, downloads that break, and digests."""

import errno
import http.server
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tlkit.errors import BadInput, FileProblem
from tlkit.system import files

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = "0" * 64


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; `ranges` and `drop_after` make it a poor or a breaking server."""

    ranges, drop_after, seen = True, None, []

    def do_GET(self):
        asked = self.headers.get("Range")
        type(self).seen.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.drop_after])

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


# places
def test_cache_dir_is_created(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "new" / "cache"))
    assert files.cache_dir() == tmp_path / "new" / "cache"
    assert files.cache_dir().is_dir()


def test_cache_not_writable_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(FileProblem, match=r"cannot be written.*TLKIT_CACHE"):
        files.cache_dir()


def test_local_copies_come_first(tmp_path, monkeypatch):
    cache, drive, other = (tmp_path / name for name in ("cache", "drive", "other"))
    for folder in (cache / "data", drive, other):
        folder.mkdir(parents=True)
    monkeypatch.setenv("TLKIT_CACHE", str(cache))
    monkeypatch.setenv("TLKIT_DATA", os.pathsep.join(map(str, [tmp_path / "absent", drive, other])))
    assert files.data_dirs() == [drive, other]
    assert files.find_local("set/x.npz") is None
    for folder in (cache / "data", other, drive):
        (folder / "set").mkdir()
        (folder / "set" / "x.npz").write_text("")
        assert files.find_local("set/x.npz") == folder / "set" / "x.npz"


def test_shipped_file_missing():
    with pytest.raises(FileProblem, match=r"'no\.such' is missing.*tlkit build"):
        files.shipped("no.such")


# atomic writes
def test_atomic_write_replaces_whole(tmp_path):
    target = tmp_path / "deep" / "a.txt"
    files.atomic_write(target, "old")
    files.atomic_write(target, "ä")
    assert target.read_bytes() == "ä".encode()


def test_atomic_error_keeps_the_old_file(tmp_path):
    target = files.atomic_write(tmp_path / "a.txt", "old")

    def break_off():
        with files.atomic(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("broke off")

    with pytest.raises(RuntimeError, match=r"broke off"):
        break_off()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_atomic_keeps_the_suffix_for_numpy(tmp_path):
    with files.atomic(tmp_path / "a.npz") as temporary:
        np.savez(temporary, x=1)
    assert os.listdir(tmp_path) == ["a.npz"]


def test_full_disk(tmp_path, monkeypatch):
    def full(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileProblem, match=r"disk is full.*a.txt.*TLKIT_CACHE"):
        files.atomic_write(tmp_path / "a.txt", "content")
    assert os.listdir(tmp_path) == []


def test_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem, match=r"cannot be written"):
        files.atomic_write(tmp_path / "file" / "a.txt", "content")


def test_foreign_errors_pass_through_atomic(tmp_path):
    with pytest.raises(FileNotFoundError), files.atomic(tmp_path / "a.txt"):
        (tmp_path / "absent").read_text()


# checksums
def test_checksum_names_both(tmp_path):
    path = files.atomic_write(tmp_path / "a", b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, example B.1
    assert files.sha256(path) == known
    files.verify(path, known.upper())
    files.verify(path, known[:8])
    with pytest.raises(FileProblem, match=r"wrong checksum"):
        files.verify(path, "")
    with pytest.raises(FileProblem, match=f"expected sha256 {SHA256}, found {known}.*delete it"):
        files.verify(path, SHA256)


# downloads
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
    assert not path.with_name("file.bin.part").exists()


def test_server_without_range_starts_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    server.ranges = False
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"of an older version"])
def test_part_as_long_as_the_file_or_longer(server, tmp_path, part):
    (tmp_path / "file.bin.part").write_bytes(part)
    assert files.download(server.url, tmp_path / "file.bin").read_bytes() == CONTENT


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


# zip
def test_unzip_cannot_escape(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as pack:
        pack.writestr("inside/x", "1")
        pack.writestr("../outside", "2")
        pack.writestr("/root-of-all", "3")
    folder = files.unzip(tmp_path / "a.zip", tmp_path / "new" / "a")
    assert {p.name for p in folder.rglob("*") if p.is_file()} == {"x", "outside", "root-of-all"}
    assert not (tmp_path / "new" / "outside").exists()
    assert not Path("/root-of-all").exists()


def test_damaged_zip_leaves_no_folder(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK but not a zip")
    with pytest.raises(FileProblem, match=r"not a whole zip.*delete it"):
        files.unzip(tmp_path / "a.zip", tmp_path / "a")
    assert os.listdir(tmp_path) == ["a.zip"]


# digests
NESTED = {
    "x": np.arange(6).reshape(2, 3),
    "y": [1, 2.5, None, True, "ä", b"b"],
    "z": {"p": Path("a"), "s": {"u", "v"}},
}


def test_digest_is_the_same_in_another_process():
    code = (
        "import numpy as np; from pathlib import Path; from tlkit.system.files import digest;"
        "print(digest({'z': {'s': {'v', 'u'}, 'p': Path('a')}, 'y': [1, 2.5, None, True, 'ä', b'b'],"
        " 'x': np.arange(6).reshape(2, 3)}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    printed = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert printed.strip() == files.digest(NESTED)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("a", "bc"), ("ab", "c")),
        ((1,), ("1",)),
        ((1,), (True,)),
        (([1], 2), ([1, 2],)),
        ((np.zeros(4, "int8"),), (np.zeros(4, "uint8"),)),
        ((np.zeros((2, 3)),), (np.zeros((3, 2)),)),
        (({"a": {"b": 1}},), ({"a": {}, "b": 1},)),
        ((b"a",), ("a",)),
        ((), (None,)),
    ],
)
def test_digest_tells_apart(left, right):
    assert files.digest(*left) != files.digest(*right)


def test_digest_looks_at_content_not_layout():
    array = np.arange(12).reshape(3, 4)
    assert files.digest(array.T) == files.digest(np.ascontiguousarray(array.T))
    assert files.digest(np.float64(0.5)) == files.digest(0.5)
    assert files.digest(np.array(["a", None], dtype=object)) == files.digest(["a", None])


def test_digest_refuses_what_has_no_content():
    with pytest.raises(BadInput, match=r"function has no stable content"):
        files.digest({"f": test_digest_tells_apart})
