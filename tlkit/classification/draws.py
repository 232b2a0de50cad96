"""Stratified draws: some of every class, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tlkit.errors import BadInput
from tlkit.system import files


def first_of_each_class(y: np.ndarray, counts: int | np.ndarray, seed: int) -> np.ndarray:
    """Shuffle each class and return indices of its first examples, so that a larger draw holds a smaller one.

    Parameters
    ----------
    y : ndarray of shape (N,)
        Labels 0 to n - 1.
    counts : int or ndarray of shape (n_classes,)
        How many of each class.
    seed : int
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(np.flatnonzero(y == label)) for label in range(int(y.max()) + 1)]
    firsts = zip(orders, np.broadcast_to(counts, len(orders)), strict=True)
    return np.concatenate([order[:count] for order, count in firsts])


def held_out(y: np.ndarray, share: float, classes: Sequence[str], seed: int = 0) -> np.ndarray:
    """Tell which examples to hold out for the test: a share of each class, at least one; shape (N,), bool.

    Raises
    ------
    BadInput
        If the share is not between 0 and 1, or a class has a single example.
    """
    if not 0 < share < 1:
        raise BadInput(f"test_share must lie between 0 and 1; found {share!r}.")
    counts = np.bincount(y, minlength=len(classes))
    if counts.min() < 2:
        scarce = classes[int(counts.argmin())]
        raise BadInput(
            f"Class {scarce!r} has {counts.min()} picture; one to learn from and one to test are needed."
        )
    chosen = first_of_each_class(y, np.clip(np.round(counts * share).astype(int), 1, counts - 1), seed)
    mask = np.zeros(len(y), dtype=bool)
    mask[chosen] = True
    return mask


def is_repeated(examples: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which examples occur, to the last value, among the others; shape (N,), bool."""
    known = {files.digest(other) for other in others}
    return np.array([files.digest(example) in known for example in examples], dtype=bool)
