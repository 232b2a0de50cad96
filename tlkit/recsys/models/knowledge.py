"""What a factorization is told before it sees a rating."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.sparse import csr_array

from tlkit.errors import BadInput


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is known beforehand of factors and of what ratings are worth; all of it is optional.

    Parameters
    ----------
    user_start, item_start : ndarray of shape (n_users, width), (n_items, width)
        Rows of factors to start from; zeros where nothing is known.
    user_prior : (ndarray of shape (n_users, width), ndarray of shape (n_users,))
        Means that users' rows are pulled to, and how strongly: 0 is not at all, infinity leaves no doubt.
    fixed_users, fixed_items : ndarray of bool, shape (n_users,), (n_items,)
        Rows that stay as they start.
    item_weights : ndarray of shape (n_items,)
        How much an item's part of the loss counts, 0 or more, 1 by default.
    entry_weights : csr_array of shape (n_users, n_items)
        How much each rating counts besides, in the places of the ratings.
    """

    user_start: np.ndarray | None = None
    item_start: np.ndarray | None = None
    user_prior: tuple[np.ndarray, np.ndarray] | None = None
    fixed_users: np.ndarray | None = None
    fixed_items: np.ndarray | None = None
    item_weights: np.ndarray | None = None
    entry_weights: csr_array | None = None

    @property
    def pieces(self) -> list[str]:
        """Names of what is known."""
        return [name for name in PIECES if getattr(self, name) is not None]

    def settled(self) -> Knowledge:
        """Take a prior without doubt for a fixed row, one without weight for none, and start at its means."""
        if self.user_prior is None or not np.any(self.user_prior[1]):
            return replace(self, user_prior=None)
        means, weights = self.user_prior
        sure = np.isinf(weights)
        start = np.where((weights > 0)[:, None], means, 0) if self.user_start is None else self.user_start
        return replace(
            self,
            user_start=np.where(sure[:, None], means, start),
            user_prior=(means, np.where(sure, 0, weights)),
            fixed_users=sure if self.fixed_users is None else self.fixed_users | sure,
        )

    def require_use(self, who: str, usable: Collection[str]) -> None:
        """Check that all that is known can be used.

        Raises
        ------
        BadInput
            With what `who` can use, and who can use more.
        """
        unusable = [name for name in self.pieces if name not in usable]
        if unusable:
            able = f"only {', '.join(usable)}" if usable else "ratings alone"
            raise BadInput(
                f"{who} cannot be told {', '.join(unusable)} beforehand: it uses {able}. The models that "
                "know what to do with it are ImplicitALS and MatrixFactorization, when they are fitted."
            )

    def require_shapes(self, matrix: csr_array, factors: int, width: int) -> None:
        """Check that all that is known fits ratings (n_users, n_items) and rows of `width` columns.

        Raises
        ------
        BadInput
            If a shape is another, fixed rows have no start, or weights are not in the ratings' places.
        """
        n_users, n_items = matrix.shape
        means, weights = self.user_prior or (None, None)
        for name, values, needed in (
            ("user_start", self.user_start, (n_users, width)),
            ("item_start", self.item_start, (n_items, width)),
            ("user_prior (its means)", means, (n_users, width)),
            ("user_prior (its weights)", weights, (n_users,)),
            ("fixed_users", self.fixed_users, (n_users,)),
            ("fixed_items", self.fixed_items, (n_items,)),
            ("item_weights", self.item_weights, (n_items,)),
        ):
            if values is not None and np.shape(values) != needed:
                raise BadInput(f"{name} has the shape {np.shape(values)}; {_wanted(values, needed, factors)}")
        for side, fixed, start in (
            ("user", self.fixed_users, self.user_start),
            ("item", self.fixed_items, self.item_start),
        ):
            if fixed is not None and start is None:
                raise BadInput(f"fixed_{side}s stay as they start: give their factors as {side}_start.")
        if self.entry_weights is not None and not _same_places(self.entry_weights, matrix):
            raise BadInput("entry_weights has a weight for each rating: a matrix with the same places.")


PIECES = tuple(field.name for field in fields(Knowledge))
NOTHING = Knowledge()


def prior_of(knowledge: Knowledge | None, profiles: csr_array, factors: int, width: int) -> Knowledge:
    """Return what is known of the users to be folded in, settled; it is a prior of each and no more.

    Raises
    ------
    BadInput
        If it is more, or does not fit the profiles (n, n_items) and rows of `width` columns.
    """
    known = knowledge or NOTHING
    known.require_use("fold_in", ("user_prior",))
    known.require_shapes(profiles, factors, width)
    return known.settled()


def _wanted(values: np.ndarray, needed: tuple[int, ...], factors: int) -> str:
    said = f"needed is {needed}, with factors={factors}."
    if len(needed) == np.ndim(values) == 2 and needed[1] != np.shape(values)[1]:
        fitting = factors + np.shape(values)[1] - needed[1]
        return said + (f" For such rows set factors={fitting}." if fitting > 0 else "")
    return said


def _same_places(matrix: csr_array, other: csr_array) -> bool:
    one, two = matrix.sorted_indices(), other.sorted_indices()
    same = (np.array_equal(getattr(one, part), getattr(two, part)) for part in ("indptr", "indices"))
    return one.shape == two.shape and all(same)
