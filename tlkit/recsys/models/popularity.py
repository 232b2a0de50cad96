"""The same list for everybody: what most people take."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array

from tlkit.recsys.models.base import Recommender
from tlkit.study.strategy import hyperparameters


@hyperparameters
class Popularity(Recommender):
    """Recommend the items that most users have rated.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import Popularity
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = Popularity().fit(task.train)
    >>> model.recommend("u0-05", n=2)["item"].tolist()
    ['f013', 'f080']
    """

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Nothing is left to learn: every recommender counts ratings."""

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score every item by its number of ratings: (n, n_items) to (n, n_items)."""
        return np.tile(self.popularity_, (profiles.shape[0], 1))
