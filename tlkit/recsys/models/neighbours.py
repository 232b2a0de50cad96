"""Neighbours: people of similar taste, and items that the same people take or like."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array, vstack
from torch import Tensor

from tlkit.errors import at_least, whole
from tlkit.recsys.data.ratings import binary
from tlkit.recsys.models.base import CELLS, Recommender
from tlkit.recsys.models.biases import fit_baseline
from tlkit.recsys.solvers.rows import Rows, dense
from tlkit.study.strategy import hyperparameters

# A prediction of stars leans on its baseline as if that were one more neighbour of this squared similarity.
BASELINE_WEIGHT = 0.03
SHRINKAGE = {"ranking": 1.0, "rating": 100.0}


@hyperparameters
class Neighbours(Recommender):
    """Base of the neighbour methods: a subclass gives `find` and `gather`.

    Ranking: similarity is the cosine of who took what; a score is the sum over neighbours. Rating: similarity
    is the correlation of what a `Baseline` leaves of the stars, and a prediction the baseline plus the
    weighted mean of what it leaves of the neighbours' (Koren, Factorization Meets the Neighborhood, KDD 2008,
    equations 2 and 3). Either similarity is shrunk by n / (n + shrinkage) where it rests on n common entries,
    dropped where it is negative, and squared, which tells close neighbours from distant ones (case
    amplification: Breese, Heckerman and Kadie, UAI 1998, section 2.2.3).

    Parameters
    ----------
    k : int
        How many neighbours, the most similar ones.
    shrinkage : float, optional
        Common entries at which a similarity counts half, 0 or more; by default 1 for ranking, 100 for rating.
    random_state, device
        As for every recommender.
    """

    objectives: ClassVar[tuple[str, ...]] = ("ranking", "rating")
    limits: ClassVar = {"k": whole(1), "shrinkage": at_least(0)}

    k: int = 100
    shrinkage: float | None = None

    @abstractmethod
    def find(self, tastes: csr_array) -> None:
        """Find what can be found before a profile comes, from all users' tastes (n_users, n_items)."""

    @abstractmethod
    def gather(self, tastes: csr_array, own: np.ndarray | None) -> tuple[csr_array, csr_array]:
        """Sum neighbours' tastes, and their weights where there is one, by weight; both (n, n_items).

        `own` says which training user each is, if any: nobody is their own neighbour.
        """

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Take the baseline off the stars and find neighbours."""
        self.shrinkage_ = SHRINKAGE[self.objective_] if self.shrinkage is None else self.shrinkage
        if self.objective_ == "rating":
            self.baseline_ = fit_baseline(matrix)
        self.find(self.tastes(matrix))

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score every item for the training users in `rows`, shape (len(rows), n_items)."""
        return self._score(self.matrix_[rows], rows)

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score every item for new users: (n, n_items) to (n, n_items)."""
        return self._score(profiles, None)

    def tastes(self, profiles: csr_array) -> csr_array:
        """Return what is compared: ones for ranking, what the baseline leaves of the stars for rating."""
        return binary(profiles) if self.objective_ == "ranking" else self.baseline_.residuals(profiles)

    def nearest(self, rows: csr_array, others: csr_array, own: np.ndarray | None) -> csr_array:
        """Weigh the `k` nearest rows for each of others.

        Parameters
        ----------
        rows, others : csr_array of shape (n_rows, m), (n_others, m)
            Tastes.
        own : ndarray of int, shape (n_others,), or None
            Which of the rows each of the others is, if any: none is its own neighbour.

        Returns
        -------
        csr_array of shape (n_others, n_rows)
        """
        held = Rows(rows, self.device_)
        size = max(CELLS // max(rows.shape), 1)
        batches = [slice(start, start + size) for start in range(0, max(others.shape[0], 1), size)]
        parts = [self._weights(held, others[part], None if own is None else own[part]) for part in batches]
        return vstack(parts, format="csr")

    def _score(self, profiles: csr_array, own: np.ndarray | None) -> np.ndarray:
        liking, weight = self.gather(self.tastes(profiles), own)
        if self.objective_ == "ranking":
            return liking.toarray()
        return self.baseline_.predict(profiles) + liking.toarray() / (weight.toarray() + BASELINE_WEIGHT)

    def _weights(self, held: Rows, others: csr_array, own: np.ndarray | None) -> csr_array:
        values, marks = (dense(each, self.device_).T.contiguous() for each in (others, binary(others)))
        common = held.times(marks, power=0)
        measure = cosine if self.objective_ == "ranking" else correlation
        similar = measure(held, values, marks).clamp(min=0) * common / (common + self.shrinkage_).clamp(min=1)
        if own is not None:
            similar[torch.from_numpy(own), torch.arange(len(own))] = 0
        return _strongest(similar.square(), self.k)


def cosine(rows: Rows, values: Tensor, marks: Tensor) -> Tensor:
    """Cosine of rows (n, m) and columns of `values` (m, f), of which `marks` says the known; shape (n, f)."""
    sizes = torch.outer(rows.times(torch.ones_like(values[:, :1]), power=2)[:, 0], values.square().sum(0))
    return rows.times(values) / sizes.sqrt().clamp(min=1e-6)


def correlation(rows: Rows, values: Tensor, marks: Tensor) -> Tensor:
    """Cosine over the common entries of rows (n, m) and columns of `values` (m, f) alone, shape (n, f)."""
    sizes = rows.times(marks, power=2) * rows.times(values.square(), power=0)
    return rows.times(values) / sizes.sqrt().clamp(min=1e-6)


def _strongest(weights: Tensor, k: int) -> csr_array:
    """Keep the `k` largest of each column, (n_rows, n) to (n, n_rows)."""
    found, places = weights.topk(min(k, len(weights)), dim=0)
    n, width = found.T.shape
    entries = (found.T.ravel().cpu().numpy(), places.T.ravel().cpu().numpy(), np.arange(n + 1) * width)
    kept = csr_array(entries, shape=(n, len(weights)))
    kept.eliminate_zeros()
    return kept


@hyperparameters
class ItemNeighbours(Neighbours):
    """Score an item by the neighbours of it that a user has; see `Neighbours` for the equations.

    Attributes
    ----------
    weights_ : csr_array of shape (n_items, n_items)
        Weight of the row's item for the column's: at most `k` in a column, none on the diagonal.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import ItemNeighbours
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = ItemNeighbours(k=20).fit(task.train)
    >>> model.recommend("u0-05", n=2)["item"].tolist()
    ['f045', 'f097']
    """

    def find(self, tastes: csr_array) -> None:
        """Find the neighbours of every item among those that the same users rated."""
        by_item = csr_array(tastes.T)
        self.weights_ = csr_array(self.nearest(by_item, by_item, np.arange(by_item.shape[0])).T)
        self.n_trainable_ = self.weights_.nnz

    def gather(self, tastes: csr_array, own: np.ndarray | None) -> tuple[csr_array, csr_array]:
        """Sum over the items of each profile."""
        return tastes @ self.weights_, binary(tastes) @ self.weights_


@hyperparameters
class UserNeighbours(Neighbours):
    """Score an item by the users of similar taste who have it; see `Neighbours` for the equations.

    Attributes
    ----------
    tastes_ : csr_array of shape (n_users, n_items)
        What a profile is compared with.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import UserNeighbours
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = UserNeighbours(k=20).fit(task.train)
    >>> model.recommend("u0-05", n=2)["item"].tolist()
    ['f031', 'f080']
    """

    def find(self, tastes: csr_array) -> None:
        """Keep the tastes: a profile's neighbours are found when it comes."""
        self.tastes_ = tastes

    def gather(self, tastes: csr_array, own: np.ndarray | None) -> tuple[csr_array, csr_array]:
        """Sum over the training users nearest to each profile."""
        weights = self.nearest(self.tastes_, tastes, own)
        return weights @ self.tastes_, weights @ binary(self.tastes_)
