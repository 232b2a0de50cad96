"""Generated worlds: colour pictures in which five factors vary on their own, and a dial between two worlds.

A picture shows one object: its shape, texture, colour and position, and the style of the drawing. A task asks
for one factor; the others are drawn at random, so whoever learns the one must learn to ignore the others.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from tlkit.errors import BadInput, require_known
from tlkit.vision.tasks import ImageTask
from tlkit.vision.worlds.rendering import render
from tlkit.vision.worlds.vocabulary import FACTORS, Vocabulary, vocabularies

SIZE = 32
POOL = 2_000  # training pictures of a target
SOURCE_POOL = 6_000
SOURCE_SEED = 2_147_483_647  # a source's pictures are nobody's target pictures
TRAIN, TEST = 0, 1  # streams of random numbers of one seed


class WorldTask(ImageTask):
    """An image task on generated pictures; see `make_task` for the parameters.

    Attributes
    ----------
    similarity : float
        How much its world shares with the source world, in [0, 1].
    """

    def __init__(self, factor: str, similarity: float, n_train: int, n_test: int, seed: int, size: int):
        words = vocabularies(similarity)
        X, y = sample(words, factor, n_train, np.random.default_rng([seed, TRAIN]), size)
        X_test, y_test = sample(words, factor, n_test, np.random.default_rng([seed, TEST]), size)
        name = factor if similarity == 1 else f"{factor} at similarity {similarity:g}"
        super().__init__(X, y, X_test, y_test, words[factor].names, name)
        self.similarity = float(similarity)
        counts = {"n_train": n_train, "n_test": n_test, "seed": seed, "size": size}
        self.made_of: dict[str, Any] = {"factor": factor, **counts}

    def at_similarity(self, similarity: float) -> WorldTask:
        """Return the same task, all its training pictures, in a world at another similarity in [0, 1]."""
        return make_task(similarity=similarity, **self.made_of)


def make_task(
    factor: str = "shape",
    similarity: float = 1.0,
    n_train: int = POOL,
    n_test: int = 1_000,
    seed: int = 0,
    size: int | None = None,
) -> WorldTask:
    """Make a task of a generated world.

    Parameters
    ----------
    factor : {"shape", "texture", "colour", "position", "style"}
        What is to be told: 10, 10, 7, 9 and 6 classes, as many pictures of each.
    similarity : float
        1: the classes of the source world, in new pictures. 0: shapes, textures, colours, positions and
        styles that the source world has not. Between: class by class, a mixture of the two.
    n_train, n_test : int
        Pictures to learn from and to be tested on; at least one a class.
    seed : int
        The same seed gives the same pictures.
    size : int, optional
        Pixels a side, 32 by default, 8 at least.

    Returns
    -------
    WorldTask
        Pictures uint8 (N, 3, size, size).

    Raises
    ------
    BadInput
        If the factor is unknown, or a number is out of its range.
    """
    size = SIZE if size is None else size
    require_known("factor", factor, FACTORS)
    if not isinstance(similarity, numbers.Real) or not 0 <= similarity <= 1:
        raise BadInput(
            f"Similarity is a number from 0 (a foreign world) to 1 (the source's own); got {similarity!r}."
        )
    n_classes = len(vocabularies(similarity)[factor].names)
    fewest = {"n_train": n_classes, "n_test": n_classes, "seed": 0, "size": 8}
    given = {"n_train": n_train, "n_test": n_test, "seed": seed, "size": size}
    for name, value in given.items():
        if not isinstance(value, numbers.Integral) or value < fewest[name]:
            raise BadInput(
                f"For factor {factor!r}, {name} is a whole number, {fewest[name]} or more; got {value!r}."
            )
    return WorldTask(factor, similarity, **given)


def source_params(factor: str) -> dict[str, int | str]:
    """Return the parameters of `make_task` for what the shipped source of a factor was trained on."""
    return {"factor": factor, "n_train": SOURCE_POOL, "seed": SOURCE_SEED}


def sample(
    words: dict[str, Vocabulary], factor: str, n: int, rng: np.random.Generator, size: int = SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` pictures with equally many of each class of `factor`.

    Returns
    -------
    pictures : ndarray of uint8, shape (n, 3, size, size)
    labels : ndarray of int64, shape (n,)
    """
    labels = draw_labels({name: len(vocabulary.names) for name, vocabulary in words.items()}, factor, n, rng)
    return render(rng, words, labels, size), labels[factor]


def draw_labels(
    counts: dict[str, int], factor: str, n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw a class for each factor of `n` pictures, independently; those of `factor` are balanced."""
    labels = {name: rng.integers(count, size=n) for name, count in counts.items()}
    return labels | {factor: rng.permutation(np.arange(n) % counts[factor])}
