"""Matrix factorization for ratings: alternating least squares that know how much they do not know."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.errors import BadInput, whole
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.solvers.spectral import SpectralEmbedding
from tlkit.recsys.solvers.variational import Knowledge, LearnedPrior, Posterior, VariationalSide
from tlkit.study.strategy import hyperparameters

PARTS = 4  # that the ratings' variance is split in to begin with: two biases, factors, noise
ROUND_OFF = 1e-9  # of a squared mean
USERS_ONE, ITEMS_ONE = -1, 0  # the column that is 1, where the other side has its bias


@hyperparameters
class MatrixFactorization(FactorModel):
    """Factors and biases, each row's posterior in closed form given the other side's.

    A user's row is their bias, their factors and a 1; an item's row is a 1, its factors and its bias; a
    rating is normal around their dot product. Variational Bayes (Lim and Teh, Variational Bayesian approach
    to movie rating prediction, KDD Cup 2007) learns how noisy ratings are and how far to shrink each
    column. What a row is shrunk toward is learned too: a linear function of a spectral embedding of who
    rated what, whatever the stars, which is implicit feedback as in SVD++ (Koren, KDD 2008, section 4). A
    sweep takes time proportional to the ratings and to the rows; memory is (factors + 2)^2 numbers a row.

    Parameters
    ----------
    factors : int
        Size of the factors.
    spectral : int
        Size of the embedding of who rated what; 0 shrinks all rows toward one mean.
    iterations : int
        Sweeps over items and users.
    random_state : int, optional
        Seed of where factors start.
    device : str, optional
        Where to compute; the best device by default.

    Attributes
    ----------
    user_factors : ndarray of shape (n_users, factors + 2), float32
        Bias, factors, 1.
    item_factors : ndarray of shape (n_items, factors + 2), float32
        1, factors, bias; the mean rating is in the bias.
    item_covariances : ndarray of shape (n_items, factors + 2, factors + 2), float32
        Of the items' posterior.
    noise_ : float
        Variance of ratings around their dot products.
    """

    objective = "rating"
    limits: ClassVar = {"factors": whole(0), "spectral": whole(0), "iterations": whole(1)}
    extra_columns: ClassVar[int] = 2  # of a row, besides the factors

    factors: int = 16
    spectral: int = 64
    iterations: int = 15

    def learn(
        self,
        matrix: csr_array,
        generator: torch.Generator,
        *,
        start: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
        user_prior: tuple[np.ndarray, np.ndarray] | None = None,
        fixed_users: np.ndarray | None = None,
        fixed_items: np.ndarray | None = None,
        item_weights: np.ndarray | None = None,
        entry_weights: csr_array | None = None,
    ) -> None:
        """Learn from the ratings of all users, perhaps with knowledge from elsewhere.

        Parameters
        ----------
        matrix : csr_array of shape (n_users, n_items)
            The ratings.
        generator : Generator
            Of what is drawn.
        start : (ndarray or None, ndarray or None)
            User and item factors to start from, (n, factors + 2); rows of zeros are drawn by chance. By
            default users start where they are held to be.
        user_prior : (ndarray, ndarray), optional
            What users' rows are held to be, (n_users, factors + 2), and how firmly, as precisions (n_users,):
            0 is not at all, infinity leaves no doubt.
        fixed_users, fixed_items : ndarray of bool, optional
            Rows that stay as they start.
        item_weights : ndarray of shape (n_items,), optional
            How much each rating of an item counts, 1 by default.
        entry_weights : csr_array of shape (n_users, n_items), optional
            How much each rating counts besides, in the places of the ratings.

        Raises
        ------
        BadInput
            If factors or weights from elsewhere do not fit.
        """
        self._item_weights = np.ones(matrix.shape[1]) if item_weights is None else item_weights
        matrix = matrix.sorted_indices()
        weights = self._weights(matrix, entry_weights)
        self._begin(matrix, weights, generator)
        known_users = self._knowledge(matrix.shape[0], start[0], fixed_users, user_prior)
        known_items = self._knowledge(matrix.shape[1], start[1], fixed_items)
        users, items = self._users(matrix, weights, known_users), self._items(matrix, weights, known_items)
        users.begin(generator)
        items.begin(generator)
        if start[0] is None and start[1] is not None:
            users.update(items.posterior, self.noise_)
        self._sweep(users, items)
        self._keep(users, items)

    def fold_in(
        self, profiles: csr_array, user_prior: tuple[np.ndarray, np.ndarray] | None = None
    ) -> np.ndarray:
        """Find the rows (n, factors + 2) of users known by their ratings, as the last sweep would.

        `user_prior` is as for `learn`, a row for each profile.
        """
        known = self._knowledge(profiles.shape[0], held=user_prior)
        users = self._users(profiles, self._weights(profiles), known)
        users.posterior.mean[:, users.one] = 1
        items = Posterior(self._tensor(self.item_factors), self._tensor(self.item_covariances))
        users.update(items, self.noise_)
        return users.posterior.mean.cpu().numpy()

    def _begin(self, matrix: csr_array, weights: csr_array, generator: torch.Generator) -> None:
        """Embed who rated what, and set noise and priors by the mean and variance of the ratings."""
        seed = int(torch.randint(2**31 - 1, (), generator=generator, device=self.device_))
        self._embedding = SpectralEmbedding(matrix, self.spectral, seed)
        mean = np.average(matrix.data, weights=weights.data)
        variance = np.average((matrix.data - mean) ** 2, weights=weights.data)
        # Ratings that are all the same have no variance to split, but for round-off.
        self.noise_ = float(variance if variance > ROUND_OFF * mean**2 else 1) / PARTS
        shape = (self._embedding.items.shape[1] + 1, self.factors)
        factors = np.zeros(shape), np.full(self.factors, 1 / math.sqrt(self.noise_ / max(self.factors, 1)))
        bias = np.zeros((shape[0], 1)), 1 / self.noise_
        self._user_prior = np.hstack([bias[0], factors[0]]), np.append(bias[1], factors[1])
        bias[0][-1] = mean
        self._item_prior = np.hstack([factors[0], bias[0]]), np.append(factors[1], bias[1])

    def _sweep(self, users: VariationalSide, items: VariationalSide) -> None:
        """Update items and users in turn; from the second time on, noise and priors before them."""
        least = self.noise_  # counts as one more rating, so that noise cannot vanish
        count = users.n_counted + 1
        for step in range(1, self.iterations + 1):
            if step > 1:
                users.learn_prior()
                items.learn_prior()
                self.noise_ = (users.misfit + least) / count
            items.update(users.posterior, self.noise_)
            users.update(items.posterior, self.noise_)
            fit = (users.misfit + least) / self.noise_ + count * math.log(self.noise_)
            self.report(step, self.iterations, (fit / 2 + users.energy() + items.energy()) / count)

    def _keep(self, users: VariationalSide, items: VariationalSide) -> None:
        self.user_factors = users.posterior.mean.cpu().numpy()
        self.item_factors = items.posterior.mean.cpu().numpy()
        self.item_covariances = items.posterior.covariance.cpu().numpy()
        self._user_prior = users.prior.weights.cpu().numpy(), users.prior.precision.cpu().numpy()
        self.n_trainable_ = int((~users.fixed).sum() + (~items.fixed).sum()) * (self.factors + 1)

    def _users(self, profiles: csr_array, weights: csr_array, known: Knowledge) -> VariationalSide:
        features = self._embedding.users(profiles)
        return self._side(profiles, weights, features, self._user_prior, USERS_ONE, known)

    def _items(self, matrix: csr_array, weights: csr_array, known: Knowledge) -> VariationalSide:
        ratings, weights = csr_array(matrix.T), csr_array(weights.T)
        return self._side(ratings, weights, self._embedding.items, self._item_prior, ITEMS_ONE, known)

    def _side(
        self,
        ratings: csr_array,
        weights: csr_array,
        features: np.ndarray,
        learned: tuple[np.ndarray, np.ndarray],
        one: int,
        known: Knowledge,
    ) -> VariationalSide:
        drawn = torch.from_numpy(weights.sum(axis=1) > 0).to(self.device_) & ~known.fixed
        of_rows = self._tensor(np.column_stack([features, np.ones(len(features))]))
        start, precision = map(self._tensor, learned)
        prior = LearnedPrior(of_rows, start, precision, drawn)
        return VariationalSide(ratings, weights, prior, one, known)

    def _weights(self, matrix: csr_array, entry_weights: csr_array | None = None) -> csr_array:
        """Return how much each rating counts, in the places of the ratings."""
        values = self._item_weights[matrix.indices].astype(np.float32)
        if entry_weights is not None:
            given = entry_weights.sorted_indices()
            if given.shape != matrix.shape or not np.array_equal(given.indices, matrix.indices):
                raise BadInput("entry_weights needs a weight for each rating: a matrix with the same places.")
            values = values * given.data
        return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)

    def _knowledge(
        self,
        n: int,
        start: np.ndarray | None = None,
        fixed: np.ndarray | None = None,
        held: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Knowledge:
        """Gather what is known of n rows; to be held infinitely firmly is to be fixed."""
        known = Knowledge.none(n, self.factors + self.extra_columns, self.device_)
        if start is not None:
            known.start = self._rows(start)
        if fixed is not None:
            known.fixed = torch.as_tensor(fixed, device=self.device_)
        if held is not None:
            known.mean, known.precision = self._rows(held[0]), self._tensor(held[1])
            if start is None:
                known.start = known.mean * (known.precision > 0)[:, None]
            known.fix(known.precision.isinf())
        return known

    def _rows(self, factors: np.ndarray) -> Tensor:
        width, extra = factors.shape[1], self.extra_columns
        if width == self.factors + extra:
            return self._tensor(factors)
        raise BadInput(
            f"Factors from elsewhere have {width} columns; these are {self.factors} factors, a bias and a 1. "
            f"Set factors={max(width - extra, 0)}, and take them from a MatrixFactorization."
        )

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.device_)
