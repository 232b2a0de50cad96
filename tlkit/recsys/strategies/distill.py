"""A large teacher's rankings in a small student."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array, vstack

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import binary, places
from tlkit.recsys.evaluation.metrics import top_k
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.strategies.alone import FactorsOnly
from tlkit.recsys.strategies.base import FACTORIZATION, RatingsStrategy
from tlkit.recsys.strategies.joined import Joined
from tlkit.study.strategy import hyperparameters


@hyperparameters
class Distill(RatingsStrategy):
    """Train a small factorization on the target's ratings and on what a large teacher would recommend.

    Ranking distillation (Tang and Wang, arXiv:1809.07428, section 3): the teacher, `joined` on both domains,
    ranks the items that a user has not rated; the student takes the first of them as weak positives. The
    student needs no source data and no large model when it recommends.

    Parameters
    ----------
    factors : int
        Of the student.
    n_teacher_items : int
        Items the teacher adds for each user.
    teacher_weight : float
        How much an item of the teacher's counts against a rated one, in (0, 1].

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("distill", source, task, factors=8)
    >>> round(trial.metrics["ndcg@10"], 1)
    0.4
    """

    name = "distill"
    title = "Ranking distillation"
    idea = "A large model of both shops recommends; a small one learns from that and from the ratings."
    defaults = FACTORIZATION

    factors: int = 16
    n_teacher_items: int = 10
    teacher_weight: float = 0.1

    def source_free(self) -> FactorsOnly:
        """The student without a teacher."""
        return FactorsOnly(settings={"factors": self.factors})

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Fit the teacher, let it add to the ratings, and fit the student on both."""
        if not 0 < self.teacher_weight <= 1 or not 0 <= self.n_teacher_items <= matrix.shape[1]:
            raise BadInput(
                f"`teacher_weight` is in (0, 1] and `n_teacher_items` from 0 to {matrix.shape[1]:,} items; "
                f"got teacher_weight={self.teacher_weight!r} and n_teacher_items={self.n_teacher_items!r}."
            )
        self.need_shared_users()
        teacher_items = (
            self._teacher_items(matrix)
            if self.n_teacher_items
            else csr_array(matrix.shape, dtype=matrix.dtype)
        )
        student = self.model_like(None).set_params(factors=self.factors)
        both = _together(matrix, teacher_items)
        weights = _together(binary(matrix), self.teacher_weight * binary(teacher_items))
        self.model_ = self.train(student, both, knowledge=Knowledge(entry_weights=weights))

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Score by the student's factors."""
        return self.model_.score_rows(rows)

    def score_with(self, rows: np.ndarray, profiles: csr_array) -> np.ndarray:
        """Score by folding the target's ratings into the student; without any, as the teacher said."""
        factors = self.model_.fold_in(profiles)
        newcomer = (rows >= 0) & (np.diff(profiles.indptr) == 0)
        factors[newcomer] = self.model_.user_factors[rows[newcomer]]
        return self.model_.score_factors(factors)

    def _teacher_items(self, matrix: csr_array) -> csr_array:
        """Return the teacher's scores of the items that it puts first, (n_users, n_items)."""
        teacher = self.fit_like(Joined(), matrix)
        parts = [
            self._best(teacher, np.arange(part.start, part.stop)) for part in self.batches(len(self.users_))
        ]
        return csr_array(vstack(parts, format="csr"))

    def _best(self, teacher: Joined, rows: np.ndarray) -> csr_array:
        scores = teacher.member_scores(rows, self.matrix_[rows])
        seen = binary(self.matrix_[rows]).toarray() > 0
        best = top_k(scores, seen, self.n_teacher_items)
        values = np.take_along_axis(scores, best, axis=1).clip(*teacher.scale_)
        # A user who has rated nearly all is taught nothing twice.
        new = ~np.take_along_axis(seen, best, axis=1)
        return csr_array((values[new], (np.nonzero(new)[0], best[new])), shape=scores.shape)


def _together(matrix: csr_array, other: csr_array) -> csr_array:
    """Put entries of two matrices, nowhere in the same place, into one; a plain sum would lose zeros."""
    places_ = [np.concatenate(pair) for pair in zip(places(matrix), places(other), strict=True)]
    return csr_array((np.concatenate([matrix.data, other.data]), places_), shape=matrix.shape)
