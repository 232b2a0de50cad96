"""Both domains as one: what a user rated there counts as if it were rated here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array, hstack, vstack

from tlkit.errors import BadInput
from tlkit.recsys.models.base import Recommender
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.strategies.alone import FactorsOnly, TargetOnly
from tlkit.recsys.strategies.base import FACTORIZATION, RatingsStrategy, rows_of
from tlkit.study.strategy import hyperparameters


@hyperparameters
class Joined(RatingsStrategy):
    """One recommender on one matrix: users of both domains, the source's items beside the target's.

    Parameters
    ----------
    model : Recommender, optional
        As for `target_only`.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("joined", source, task)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.5
    """

    name = "joined"
    title = "Joined domains"
    idea = "Put both shops' ratings into one matrix and learn as if it were one shop."

    model: Recommender | None = None

    def source_free(self) -> TargetOnly:
        """The same recommender on the target's matrix."""
        return TargetOnly(model=self.model)

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Fit the recommender on both domains."""
        self.other_ = self.source_matrix()
        strangers = csr_array((self.other_.shape[0] - matrix.shape[0], matrix.shape[1]), dtype=matrix.dtype)
        whole = csr_array(hstack([self.other_, vstack([matrix, strangers])], format="csr"))
        self.model_ = self.train_whole(whole)

    def train_whole(self, whole: csr_array) -> Recommender:
        """Fit on the joint matrix."""
        ours = np.arange(whole.shape[1]) >= self.other_.shape[1]
        return self.train(self.model_like(self.model), whole, self._whole_table(), offered=ours)

    def _whole_table(self) -> pd.DataFrame | None:
        """What is known of the items of both domains, in the matrix' order: the columns that both have."""
        theirs = self.needed_source().task.items
        if theirs is None or self.item_table_ is None:
            return None
        return pd.concat([theirs, self.item_table_], join="inner")

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by both domains' ratings of a user; the target's items only."""
        both = csr_array(hstack([rows_of(self.other_, rows), profiles], format="csr"))
        return self.model_.score_profiles(both)[:, self.other_.shape[1] :]


@hyperparameters
class CMF(Joined):
    """Collective matrix factorization: shared user factors, and a weight for the source's part of the loss.

    After Singh and Gordon, "Relational Learning via Collective Matrix Factorization", KDD 2008, section 4.

    Parameters
    ----------
    model : FactorModel, optional
        `ImplicitALS` for ranking, `MatrixFactorization` for stars.
    weight : float
        Of the source's part, 0 or more; the target's is 1.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("cmf", source, task, weight=0.3)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "cmf"
    title = "Collective factorization"
    idea = "Factorize both shops with one set of user factors; a weight says how much the source counts."
    defaults = FACTORIZATION

    weight: float = 0.3

    def source_free(self) -> FactorsOnly:
        """The same factorization of the target's matrix."""
        return FactorsOnly(model=self.model)

    def train_whole(self, whole: csr_array) -> Recommender:
        """Fit with the source's items weighed."""
        if not self.weight >= 0:
            raise BadInput(f"The weight of the source's part is 0 or more; got {self.weight!r}.")
        items = np.ones(whole.shape[1], dtype=np.float32)
        items[: self.other_.shape[1]] = self.weight
        return self.train(self.model_like(self.model), whole, knowledge=Knowledge(item_weights=items))
