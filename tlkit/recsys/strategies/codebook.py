"""A book of rating patterns: how kinds of users take to kinds of items, whoever they are."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.cluster import KMeans

from tlkit.errors import BadInput
from tlkit.recsys.strategies.alone import LevelsOnly
from tlkit.recsys.strategies.base import RatingsStrategy
from tlkit.recsys.strategies.patterns import PATTERNS, read_book
from tlkit.study.strategy import hyperparameters

ROUNDS = 10
STARTS = 5


@hyperparameters
class Codebook(RatingsStrategy):
    """Transfer cluster-level patterns; source and target need share neither users nor items.

    After Li, Yang and Xue, "Can Movies and Books Collaborate?", IJCAI 2009, sections 3 and 4: users and items
    of the source are clustered, and the codebook holds how each kind of user takes to each kind of item. In
    the target only memberships are found, in turns: hard ones of items, soft ones of users. The entries are
    in units that mean the same in both domains, see `tlkit.recsys.strategies.patterns`.

    Parameters
    ----------
    kinds : int
        Clusters of the source's users, and as many of its items.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("codebook", source, task, kinds=6)
    >>> trial.fitted.book_.shape
    (6, 6)
    """

    name = "codebook"
    title = "Codebook"
    idea = "Carry over how kinds of users take to kinds of items; nobody and nothing needs to be shared."

    kinds: int = 12

    def source_free(self) -> LevelsOnly:
        """What a book without patterns says."""
        return LevelsOnly()

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Read the codebook off the source and find the target's memberships."""
        source = self.needed_source()
        theirs, pattern = self.source_ratings(), PATTERNS[self.objective_]
        users, items = (self._cluster(source.state[f"{side}_factors"].numpy()) for side in ("user", "item"))
        self.book_ = read_book(pattern(theirs), theirs, users, items)
        self.pattern_ = pattern(matrix)
        rng = np.random.default_rng(self.random_state)
        settled = [self._settle(matrix, rng) for _ in range(STARTS)]
        self.items_kind_ = min(settled, key=lambda found: found[0])[1]
        self.n_trainable_ = matrix.shape[1]

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by the mixture of user kinds that a profile belongs to."""
        patterns = self._memberships(profiles, self.items_kind_) @ self.book_ @ self.items_kind_.T
        return self.pattern_.scores(patterns, profiles).astype(np.float32)

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """The source need not know anybody; without ratings a profile is a mixture of all kinds."""
        return np.ones(profiles.shape[0], dtype=bool)

    def _cluster(self, factors: np.ndarray) -> np.ndarray:
        """Return one-hot memberships of factors (n, f), shape (n, kinds)."""
        if not 1 <= self.kinds <= len(factors):
            raise BadInput(f"kinds = {self.kinds!r} clusters cannot be made of {len(factors):,} rows.")
        directions = factors / np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), 1e-9)
        found = KMeans(self.kinds, n_init=3, random_state=self.random_state).fit(directions)
        return np.eye(self.kinds)[found.labels_]

    def _settle(self, matrix: csr_array, rng: np.random.Generator) -> tuple[float, np.ndarray]:
        """Find memberships from a random start; return their cost and those of items, one-hot."""
        observed = self.pattern_.observed(matrix)
        items = np.eye(self.kinds)[rng.integers(self.kinds, size=matrix.shape[1])]
        for _ in range(ROUNDS):
            users = self._memberships(matrix, items)
            costs = self.pattern_.cost(
                observed.T @ users, self.pattern_.item_exposure(observed, users), self.book_.T
            )
            items = np.eye(self.kinds)[costs.argmin(axis=1)]
        return float(costs.min(axis=1).sum()), items

    def _memberships(self, profiles: csr_array, items: np.ndarray) -> np.ndarray:
        """Return how probably each profile belongs to each kind of user, (n, kinds)."""
        observed = self.pattern_.observed(profiles)
        costs = self.pattern_.cost(observed @ items, self.pattern_.exposure(observed, items), self.book_)
        return softmax(-costs, axis=1)
