"""A spectral embedding of who rated what: what can be said of users and items before any star is read."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array
from sklearn.utils.extmath import randomized_svd

from tlkit.recsys.data.ratings import binary


class SpectralEmbedding:
    """Leading singular vectors of the rated-or-not matrix, its rows and columns scaled by root degrees.

    The scaling is that of Dhillon, Co-clustering documents and words using bipartite spectral graph
    partitioning, KDD 2001, section 4; it keeps the most rated items from being all there is to see.

    Parameters
    ----------
    matrix : csr_array of shape (n_users, n_items)
        Ratings; their values do not matter.
    size : int
        How many vectors, at most.
    seed : int
        Of the randomised decomposition (Halko et al., arXiv:0909.4061).

    Attributes
    ----------
    items : ndarray of shape (n_items, size), float32
        Root mean squares of the columns are the singular values; zero for items without a rating.
    """

    def __init__(self, matrix: csr_array, size: int, seed: int):
        n_users, n_items = matrix.shape
        size = min(size, n_users, n_items)
        roots = np.sqrt(np.maximum(np.bincount(matrix.indices, minlength=n_items), 1))
        scaled = _scaled(matrix) @ diags_array(1 / roots).astype(np.float32)
        _, values, vectors = randomized_svd(scaled, max(size, 1), random_state=seed)
        values, vectors = values[:size], vectors[:size]
        self.items = (vectors.T * values * np.sqrt(n_items)).astype(np.float32)
        self._projection = (vectors.T / roots[:, None] * np.sqrt(n_users)).astype(np.float32)

    def users(self, profiles: csr_array) -> np.ndarray:
        """Embed users by what they rated, (n, n_items) to (n, size), float32; zero for those with nothing."""
        return _scaled(profiles) @ self._projection


def _scaled(matrix: csr_array) -> csr_array:
    """Return ones where there are ratings, over the root of how many the row has."""
    roots = np.sqrt(np.maximum(np.diff(matrix.indptr), 1)).astype(np.float32)
    return diags_array(1 / roots) @ binary(matrix)
