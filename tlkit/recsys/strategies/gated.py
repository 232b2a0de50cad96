"""Leaning on the source while the target is thin, by weights learned for each number of ratings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import binary, places, split_rows
from tlkit.recsys.evaluation.metrics import ndcg_units
from tlkit.recsys.models.shrinkage import in_deviations
from tlkit.recsys.strategies.alone import TargetOnly
from tlkit.recsys.strategies.base import (
    ENOUGH,
    RatingsStrategy,
    is_from_source,
    require_members,
    rows_of,
    without_source,
)
from tlkit.recsys.strategies.factors import Prior
from tlkit.recsys.strategies.features import Features
from tlkit.recsys.strategies.joined import Joined
from tlkit.study.strategy import hyperparameters

COUNTS = (0, 1, 2, 3, 5, 8, 12, 20)  # target ratings at which the gate is learned
PARTS = 5  # weights are fifths
BEST = 5  # mixtures whose mean is taken: the very best one is partly luck
FIFTHS, TRIED = 5, 2  # a fifth of the users is made cold at a time, and two of the fifths are tried


@hyperparameters
class Gated(RatingsStrategy):
    """Mix experts with weights that depend on how many target ratings a user has.

    The weights are learned where the answer is known. Users with target ratings are made cold, a fifth of
    them at a time, and experts are fitted without them; at each of a few numbers of ratings the mixture is
    kept that ranks (or predicts) their other ratings best, and between those numbers weights are
    interpolated. Nobody's held-out ratings are seen: all of this happens inside the training data.

    Parameters
    ----------
    experts : mapping of str to RatingsStrategy, optional
        By default `target_only`, `joined`, `prior` and `features`. One of them is a `TargetOnly`, which
        serves users whom the source does not know.

    Attributes
    ----------
    weights_ : DataFrame
        One row a number of target ratings, one column an expert; rows add up to 1.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("gated", source, task)
    >>> trial.fitted.weights_.columns.tolist()
    ['target_only', 'joined', 'prior', 'features']
    """

    name = "gated"
    title = "Gated mixture"
    idea = "Mix target, joint and source-only models with weights learned for each number of ratings."

    experts: Mapping[str, RatingsStrategy] | None = None

    @property
    def uses_source(self) -> bool:
        """Whether one of the experts does."""
        return any(is_from_source(each, self.source) for each in self._chosen().values())

    def source_free(self) -> Gated:
        """The same mixture of the experts' own twins."""
        return Gated(experts=without_source(self._chosen(), self.source))

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Learn the gate on users made cold, then fit the experts on everything."""
        known = np.ones(matrix.shape[0], dtype=bool)
        if self.experts is None or self.uses_source:
            known = self.need_shared_users() >= 0
        users = np.flatnonzero(known & (np.diff(matrix.indptr) >= ENOUGH))
        if len(users) < FIFTHS:
            raise BadInput(
                f"The gate is learned on users with {ENOUGH} or more target ratings whom the source knows "
                f"too; there are {len(users)}. Make fewer users cold, or take another source."
            )
        rng = np.random.default_rng(self.random_state)
        parts = np.array_split(rng.permutation(users), FIFTHS)[:TRIED]
        self.experts_ = self._fit(self._chosen(), matrix)
        # What an expert chooses by all users, such as a penalty, it need not choose again without a fifth.
        settled = {label: expert.settled() for label, expert in self.experts_.items()}
        self.weights_ = self._learn_gate(settled, matrix, parts, rng)
        self.n_trainable_ = sum(expert.n_trainable_ for expert in self.experts_.values())

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by the mixture that a user's number of ratings calls for."""
        counts = np.diff(profiles.indptr)
        weights = np.column_stack(
            [np.interp(counts, self.weights_.index, w) for w in self.weights_.T.to_numpy()]
        )
        if any(expert.uses_source for expert in self.experts_.values()):
            alone = [isinstance(expert, TargetOnly) for expert in self.experts_.values()]
            weights[(rows < 0) | (self.shared_users[rows] < 0)] = np.eye(len(alone))[alone.index(True)]
        return np.einsum("ne,eni->ni", weights, self._member_scores(self.experts_, rows, profiles))

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """The experts have said what is to be said of strangers."""
        return np.ones(profiles.shape[0], dtype=bool)

    def _chosen(self) -> dict[str, RatingsStrategy]:
        """The experts to be, unfitted."""
        default = {kind.name: kind() for kind in (TargetOnly, Joined, Prior, Features)}
        given = default if self.experts is None else self.experts
        members = require_members("experts", given, RatingsStrategy)
        if not any(isinstance(expert, TargetOnly) for expert in members.values()):
            raise BadInput(
                "One of the experts is a TargetOnly, for users whom the source does not know; "
                f"got {', '.join(members)}."
            )
        return members

    def _fit(self, experts: Mapping[str, RatingsStrategy], matrix: csr_array) -> dict[str, RatingsStrategy]:
        return {label: self.fit_like(expert, matrix) for label, expert in experts.items()}

    def _member_scores(
        self, experts: Mapping[str, RatingsStrategy], rows: np.ndarray, profiles: csr_array
    ) -> np.ndarray:
        """Return what each expert says, (n_experts, n, n_items); for ranking in standard deviations."""
        said = np.stack([expert.member_scores(rows, profiles) for expert in experts.values()])
        return said if self.objective_ == "rating" else in_deviations(said)

    def _learn_gate(
        self,
        chosen: Mapping[str, RatingsStrategy],
        matrix: csr_array,
        parts: list[np.ndarray],
        rng: np.random.Generator,
    ) -> pd.DataFrame:
        """Make each part of the users cold in turn and see which mixture serves them best."""
        found: dict[int, list[np.ndarray]] = {}
        for part in parts:
            warm = np.ones(matrix.shape[0], dtype=bool)
            warm[part] = False
            experts = self._fit(chosen, rows_of(matrix, np.where(warm, np.arange(len(warm)), -1)))
            for count in COUNTS:
                users = part[np.diff(matrix.indptr)[part] > count]
                if len(users):
                    profiles, held_out = split_rows(matrix[users], np.full(len(users), count), rng)
                    member_scores = self._member_scores(experts, users, profiles)
                    found.setdefault(count, []).append(self._judge(member_scores, profiles, held_out))
        mixtures = _mixtures(len(experts))
        best = [np.concatenate(each, axis=1).mean(axis=1).argsort()[-BEST:] for each in found.values()]
        weights = [mixtures[each].mean(axis=0) for each in best]
        return pd.DataFrame(weights, pd.Index(found, name="ratings"), pd.Index(experts, name="expert"))

    def _judge(self, member_scores: np.ndarray, profiles: csr_array, held_out: csr_array) -> np.ndarray:
        """Return how good each mixture is for each user, (n_mixtures, n)."""
        mixed = (np.tensordot(weights, member_scores, 1) for weights in _mixtures(len(member_scores)))
        if self.objective_ == "rating":
            return np.stack([_closeness(scores, held_out) for scores in mixed])
        seen, relevant = (binary(each).toarray() > 0 for each in (profiles, held_out))
        return np.stack([ndcg_units(scores, seen, relevant) for scores in mixed])


def _closeness(scores: np.ndarray, held_out: csr_array) -> np.ndarray:
    """Minus each user's mean squared error, (n,)."""
    rows, columns = places(held_out)
    errors = (scores[rows, columns] - held_out.data) ** 2
    return -np.bincount(rows, errors, minlength=len(scores)) / np.diff(held_out.indptr)


def _mixtures(n: int) -> np.ndarray:
    """Every way to share one out among `n` in fifths, (n_mixtures, n)."""
    shares = itertools.product(range(PARTS + 1), repeat=n)
    return np.array([share for share in shares if sum(share) == PARTS], dtype=np.float32) / PARTS
