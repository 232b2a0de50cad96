"""Glyphs: what is shipped is whole and split by family, and can be made again or says what is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tlkit.errors import FileProblem, UnknownName
from tlkit.system import files
from tlkit.vision import build
from tlkit.vision.images import glyphs

FACES = 105


def test_every_face_has_every_character_once():
    shipped = glyphs.load()
    assert shipped["images"].shape == (62 * FACES, 32, 32)
    assert "".join(shipped["characters"]) == glyphs.CHARACTERS
    pairs = shipped["fonts"].astype(int) * 62 + shipped["labels"]
    assert np.array_equal(np.sort(pairs), np.arange(62 * FACES))
    assert len(set(shipped["font_names"])) == len(shipped["families"]) == FACES


def test_pictures_are_white_on_black_centred_and_not_empty():
    images = glyphs.load()["images"]
    assert images.dtype == np.uint8
    assert (images.max(axis=(1, 2)) > 100).all()
    assert not images[:, [0, -1]].any()
    assert not images[:, :, [0, -1]].any()
    assert images.mean() < 80
    ink = images.max(axis=1) > 0
    left, right = ink.argmax(axis=1), ink[:, ::-1].argmax(axis=1)
    assert (np.abs(left - right) <= 1).all()


def test_no_face_draws_lower_case_as_capitals():
    shipped = glyphs.load()
    faces = shipped["images"].reshape(FACES, 62, 32, 32).astype(int)
    upper, lower = (
        faces[:, [glyphs.CHARACTERS.index(c) for c in letters]] for letters in ("ABDEGHNQRT", "abdeghnqrt")
    )
    alike = np.abs(upper - lower).mean(axis=(2, 3)) < 4
    assert (alike.sum(axis=1) <= 1).all(), shipped["font_names"][alike.sum(axis=1) > 1]


@pytest.mark.slow
def test_no_two_faces_are_the_same():
    faces = glyphs.load()["images"].reshape(FACES, -1).astype(np.float32)
    distance = np.array([np.abs(faces - face).mean(axis=1) for face in faces])
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 4


def test_the_split_is_by_whole_families():
    shipped = glyphs.load()
    test = glyphs.is_test(shipped["families"])
    assert not set(shipped["families"][test]) & set(shipped["families"][~test])
    assert 0.1 < test.mean() < 0.3
    X, y, X_test, y_test = glyphs.split()
    assert X.shape[1:] == (1, 32, 32)
    assert len(X) + len(X_test) == 62 * FACES
    assert set(y) == set(y_test) == set(range(62))


def test_the_list_of_fonts_gives_packages_and_licences():
    listed = json.loads(files.shipped(glyphs.FONT_LIST).read_text(encoding="utf-8"))
    assert sum(len(entry["files"]) for entry in listed.values()) == FACES
    assert set(listed) == set(glyphs.load()["families"])
    assert all(licence for entry in listed.values() for licence in entry["packages"].values())


def test_the_shipped_file_is_small():
    assert files.shipped(glyphs.ARCHIVE).stat().st_size < 1_000_000


def test_missing_fonts_are_named_and_the_shipped_file_stays(monkeypatch):
    monkeypatch.setattr(glyphs, "_open", lambda name: None)
    before = files.sha256(files.shipped(glyphs.ARCHIVE))
    with pytest.raises(FileProblem, match=r"missing for 53 of the 53 families.*apt-get install .*fonts-lato"):
        build.build_glyphs()
    assert files.sha256(files.shipped(glyphs.ARCHIVE)) == before


def test_only_the_missing_family_is_named(monkeypatch):
    monkeypatch.setattr(glyphs, "_open", lambda name: None if name.startswith("Lato") else object())
    with pytest.raises(FileProblem, match=r"for 1 of the 53 families.*recommends fonts-lato$"):
        glyphs.open_faces()


def test_a_face_is_drawn_to_one_scale():
    ImageFont = pytest.importorskip("PIL.ImageFont")
    face = glyphs.draw_face(ImageFont.load_default(glyphs.DRAWN))
    heights = (face.max(axis=2) > 0).sum(axis=1)
    tall, short = (heights[glyphs.CHARACTERS.index(c)] for c in "8x")
    assert abs(tall - glyphs.HEIGHT) <= 2
    assert short < 0.85 * tall
    assert heights.max() <= glyphs.LIMIT + 2


def test_glyphs_made_to_look_handwritten_stay_pictures_and_are_reproducible():
    pictures = torch.from_numpy(glyphs.split()[0][:64])
    generators = (torch.Generator().manual_seed(seed) for seed in (0, 0, 1))
    once, again, other = (build.handwritten(pictures, generator) for generator in generators)
    assert once.shape == pictures.shape
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert once.min() >= 0
    assert once.max() < 255.1
    moved = (once - pictures.float()).abs().mean(dim=(1, 2, 3))
    assert (moved > 1).all()  # a value of its own for each picture


def test_an_unknown_source_cannot_be_built():
    with pytest.raises(UnknownName, match=r"no shipped source 'glyph'. Did you mean 'glyphs'"):
        build.build_source("glyph")
