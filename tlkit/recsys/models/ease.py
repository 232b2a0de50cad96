"""EASE: every item a linear mixture of all others, in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
import psutil
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.errors import ABOVE_0, BadInput
from tlkit.recsys.data.ratings import binary, split_rows
from tlkit.recsys.evaluation.metrics import ndcg_units
from tlkit.recsys.models.base import CELLS, Recommender
from tlkit.recsys.solvers.rows import times
from tlkit.study.strategy import hyperparameters

GRID = tuple(float(value) for value in np.geomspace(1, 10_000, 13))
HELD_OUT_SHARE = 0.2
JUDGES_SHARE, JUDGES = 0.2, 1_000  # users who choose the penalty: this share of all, and no more
SIZES, FEWEST_JUDGES = (1, 2, 4, 8, 16, 32, 64, 128, 256), 30
THIN = 8  # known ratings below which a fifth is too little to judge by
# Matrices of n_items x n_items alive at once, as measured: a Cholesky factorization works in some, an
# eigendecomposition in double precision in many.
COPIES, COPIES_OF_CHOICE = 4, 12
BYTES = 4
GIGABYTE = 2**30


@hyperparameters
class EASE(Recommender):
    """Rank items by a linear mixture of what a user has, with weights fitted in closed form.

    Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, arXiv:1905.03375, equation 8.
    Whether an item was rated counts, not its stars.

    Parameters
    ----------
    regularization : float, optional
        L2 penalty on the weights, above 0. By default it is chosen by NDCG@10 on a fifth of the users: a
        thin profile wants more of it than a full one, so each number of ratings gets its own, which one
        eigendecomposition makes almost free.
    random_state : int, optional
        Of the choice of those users and of their ratings.
    device : str, optional
        As for every recommender.

    Attributes
    ----------
    regularization_ : Series
        The penalty by number of ratings, from that number up to the next.
    weights_ : ndarray of shape (n_items, n_items), float32
        What having the row's item says of the column's, at the penalty of full profiles; zero diagonal.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import EASE
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = EASE(regularization=50).fit(task.train)
    >>> model.recommend("u0-05", n=2)["item"].tolist()
    ['f031', 'f097']
    """

    limits: ClassVar = {"regularization": ABOVE_0}

    regularization: float | None = None

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Find the weights of all items at once."""
        require_memory(matrix.shape[1], self.device_, choice=self.regularization is None)
        taken = binary(matrix)
        given = pd.Series({0: self.regularization}, name="regularization")
        self.regularization_ = given if self.regularization else self._choose(taken)
        together = self._gram(taken)
        self.path_ = None if self.regularization else Path(together)
        self.weights_ = item_weights(together, self.regularization_.iloc[-1]).cpu().numpy()
        self.n_trainable_ = matrix.shape[1] * (matrix.shape[1] - 1)

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score every item by the weights of those in the profile: (n, n_items) to (n, n_items)."""
        profiles = binary(profiles)
        if self.path_ is None:
            return times(profiles, torch.from_numpy(self.weights_).to(self.device_)).cpu().numpy()
        step = self.regularization_.index.searchsorted(np.diff(profiles.indptr), side="right") - 1
        penalties = self.regularization_.to_numpy()[step.clip(0)]
        scores = np.empty(profiles.shape, dtype=np.float32)
        for penalty in np.unique(penalties):
            mine = np.flatnonzero(penalties == penalty)
            (scores[mine],) = self.path_.scores(profiles[mine], [penalty])
        return scores

    def _choose(self, taken: csr_array) -> pd.Series:
        """For each number of ratings, the penalty that serves users best of whom so many are known."""
        rng = np.random.default_rng(self.random_state)
        users = rng.permutation(np.flatnonzero(np.diff(taken.indptr) > 1))
        judges = users[: min(round(JUDGES_SHARE * len(users)), JUDGES)]
        path = Path(self._gram(taken[np.setdiff1d(np.arange(taken.shape[0]), judges)]))
        known = {size: self._known(taken[judges], size, rng) for size in SIZES}
        known = {size: parts for size, parts in known.items() if parts[0].shape[0] >= FEWEST_JUDGES}
        chosen = {}
        for step, (size, parts) in enumerate(known.items(), start=1):
            chosen[size], quality = self._best(path, *parts)
            self.report(step, len(known), -quality)
        return pd.Series(chosen or {0: GRID[len(GRID) // 2]}, name="regularization")

    @staticmethod
    def _known(taken: csr_array, size: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
        """Part the items of users into `size` or up to twice as many that are known, and the rest.

        Users who have that many give up a fifth; where there are few of them, richer ones give up more.
        """
        stay = (np.diff(taken.indptr) * (1 - HELD_OUT_SHARE)).astype(int)
        typical = (stay >= size) & (stay < 2 * size)
        if size < THIN or typical.sum() < FEWEST_JUDGES:
            typical, stay = stay > size, np.full(len(stay), size)
        return split_rows(taken[np.flatnonzero(typical)], stay[typical], rng)

    @staticmethod
    def _best(path: Path, kept: csr_array, held_out: csr_array) -> tuple[float, float]:
        """The geometric mean of the three best penalties, as the very best is partly luck; and its NDCG."""
        seen, wanted = (part.toarray() > 0 for part in (kept, held_out))
        quality = [ndcg_units(scores, seen, wanted).mean() for scores in path.scores(kept, GRID)]
        return float(np.exp(np.log(GRID)[np.argsort(quality)[-3:]].mean())), max(quality)

    def _gram(self, taken: csr_array) -> Tensor:
        # torch has no eigenvectors on Apple's GPUs, which share the processor's memory anyway.
        return gram(taken).to("cpu" if self.device_.type == "mps" else self.device_)


def gram(taken: csr_array) -> Tensor:
    """Count how many users have both of two items: (n_users, n_items) to (n_items, n_items), float32."""
    n_items = taken.shape[1]
    by_item = csr_array(taken.T)
    found = np.empty((n_items, n_items), dtype=np.float32)
    size = max(CELLS // n_items, 1)
    for start in range(0, n_items, size):
        found[start : start + size] = (by_item[start : start + size] @ taken).toarray()
    return torch.from_numpy(found)


def item_weights(gram: Tensor, reg: float) -> Tensor:
    """Solve for the weights with a zero diagonal: Steck 2019, equation 8. Overwrites `gram`.

    With P the inverse of gram + reg * I, weight (i, j) is -P_ij / P_jj off the diagonal.
    """
    gram.diagonal().add_(reg)
    precision = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = precision.div_(-precision.diagonal().clone())
    weights.fill_diagonal_(0)
    return weights


class Path:
    """The solutions for all penalties from one eigendecomposition: each more costs next to nothing.

    As (V L V' + reg * I)⁻¹ = V (L + reg * I)⁻¹ V', scores need no inverse.

    Parameters
    ----------
    gram : Tensor of shape (n_items, n_items)
        Symmetric, positive semi-definite.
    """

    def __init__(self, gram: Tensor):
        # In single precision the eigenvectors of a matrix with empty rows can come out as NaN.
        values, vectors = torch.linalg.eigh(gram.double())
        self.values, self.vectors = values.clamp(min=0).float(), vectors.float()

    def scores(self, profiles: csr_array, regs: Sequence[float]) -> Iterator[np.ndarray]:
        """Score every item as EASE does at each of the penalties: (n, n_items) to (n, n_items).

        X B is X - X P / diag(P), the columns divided: X itself comes from the diagonal that is set to zero.
        """
        inverses = [1 / (self.values + reg) for reg in regs]
        diagonals = self.vectors.square() @ torch.stack(inverses, dim=1)
        taken, projected = profiles.toarray(), times(profiles, self.vectors)
        for inverse, diagonal in zip(inverses, diagonals.T, strict=True):
            yield taken - ((projected * inverse) @ self.vectors.T / diagonal).cpu().numpy()


def require_memory(n_items: int, device: torch.device, choice: bool) -> None:
    """Refuse a catalogue whose dense matrices do not fit, where the penalty is given or is to be chosen.

    Raises
    ------
    BadInput
        With what they would take, what there is, and what to use instead.
    """
    copies, free = COPIES_OF_CHOICE if choice else COPIES, free_memory(device)
    needed = copies * BYTES * n_items**2
    if needed > free:
        cheaper = f"Give it a regularization, which takes {COPIES}, or use" if choice else "Use"
        raise BadInput(
            f"EASE needs {copies} dense matrices of {n_items:,} x {n_items:,} items: "
            f"{needed / GIGABYTE:,.1f} GB, and {free / GIGABYTE:,.1f} GB are free on {device}. {cheaper} "
            "ImplicitALS or ItemNeighbours, which keep no such matrix, or leave out items with few ratings."
        )


def free_memory(device: torch.device) -> int:
    """Return the free memory of a device, in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
