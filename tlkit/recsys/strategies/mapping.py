"""A map from the source's factor space to the target's, for users of whom the target knows little."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.base import RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlkit.errors import BadInput, require_known
from tlkit.recsys.strategies.alone import FactorsOnly
from tlkit.recsys.strategies.base import ENOUGH, FACTORIZATION, RatingsStrategy
from tlkit.study.strategy import hyperparameters

PENALTIES = np.logspace(-2, 4, 13)
ENOUGH_TO_VALIDATE = 20  # pairs of factors, of which a tenth then tells when to stop


@hyperparameters
class Mapping(RatingsStrategy):
    """Map source factors of thin users into the target's factor space.

    After Man et al., "Cross-Domain Recommendation: An Embedding and Mapping Approach", IJCAI 2017, section 3:
    both domains are factorized on their own, and a map is fitted on users whom both know well.

    Parameters
    ----------
    kind : {"linear", "mlp"}
        Ridge regression, its penalty chosen by cross-validation, or a network with one hidden layer.
    enough : int
        Target ratings from which a user's own factors are used, and learned from.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("mapping", source, task, kind="linear")
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "mapping"
    title = "Mapping (EMCDR)"
    idea = "Learn a map from source to target factors on users known to both; use it for new users."
    defaults = FACTORIZATION

    kind: str = "linear"
    enough: int = ENOUGH

    def source_free(self) -> FactorsOnly:
        """The target's factorization, without a map into it."""
        return FactorsOnly()

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Factorize the target, fit the map on users whom both domains know, and apply it to thin users."""
        require_known("kind of map", self.kind, ("linear", "mlp"))
        self.model_ = self.train(self.model_like(None), matrix)
        rated, shared = np.diff(matrix.indptr), self.need_shared_users() >= 0
        pairs, thin = shared & (rated >= self.enough), shared & (rated < self.enough)
        if pairs.sum() < 2:
            raise BadInput(
                f"A mapping is learned from users with {self.enough} or more target ratings whom the source "
                f"knows too; there are {int(pairs.sum())}. Lower `enough`, or make fewer users cold."
            )
        theirs, ours = self.source_factors[pairs], self.model_.user_factors[pairs]
        self.map_ = self._regressor(len(ours)).fit(theirs, ours)
        self.user_factors = self.model_.user_factors.copy()
        if thin.any():
            self.user_factors[thin] = self.map_.predict(self.source_factors[thin])

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score by the target's item factors, with mapped user factors for thin users."""
        return self.model_.score_factors(self.user_factors[rows])

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by folding the target's ratings in, and by mapped factors where these are few."""
        factors = self.model_.fold_in(profiles)
        thin = (rows >= 0) & (self.shared_users[rows] >= 0) & (np.diff(profiles.indptr) < self.enough)
        if thin.any():
            factors[thin] = self.map_.predict(self.source_factors[rows[thin]])
        return self.model_.score_factors(factors)

    def _regressor(self, n_pairs: int) -> RegressorMixin:
        if self.kind == "linear":
            return RidgeCV(PENALTIES)
        end = {"early_stopping": True} if n_pairs >= ENOUGH_TO_VALIDATE else {"max_iter": 2000}
        network = MLPRegressor(hidden_layer_sizes=(64,), alpha=1.0, random_state=self.random_state, **end)
        return TransformedTargetRegressor(
            make_pipeline(StandardScaler(), network), transformer=StandardScaler()
        )
