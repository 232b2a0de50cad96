"""Files: places, atomic writes, checksums and digests."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tlkit.errors import BadInput, FileProblem
from tlkit.system import files

SHA256 = "0" * 64


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


@pytest.mark.skipif(os.name == "nt", reason="guesses the home of any user")
def test_a_home_that_there_is_not_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", "~nobodyhere/x")
    monkeypatch.setenv("TLKIT_DATA", "~nobodyhere/y")
    assert files.data_dirs() == []
    with pytest.raises(FileProblem, match=r"~nobodyhere.*no such home folder.*TLKIT_CACHE"):
        files.cache_dir()


def test_a_folder_that_cannot_be_written_can_be_read(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").touch()
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    assert files.find_local("x") == tmp_path / "data" / "x"
    with pytest.raises(FileProblem, match="not writable"):
        files.cache_dir()


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
