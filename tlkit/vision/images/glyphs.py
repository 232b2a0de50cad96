"""Printed characters, 0-9 A-Z a-z, in many typefaces: the shipped data set, and the script that made it.

White on black, 32x32, each character centred; the split is by whole families, so a test face has no sister in
the training data. `data/glyph_fonts.json` names the faces by family, their Debian packages and licences.
"""

from __future__ import annotations

import json
import string
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlkit.errors import FileProblem
from tlkit.system import files

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFont import FreeTypeFont

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SIDE = 32
HEIGHT = 24  # pixels of a digit; the taller letters reach LIMIT at most
LIMIT = 30
DRAWN = 160  # size in points at which a face is drawn before it is shrunk
LEVELS = 16  # grey levels kept, which halves the file
TEST_EVERY = 5  # every fifth family is for testing
FONT_LIST = "glyph_fonts.json"
ARCHIVE = "glyphs.npz"


@lru_cache(maxsize=1)
def load() -> dict[str, np.ndarray]:
    """Return the shipped glyphs.

    Returns
    -------
    dict
        images uint8 (N, 32, 32), labels uint8 (N,), fonts uint8 (N,): the face's number;
        font_names and families str (faces,), characters str (62,).

    Raises
    ------
    FileProblem
        If the shipped file is missing.
    """
    with np.load(files.shipped(ARCHIVE), allow_pickle=False) as archive:
        return dict(archive)


def is_test(families: np.ndarray) -> np.ndarray:
    """Return for each face whether it is for testing, as every fifth family in the alphabet is."""
    return np.isin(families, np.unique(families)[TEST_EVERY // 2 :: TEST_EVERY])


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X (N, 1, 32, 32), y, X_test, y_test of the shipped glyphs; no family is in both parts."""
    glyphs = load()
    test = is_test(glyphs["families"])[glyphs["fonts"]]
    images, labels = glyphs["images"][:, None], glyphs["labels"]
    return images[~test], labels[~test], images[test], labels[test]


def make() -> dict[str, np.ndarray]:
    """Draw the data set anew from the fonts of this machine; the arrays are those of `load`.

    Raises
    ------
    FileProblem
        If a font is missing; names the Debian packages to install.
    """
    families = open_faces()
    faces = [(family, face) for family, members in families.items() for face in members]
    n = len(CHARACTERS)
    return {
        "images": np.concatenate([draw_face(face) for _, face in faces]),
        "labels": np.tile(np.arange(n, dtype=np.uint8), len(faces)),
        "fonts": np.repeat(np.arange(len(faces), dtype=np.uint8), n),
        "font_names": np.array([Path(str(face.path)).stem for _, face in faces]),
        "families": np.array([family for family, _ in faces]),
        "characters": np.array(list(CHARACTERS)),
    }


def open_faces() -> dict[str, list[FreeTypeFont]]:
    """Open every face in the list of fonts, by family; files are found by name in the system's font folders.

    Raises
    ------
    FileProblem
        If one is missing; names the Debian packages to install.
    """
    listed = json.loads(files.shipped(FONT_LIST).read_text(encoding="utf-8"))
    found = {family: [*filter(None, map(_open, entry["files"]))] for family, entry in listed.items()}
    lacking = [family for family, faces in found.items() if len(faces) < len(listed[family]["files"])]
    if lacking:
        packages = [package for family in lacking for package in listed[family]["packages"]]
        raise FileProblem(
            f"Fonts are missing for {len(lacking)} of the {len(listed)} families of the glyphs. "
            f"On Debian: apt-get install --no-install-recommends {' '.join(packages)}"
        )
    return found


def _open(file_name: str) -> FreeTypeFont | None:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(file_name, DRAWN, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        return None


def draw_face(font: FreeTypeFont) -> np.ndarray:
    """Draw the 62 characters of a face, uint8 (62, 32, 32), each centred, at one scale for the face."""
    scale = HEIGHT / _ink(font, "8").height  # an 8 is tall in old-style figures too
    return np.stack([_quantised(_shrunk(_ink(font, character), scale)) for character in CHARACTERS])


def _ink(font: FreeTypeFont, character: str) -> Image.Image:
    """Draw one character large, white on black, and cut off the black around it."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (4 * DRAWN, 4 * DRAWN))
    ImageDraw.Draw(canvas).text((DRAWN, DRAWN), character, fill=255, font=font)
    return canvas.crop(canvas.getbbox())


def _shrunk(large: Image.Image, scale: float) -> np.ndarray:
    """Shrink a drawing into the middle of a picture, more than `scale` says if it would not fit."""
    from PIL import Image, ImageOps

    span = SIDE / min(scale, LIMIT / max(large.size))  # the picture's side in the drawing's pixels
    field = ImageOps.expand(large, round(span))
    x, y = ((side - span) / 2 for side in field.size)
    return np.asarray(field.resize((SIDE, SIDE), Image.Resampling.BOX, box=(x, y, x + span, y + span)))


def _quantised(picture: np.ndarray) -> np.ndarray:
    step = 255 / (LEVELS - 1)
    return np.round(np.round(picture / step) * step).astype(np.uint8)
