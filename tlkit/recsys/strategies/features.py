"""The source's factors as plain features of a new model."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.base import RegressorMixin, clone
from sklearn.linear_model import RidgeCV

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import binary
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.strategies.alone import LevelsOnly
from tlkit.recsys.strategies.base import ENOUGH, RatingsStrategy, aligned
from tlkit.study.strategy import hyperparameters

PENALTIES = np.logspace(-1, 5, 13)


@hyperparameters
class Features(RatingsStrategy):
    """Regress the target's ratings on the source's user factors: one model's knowledge as another's input.

    Parameters
    ----------
    model : regressor, optional
        Any of scikit-learn that predicts several outputs; by default ridge regression, its penalty chosen by
        leave-one-out. It learns every item at once from users with 5 or more target ratings: which items
        they rated, for ranking; how many stars more than expected they gave, for stars.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("features", source, task)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "features"
    title = "Source factors as features"
    idea = "Give each user's source factors to a new scikit-learn model that predicts target items."

    model: RegressorMixin | None = None

    def source_free(self) -> LevelsOnly:
        """What the regressor says of somebody of whom the source says nothing."""
        return LevelsOnly()

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Fit the regressor on users whom both domains know."""
        rows = np.flatnonzero((self.need_shared_users() >= 0) & (np.diff(matrix.indptr) >= ENOUGH))
        if len(rows) < 2:
            raise BadInput(
                f"Strategy 'features' learns from users with {ENOUGH} or more target ratings whom the source "
                f"knows too; there are {len(rows)}. Make fewer users cold, or take another source."
            )
        self.levels_ = self.train(self.model_like(Biases()), matrix) if self.objective_ == "rating" else None
        regressor = RidgeCV(PENALTIES) if self.model is None else clone(self.model)
        self.regressor_ = regressor.fit(self.source_factors[rows], self._wanted(matrix[rows]))
        self.n_trainable_ = (self.source_factors.shape[1] + 1) * matrix.shape[1]

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by what the source knows of the users, around the levels of users and items for stars."""
        found = self.regressor_.predict(aligned(self.source_factors, rows)).astype(np.float32)
        return found if self.levels_ is None else found + self.levels_.score_profiles(profiles)

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """The regressor's intercept is popularity enough."""
        return np.ones(profiles.shape[0], dtype=bool)

    def _wanted(self, profiles: csr_array) -> np.ndarray:
        """What the regressor learns, (n, n_items): a one, or the residual, where rated; else 0."""
        rated = binary(profiles).toarray()
        if self.levels_ is None:
            return rated
        return rated * (profiles.toarray() - self.levels_.score_profiles(profiles))
