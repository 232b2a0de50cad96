"""EASE: every item a linear mixture of all others, in closed form."""

from __future__ import annotations

from typing import ClassVar

import joblib
import numpy as np
import psutil
import torch
from scipy.sparse import csr_array
from sklearn.base import clone
from torch import Tensor

from tlkit.errors import ABOVE_0, BadInput, require_number
from tlkit.recsys.data.ratings import binary
from tlkit.recsys.models.base import CELLS, Recommender
from tlkit.recsys.models.shrinkage import Shrinkage, choose, with_crowd
from tlkit.recsys.solvers.rows import dense, times
from tlkit.study.strategy import hyperparameters

# Matrices of n_items x n_items alive at once, as measured: a Cholesky factorization works in some, an
# eigendecomposition in double precision in many.
COPIES, COPIES_OF_CHOICE = 4, 12
USERS_COST = 2  # a product over users beside an inverse over items, as measured
BYTES = 4
GIGABYTE = 2**30
CHOSEN: dict[
    str, Shrinkage
] = {}  # three numbers each; the same ratings come again in mixtures and their twins


@hyperparameters
class EASE(Recommender):
    """Rank items by a linear mixture of what a user has, with weights fitted in closed form.

    Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, arXiv:1905.03375, equation 8.
    Whether an item was rated counts, not its stars.

    Parameters
    ----------
    regularization : float or Shrinkage, optional
        L2 penalty on the weights, above 0. By default it is chosen by NDCG@10, leaving each user out in turn:
        a thin profile wants more of it than a full one, and where even that serves it worse than popularity
        does, popularity gets a share of its scores. See `tlkit.recsys.models.shrinkage.Shrinkage`. Where
        only some items are to be recommended, profiles are as full as they are of those.
    random_state : int, optional
        Of the choice of those users and of their ratings.
    device : str, optional
        As for every recommender.

    Attributes
    ----------
    shrinkage_ : Shrinkage
        The penalty, and the share of popularity, for a profile of any size.
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

    regularization: float | Shrinkage | None = None

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Find the weights of all items at once."""
        given = self.regularization
        require_memory(matrix.shape[1], self.device_, choice=given is None)
        taken = binary(matrix)
        if given is None:
            self.shrinkage_ = self._choose(taken)
        else:
            self.shrinkage_ = given if isinstance(given, Shrinkage) else Shrinkage(given)
        self._inverse = Inverse(taken, self.device_)
        self._solved: dict[float, np.ndarray] = {}
        self.weights_ = self._weights(self.shrinkage_.full)
        if not self.shrinkage_.thin:
            del self._inverse
        self.n_trainable_ = matrix.shape[1] * (matrix.shape[1] - 1)

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score every item by the weights of those in the profile: (n, n_items) to (n, n_items)."""
        profiles, offered = binary(profiles), self.offered_
        sizes = np.diff(csr_array(profiles[:, offered]).indptr)
        penalties = self.shrinkage_.penalties(sizes)
        scores = np.empty(profiles.shape, dtype=np.float32)
        for penalty in np.unique(penalties):
            mine = np.flatnonzero(penalties == penalty)
            weights = torch.from_numpy(self._weights(penalty)).to(self.device_)
            scores[mine] = times(profiles[mine], weights).cpu().numpy()
        if self.shrinkage_.crowd:
            shares = self.shrinkage_.shares(sizes)
            scores[:, offered] = with_crowd(scores[:, offered], self.popularity_[offered], shares)
        return scores

    def settled(self) -> EASE:
        """Return an unfitted copy with the shrinkage of this fit."""
        return clone(self).set_params(regularization=self.shrinkage_)

    def _require_limits(self) -> None:
        if isinstance(self.regularization, Shrinkage):
            require_number("regularization.full", self.regularization.full, ABOVE_0)
        else:
            super()._require_limits()

    def _choose(self, taken: csr_array) -> Shrinkage:
        """Choose, or remember what was chosen for the same ratings with the same seed in this process."""
        seed, where = self.random_state, self.device_
        key = joblib.hash((taken.indptr, taken.indices, taken.shape, self.offered_, seed, where.type))
        if seed is None or key not in CHOSEN:
            rng = np.random.default_rng(seed)
            made = choose(taken, self.offered_, lambda part: Inverse(part, where), rng, self.report)
            CHOSEN[key] = made
        return CHOSEN[key]

    def _weights(self, penalty: float) -> np.ndarray:
        """The weights at a penalty, solved for when a profile first asks for it."""
        key = round(float(penalty), 3)
        if key not in self._solved:
            self._solved[key] = item_weights(self._inverse(penalty)).cpu().numpy()
        return self._solved[key]


def gram(taken: csr_array) -> Tensor:
    """Count how many users have both of two items: (n_users, n_items) to (n_items, n_items), float32."""
    n_items = taken.shape[1]
    by_item = csr_array(taken.T)
    found = np.empty((n_items, n_items), dtype=np.float32)
    size = max(CELLS // n_items, 1)
    for start in range(0, n_items, size):
        found[start : start + size] = (by_item[start : start + size] @ taken).toarray()
    return torch.from_numpy(found)


class Inverse:
    """The inverse of gram + penalty * I, shape (n_items, n_items), at whatever penalty.

    Where there are fewer users than items it comes from a matrix of users: (X'X + penalty * I)⁻¹ is
    (I - X'(XX' + penalty * I)⁻¹X) / penalty (Woodbury, Inverting modified matrices, 1950).

    Parameters
    ----------
    taken : csr_array of shape (n_users, n_items)
        X, of ones.
    device : torch.device
        Where to compute.
    """

    def __init__(self, taken: csr_array, device: torch.device):
        n_users, n_items = taken.shape
        self.by_users = USERS_COST * n_users < n_items
        self.taken = taken if self.by_users else None
        # torch lacks what follows on Apple's GPUs, which share the processor's memory anyway.
        here = "cpu" if device.type == "mps" else device
        self.gram = gram(csr_array(taken.T) if self.by_users else taken).to(here)

    def __call__(self, penalty: float) -> Tensor:
        """Invert at a penalty above 0."""
        together = self.gram.clone()
        together.diagonal().add_(penalty)
        root = torch.linalg.cholesky(together)
        if not self.by_users:
            return torch.cholesky_inverse(root)
        part = torch.linalg.solve_triangular(root, dense(self.taken, root.device), upper=False)
        found = (part.T @ part).div_(-penalty)
        found.diagonal().add_(1 / penalty)
        return found


def item_weights(inverse: Tensor) -> Tensor:
    """Make the weights with a zero diagonal: Steck 2019, equation 8. Overwrites `inverse`.

    With P the inverse of gram + penalty * I, weight (i, j) is -P_ij / P_jj off the diagonal.
    """
    weights = inverse.div_(-inverse.diagonal().clone())
    weights.fill_diagonal_(0)
    return weights


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
