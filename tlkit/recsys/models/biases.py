"""Stars without taste: how generous a user is, and how well liked an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array

from tlkit.errors import at_least
from tlkit.recsys.data.ratings import places
from tlkit.recsys.models.base import Recommender
from tlkit.study.strategy import hyperparameters

EPOCHS = 10


@dataclass(frozen=True)
class Baseline:
    """What stars come to before taste: a mean, and a bias for each user and item.

    Users are known by their ratings alone, so that a new one needs no fitting.

    Parameters
    ----------
    mean : float
        Of all ratings, in stars.
    item_biases : ndarray of shape (n_items,)
        In stars.
    user_reg : float
        How many ratings of the mean speak against a user's own.
    """

    mean: float
    item_biases: np.ndarray
    user_reg: float

    def user_biases(self, profiles: csr_array) -> np.ndarray:
        """Return the biases of users, shape (n,), given their ratings (n, n_items)."""
        rows, items = places(profiles)
        left = profiles.data - self.mean - self.item_biases[items]
        return _shrunk_means(rows, left, profiles.shape[0], self.user_reg)

    def user_columns(self, profiles: csr_array) -> np.ndarray:
        """Return factors (n, 2) of users; their dot products with `item_columns` are the baseline's stars."""
        level = self.mean + self.user_biases(profiles)
        return np.column_stack([level, np.ones_like(level)]).astype(np.float32)

    def item_columns(self) -> np.ndarray:
        """Return factors (n_items, 2) of items, as `user_columns` are of users."""
        return np.column_stack([np.ones_like(self.item_biases), self.item_biases]).astype(np.float32)

    def predict(self, profiles: csr_array) -> np.ndarray:
        """Return the stars for every item, (n, n_items) to (n, n_items)."""
        return self.user_columns(profiles) @ self.item_columns().T

    def residuals(self, profiles: csr_array) -> csr_array:
        """Return what the baseline leaves of each rating, in the same places."""
        rows, items = places(profiles)
        left = profiles.data - self.mean - self.user_biases(profiles)[rows] - self.item_biases[items]
        entries = (left.astype(np.float32), profiles.indices, profiles.indptr)
        return csr_array(entries, shape=profiles.shape)


def fit_baseline(
    matrix: csr_array, user_reg: float = 15.0, item_reg: float = 10.0, epochs: int = EPOCHS
) -> Baseline:
    """Fit mean and biases by alternating least squares.

    Minimises the squared error of mean + b_user + b_item, plus user_reg * sum(b_user²) and
    item_reg * sum(b_item²): Koren, Factorization Meets the Neighborhood, KDD 2008, equation 1 and the least
    squares problem after it, with a weight for each kind of bias.

    Parameters
    ----------
    matrix : csr_array of shape (n_users, n_items)
        Ratings, in stars.
    user_reg, item_reg : float
        Ratings that a bias of zero is worth.
    epochs : int
        Rounds of alternation.
    """
    rows, items = places(matrix)
    mean = float(matrix.data.mean(dtype=float))
    users = np.zeros(matrix.shape[0])
    for _ in range(epochs):
        liked = _shrunk_means(items, matrix.data - mean - users[rows], matrix.shape[1], item_reg)
        users = _shrunk_means(rows, matrix.data - mean - liked[items], matrix.shape[0], user_reg)
    return Baseline(mean, liked, user_reg)


def _shrunk_means(group: np.ndarray, values: np.ndarray, n_groups: int, reg: float) -> np.ndarray:
    """Mean value of each group, shrunk to zero as if `reg` more values were zero; zero for an empty group."""
    count = np.bincount(group, minlength=n_groups)
    return np.bincount(group, values, n_groups) / np.maximum(count + reg, 1e-12)


@hyperparameters
class Biases(Recommender):
    """Predict stars from a mean and regularised biases of user and item; see `fit_baseline`.

    Parameters
    ----------
    user_reg, item_reg : float
        Ratings that a bias of zero is worth, 0 or more.
    random_state, device
        As for every recommender.

    Attributes
    ----------
    baseline_ : Baseline
        What was fitted.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import Biases
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = Biases().fit(task.train)
    >>> model.predict(["u0-05", "u0-05"], ["f014", "f062"]).round(1)
    array([4. , 3.9], dtype=float32)
    """

    objectives: ClassVar[tuple[str, ...]] = ("rating",)

    limits: ClassVar = {"user_reg": at_least(0), "item_reg": at_least(0)}

    user_reg: float = 15.0
    item_reg: float = 10.0

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Fit mean and biases."""
        self.baseline_ = fit_baseline(matrix, self.user_reg, self.item_reg)
        self.n_trainable_ = sum(matrix.shape)

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Predict the stars of every item: (n, n_items) to (n, n_items)."""
        return self.baseline_.predict(profiles)
