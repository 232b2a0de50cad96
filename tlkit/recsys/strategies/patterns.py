"""What a codebook's entries mean: how often a kind of item is taken, or how many stars it gets."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from tlkit.recsys.data.ratings import binary, places
from tlkit.recsys.models.biases import Biases

FAINT = 0.5  # events that every block is given at chance level, so that none is empty


class Lift:
    """Kinds of users take kinds of items so many times as often as by chance; counts are Poisson.

    Parameters
    ----------
    matrix : csr_array of shape (n_users, n_items)
        The training ratings, which say how popular each item is.
    """

    neutral = 1.0

    def __init__(self, matrix: csr_array):
        self.popularity = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float64)

    def observed(self, profiles: csr_array) -> csr_array:
        """Return what profiles tell: which items were taken."""
        return binary(profiles)

    def exposure(self, observed: csr_array, items: np.ndarray) -> np.ndarray:
        """Return how often each user would have taken each kind of item by chance, (n, n_item_kinds)."""
        return np.outer(np.diff(observed.indptr), self.popularity @ items / self.popularity.sum())

    def item_exposure(self, observed: csr_array, users: np.ndarray) -> np.ndarray:
        """Return how often each item would have been taken by each kind of user by chance."""
        return np.outer(self.popularity, np.diff(observed.indptr) @ users / self.popularity.sum())

    def cost(self, observed: np.ndarray, exposure: np.ndarray, book: np.ndarray) -> np.ndarray:
        """Return the negative log-likelihood of each row under each of the book's rows, up to a constant."""
        return exposure @ book.T - observed @ np.log(book).T

    def scores(self, patterns: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Return how likely each item is to be taken, given how many times as often as by chance."""
        return patterns * self.popularity


class Excess:
    """Kinds of users give kinds of items so many stars more than expected; residuals are Gaussian.

    Parameters
    ----------
    matrix : csr_array of shape (n_users, n_items)
        The training ratings, which give the levels of users and items.
    """

    neutral = 0.0

    def __init__(self, matrix: csr_array):
        self.levels = Biases().fit_matrix(matrix)
        self.variance = float(self.observed(matrix).data.var()) or 1.0  # stars may all be the same

    def observed(self, profiles: csr_array) -> csr_array:
        """Return what profiles tell: the stars above expectation."""
        expected = self.levels.score_profiles(profiles)[places(profiles)]
        return csr_array((profiles.data - expected, profiles.indices, profiles.indptr), shape=profiles.shape)

    def exposure(self, observed: csr_array, items: np.ndarray) -> np.ndarray:
        """Return how many items of each kind each user rated, (n, n_item_kinds)."""
        return binary(observed) @ items

    def item_exposure(self, observed: csr_array, users: np.ndarray) -> np.ndarray:
        """Return how many users of each kind rated each item."""
        return binary(observed).T @ users

    def cost(self, observed: np.ndarray, exposure: np.ndarray, book: np.ndarray) -> np.ndarray:
        """Return the negative log-likelihood of each row under each of the book's rows, up to a constant."""
        return (exposure @ (book**2).T - 2 * observed @ book.T) / (2 * self.variance)

    def scores(self, patterns: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Return stars, given how many more than expected."""
        return patterns + self.levels.score_profiles(profiles)


PATTERNS: dict[str, type[Lift | Excess]] = {"ranking": Lift, "rating": Excess}


def read_book(pattern: Lift | Excess, matrix: csr_array, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the mean pattern of each block, (n_user_kinds, n_item_kinds), given one-hot memberships."""
    observed = pattern.observed(matrix)
    seen = users.T @ (observed @ items)
    chance = users.T @ pattern.exposure(observed, items)
    return (seen + FAINT * pattern.neutral) / (chance + FAINT)
