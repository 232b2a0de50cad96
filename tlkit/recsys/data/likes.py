"""Which ratings say that a user likes an item: what a ranking is learned from, and judged by."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import places


def is_like(rating: np.ndarray, relevant: float | None = None) -> np.ndarray:
    """Tell which ratings are likes: those of `relevant` or more, or those above 0 where that is None.

    Examples
    --------
    >>> import numpy as np
    >>> from tlkit.recsys.data.likes import is_like
    >>> is_like(np.array([-1, 0, 1, 5])).tolist(), is_like(np.array([1, 5]), relevant=4).tolist()
    ([False, False, True, True], [False, True])
    """
    return rating > 0 if relevant is None else rating >= relevant


def keep_likes(matrix: csr_array, relevant: float | None = None) -> csr_array:
    """Return a matrix of ratings with its likes alone: see `is_like`."""
    liked = is_like(matrix.data, relevant)
    if liked.all():
        return matrix
    rows, columns = places(matrix)
    kept = csr_array((matrix.data[liked], (rows[liked], columns[liked])), shape=matrix.shape)
    kept.sort_indices()
    return kept


def likes_to_learn(matrix: csr_array, relevant: float | None = None) -> csr_array:
    """Return the likes in a matrix of ratings; where nobody said what a like is, say what was dropped.

    Raises
    ------
    BadInput
        If there are ratings, and none is a like.
    """
    kept = keep_likes(matrix, relevant)
    if kept.nnz < matrix.nnz and not kept.nnz:
        wanted = "above 0" if relevant is None else f"of {relevant:g} or more"
        raise BadInput(
            f"No rating is {wanted}, so there is no like to learn a ranking from: the highest is "
            f"{matrix.data.max():g}. Say from which rating on an item is liked: relevant=..."
        )
    if kept.nnz < matrix.nnz and relevant is None:
        warnings.warn(
            f"{matrix.nnz - kept.nnz:,} of {matrix.nnz:,} ratings are 0 or below: no likes, so a ranking is "
            "not learned from them. If likes begin elsewhere, say relevant=...",
            UserWarning,
            stacklevel=4,
        )
    return kept


def worth_recommending(test: pd.DataFrame, relevant: float | None) -> pd.DataFrame:
    """Return the held-out ratings that are likes.

    Raises
    ------
    BadInput
        If none is.
    """
    rows = test[is_like(test["rating"].to_numpy(), relevant)]
    if len(rows):
        return rows
    wanted = "is above 0" if relevant is None else f"has {relevant:g} stars or more"
    raise BadInput(
        f"No held-out rating {wanted}: the highest of the test is {test['rating'].max():g}. "
        "Choose a lower `relevant`."
    )
