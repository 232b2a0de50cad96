"""Matrix factorization for ratings: alternating least squares that know how much they do not know."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.errors import whole
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.models.knowledge import NOTHING, PIECES, Knowledge, prior_of
from tlkit.recsys.solvers.spectral import SpectralEmbedding
from tlkit.recsys.solvers.variational import LearnedPrior, Posterior, VariationalSide
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

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import MatrixFactorization
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = MatrixFactorization(factors=4, random_state=0).fit(task.train)
    >>> model.predict(["u0-05"], ["f014"]).round(1)
    array([4.1], dtype=float32)
    """

    objectives: ClassVar[tuple[str, ...]] = ("rating",)
    limits: ClassVar = {"factors": whole(0), "spectral": whole(0), "iterations": whole(1)}
    uses_knowledge: ClassVar = PIECES
    extra_columns: ClassVar[int] = 2  # of a row, besides the factors

    factors: int = 16
    spectral: int = 64
    iterations: int = 15

    def learn(self, matrix: csr_array, generator: torch.Generator, knowledge: Knowledge = NOTHING) -> None:
        """Learn from the ratings of all users, perhaps with knowledge from elsewhere.

        Parameters
        ----------
        matrix : csr_array of shape (n_users, n_items)
            The ratings.
        generator : Generator
            Of what is drawn.
        knowledge : Knowledge
            Its rows have `factors` + 2 columns, and those of zeros start by chance; its prior's strengths are
            precisions. By default users start where they are held to be.

        Raises
        ------
        BadInput
            If the knowledge does not fit.
        """
        knowledge.require_shapes(matrix, self.factors, self.factors + self.extra_columns)
        known = knowledge.settled()
        self._item_weights = np.ones(matrix.shape[1]) if known.item_weights is None else known.item_weights
        matrix = matrix.sorted_indices()
        weights = self._weights(matrix, known.entry_weights)
        self._begin(matrix, weights, generator)
        users, items = self._users(matrix, weights, known), self._items(matrix, weights, known)
        users.begin(generator)
        items.begin(generator)
        if known.user_start is None and known.item_start is not None:
            users.update(items.posterior, self.noise_)
        self._sweep(users, items)
        self._keep(users, items)

    def fold_in(self, profiles: csr_array, knowledge: Knowledge | None = None) -> np.ndarray:
        """Find the rows (n, factors + 2) of users known by their ratings, as the last sweep would.

        `knowledge` is a `user_prior`, a row for each profile.
        """
        known = prior_of(knowledge, profiles, self.factors, self.factors + self.extra_columns)
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
        told = {"start": known.user_start, "fixed": known.fixed_users, "held": known.user_prior}
        return self._side(profiles, weights, features, self._user_prior, USERS_ONE, **told)

    def _items(self, matrix: csr_array, weights: csr_array, known: Knowledge) -> VariationalSide:
        ratings, weights = csr_array(matrix.T), csr_array(weights.T)
        told = {"start": known.item_start, "fixed": known.fixed_items}
        return self._side(ratings, weights, self._embedding.items, self._item_prior, ITEMS_ONE, **told)

    def _side(
        self,
        ratings: csr_array,
        weights: csr_array,
        features: np.ndarray,
        learned: tuple[np.ndarray, np.ndarray],
        one: int,
        **told: Any,
    ) -> VariationalSide:
        drawn = weights.sum(axis=1) > 0
        if told["fixed"] is not None:
            drawn &= ~told["fixed"]
        of_rows = self._tensor(np.column_stack([features, np.ones(len(features))]))
        start, precision = map(self._tensor, learned)
        prior = LearnedPrior(of_rows, start, precision, torch.from_numpy(drawn).to(self.device_))
        return VariationalSide(ratings, weights, prior, one, **told)

    def _weights(self, matrix: csr_array, entry_weights: csr_array | None = None) -> csr_array:
        """Return how much each rating counts, in the places of the ratings."""
        values = self._item_weights[matrix.indices].astype(np.float32)
        if entry_weights is not None:
            values = values * entry_weights.sorted_indices().data
        return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.device_)
