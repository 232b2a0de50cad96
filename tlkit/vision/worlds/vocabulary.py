"""What a world's pictures can show: five factors, each a table with one row of numbers a class.

There are two vocabularies with as many classes each. The source world speaks `SOURCE`, a wholly foreign
one speaks `NOVEL`, and every world between them speaks a row-by-row mixture, which is what the
similarity dial turns. Lengths are in 1/32 of the picture's side, y points down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

ANGLES = 128  # directions in which an outline's radius is stored


@dataclass(frozen=True)
class Vocabulary:
    """One factor's classes.

    Parameters
    ----------
    names : tuple of str
        One a class.
    table : ndarray of float32, shape (n_classes, n_parameters)
        One row a class.
    relief : bool
        Whether the numbers are deviations, whose strength a mixture must not lose.
    """

    names: tuple[str, ...]
    table: np.ndarray
    relief: bool = False


def mix(source: Vocabulary, novel: Vocabulary, similarity: float) -> Vocabulary:
    """Return `similarity` parts of `source` and the rest of `novel`, class by class."""
    if similarity in (0, 1):
        return (novel, source)[int(similarity)]
    names = tuple(f"{old}-{new}" for old, new in zip(source.names, novel.names, strict=True))
    table = similarity * source.table + (1 - similarity) * novel.table
    # Unrelated deviations partly cancel; divided by this they keep their strength.
    strength = math.hypot(similarity, 1 - similarity) if source.relief else 1
    return Vocabulary(names, (table / strength).astype(np.float32), source.relief)


# Shape: the logarithm of an outline's radius in ANGLES directions, all outlines having the same area.


def _outline(points: ArrayLike) -> np.ndarray:
    """Return the log-radius profile of a closed curve that is seen whole from the origin; points (n, 2)."""
    points = np.asarray(points, float)
    following = np.roll(points, -1, axis=0)
    steps = np.linspace(0, 1, 200, endpoint=False)[:, None, None]
    dense = (points + steps * (following - points)).reshape(-1, 2)
    angle = np.arctan2(dense[:, 1], dense[:, 0])
    order = np.argsort(angle)
    directions = np.linspace(-np.pi, np.pi, ANGLES, endpoint=False)
    radius = np.interp(directions, angle[order], np.hypot(*dense.T)[order], period=2 * np.pi)
    return np.log(radius / np.sqrt(np.mean(radius**2)))


def _petals(count: int, depth: float, turn: float = -np.pi / 2) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    radius = 1 + depth * np.cos(count * (t - turn))
    return np.column_stack([radius * np.cos(t), radius * np.sin(t)])


def _star(points: int, inner: float) -> np.ndarray:
    t = -np.pi / 2 + np.arange(2 * points) * np.pi / points
    radius = np.where(np.arange(2 * points) % 2, inner, 1)
    return np.column_stack([radius * np.cos(t), radius * np.sin(t)])


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.column_stack([x, -y - 1])


def _drop() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    return np.column_stack([np.sin(t) * np.sin(t / 2) ** 2, 0.3 - 1.1 * np.cos(t)])


def _half_disc() -> np.ndarray:
    t = np.linspace(0, np.pi, 100)
    return np.column_stack([np.cos(t), np.sin(t) - 0.4])


SOURCE_OUTLINES: dict[str, ArrayLike] = {
    "disc": _petals(1, 0),
    "triangle": [(0, -1), (0.9, 0.6), (-0.9, 0.6)],
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "star": _star(5, 0.42),
    "cross": [
        (-0.33, -1),
        (0.33, -1),
        (0.33, -0.33),
        (1, -0.33),
        (1, 0.33),
        (0.33, 0.33),
        (0.33, 1),
        (-0.33, 1),
        (-0.33, 0.33),
        (-1, 0.33),
        (-1, -0.33),
        (-0.33, -0.33),
    ],
    "heart": _heart(),
    "flower": _petals(6, 0.28),
    "drop": _drop(),
    "arrow": [(0, -1), (0.9, 0), (0.36, 0), (0.36, 1), (-0.36, 1), (-0.36, 0), (-0.9, 0)],
    "half-disc": _half_disc(),
}
# As pebbles worn smooth: with full relief they would be easier to tell apart than mixtures are.
NOVEL_RELIEF = 0.45
NOVEL_OUTLINES: dict[str, ArrayLike] = {
    "bolt": [(-0.05, -1.2), (0.6, -1.2), (0.2, -0.25), (0.75, -0.25), (-0.25, 1.2), (0.0, 0.2), (-0.55, 0.2)],
    "bow-tie": [(-1.3, -0.8), (0, -0.25), (1.3, -0.8), (1.3, 0.8), (0, 0.25), (-1.3, 0.8)],
    "cat": [
        (-0.8, -1.1),
        (-0.35, -0.55),
        (0.35, -0.55),
        (0.8, -1.1),
        (0.9, 0.2),
        (0.45, 0.8),
        (-0.45, 0.8),
        (-0.9, 0.2),
    ],
    "house": [(0, -1.1), (0.75, -0.3), (0.75, 0.9), (-0.75, 0.9), (-0.75, -0.3)],
    "crown": [(-1, -0.8), (-0.5, -0.05), (0, -0.9), (0.5, -0.05), (1, -0.8), (0.8, 0.6), (-0.8, 0.6)],
    "propeller": _petals(3, 0.55, np.pi / 2),
    "tree": [(0, -1.2), (0.8, 0.4), (0.2, 0.4), (0.2, 1), (-0.2, 1), (-0.2, 0.4), (-0.8, 0.4)],
    "leaf": [
        (-1.3, 0),
        (-0.6, -0.36),
        (0, -0.46),
        (0.6, -0.36),
        (1.3, 0),
        (0.6, 0.36),
        (0, 0.46),
        (-0.6, 0.36),
    ],
    "mushroom": [
        (-1, 0),
        (-0.75, -0.6),
        (0, -0.9),
        (0.75, -0.6),
        (1, 0),
        (0.28, 0.1),
        (0.36, 0.9),
        (-0.36, 0.9),
        (-0.28, 0.1),
    ],
    "fish": [
        (-1.2, 0),
        (-0.5, -0.55),
        (0.2, -0.45),
        (0.6, -0.1),
        (1.2, -0.7),
        (1.2, 0.7),
        (0.6, 0.1),
        (0.2, 0.45),
        (-0.5, 0.55),
    ],
}

# Texture: two plane waves (cycles in 32 lengths: x1, y1, x2, y2), the weight of the second, how hard the
# edges are, the level above which the first tone shows, how far the waves meander, and the weight of cloudy
# noise.
SOURCE_TEXTURES = {
    "bands": (0, 3.5, 0, 0, 0, 6, 0, 0, 0),
    "pinstripes": (8.5, 0, 0, 0, 0, 3, 0, 0, 0),
    "diagonals": (4, 4, 0, 0, 0, 6, 0, 0, 0),
    "checks": (3.2, 3.2, 3.2, -3.2, 1, 8, 0, 0, 0),
    "dots": (5.5, 0, 0, 5.5, 1, 8, 0.35, 0, 0),
    "lattice": (5, 0, 0, 5, 1, 8, -0.45, 0, 0),
    "waves": (0, 5, 0, 0, 0, 6, 0, 0.45, 0),
    "clouds": (0, 0, 0, 0, 0, 4, 0, 0, 1),
    "counter-diagonals": (6.5, -6.5, 0, 0, 0, 4, 0, 0, 0),
    "plain": (0, 0, 0, 0, 0, 0.3, 0, 0, 0),
}
NOVEL_TEXTURES = {
    "slats": (1.9, 5.2, 0, 0, 0, 6, 0.4, 0, 0),
    "ripples": (5, 0, 0, 0, 0, 6, 0, 0.5, 0),
    "shingles": (6.5, 2.6, 0, 7, 0.6, 8, 0.2, 0, 0),
    "rails": (3.6, -1.4, 0, 0, 0, 8, -0.5, 0, 0),
    "bubbles": (3, 3, 3, -3, 1, 8, 0.4, 0, 0),
    "net": (5, 5, 5, -5, 1, 8, -0.4, 0, 0),
    "hatching": (2.6, 7, 0, 0, 0, 4, 0, 0, 0),
    "bark": (7, 1, 0, 0, 0, 5, 0, 0.25, 0.5),
    "weave": (2.2, 6, 6, -2.2, 1, 8, 0, 0, 0),
    "speckle": (8, 3, -3, 8, 1, 8, 0.3, 0.2, 0.4),
}

# Colour: sRGB, from two published colour-blind-safe palettes: Okabe & Ito (2008), and Tol's "muted" (2021).
SOURCE_COLOURS = {
    "orange": (230, 159, 0),
    "sky blue": (86, 180, 233),
    "green": (0, 158, 115),
    "yellow": (240, 228, 66),
    "blue": (0, 114, 178),
    "vermilion": (213, 94, 0),
    "pink": (204, 121, 167),
}
NOVEL_COLOURS = {
    "wine": (136, 34, 85),
    "sand": (221, 204, 119),
    "indigo": (51, 34, 136),
    "teal": (68, 170, 153),
    "rose": (204, 102, 119),
    "olive": (153, 153, 51),
    "cyan": (136, 204, 238),
}

# Position: the centre of the object. Source: a square grid; novel: a ring.
_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
SOURCE_POSITIONS = {
    f"{row} {column}": (6.5 * (j - 1), 6.5 * (i - 1))
    for i, row in enumerate(_ROWS)
    for j, column in enumerate(_COLUMNS)
}
_HOURS = np.arange(9) * 2 * np.pi / 9 + 0.3
NOVEL_POSITIONS = {f"ring {i + 1}": (7.5 * np.sin(t), -7.5 * np.cos(t)) for i, t in enumerate(_HOURS)}

# Style: the background's lightness and tint, blur, grain, width of the contour line, lighting, contrast, and
# how strongly a second texture shows in the background.
SOURCE_STYLES = {
    "paper": (0.93, 0.05, 0, 0.02, 0, 0, 1.0, 0.1),
    "night": (0.10, 0.05, 0, 0.02, 0, 0, 1.0, 0.1),
    "ink": (0.80, 0.10, 0, 0.02, 1.1, 0, 1.0, 0.1),
    "soft": (0.60, 0.15, 1, 0.02, 0, 0.2, 1.0, 0.2),
    "grain": (0.70, 0.10, 0, 0.12, 0, 0, 1.0, 0.2),
    "studio": (0.45, 0.20, 0.2, 0.02, 0, 1, 1.0, 0.2),
}
NOVEL_STYLES = {
    "fog": (0.75, 0.05, 0.6, 0.03, 0, 0.3, 0.55, 0.1),
    "dusk": (0.30, 0.45, 0.3, 0.05, 0, 0.9, 0.8, 0.15),
    "sketch": (0.95, 0.00, 0, 0.10, 1.8, 0, 0.8, 0.1),
    "wallpaper": (0.65, 0.30, 0, 0.02, 0, 0, 1.0, 0.4),
    "film": (0.40, 0.15, 0.4, 0.12, 0, 0.4, 0.8, 0.15),
    "poster": (0.50, 0.60, 0, 0.02, 0.8, 0, 1.0, 0.25),
}


def _vocabulary(rows: dict[str, tuple], scale: float = 1) -> Vocabulary:
    return Vocabulary(tuple(rows), np.array(list(rows.values()), np.float32) / scale)


def _shapes(outlines: dict[str, ArrayLike], relief: float = 1) -> Vocabulary:
    profiles = [relief * _outline(points) for points in outlines.values()]
    return Vocabulary(tuple(outlines), np.array(profiles, np.float32), relief=True)


SOURCE = {
    "shape": _shapes(SOURCE_OUTLINES),
    "texture": _vocabulary(SOURCE_TEXTURES),
    "colour": _vocabulary(SOURCE_COLOURS, 255),
    "position": _vocabulary(SOURCE_POSITIONS),
    "style": _vocabulary(SOURCE_STYLES),
}
NOVEL = {
    "shape": _shapes(NOVEL_OUTLINES, NOVEL_RELIEF),
    "texture": _vocabulary(NOVEL_TEXTURES),
    "colour": _vocabulary(NOVEL_COLOURS, 255),
    "position": _vocabulary(NOVEL_POSITIONS),
    "style": _vocabulary(NOVEL_STYLES),
}
FACTORS = tuple(SOURCE)


def vocabularies(similarity: float) -> dict[str, Vocabulary]:
    """Return the five vocabularies of a world at `similarity` in [0, 1] to the source world."""
    return {factor: mix(SOURCE[factor], NOVEL[factor], similarity) for factor in FACTORS}
