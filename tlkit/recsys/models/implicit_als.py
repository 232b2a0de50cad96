"""Implicit ALS: factors for who took what, by alternating least squares over every user and item."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.errors import BadInput, at_least, require_known, whole
from tlkit.recsys.data.ratings import binary
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.models.knowledge import NOTHING, PIECES, Knowledge, prior_of
from tlkit.recsys.solvers.als import LeastSquaresSide
from tlkit.recsys.solvers.singular import singular_start
from tlkit.study.strategy import hyperparameters

STEPS = {"cg": 2, "cholesky": None}
LEAST = 1e-6  # above 0, and not lost in round-off


@hyperparameters
class ImplicitALS(FactorModel):
    """Factors whose dot products are near 1 where a user took an item and near 0 elsewhere.

    What was taken, whatever its stars, weighs 1 + alpha, everything else 1 (Hu, Koren and Volinsky,
    Collaborative filtering for implicit feedback datasets, ICDM 2008, equation 3); counts of plays or
    purchases may weigh too. Users and items are
    solved for in turn; the loss reported is that equation's, a user. The first user factors are the
    leading singular vectors.

    Parameters
    ----------
    factors : int
        Size of the factors.
    regularization : float, optional
        Penalty of each squared norm, above 0. By default (1 + alpha) / 2 times the largest singular value
        of as many entries strewn at random, about the root of their mean number a user plus that an item
        (Vershynin, arXiv:1011.3027, section 5.3): what does not stand out from noise is shrunk to nothing.
    alpha : float
        What a taken item weighs above the others, above 0.
    counts : bool
        Whether ratings are counts that speak for themselves: what was taken r times weighs 1 + alpha r.
    iterations : int
        Turns of items and users.
    solver : {"cg", "cholesky"}
        A few steps of conjugate gradients from the last factors, or each system solved exactly, which takes
        several times as long and hardly ends lower.
    random_state : int, optional
        Seed of the search for singular vectors.
    device : str, optional
        Where to compute; the best device by default.

    Attributes
    ----------
    user_factors : ndarray of shape (n_users, factors), float32
    item_factors : ndarray of shape (n_items, factors), float32
    penalty_ : float
        The regularization that was used.

    Notes
    -----
    The defaults were chosen by NDCG@10 on splits of the training part of MovieLens 100K, over the grid in
    ``tests/benchmarks/als.py``. Stars as weights, or a penalty that grows with a row's number of entries
    (Rendle et al., arXiv:2110.14037), added less than 0.003 there.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import ImplicitALS
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = ImplicitALS(factors=8).fit(task.train)
    >>> tlkit.Source.from_fitted(model, "films")
    Source('films', ImplicitALS)
    """

    uses_knowledge: ClassVar = PIECES
    limits: ClassVar = {
        "factors": whole(1),
        "regularization": at_least(LEAST),
        "alpha": at_least(LEAST),
        "iterations": whole(1),
    }

    factors: int = 64
    regularization: float | None = None
    alpha: float = 5.0
    counts: bool = False
    iterations: int = 10
    solver: str = "cg"

    def learn(self, matrix: csr_array, generator: torch.Generator, knowledge: Knowledge = NOTHING) -> None:
        """Learn from the ratings of all users, perhaps with knowledge from elsewhere.

        Parameters
        ----------
        matrix : csr_array of shape (n_users, n_items)
            The ratings; only their places matter, unless they are counts.
        generator : Generator
            Of what is drawn.
        knowledge : Knowledge
            Its rows have `factors` columns; its weights are in units of `alpha`.

        Raises
        ------
        BadInput
            If there is no such solver, a count is not above 0, or the knowledge does not fit.
        """
        require_known("solver", self.solver, STEPS)
        knowledge.require_shapes(matrix, self.factors, self.factors)
        if self.counts and matrix.data.min() <= 0:
            raise BadInput(f"Counts are above 0; the lowest is {matrix.data.min():g}. Leave `counts` out.")
        known = knowledge.settled()
        weights = self._item_weights = known.item_weights
        # In units of their mean, so that the penalty below is as it is without counts.
        self._unit = float(matrix.data.mean()) if self.counts else 1.0
        taken = self._weighed(matrix)
        if known.entry_weights is not None:
            taken = csr_array(taken.multiply(known.entry_weights))
        self.penalty_ = self.regularization or (1 + self.alpha * self._unit) / 2 * _noise(taken)
        users = self._side(taken, column_weights=weights, prior=known.user_prior, fixed=known.fixed_users)
        items = self._side(csr_array(taken.T), row_weights=weights, fixed=known.fixed_items)
        user_factors, item_factors = self._begin(taken, users, known, generator)
        for step in range(1, self.iterations + 1):
            item_factors, _ = items.solve(user_factors, item_factors, STEPS[self.solver])
            user_factors, loss = users.solve(item_factors, user_factors, STEPS[self.solver])
            self.report(step, self.iterations, (loss + items.norms(item_factors)) / matrix.shape[0])
        self.user_factors, self.item_factors = user_factors.cpu().numpy(), item_factors.cpu().numpy()
        self.n_trainable_ = self.factors * (users.n_free + items.n_free)

    def fold_in(self, profiles: csr_array, knowledge: Knowledge | None = None) -> np.ndarray:
        """Solve exactly for users known by what they took: (n, n_items) to (n, factors).

        `knowledge` is a `user_prior`, a row for each profile.
        """
        known = prior_of(knowledge, profiles, self.factors, self.factors)
        told = {"prior": known.user_prior, "fixed": known.fixed_users, "column_weights": self._item_weights}
        side = self._side(self._weighed(profiles), **told)
        begin = self._zeros(profiles.shape[0]) if known.user_start is None else self._tensor(known.user_start)
        return side.solve(self._tensor(self.item_factors), begin)[0].cpu().numpy()

    def _side(self, taken: csr_array, **told: Any) -> LeastSquaresSide:
        weighed = self.alpha * self._unit * taken
        return LeastSquaresSide(weighed, self.factors, self.penalty_, self.device_, **told)

    def _weighed(self, matrix: csr_array) -> csr_array:
        """Return what an item weighs where something was taken: once, or by its count."""
        taken = csr_array(matrix / np.float32(self._unit)) if self.counts else binary(matrix)
        if self._item_weights is not None:
            taken.data = taken.data * np.asarray(self._item_weights, dtype=np.float32)[taken.indices]
        return taken

    def _begin(
        self, taken: csr_array, users: LeastSquaresSide, known: Knowledge, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the first user and item factors."""
        start = known.item_start
        item_factors = self._zeros(taken.shape[1]) if start is None else self._tensor(start)
        if known.user_start is not None:
            return self._tensor(known.user_start), item_factors
        if start is not None:
            return users.solve(item_factors, self._zeros(taken.shape[0]))[0], item_factors
        return singular_start(taken, self.factors, generator), item_factors

    def _zeros(self, n_rows: int) -> Tensor:
        return torch.zeros(n_rows, self.factors, device=self.device_)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(values, dtype=np.float32)).to(self.device_)


def _noise(taken: csr_array) -> float:
    """Return about the largest singular value if entries were strewn at random."""
    entries = max(float(taken.sum()), 1.0)
    return sum(math.sqrt(entries / size) for size in taken.shape)
