"""Ridge regressions by the thousand: one for each user, on the features of the items they rated."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.recsys.models.base import CELLS
from tlkit.recsys.solvers.rows import Rows


def ridge_rows(targets: csr_array, features: Tensor, reg: float) -> Tensor:
    """Regress each row's entries on the features of their columns: (X'X + reg * I)⁻¹ X'y.

    Parameters
    ----------
    targets : csr_array of shape (n, m)
        What to explain; a row without entries gets zeros.
    features : Tensor of shape (m, f)
        On the device to compute on.
    reg : float
        L2 penalty, above 0.

    Returns
    -------
    Tensor of shape (n, f)
    """
    rows, n_features = Rows(targets, features.device), features.shape[1]
    found = torch.zeros(len(rows), n_features, device=features.device)
    counts = np.diff(targets.indptr)
    order = np.argsort(-counts, kind="stable")  # rows of like length share a batch, and little is padding
    start = 0
    while start < len(order) and counts[order[start]]:
        size = max(CELLS // (n_features * max(n_features, int(counts[order[start]]))), 1)
        batch = torch.from_numpy(order[start : start + size]).to(features.device)
        found[batch] = _solve(*rows.padded(batch), features, reg)
        start += size
    return found


def _solve(columns: Tensor, values: Tensor, marks: Tensor, features: Tensor, reg: float) -> Tensor:
    """Solve a batch whose entries are padded to one length, all (n, length)."""
    known = features[columns] * marks[:, :, None]
    normal = known.mT @ known
    normal.diagonal(dim1=1, dim2=2).add_(reg)
    lower = torch.linalg.cholesky(normal)
    half = torch.linalg.solve_triangular(lower, known.mT @ values[:, :, None], upper=False)
    return torch.linalg.solve_triangular(lower.mT, half, upper=True)[:, :, 0]
