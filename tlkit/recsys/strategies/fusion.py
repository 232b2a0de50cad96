"""Several recommenders as one, weighed by what each said of ratings that it had not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import binary, places, split_rows
from tlkit.recsys.evaluation.metrics import ndcg_units
from tlkit.recsys.models.autoencoders import AutoRec, MultiDAE
from tlkit.recsys.models.base import Recommender
from tlkit.recsys.models.content import ContentBased, numbers
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.neighbours import ItemNeighbours, UserNeighbours
from tlkit.recsys.models.shrinkage import in_deviations
from tlkit.recsys.strategies.base import (
    RatingsStrategy,
    is_from_source,
    require_members,
    without_source,
)
from tlkit.recsys.strategies.joined import Joined
from tlkit.study.strategy import hyperparameters

CELLS = 2**24  # validation scores held at once, of all members together
JUDGES = 1_000  # users whose held-out items the weights of a ranking are learned on
PARTS = 20  # that weights are shared out in
HELD_OUT_SHARE = 0.2  # of each user's ratings, rounded down


def default_members(objective: str) -> dict[str, Recommender]:
    """Return unfitted recommenders of every kind for an objective, by label."""
    of_both = {
        "item neighbours": ItemNeighbours(),
        "user neighbours": UserNeighbours(),
        "content": ContentBased(),
    }
    if objective == "rating":
        return of_both | {"factorization": MatrixFactorization(), "autoencoder": AutoRec()}
    return of_both | {"factorization": ImplicitALS(), "autoencoder": MultiDAE(), "linear": EASE()}


@hyperparameters
class Fusion(RatingsStrategy):
    """A weighted sum of recommenders, no weight below zero, learned inside the training ratings.

    Stars: each member predicts every training rating from a fit on the other folds, and least squares
    find the weights (stacking; Wolpert, Neural Networks 5(2), 1992; without negative weights, Breiman,
    Machine Learning 24, 1996). Ranking: members are fitted without a fifth of each user's ratings, scores
    are put in standard deviations user by user, and weights are shared out where they serve NDCG@10 on the
    held-out items best (ensemble selection; see `select`), or evenly where nobody has five ratings. In the
    end members are fitted on all training ratings.

    Parameters
    ----------
    source : Source, optional
        With one, both domains joined are a member too, by default.
    members : mapping of str to Recommender, optional
        What to fuse, by label; by default neighbours, a factorization, an autoencoder and, where items have
        features, content.
    folds : int
        How often members are fitted to be judged by stars, 2 or more.

    Attributes
    ----------
    members_ : dict of str to Recommender
        Fitted on all training ratings.
    weights_ : DataFrame
        One row a member: weight, and how good it was alone where the weights were learned: `rmse` or
        `ndcg@10`.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import EASE, Popularity
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100)
    >>> members = {"linear": EASE(), "popular": Popularity()}
    >>> fusion = tlkit.transfer("fusion", None, task, members=members).fitted
    >>> fusion.weights_.index.tolist(), float(fusion.weights_["weight"].sum().round(6))
    (['linear', 'popular'], 1.0)
    """

    name = "fusion"
    title = "Fusion of recommenders"
    idea = "Let several kinds of recommenders speak, and weigh them by how well they did on unseen ratings."

    members: Mapping[str, Recommender] | None = None
    folds: int = 5

    @property
    def uses_source(self) -> bool:
        """Whether one of the members does; by default both domains joined are one, given a source."""
        if self.members is None:
            return super().uses_source
        return any(is_from_source(each, self.source) for each in self.members.values())

    def source_free(self) -> Fusion:
        """The same fusion of the members' own twins."""
        members = None if self.members is None else without_source(self.members, self.source)
        return Fusion(members=members, folds=self.folds)

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Learn the weights on held-out training ratings, then fit the members on all."""
        rng = np.random.default_rng(
            int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
        )
        chosen = self._chosen()
        stack = self._stack_stars if self.objective_ == "rating" else self._stack_ranking
        weights, alone, self.intercept_ = stack(chosen, matrix, rng)
        measure = "rmse" if self.objective_ == "rating" else "ndcg@10"
        labels = pd.Index(chosen, name="member")
        self.weights_ = pd.DataFrame({"weight": weights, measure: alone}, labels)
        self.members_ = self._fit_members(chosen, matrix)
        self.n_trainable_ = sum(member.n_trainable_ for member in self.members_.values()) + len(chosen)

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by the weighted sum of what the members say of the profiles."""
        return self._mixed(member.member_scores(rows, profiles) for member in self.members_.values())

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score by the weighted sum of what the members say of training users."""
        return self._mixed(member.scores(self.users_[rows]) for member in self.members_.values())

    def score_pairs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Score pairs; stars without scoring every item."""
        if self.objective_ == "ranking":
            return super().score_pairs(rows, columns)
        return self._said(self.members_, rows, columns) @ self._weights + self.intercept_

    @property
    def _weights(self) -> np.ndarray:
        return self.weights_["weight"].to_numpy(np.float32)

    def _chosen(self) -> dict[str, Recommender]:
        """The members to be, unfitted."""
        if self.folds < 2:
            raise BadInput(f"folds is 2 or more; got {self.folds!r}.")
        given = self._default_members() if self.members is None else self.members
        members = require_members("members", given, Recommender)
        return {label: self.model_like(member) for label, member in members.items()}

    def _default_members(self) -> dict[str, Recommender]:
        members = default_members(self.objective_)
        if not has_features(self.item_table_):
            del members["content"]
        if self.source is not None:
            members["both domains"] = Joined()
        return members

    def _fit_members(self, chosen: Mapping[str, Recommender], matrix: csr_array) -> dict[str, Recommender]:
        return {label: self.fit_like(member, matrix) for label, member in chosen.items()}

    def _mixed(self, member_scores: Iterable[np.ndarray]) -> np.ndarray:
        """Add up members' scores (n, n_items), one member at a time."""
        scored = (
            weight * self._comparable(each) for weight, each in zip(self._weights, member_scores, strict=True)
        )
        return sum(scored) + self.intercept_

    def _comparable(self, scores: np.ndarray) -> np.ndarray:
        """Stars clipped to the scale; for ranking, standard deviations from a user's mean."""
        return scores.clip(*self.scale_) if self.objective_ == "rating" else in_deviations(scores)

    def _said(self, members: Mapping[str, Recommender], rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """What each member says of pairs, (n, n_members), in stars."""
        said = [self._comparable(member.score_pairs(rows, columns)) for member in members.values()]
        return np.column_stack(said)

    def _stack_stars(
        self, chosen: Mapping[str, Recommender], matrix: csr_array, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Return each member's weight and error alone, and the intercept, by out-of-fold predictions."""
        rows, columns = places(matrix)
        if len(rows) < self.folds:
            raise BadInput(f"{len(rows)} ratings cannot be parted into {self.folds} folds.")
        said = np.empty((len(rows), len(chosen)), dtype=np.float32)
        folds = KFold(self.folds, shuffle=True, random_state=int(rng.integers(2**31)))
        for kept, held in folds.split(rows):
            entries = (matrix.data[kept], (rows[kept], columns[kept]))
            members = self._fit_members(chosen, csr_array(entries, shape=matrix.shape))
            said[held] = self._said(members, rows[held], columns[held])
        stacker = LinearRegression(positive=True).fit(said, matrix.data)
        errors = np.sqrt(((said - matrix.data[:, None]) ** 2).mean(axis=0))
        return stacker.coef_, errors, float(stacker.intercept_)

    def _stack_ranking(
        self, chosen: Mapping[str, Recommender], matrix: csr_array, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Return each member's weight and NDCG@10 alone, by items held out of each user's ratings."""
        kept, held = hold_out(matrix, rng)
        judges = rng.permutation(np.flatnonzero(np.diff(held.indptr)))
        judges = judges[: max(min(JUDGES, CELLS // (matrix.shape[1] * len(chosen))), 1)]
        if not len(judges):
            return np.full(len(chosen), 1 / len(chosen)), np.full(len(chosen), np.nan), 0.0
        members = self._fit_members(chosen, kept)
        seen, wanted = (binary(each[judges]).toarray() > 0 for each in (kept, held))
        scores = np.stack(
            [self._comparable(member.scores(self.users_[judges])) for member in members.values()]
        )
        return *select(scores, seen, wanted), 0.0


def has_features(items: pd.DataFrame | None) -> bool:
    """Say whether a table of items has anything that content can be learned from."""
    try:
        return numbers(items).size > 0
    except BadInput:
        return False


def hold_out(matrix: csr_array, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """Part each user's ratings at random: four fifths of them, rounded up, and the rest."""
    count = np.diff(matrix.indptr)
    return split_rows(matrix, count - (count * HELD_OUT_SHARE).astype(int), rng)


def select(scores: np.ndarray, seen: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share weight out among members, one equal part after the other to whoever makes the mixture best.

    Caruana et al., Ensemble selection from libraries of models, ICML 2004, section 2.1: with repetition, and
    the best of all mixtures on the way is taken. It is no worse than the best member where it is learned.

    Parameters
    ----------
    scores : ndarray of shape (n_members, n_users, n_items)
        What members say, comparable with each other.
    seen, wanted : ndarray of bool, shape (n_users, n_items)
        Items that cannot be recommended, and held-out ones; everybody has one or more of the latter.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        Adding up to 1.
    alone : ndarray of shape (n_members,)
        NDCG@10 of each member.
    """
    parts, found = np.zeros(len(scores)), []
    mixed = np.zeros_like(scores[0])
    for _ in range(PARTS):
        quality = [ndcg_units(mixed + each, seen, wanted).mean() for each in scores]
        best = int(np.argmax(quality))
        mixed, parts[best] = mixed + scores[best], parts[best] + 1
        found.append((quality, parts.copy()))
    _, parts = max(found, key=lambda each: max(each[0]))
    return parts / parts.sum(), np.array(found[0][0])
