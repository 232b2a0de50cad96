"""Zip archives that are damaged, hostile or not what they should be."""

import os
import struct
import zipfile
from pathlib import Path

import pytest

from tlkit.errors import FileProblem
from tlkit.system import archives, files
from tlkit.system.archives import BadArchive


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


def packed(path, entries, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as pack:
        for name, content in entries.items():
            pack.writestr(name, content)
    return path


def patched(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


ENTRY = struct.pack("<HHH", 20, 0, zipfile.ZIP_DEFLATED)  # version needed, flags, method


def broken_deflate(path):
    packed(path, {"x": os.urandom(10) + b"y" * 1000})
    content = bytearray(path.read_bytes())
    content[35:45] = b"\xff" * 10
    path.write_bytes(content)


DAMAGES = {
    "no zip": lambda path: path.write_bytes(b"<html>"),
    "empty": lambda path: path.write_bytes(b""),
    "deflate": broken_deflate,
    "encrypted": lambda path: patched(packed(path, {"x": "y" * 99}), ENTRY, struct.pack("<HHH", 20, 1, 8)),
    "unknown method": lambda path: patched(
        packed(path, {"x": "y" * 99}), ENTRY, struct.pack("<HHH", 20, 0, 97)
    ),
    "file and folder": lambda path: packed(path, {"x": "1", "x/y": "2"}),
    "a name too long": lambda path: packed(path, {"x" * 300: "1"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_archive_is_a_clear_error_deleted_and_leaves_no_folder(tmp_path, damage):
    archive = tmp_path / "a.zip"
    DAMAGES[damage](archive)
    with pytest.raises(BadArchive, match="delete it and try again"):
        files.unzip(archive, tmp_path / "a")
    assert os.listdir(tmp_path) == ["a.zip"]
    with pytest.raises(BadArchive, match="it is deleted, and the next call downloads it again"):
        archives.unpack(archive, tmp_path / "a", lambda folder: None)
    assert os.listdir(tmp_path) == []


def test_an_archive_of_something_else_is_deleted_too(tmp_path):
    def check(folder):
        raise BadArchive(f"{sorted(os.listdir(folder))} is not what was expected.")

    archive = packed(tmp_path / "a.zip", {"x": "1"})
    with pytest.raises(BadArchive, match=r"\['x'\] is not what was expected. That is done: it is deleted"):
        archives.unpack(archive, tmp_path / "a", check)
    assert os.listdir(tmp_path) == []


def test_a_good_archive_is_unpacked_and_its_file_is_gone(tmp_path):
    archive = packed(tmp_path / "a.zip", {"x": "1"})
    assert archives.unpack(archive, tmp_path / "a", lambda folder: None) == tmp_path / "a"
    assert (tmp_path / "a" / "x").read_text() == "1"
    assert os.listdir(tmp_path) == ["a"]


def test_an_archive_that_unpacks_beyond_all_measure_is_refused(tmp_path, monkeypatch):
    packed(tmp_path / "a.zip", {"x": b"0" * 100_000, "y": b"0" * 100_000})
    monkeypatch.setattr(archives, "MOST_UNPACKED", 150_000)
    with pytest.raises(BadArchive, match=r"would unpack to 200,000 bytes.*150,000 are the most"):
        files.unzip(tmp_path / "a.zip", tmp_path / "a")


def test_an_archive_for_which_the_disk_is_too_small_is_kept(tmp_path, monkeypatch):
    archive = packed(tmp_path / "a.zip", {"x": b"0" * 100_000})
    usage = archives.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda place: usage._replace(free=50_000))
    with pytest.raises(FileProblem, match="unpacks to 100,000 bytes, and 50,000 are free.*TLKIT_CACHE"):
        archives.unpack(archive, tmp_path / "a", lambda folder: None)
    assert archive.exists()


def test_an_archive_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(FileProblem, match="No such file"):
        files.unzip(tmp_path / "a.zip", tmp_path / "a")
