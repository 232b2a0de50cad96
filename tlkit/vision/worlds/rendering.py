"""Draw a world's pictures: one textured object on a background, thousands a second, in NumPy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tlkit.vision.worlds.vocabulary import ANGLES, Vocabulary

CHUNK = 256  # pictures drawn together: few enough to stay in the processor's cache
EXTENT = 32.0  # lengths a side
INK = np.float32(0.06)
LIGHT = np.float32(0.45 / (EXTENT / 2))
WOBBLE = 0.02  # standard deviation of a harmonic of the log-radius


def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the x and y of the pixel centres, each (1, size, size), with the origin in the middle."""
    centres = ((np.arange(size) + 0.5) / size - 0.5) * EXTENT
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return x[None].astype(np.float32), y[None].astype(np.float32)


def _column(values: np.ndarray) -> np.ndarray:
    """Shape one number a picture so that it broadcasts over pixels."""
    return np.asarray(values, np.float32).reshape(-1, 1, 1)


def _uniform(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    return _column(rng.uniform(low, high, n))


def wobble(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return small smooth changes of n outlines, (n, ANGLES): no two objects of a class are quite alike."""
    angles = np.linspace(-np.pi, np.pi, ANGLES, endpoint=False) * np.arange(2, 6)[:, None]
    waves = np.concatenate([np.cos(angles), np.sin(angles)])
    return (rng.normal(0, WOBBLE, (n, len(waves))) @ waves).astype(np.float32)


def depth_inside(profile: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far each point lies inside the outline (negative: outside), to first order.

    Parameters
    ----------
    profile : ndarray, shape (n, ANGLES)
        Logarithm of the outline's radius by direction.
    x, y : ndarray, shape (n, height, width)
        Points in the object's own coordinates.
    """
    n = len(profile)
    turn = (np.arctan2(y, x) + np.pi) * np.float32(ANGLES / (2 * np.pi))
    before = turn.astype(np.int32)
    part = turn - before
    left = np.concatenate([profile, profile[:, :2]], axis=1)
    at = (before % ANGLES) + (np.arange(n, dtype=np.int32) * left.shape[1])[:, None, None]
    flat = left.ravel()
    start, slope = flat[at], flat[at + 1] - flat[at]
    radius = np.exp(start + part * slope)
    # A radial gap overstates the distance to a slanted edge by this factor.
    slant = np.sqrt(1 + (slope * np.float32(ANGLES / (2 * np.pi))) ** 2)
    return (radius - np.sqrt(x * x + y * y)) / slant


def clouds(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Return smooth noise of about unit strength, (n, size, size): a random lattice, interpolated."""
    cells = 12
    lattice = rng.standard_normal((n, cells + 1, cells + 1), dtype=np.float32)
    at = np.linspace(0, cells, size, endpoint=False)
    low = at.astype(int)
    part = (at - low).astype(np.float32)
    part = part * part * (3 - 2 * part)
    rows = lattice[:, low] * (1 - part)[:, None] + lattice[:, low + 1] * part[:, None]
    return (rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part) * np.float32(1.4)


def pattern(rng: np.random.Generator, rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the textures' tone in [0, 1] at each point, (n, height, width); rows as in the vocabulary."""
    n = len(rows)
    x1, y1, x2, y2, second, hard, level, meander, cloudy = (_column(v) for v in rows.T)
    zoom, lean = _uniform(rng, n, 0.85, 1.18), _uniform(rng, n, -0.15, 0.15)
    x, y = x * zoom - y * lean, y * zoom + x * lean
    cycle = np.float32(2 * np.pi / EXTENT)
    along = np.hypot(x1, y1) + np.float32(1e-6)
    bend = 2 * np.pi * meander * np.sin(cycle * 3.5 * (x1 * y - y1 * x) / along + _uniform(rng, n, 0, 6.3))
    first_wave = np.cos(cycle * (x1 * x + y1 * y) + bend + _uniform(rng, n, 0, 6.3))
    second_wave = np.cos(cycle * (x2 * x + y2 * y) + _uniform(rng, n, 0, 6.3))
    waves = (first_wave + second * second_wave) / (1 + second)
    field = (1 - cloudy) * waves + cloudy * clouds(rng, n, x.shape[-1])
    return 0.5 + 0.5 * np.tanh(0.5 * hard * (field - level))


def blurred(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (n, height, width, 3) under the 3x3 binomial filter, twice."""
    for axis in (1, 2, 1, 2):
        pad = [(1, 1) if a == axis else (0, 0) for a in range(4)]
        padded = np.pad(pictures, pad, mode="edge")
        before, after = (np.take(padded, range(s, s + pictures.shape[axis]), axis) for s in (0, 2))
        pictures = 0.5 * pictures + 0.25 * (before + after)
    return pictures


def draw(rng: np.random.Generator, rows: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Draw one picture a row.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws what no factor determines: rotation, scale, phase, tones, lighting, grain.
    rows : dict of ndarray
        For each factor the parameters of each picture's class, (n, n_parameters).
    size : int
        Pixels a side.

    Returns
    -------
    ndarray of uint8, shape (n, 3, size, size)
    """
    ground, tint, blur, grain, line, light, contrast, clutter = (_column(v) for v in rows["style"].T)
    x, y = _grid(size)
    dx, dy = (_moved(rng, along, centre) for along, centre in zip((x, y), rows["position"].T, strict=True))
    depth = object_depth(rng, rows["shape"], dx, dy)
    sharpness = size / EXTENT
    inside = _coverage(depth, sharpness)
    contour = _coverage(line / 2 - np.abs(depth - line / 2), sharpness) * (line > 0)[..., None]

    picture = background(rng, rows["texture"], ground, tint, clutter, x + dy, y - dx)
    picture = picture + inside * (body(rng, rows, dx, dy) - picture)
    picture = picture + contour * (INK - picture)
    picture = picture * lighting(rng, light, x, y)
    picture = picture + blur[..., None] * (blurred(picture) - picture)
    picture = 0.5 + contrast[..., None] * (picture - 0.5)
    picture = picture + grain[..., None] * rng.standard_normal((*picture.shape[:3], 1), dtype=np.float32)
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8).transpose(0, 3, 1, 2)


def _moved(rng: np.random.Generator, along: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Measure one coordinate from the object's centre, which is not quite where its class says."""
    return along - _column(centre) - _uniform(rng, len(centre), -1.6, 1.6)


def _coverage(depth: np.ndarray, sharpness: float) -> np.ndarray:
    """Return the share of each pixel that lies inside, with an axis for the channels."""
    return np.clip(depth * np.float32(sharpness) + 0.5, 0, 1)[..., None]


def object_depth(
    rng: np.random.Generator, profiles: np.ndarray, dx: np.ndarray, dy: np.ndarray
) -> np.ndarray:
    """Return how far each point lies inside an object turned, scaled and bent at random."""
    n = len(profiles)
    angle, scale = _uniform(rng, n, -0.45, 0.45), _uniform(rng, n, 6.0, 9.0)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    return scale * depth_inside(profiles + wobble(rng, n), cos * dx + sin * dy, cos * dy - sin * dx)


def body(rng: np.random.Generator, rows: dict[str, np.ndarray], dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return the object's surface, (n, height, width, 3): its colour and, by its texture, a second tone."""
    n = len(rows["colour"])
    colour = rows["colour"][:, None, None, :]
    tone = pattern(rng, rows["texture"], dx, dy)[..., None]
    shade = (rng.random((n, 1, 1, 1)) < 0.5).astype(np.float32)  # the second tone is darker or lighter
    strength = _uniform(rng, n, 0.3, 0.75)[..., None]
    return colour + strength * (1 - tone) * (shade - colour)


def background(
    rng: np.random.Generator,
    textures: np.ndarray,
    ground: np.ndarray,
    tint: np.ndarray,
    clutter: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
) -> np.ndarray:
    """Return a tinted ground, (n, height, width, 3), on which another picture's texture shows faintly."""
    n = len(textures)
    hue = rng.random((n, 1, 1, 3), dtype=np.float32) - 0.5
    plain = ground[..., None] + tint[..., None] * hue + _uniform(rng, n, -0.08, 0.08)[..., None]
    borrowed = textures[rng.permutation(n)]
    return plain + (0.5 * clutter * (pattern(rng, borrowed, x, y) - 0.5))[..., None]


def lighting(rng: np.random.Generator, light: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a factor for each point, (n, height, width, 1): brighter towards a lamp at a random side."""
    angle = _uniform(rng, len(light), 0, 2 * np.pi)
    return (1 + LIGHT * light * (np.cos(angle) * x + np.sin(angle) * y))[..., None]


def render(
    rng: np.random.Generator, words: dict[str, Vocabulary], labels: dict[str, np.ndarray], size: int
) -> np.ndarray:
    """Draw the pictures that `labels` describe.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws what no label determines.
    words : dict of Vocabulary
        What each factor's class numbers mean.
    labels : dict of ndarray, shape (n,)
        For each factor a class number a picture.
    size : int
        Pixels a side.

    Returns
    -------
    ndarray of uint8, shape (n, 3, size, size)
    """
    n = len(labels["shape"])
    parts = [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]

    def draw_part(child: np.random.Generator, part: slice) -> np.ndarray:
        return draw(child, {name: words[name].table[labels[name][part]] for name in words}, size)

    # A generator a part: the pictures are the same however many threads draw them.
    with ThreadPoolExecutor() as threads:
        return np.concatenate(list(threads.map(draw_part, rng.spawn(len(parts)), parts)))
