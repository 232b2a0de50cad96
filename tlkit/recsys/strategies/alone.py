"""No transfer: what the target's own ratings say, by the baseline's model or by another strategy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array

from tlkit.recsys.models.base import Recommender
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.strategies.base import FACTORIZATION, RatingsStrategy
from tlkit.study.strategy import hyperparameters


@hyperparameters
class TargetOnly(RatingsStrategy):
    """A recommender fitted on the target alone: the baseline that gains are measured against.

    Parameters
    ----------
    model : Recommender, optional
        By default `EASE` for ranking, its penalty chosen within the training data, and
        `MatrixFactorization` for stars.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("target_only", source, task)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "target_only"
    title = "The target alone"
    idea = "Learn from the target's own ratings and nothing else."

    model: Recommender | None = None

    @property
    def uses_source(self) -> bool:
        """Only if the model is a strategy that does."""
        return isinstance(self.model, RatingsStrategy) and self.model.uses_source

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Fit the recommender."""
        self.model_ = self.train(self.model_like(self.model), matrix, self.item_table_)

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score as the recommender does."""
        return self.model_.score_profiles(profiles)

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """Nobody is known by a source."""
        return super().is_known(profiles)


@hyperparameters
class FactorsOnly(TargetOnly):
    """A factorization of the target alone: the twin of strategies that hand factors over.

    Parameters
    ----------
    settings : mapping of str to value, optional
        Parameters of the factorization, such as how many factors.
    """

    defaults = FACTORIZATION

    settings: Mapping[str, Any] | None = None

    def model_like(self, model: Recommender | None) -> Recommender:
        """Return the factorization with its settings."""
        return super().model_like(model).set_params(**self.settings or {})


@hyperparameters
class LevelsOnly(TargetOnly):
    """How popular or how well liked items are: the twin of strategies that learn all else from the source."""

    defaults: ClassVar[dict[str, type[Recommender]]] = {"ranking": Popularity, "rating": Biases}
