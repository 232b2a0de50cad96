"""What the ratings strategies share: the source's knowledge, laid out along the target's users and items."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from sklearn.base import clone

from tlkit.errors import BadInput
from tlkit.recsys.data.likes import keep_likes
from tlkit.recsys.data.ratings import to_matrix
from tlkit.recsys.models.base import OBJECTIVES, Recommender
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.study.source import Source
from tlkit.study.strategy import Strategy, hyperparameters

DEFAULT_MODELS = {"ranking": EASE, "rating": MatrixFactorization}
ANYTHING = -np.inf  # what the strategy hands on, it has sifted
ENOUGH = 5  # ratings of a user from which the target's own picture of them is worth learning from
FACTORIZATION = {"ranking": ImplicitALS, "rating": MatrixFactorization}


@hyperparameters
class RatingsStrategy(Recommender, Strategy):
    """Base of the ratings strategies: a subclass gives `learn` and `score_with`.

    Parameters
    ----------
    source : Source, optional
        What is transferred.
    random_state : int, optional
        Seed of whatever is drawn.
    device : str, optional
        Where to compute; the best device by default.
    """

    modality = "recsys"
    such_a_source = "two_shops"
    objectives: ClassVar[tuple[str, ...]] = OBJECTIVES
    defaults: ClassVar[dict[str, type[Recommender]]] = DEFAULT_MODELS

    source: Source | None = None

    @abstractmethod
    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score every item (n, n_items) for the users in `rows`, were `profiles` all their target ratings."""

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score by the ratings of the training data."""
        return self.score_with(rows, self.matrix_[rows])

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score for users whom the source does not know either."""
        return self.score_with(np.full(profiles.shape[0], -1), profiles)

    def fit_matrix(self, *args: Any, **params: Any) -> RatingsStrategy:
        """Fit as every recommender does; what was laid out along an earlier catalogue is forgotten."""
        for name in ("shared_users", "source_factors"):
            self.__dict__.pop(name, None)
        return super().fit_matrix(*args, **params)

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """A user of the source is known before the first rating, to a strategy that has a source."""
        known = super().is_known(profiles)
        if rows is None or self.source is None:
            return known
        return known | ((rows >= 0) & (self.shared_users[rows] >= 0))

    def member_scores(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score as `score_with`, and by popularity where nothing is known of a user."""
        return self._or_popularity(self.score_with(rows, profiles), self.is_known(profiles, rows))

    def model_like(self, model: Recommender | None) -> Recommender:
        """Return an unfitted copy of a recommender, or of the default one for the objective, seeded.

        A strategy gets the same source unless it has its own.

        Raises
        ------
        BadInput
            If the recommender ranks and stars are wanted.
        """
        made = with_source(self.defaults[self.objective_]() if model is None else model, self.source)
        made.set_params(random_state=self.random_state, device=self.device)
        made.serving(self.objective_)  # before another member is fitted in vain
        return made

    def settled(self) -> RatingsStrategy:
        """Return an unfitted copy that goes by the choices of the model that was fitted."""
        made, model = clone(self), getattr(self, "model_", None)
        return made.set_params(model=model.settled()) if model and "model" in self.get_params() else made

    def train(
        self,
        model: Recommender,
        matrix: csr_array,
        item_table: pd.DataFrame | None = None,
        knowledge: Knowledge | None = None,
        offered: np.ndarray | None = None,
    ) -> Recommender:
        """Fit a recommender on a matrix, with what it is to know beforehand and what is to be recommended."""
        told = item_table, self.objective_, self._callbacks, knowledge, ANYTHING, offered
        model.fit_matrix(matrix, None, None, *told)
        self.n_trainable_ = model.n_trainable_
        return model

    def fit_like(self, model: Recommender, matrix: csr_array) -> Recommender:
        """Fit a copy of a recommender or strategy on a matrix of the same users and items."""
        catalogue = self.users_, self.items_, self.item_table_
        told = *catalogue, self.objective_, self._callbacks, None, ANYTHING
        return self.model_like(model).fit_matrix(matrix, *told)

    def needed_source(self) -> Source:
        """Return the source.

        Raises
        ------
        BadInput
            If there is none, or it holds no ratings' factors.
        """
        source = super().needed_source()
        if "user_factors" not in source.state:
            raise BadInput(
                f"Source {source.name!r} has no user and item factors, so it is no source for ratings. "
                "tlkit.load_source('two_shops') is one; Source.from_fitted makes one of your own recommender."
            )
        return source

    @cached_property
    def shared_users(self) -> np.ndarray:
        """The source's row of each target user, -1 where it has none; shape (n_users,)."""
        return pd.Index(self.needed_source().card.inputs["users"]).get_indexer(self.users_)

    def need_shared_users(self) -> np.ndarray:
        """Return `shared_users`.

        Raises
        ------
        BadInput
            If source and target have no user in common.
        """
        if (self.shared_users >= 0).any():
            return self.shared_users
        theirs = self.needed_source().card.inputs["users"]
        raise BadInput(
            f"Strategy {self.name!r} needs users whom source and target share; there are none among "
            f"{len(theirs):,} and {len(self.users_):,} (ids such as {theirs[0]!r} and {self.users_[0]!r}). "
            "Give both the same ids, or take strategy 'codebook', which needs no overlap."
        )

    @cached_property
    def source_factors(self) -> np.ndarray:
        """The source's factors of the target's users, zero where it does not know them; (n_users, f)."""
        return aligned(self.needed_source().state["user_factors"].numpy(), self.need_shared_users())

    def source_ratings(self) -> csr_array:
        """The ratings that the source learned from, (n_users, n_items); for ranking, likes alone."""
        task = self.needed_source().task
        matrix = to_matrix(task.train)
        return keep_likes(matrix, task.like) if self.objective_ == "ranking" else matrix

    def source_matrix(self) -> csr_array:
        """The source's ratings; rows are the target's users, then those whom only the source knows."""
        self.need_shared_users()
        theirs = self.needed_source().task.users
        here = self.users_.append(theirs.difference(self.users_, sort=False))
        rows = theirs.get_indexer(here)
        return rows_of(self.source_ratings(), rows)


def require_members(owner: str, members: Mapping[str, Recommender], kind: type) -> dict[str, Recommender]:
    """Return a mapping of labels to recommenders of a kind.

    Raises
    ------
    BadInput
        If it is another thing, or empty.
    """
    if isinstance(members, Mapping) and members and all(isinstance(each, kind) for each in members.values()):
        return dict(members)
    raise BadInput(
        f"{owner} maps labels to {kind.__name__} objects, one or more, such as "
        f"{{'mine': {kind.__name__}(...)}}; got {members!r}."
    )


def with_source(member: Recommender, source: Source | None) -> Recommender:
    """Return an unfitted copy of a mixture's member; a strategy without a source gets the mixture's."""
    made = clone(member)
    return made.set_params(source=made.source or source) if isinstance(made, RatingsStrategy) else made


def is_from_source(member: Recommender, source: Source | None) -> bool:
    """Whether a mixture's member uses a source, its own or the mixture's."""
    given = with_source(member, source)
    return isinstance(given, RatingsStrategy) and given.uses_source


def without_source(members: Mapping[str, Recommender], source: Source | None) -> dict[str, Recommender]:
    """Return a mixture's members with each one's source-free twin in its place, the same one once."""
    found: dict[str, Recommender] = {}
    for label, member in members.items():
        given = with_source(member, source)
        if isinstance(given, RatingsStrategy) and given.uses_source:
            member = given.source_free() or member
        if repr(member) not in map(repr, found.values()):
            found[label] = member
    return found


def aligned(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the given rows of an array, zeros where a row is -1."""
    return np.where((rows >= 0)[:, None], values[rows], 0).astype(values.dtype)


def rows_of(matrix: csr_array, rows: np.ndarray) -> csr_array:
    """Return the given rows of a sparse matrix, empty ones where a row is -1."""
    empty = csr_array((1, matrix.shape[1]), dtype=matrix.dtype)
    return csr_array(vstack([matrix, empty], format="csr")[np.where(rows >= 0, rows, matrix.shape[0])])
