"""The source's factors inside the target's factorization: as a start, as a prior, or for good."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array

from tlkit.errors import BadInput, require_known
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.strategies.alone import FactorsOnly
from tlkit.recsys.strategies.base import FACTORIZATION, RatingsStrategy, aligned
from tlkit.study.strategy import hyperparameters


@hyperparameters
class FactorStrategy(RatingsStrategy):
    """Base of the strategies that hand factors over: a subclass gives `knowledge`.

    Parameters
    ----------
    model : FactorModel, optional
        By default `ImplicitALS` for ranking and `MatrixFactorization` for stars; it gets as many factors
        as the source has.
    """

    defaults = FACTORIZATION

    model: FactorModel | None = None

    @abstractmethod
    def knowledge(self) -> Knowledge:
        """Return what the factorization is to know beforehand."""

    def parameters(self) -> dict[str, Any]:
        """Return what the factorization is to be like: by default, as wide as the source."""
        return {"factors": self.needed_source().card.architecture["params"]["factors"]}

    def source_free(self) -> FactorsOnly:
        """The same factorization without knowing anything beforehand."""
        return FactorsOnly(model=self.model, settings=self.parameters())

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Fit the factorization with the source's knowledge."""
        model, knowledge = self.model_like(self.model), self.knowledge()
        knowledge.require_use(type(model).__name__, model.uses_knowledge)
        self._require_kind_of_source(type(model).__name__)
        self.model_ = self.train(model.set_params(**self.parameters()), matrix, knowledge=knowledge)

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score by the learned factors."""
        return self.model_.score_rows(rows)

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by folding the target's ratings in."""
        return self.model_.score_factors(self.fold_in(rows, profiles))

    def fold_in(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Find the factors (n, f) of the users in `rows`, were `profiles` all their target ratings."""
        return self.model_.fold_in(profiles)

    def _require_kind_of_source(self, ours: str) -> None:
        theirs = self.needed_source().card.architecture["name"]
        if theirs != ours:
            raise BadInput(
                f"Strategy {self.name!r} goes on from the source's factors with {ours}, and these are of "
                f"{theirs}: both are to be of one kind. Train the source with model={ours}(), or load it "
                f"with objective={self.objective_!r}."
            )


@hyperparameters
class WarmStart(FactorStrategy):
    """Start alternating least squares from the source's user factors instead of from the target's own.

    Parameters
    ----------
    iterations : int
        Of the factorization: the fewer, the more of the start is left.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("warm_start", source, task, iterations=2)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "warm_start"
    title = "Warm start"
    idea = "Begin the target's factorization at the source's user factors, and let it move."

    iterations: int = 2

    def parameters(self) -> dict[str, Any]:
        """Return the factorization's parameters, its iterations among them."""
        return super().parameters() | {"iterations": self.iterations}

    def knowledge(self) -> Knowledge:
        """Return the source's user factors as a start."""
        return Knowledge(user_start=self.source_factors)

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """Where the start is left, nothing remains of it for users without ratings."""
        return np.diff(profiles.indptr) > 0


@hyperparameters
class Prior(FactorStrategy):
    """Shrink each user's factors toward the source's instead of toward zero.

    The Gaussian prior of probabilistic matrix factorization (Salakhutdinov and Mnih, NIPS 2007, section 2)
    with its mean at the source's factors: what L2-SP (Li et al., arXiv:1802.01483) is for networks. The
    closed form stays one: each user's normal equations gain `weight` on both sides.

    Parameters
    ----------
    weight : float
        Strength of the prior. At 0 it is the factorization of the target alone; as it grows, the user
        factors become the source's.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("prior", source, task, weight=20.0)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "prior"
    title = "Source as prior"
    idea = "Shrink each user's factors toward the source's; ratings in the target pull them away."

    weight: float = 20.0

    def knowledge(self) -> Knowledge:
        """Return the source's user factors as prior means, without weight where it does not know a user."""
        if not self.weight >= 0:
            raise BadInput(f"The prior's weight is 0 or more; got {self.weight!r}.")
        return self._prior(np.arange(len(self.users_)))

    def fold_in(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Find factors under the same prior."""
        return self.model_.fold_in(profiles, self._prior(rows))

    def _prior(self, rows: np.ndarray) -> Knowledge:
        """Return the prior means and weights of the users in `rows`."""
        known = (rows >= 0) & (self.need_shared_users()[rows] >= 0)
        weights = np.where(known, self.weight, 0).astype(np.float32)
        means = np.where(known[:, None], self.source_factors[rows], 0)
        return Knowledge(user_prior=(means, weights))


@hyperparameters
class Frozen(FactorStrategy):
    """Keep the source's factors of what both domains share, and learn the other side around them.

    Parameters
    ----------
    shared : {"users", "items"}
        Whose factors are kept.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("frozen", source, task)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "frozen"
    title = "Frozen factors"
    idea = "Keep the source's factors of shared users; learn only the target's items around them."
    SIDES: ClassVar[tuple[str, ...]] = ("users", "items")

    shared: str = "users"

    def knowledge(self) -> Knowledge:
        """Return the source's factors of one side, and that they are not to move."""
        require_known("side to share", self.shared, self.SIDES)
        if self.shared == "users":
            return Knowledge(user_start=self.source_factors, fixed_users=self.shared_users >= 0)
        places = self._shared_items()
        items = aligned(self.needed_source().state["item_factors"].numpy(), places)
        return Knowledge(item_start=items, fixed_items=places >= 0)

    def fold_in(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Keep the source's factors of shared users, whatever they rate here."""
        found = super().fold_in(rows, profiles)
        if self.shared == "users":
            kept = (rows >= 0) & (self.shared_users[rows] >= 0)
            found[kept] = self.source_factors[rows[kept]]
        return found

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """Shared items say nothing of a user without ratings."""
        return super().is_known(profiles, rows if self.shared == "users" else None)

    def _shared_items(self) -> np.ndarray:
        places = pd.Index(self.needed_source().card.inputs["items"]).get_indexer(self.items_)
        if (places >= 0).any():
            return places
        raise BadInput(
            "Strategy 'frozen' with shared='items' needs items that source and target share; there are none. "
            "Take shared='users' where people are the same."
        )
