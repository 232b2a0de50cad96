"""A few pictures to look at, in rows with captions: what a notebook shows of a task."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tlkit.classification.tasks import ClassificationTask

SIDE = 72  # pixels of a picture as shown
FINE = 2  # drawn that many times as large, for sharp letters
LINE = 15  # height of a line of letters as shown
INK, PAPER = "#1f2933", "white"


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures, which a notebook shows as one PNG with a description.

    Parameters
    ----------
    rows : mapping of str to (sequence of str, ndarray of shape (n, C, H, W))
        A title, with the name and the picture of each example.
    """

    rows: Mapping[str, tuple[tuple[str, ...], np.ndarray]]

    def __repr__(self) -> str:
        return "\n".join(f"{title}: {', '.join(names)}" for title, (names, _) in self.rows.items())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        picture, png = self.draw(), io.BytesIO()
        picture.quantize(256).save(png, "PNG", optimize=True)
        alt = f"Pictures in {len(self.rows)} rows. {'. '.join(repr(self).splitlines())}."
        about = {"image/png": {"alt": alt, "width": picture.width // FINE, "height": picture.height // FINE}}
        return {"image/png": png.getvalue(), "text/plain": repr(self)}, about

    def draw(self) -> Image.Image:
        """Return all rows, one below the other, as one picture."""
        drawn = [_row(title, *row) for title, row in self.rows.items()]
        page = Image.new("RGB", (max(row.width for row in drawn), sum(row.height for row in drawn)), PAPER)
        top = 0
        for row in drawn:
            page.paste(row, (0, top))
            top += row.height
        return page


def gallery(tasks: Mapping[str, ClassificationTask], columns: int = 10) -> Gallery:
    """Show one training picture of each class, of as many classes as there are columns.

    Parameters
    ----------
    tasks : mapping of str to ClassificationTask
        What to show, by title.
    columns : int
        The most pictures in a row; the classes shown are evenly spread.

    Returns
    -------
    Gallery
    """
    return Gallery({title: _examples(task, columns) for title, task in tasks.items()})


def _examples(task: ClassificationTask, columns: int) -> tuple[tuple[str, ...], np.ndarray]:
    last = len(task.classes) - 1
    labels = np.unique(np.linspace(0, last, min(columns, last + 1)).round().astype(int))
    first = [int(np.flatnonzero(task.y == label)[0]) for label in labels]
    return tuple(task.classes[label] for label in labels), task.X[first]


def _row(title: str, names: tuple[str, ...], pictures: np.ndarray) -> Image.Image:
    """Draw a title, the pictures, and a name under each, broken after hyphens and before plus signs."""
    captions = [name.replace("-", "-\n").replace(" + ", "\n+ ") for name in names]
    lines = max(caption.count("\n") for caption in captions) + 1
    pitch = (SIDE + 4) * FINE
    row = Image.new("RGB", (len(names) * pitch, (SIDE + (lines + 2) * LINE) * FINE), PAPER)
    pen, font = ImageDraw.Draw(row), ImageFont.load_default(12 * FINE)
    pen.text((0, 0), title, INK, font)
    for i, (caption, picture) in enumerate(zip(captions, pictures, strict=True)):
        row.paste(_enlarged(picture), (i * pitch, LINE * FINE))
        at = (i * pitch + SIDE * FINE // 2, (LINE + SIDE + 1) * FINE)
        pen.multiline_text(at, caption, INK, font, anchor="ma", align="center", spacing=0)
    return row


def _enlarged(picture: np.ndarray) -> Image.Image:
    channels_last = picture.transpose(1, 2, 0)
    shown = Image.fromarray(channels_last.squeeze(-1) if len(picture) == 1 else channels_last).convert("RGB")
    return shown.resize((SIDE * FINE, SIDE * FINE), Image.Resampling.NEAREST)
