"""What every recommender shares: ids, fitting, seen items, and what to say of those nothing is known of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tlkit.errors import BadInput, Limit, require_known, require_number, whole
from tlkit.recsys.data.likes import keep_likes, likes_to_learn
from tlkit.recsys.data.ratings import as_ratings, binary, codes, to_matrix
from tlkit.recsys.data.train_test import require_items
from tlkit.recsys.evaluation.scoring import best_of, ranks_only
from tlkit.recsys.models.knowledge import NOTHING, Knowledge
from tlkit.study.callbacks import Callback
from tlkit.study.strategy import Fitted, hyperparameters
from tlkit.system import compute

CELLS = 2**24  # scores held at once
BLOCK = 128  # users scored together
OBJECTIVES = ("ranking", "rating")


@hyperparameters
class Recommender(Fitted):
    """Base of the recommenders: a subclass gives `learn` and `score_profiles`.

    Parameters
    ----------
    random_state : int, optional
        Seed of whatever is drawn.
    device : str, optional
        Where to compute; the best device by default.

    Attributes
    ----------
    objectives : tuple of {"ranking", "rating"}
        What its scores can be for, an order of items or stars; the first unless `fit` is asked for another.
    objective_ : {"ranking", "rating"}
        What its scores are for.
    uses_knowledge : collection of str
        What of `Knowledge` it can be told beforehand.
    limits : dict of str to Limit
        What its parameters may be; one that is None by default may also be None.
    users_, items_ : Index
        The catalogue.
    matrix_ : csr_array of shape (n_users, n_items)
        The ratings it learned from: for ranking, likes alone.
    rated_ : csr_array of shape (n_users, n_items)
        All ratings, which are not recommended again.
    offered_ : ndarray of bool, shape (n_items,)
        The items that are to be recommended; of others ratings are only known.
    """

    objectives: ClassVar[tuple[str, ...]] = ("ranking",)
    uses_knowledge: ClassVar[Collection[str]] = ()
    limits: ClassVar[Mapping[str, Limit]] = {}

    random_state: int | None = None
    device: str | None = None

    @abstractmethod
    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Learn from the ratings of all users, shape (n_users, n_items)."""

    @abstractmethod
    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score every item for users known by their ratings alone: (n, n_items) to (n, n_items)."""

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score every item for the training users in `rows`, shape (len(rows), n_items)."""
        return self.score_profiles(self.matrix_[rows])

    def fit(
        self,
        ratings: pd.DataFrame,
        items: pd.DataFrame | None = None,
        objective: str | None = None,
        callbacks: Sequence[Callback] = (),
        relevant: float | None = None,
    ) -> Recommender:
        """Fit on a table of ratings.

        Parameters
        ----------
        ratings : DataFrame
            Columns user, item, rating; see `tlkit.recsys.data.ratings.as_ratings`.
        items : DataFrame, optional
            What is known of items, indexed by item id.
        objective : {"ranking", "rating"}, optional
            What scores are to be for, an order of items or stars; by default the first of `objectives`.
            Whoever knows stars alone ranks by them.
        callbacks : sequence of Callback
            Hear of the training.
        relevant : float, optional
            The fewest stars that are a like, by default any above 0: whoever learns an order from what was
            taken learns from likes alone. With a warning where ratings are 0 or below and nobody said this.

        Raises
        ------
        BadInput
            If a table cannot be used, nothing is liked, a parameter is out of its limits, or stars are asked
            of what only ranks.
        """
        table = as_ratings(ratings)
        users, catalogue = table["user"].cat.categories, table["item"].cat.categories
        require_items(items, catalogue)
        known = None if items is None else items.reindex(catalogue)
        matrix = to_matrix(table)
        return self.fit_matrix(matrix, users, catalogue, known, objective, callbacks, relevant=relevant)

    def fit_matrix(
        self,
        matrix: csr_array,
        users: pd.Index | None = None,
        items: pd.Index | None = None,
        item_table: pd.DataFrame | None = None,
        objective: str | None = None,
        callbacks: Sequence[Callback] = (),
        knowledge: Knowledge | None = None,
        relevant: float | None = None,
        offered: np.ndarray | None = None,
    ) -> Recommender:
        """Fit on a matrix (n_users, n_items), perhaps with knowledge; ids are numbers by default.

        `offered` marks the items (n_items,) that are to be recommended, by default all.
        """
        self._require_limits()
        objective, knowledge = self.serving(objective), knowledge or NOTHING
        knowledge.require_use(type(self).__name__, self.uses_knowledge)
        told = {"knowledge": knowledge} if self.uses_knowledge else {}
        self.objective_ = objective
        self.users_ = pd.RangeIndex(matrix.shape[0]) if users is None else users
        self.items_ = pd.RangeIndex(matrix.shape[1]) if items is None else items
        self.relevant_, self.rated_, self.item_table_ = relevant, matrix, item_table
        self.offered_ = np.ones(matrix.shape[1], dtype=bool) if offered is None else offered
        if objective == "ranking":
            matrix = likes_to_learn(matrix, relevant)
        self.matrix_ = matrix
        self.popularity_ = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float32)
        self.scale_ = float(matrix.data.min()), float(matrix.data.max())
        self.device_ = compute.choose_device(self.device)
        self.history_, self._callbacks = [], callbacks
        try:
            with compute.seeded(self.random_state, self.device_) as generator:
                self.learn(matrix, generator, **told)
        except BaseException:
            del self.matrix_  # half a fit is none
            raise
        finally:
            del self._callbacks
        return self

    def settled(self) -> Recommender:
        """Return an unfitted copy that goes by the choices which this fit has made, if it makes any."""
        return clone(self)

    def serving(self, objective: str | None) -> str:
        """Return what scores will be for where `objective` is asked for: stars order items too.

        Raises
        ------
        BadInput
            If there is no such objective, or stars are asked of what only ranks.
        """
        wanted = (
            self.objectives[0] if objective is None else require_known("objective", objective, OBJECTIVES)
        )
        if wanted in self.objectives:
            return wanted
        if wanted == "rating":
            raise ranks_only(self)
        return "rating"

    def report(self, step: int, steps: int, loss: float) -> None:
        """Note how far fitting has come, and tell who listens."""
        record = {"step": step, "steps": steps, "loss": loss}
        self.history_ = [*self.history_, record]
        for callback in self._callbacks:
            callback.on_step(record)

    def scores(self, users: Any) -> np.ndarray:
        """Score every item for known users, shape (n_users, n_items).

        A user without ratings gets the popularity of items where scores are for ranking.

        Raises
        ------
        BadInput
            If a user is not in the catalogue.
        """
        check_is_fitted(self, "matrix_")
        rows = codes(self.users_, users, "user", self.items_)
        parts = list(self._blocks(rows))
        if not parts:
            return np.empty((0, len(self.items_)), dtype=np.float32)
        places, scores = map(np.concatenate, zip(*parts, strict=True))
        return scores[np.argsort(places)]

    def predict(self, users: Any, items: Any) -> np.ndarray:
        """Score pairs of users and items, shape (n,); stars are clipped to the scale of the training ratings.

        Raises
        ------
        BadInput
            If an id is not in the catalogue, or there are not as many users as items.
        """
        check_is_fitted(self, "matrix_")
        rows = codes(self.users_, users, "user", self.items_)
        columns = codes(self.items_, items, "item", self.users_)
        if len(rows) != len(columns):
            raise BadInput(f"Pairs are needed: got {len(rows):,} users and {len(columns):,} items.")
        found = self.score_pairs(rows, columns)
        return found.clip(*self.scale_) if self.objective_ == "rating" else found

    def score_pairs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Score pairs given by their codes, shape (n,)."""
        found = np.empty(len(rows), dtype=np.float32)
        for mine, scores in self._blocks(rows):
            found[mine] = scores[np.arange(len(mine)), columns[mine]]
        return found

    def recommend(self, users: Any, n: int = 10, seen: bool = False) -> pd.DataFrame:
        """Recommend the items with the highest scores; of equal scores the earlier of the catalogue.

        Parameters
        ----------
        users : id or array-like of ids
            For whom.
        n : int
            How many items each, 1 to the size of the catalogue.
        seen : bool
            Whether items that a user has rated may come again.

        Returns
        -------
        DataFrame
            Columns user, rank (from 1), item, score; fewer than `n` rows for a user who has rated nearly all.

        Raises
        ------
        BadInput
            If a user is unknown or `n` is out of range.
        TrainingProblem
            If a score is not a number.

        Examples
        --------
        >>> import tlkit
        >>> from tlkit.recsys.models import Popularity
        >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
        >>> model = Popularity().fit(task.train)
        >>> model.recommend("u0-05", n=2)
            user  rank  item  score
        0  u0-05     1  f013   32.0
        1  u0-05     2  f080   31.0
        """
        check_is_fitted(self, "matrix_")
        rows = codes(self.users_, users, "user", self.items_)
        self._require_length(n)
        items = np.empty((len(rows), n), dtype=np.intp)
        new, scores = np.empty(items.shape, dtype=bool), np.empty(items.shape, dtype=np.float32)

        def best(block: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
            mine, found = block
            return mine, self._top(found, self.rated_[rows[mine]], n, seen)

        for mine, top in compute.one_ahead(best, self._blocks(rows)):
            items[mine], new[mine], scores[mine] = top
        return self._lay_out(self.users_[rows], items, new, scores)

    def recommend_to(self, ratings: pd.DataFrame, n: int = 10, seen: bool = False) -> pd.DataFrame:
        """Recommend to new users, folded in by their ratings of known items; nothing is fitted again."""
        check_is_fitted(self, "matrix_")
        self._require_length(n)
        table = as_ratings(ratings, items=self.items_)
        # A slice of a larger table still has everybody as its categories.
        users = table["user"].cat.remove_unused_categories()
        rated = to_matrix(table.assign(user=users))
        profiles = keep_likes(rated, self.relevant_) if self.objective_ == "ranking" else rated
        found = self._or_popularity(self.score_profiles(profiles), self.is_known(profiles))
        return self._lay_out(users.cat.categories, *self._top(found, rated, n, seen))

    def member_scores(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score as a member of a mixture: the users in `rows`, were `profiles` all their ratings."""
        return self.score_profiles(profiles)

    def batches(self, n_rows: int) -> Iterator[slice]:
        """Cut rows into slices small enough to score against every item at once."""
        size = max(CELLS // len(self.items_), 1)
        return (slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size))

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """Tell of whom anything is known, by default a rating; shape (n,)."""
        return np.diff(profiles.indptr) > 0

    def _require_limits(self) -> None:
        for name, limit in self.limits.items():
            value = getattr(self, name)
            if value is not None or getattr(type(self), name) is not None:
                require_number(name, value, limit)

    def _blocks(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Score the users in `rows`: yield places in `rows` and the scores of these, (n, n_items).

        The last digit of a score depends on who is scored in the same call and by how many threads, and with
        it the order of near ties. So users are scored with all of their block, whoever was asked for, by one
        thread. Users with as many ratings share one, since cold users are mostly asked for together.
        """
        size = max(min(BLOCK, CELLS // len(self.items_)), 1)
        order = np.argsort(np.diff(self.matrix_.indptr), kind="stable")
        places = np.argsort(order)[rows]
        asked = np.argsort(places, kind="stable")
        firsts = np.unique(places[asked] // size, return_index=True)[1]
        for mine in np.split(asked, firsts)[1:]:
            start = places[mine[0]] // size * size
            whole = order[start : start + size]
            known = self.is_known(self.matrix_[whole], whole)
            with compute.torch_threads(1):
                scores = self.score_rows(whole)
            yield mine, self._or_popularity(scores, known)[places[mine] - start]

    def _or_popularity(self, scores: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Whom nothing is known of gets what most people take."""
        if self.objective_ != "ranking" or known.all():
            return scores
        return np.where(known[:, None], scores, self.popularity_)

    def _require_length(self, n: int) -> None:
        catalogue = len(self.items_)
        require_number(f"n, of a catalogue of {catalogue:,} items,", n, whole(1, catalogue))

    def _top(self, scores: np.ndarray, profiles: csr_array, n: int, seen: bool) -> tuple[np.ndarray, ...]:
        """Find users' best items, which of these are new to them, and their scores: each (n_users, n)."""
        hidden = csr_array(profiles.shape) if seen else binary(profiles)
        items, new = best_of(type(self).__name__, scores, hidden, n)
        return items, new, np.take_along_axis(scores, items, axis=1)

    def _lay_out(self, users: pd.Index, *top: np.ndarray) -> pd.DataFrame:
        """Make a table of what `_top` finds, without what is not new."""
        items, new, scores = top
        place, rank = np.nonzero(new)
        found = {"user": users[place], "rank": rank + 1, "item": self.items_[items[new]]}
        return pd.DataFrame(found | {"score": scores[new].astype(np.float32)})


@hyperparameters
class FactorModel(Recommender):
    """Base of the recommenders with a vector for each user and item: a subclass gives `learn` and `fold_in`.

    Attributes
    ----------
    user_factors : ndarray of shape (n_users, n_factors), float32
    item_factors : ndarray of shape (n_items, n_factors), float32
    """

    learned: ClassVar[tuple[str, ...]] = ("user_factors", "item_factors")

    @abstractmethod
    def fold_in(self, profiles: csr_array) -> np.ndarray:
        """Find factors (n, n_factors) for users known by their ratings (n, n_items) alone."""

    def score_factors(self, factors: np.ndarray) -> np.ndarray:
        """Score every item for users with these factors: (n, n_factors) to (n, n_items)."""
        sides = (factors, self.item_factors)
        users, items = (torch.as_tensor(side, dtype=torch.float32, device=self.device_) for side in sides)
        return (users @ items.T).cpu().numpy()

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score by the learned factors."""
        return self.score_factors(self.user_factors[rows])

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score by folded-in factors."""
        return self.score_factors(self.fold_in(profiles))

    def score_pairs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Score pairs without scoring every item."""
        if self.objective_ == "ranking":
            return super().score_pairs(rows, columns)
        return np.einsum("nf,nf->n", self.user_factors[rows], self.item_factors[columns])

    def export(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return the card's architecture, inputs and classes, and the weights: see `Source.from_fitted`."""
        check_is_fitted(self, "matrix_")
        parts = {
            "architecture": {"name": type(self).__name__, "params": self.get_params()},
            "inputs": {"users": self.users_.tolist(), "items": self.items_.tolist()},
            "classes": (),
            "kind": "recsys",
        }
        return parts, {name: torch.as_tensor(getattr(self, name)) for name in self.learned}
