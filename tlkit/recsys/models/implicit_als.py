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
from tlkit.recsys.solvers.als import LeastSquaresSide
from tlkit.recsys.solvers.singular import singular_start
from tlkit.study.strategy import hyperparameters

STEPS = {"cg": 2, "cholesky": None}
LEAST = 1e-6  # above 0, and not lost in round-off
Start = tuple[np.ndarray | None, np.ndarray | None]


@hyperparameters
class ImplicitALS(FactorModel):
    """Factors whose dot products are near 1 where a user took an item and near 0 elsewhere.

    What was taken, whatever its stars, weighs 1 + alpha, everything else 1 (Hu, Koren and Volinsky,
    Collaborative filtering for implicit feedback datasets, ICDM 2008, equation 3). Users and items are
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
    """

    limits: ClassVar = {
        "factors": whole(1),
        "regularization": at_least(LEAST),
        "alpha": at_least(LEAST),
        "iterations": whole(1),
    }

    factors: int = 64
    regularization: float | None = None
    alpha: float = 5.0
    iterations: int = 10
    solver: str = "cg"

    def learn(
        self,
        matrix: csr_array,
        generator: torch.Generator,
        *,
        start: Start = (None, None),
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
            The ratings; only their places matter.
        generator : Generator
            Of what is drawn.
        start : (ndarray or None, ndarray or None)
            User and item factors to start from, (n, factors); rows of zeros where nothing is known.
        user_prior : (ndarray, ndarray), optional
            Means that user factors are pulled to, (n_users, factors), and how strongly, (n_users,): 0 is no
            prior, infinity leaves a user at their mean.
        fixed_users, fixed_items : ndarray of bool, optional
            Rows that stay as they start.
        item_weights : ndarray of shape (n_items,), optional
            How much an item's part of the loss counts, 0 or more, 1 by default.
        entry_weights : csr_array of shape (n_users, n_items), optional
            What each entry weighs above the others, in units of `alpha`, in the places of the ratings.

        Raises
        ------
        BadInput
            If there is no such solver, or factors from elsewhere have another shape.
        """
        self._check(matrix.shape, start, user_prior, fixed_users, fixed_items)
        start, user_prior, fixed_users = _settled(start, user_prior, fixed_users)
        self._item_weights = item_weights
        taken = _weighed(matrix, item_weights)
        if entry_weights is not None:
            taken = csr_array(taken.multiply(entry_weights))
        self.penalty_ = self.regularization or (1 + self.alpha) / 2 * _noise(taken)
        users = self._side(taken, column_weights=item_weights, prior=user_prior, fixed=fixed_users)
        items = self._side(csr_array(taken.T), row_weights=item_weights, fixed=fixed_items)
        user_factors, item_factors = self._begin(taken, users, start, generator)
        for step in range(1, self.iterations + 1):
            item_factors, _ = items.solve(user_factors, item_factors, STEPS[self.solver])
            user_factors, loss = users.solve(item_factors, user_factors, STEPS[self.solver])
            self.report(step, self.iterations, (loss + items.norms(item_factors)) / matrix.shape[0])
        self.user_factors, self.item_factors = user_factors.cpu().numpy(), item_factors.cpu().numpy()
        self.n_trainable_ = self.factors * (users.n_free + items.n_free)

    def fold_in(
        self, profiles: csr_array, user_prior: tuple[np.ndarray, np.ndarray] | None = None
    ) -> np.ndarray:
        """Solve exactly for users known by what they took: (n, n_items) to (n, factors).

        `user_prior` is as for `learn`, a row for each profile.
        """
        (start, _), prior, fixed = _settled((None, None), user_prior, None)
        weights = self._item_weights
        side = self._side(_weighed(profiles, weights), column_weights=weights, prior=prior, fixed=fixed)
        begin = self._zeros(profiles.shape[0]) if start is None else self._tensor(start)
        return side.solve(self._tensor(self.item_factors), begin)[0].cpu().numpy()

    def _side(self, taken: csr_array, **knowledge: Any) -> LeastSquaresSide:
        return LeastSquaresSide(self.alpha * taken, self.factors, self.penalty_, self.device_, **knowledge)

    def _begin(
        self, taken: csr_array, users: LeastSquaresSide, start: Start, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the first user and item factors."""
        user_start, item_start = start
        item_factors = self._zeros(taken.shape[1]) if item_start is None else self._tensor(item_start)
        if user_start is not None:
            return self._tensor(user_start), item_factors
        if item_start is not None:
            return users.solve(item_factors, self._zeros(taken.shape[0]))[0], item_factors
        return singular_start(taken, self.factors, generator), item_factors

    def _zeros(self, n_rows: int) -> Tensor:
        return torch.zeros(n_rows, self.factors, device=self.device_)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(values, dtype=np.float32)).to(self.device_)

    def _check(
        self,
        shape: tuple[int, int],
        start: Start,
        user_prior: tuple[np.ndarray, np.ndarray] | None,
        fixed_users: np.ndarray | None,
        fixed_items: np.ndarray | None,
    ) -> None:
        require_known("solver", self.solver, STEPS)
        means = None if user_prior is None else user_prior[0]
        for what, values, n_rows in (
            ("User factors", start[0], shape[0]),
            ("Item factors", start[1], shape[1]),
            ("Prior means of users", means, shape[0]),
        ):
            if values is not None and values.shape != (n_rows, self.factors):
                raise BadInput(
                    f"{what} from elsewhere have the shape {values.shape}; needed is "
                    f"{(n_rows, self.factors)}: one row each, factors={self.factors}."
                )
        for what, fixed, values in (("users", fixed_users, start[0]), ("items", fixed_items, start[1])):
            if fixed is not None and values is None:
                raise BadInput(f"fixed_{what} stay as they start: give their factors in start.")


def _weighed(matrix: csr_array, item_weights: np.ndarray | None) -> csr_array:
    """Return the items' weights where something was taken."""
    taken = binary(matrix)
    if item_weights is not None:
        taken.data = np.asarray(item_weights, dtype=np.float32)[taken.indices]
    return taken


def _noise(taken: csr_array) -> float:
    """Return about the largest singular value if entries were strewn at random."""
    entries = max(float(taken.sum()), 1.0)
    return sum(math.sqrt(entries / size) for size in taken.shape)


def _settled(
    start: Start, prior: tuple[np.ndarray, np.ndarray] | None, fixed: np.ndarray | None
) -> tuple[Start, tuple[np.ndarray, np.ndarray] | None, np.ndarray | None]:
    """Take a prior without doubt for a fixed row, one without weight for none, and start at its means."""
    if prior is None or not np.any(prior[1]):
        return start, None, fixed
    means, weights = prior
    sure = np.isinf(weights)
    fixed = sure if fixed is None else fixed | sure
    users = np.where((weights > 0)[:, None], means, 0) if start[0] is None else start[0]
    users = np.where(sure[:, None], means, users)
    return (users, start[1]), (means, np.where(sure, 0, weights)), fixed
