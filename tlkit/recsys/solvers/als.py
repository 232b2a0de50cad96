"""Alternating least squares for implicit feedback: the best factors of all rows, given those of the columns.

Row u gets the factors x that minimise, over all columns i with factors y_i::

    sum_i  c_ui (t_ui - x.y_i)^2  +  penalty_u |x|^2  +  pull_u |x - mean_u|^2

where an entry has the target t = 1 and the weight c = row weight * column weight + extra, and every other
place t = 0 and c = row weight * column weight (Hu, Koren and Volinsky, ICDM 2008, equation 3; the last term
is a Gaussian prior). Places without an entry cost nothing, for their part Y'WY is the same for all rows. With
its eigenvectors as axes this part and both penalties are diagonal for every row, and with each axis scaled a
row's system becomes (I + K'DK) x = K'c + pull: K holds one row an entry, D its extra weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.recsys.solvers.singular import spectrum

# Bytes of gathered factors held at once: what a processor's caches hold, or what keeps another device busy.
HELD = {"cpu": 2**21}
HELD_ELSEWHERE = 2**28
TINY = 1e-30


class Batch(NamedTuple):
    """Rows with about as many entries each, padded to the longest: (n, length), weights of 0 in the padding.

    `confidence` is an entry's whole weight c, `extra` what it has above a place without an entry.
    """

    fixed: bool
    rows: Tensor
    columns: Tensor
    confidence: Tensor
    extra: Tensor


class LeastSquaresSide:
    """Users against items, or items against users: whose factors are sought, and all that decides them.

    Parameters
    ----------
    extra : csr_array of shape (n_rows, n_columns)
        What entries weigh above places without one, 0 or more.
    n_factors : int
        Size of the factors.
    penalty : float or ndarray of shape (n_rows,)
        Of the squared norm of a row's factors, above 0.
    device : torch.device
        Where to compute.
    row_weights, column_weights : ndarray of shape (n_rows,) or (n_columns,), optional
        How much all places of a row or column count, 1 by default.
    prior : (ndarray of shape (n_rows, n_factors), ndarray of shape (n_rows,)), optional
        Means that the factors are pulled to, and how strongly, 0 or more.
    fixed : ndarray of bool, shape (n_rows,), optional
        Rows that keep the factors they have.
    """

    def __init__(
        self,
        extra: csr_array,
        n_factors: int,
        penalty: float | np.ndarray,
        device: torch.device,
        *,
        row_weights: np.ndarray | None = None,
        column_weights: np.ndarray | None = None,
        prior: tuple[np.ndarray, np.ndarray] | None = None,
        fixed: np.ndarray | None = None,
    ):
        rows = np.ones(extra.shape[0]) if row_weights is None else row_weights
        columns = np.ones(extra.shape[1]) if column_weights is None else column_weights
        free = np.ones(extra.shape[0], dtype=bool) if fixed is None else ~fixed
        cells = HELD.get(device.type, HELD_ELSEWHERE) // (4 * n_factors)
        self.batches = [
            Batch(fixed, *(torch.from_numpy(part).to(device) for part in parts))
            for fixed in (False, True)
            for parts in _packed(extra, rows, columns, np.flatnonzero(free != fixed), cells)
        ]
        self.n_free = int(free.sum())
        self.penalty = _column(penalty, device)
        self.row_weights = _column(1 if row_weights is None else rows, device)
        self.column_weights = _column(columns, device)
        self.pull = _column(0 if prior is None else prior[1], device)
        self.means = None if prior is None else torch.from_numpy(np.float32(prior[0])).to(device)
        self.constant = 0.0 if self.means is None else float((self.pull * self.means**2).sum())

    def solve(self, columns: Tensor, start: Tensor, steps: int | None = None) -> tuple[Tensor, float]:
        """Find the factors of all rows.

        Parameters
        ----------
        columns : Tensor of shape (n_columns, n_factors), float32
            The other side's factors.
        start : Tensor of shape (n_rows, n_factors), float32
            Where conjugate gradients begin and fixed rows stay.
        steps : int, optional
            Of conjugate gradients; by default each system is solved exactly.

        Returns
        -------
        Tensor of shape (n_rows, n_factors)
            The factors.
        float
            What they minimise, summed over all rows.
        """
        values, axes = spectrum(columns, self.column_weights)
        scale = (self.row_weights * values + self.penalty + self.pull).rsqrt()
        alike = len(scale) == 1
        table = columns @ (axes * scale if alike else axes)
        found, losses = start.clone(), [start.new_zeros(())]
        solve = exact if steps is None else partial(conjugate_gradients, steps=steps)
        for batch in self.batches:
            here = scale if alike else scale[batch.rows]
            near = table.index_select(0, batch.columns.view(-1)).view(*batch.columns.shape, -1)
            near = near if alike else near * here[:, None]
            pull = self._pull(batch.rows, axes) * here
            x = start.index_select(0, batch.rows) @ axes / here
            if batch.fixed:
                seen = _dots(x, near)
            else:
                x, seen = solve(near, batch, pull, x)
                found.index_copy_(0, batch.rows, x * here @ axes.T)
            losses += [_loss(batch, seen), (x * (x - 2 * pull)).sum()]
        return found, float(torch.stack(losses).cpu().double().sum()) + self.constant

    def norms(self, rows: Tensor) -> float:
        """Return the penalty of factors, summed over all rows: this side's part of the other's objective."""
        return float((self.penalty * rows**2).sum())

    def _pull(self, rows: Tensor, axes: Tensor) -> Tensor:
        if self.means is None:
            return axes.new_zeros(1, len(axes))
        return (self.pull[rows] * self.means[rows]) @ axes


def conjugate_gradients(
    near: Tensor, batch: Batch, pull: Tensor, x: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Take a few steps toward the solution of (I + K'DK) x = K'c + pull, one system a row.

    After Takács, Pilászy and Tikk, Applications of the conjugate gradient method for implicit feedback
    collaborative filtering, RecSys 2011, algorithm 1. The scaled axes are a preconditioner: all that a row
    shares with others is an identity here.

    Parameters
    ----------
    near : Tensor of shape (n, length, n_factors)
        K, the scaled factors of each row's columns.
    batch : Batch
        With D and c.
    pull : Tensor of shape (n, n_factors) or (1, n_factors)
        The prior's part of the right side.
    x : Tensor of shape (n, n_factors)
        Where to begin.
    steps : int
        1 or more.

    Returns
    -------
    Tensor of shape (n, n_factors)
        x.
    Tensor of shape (n, length)
        K x, what x says of each entry.
    """
    seen = _dots(x, near)
    residual = _combined(batch.confidence - batch.extra * seen, near) + pull - x
    direction, norm = residual, _square(residual)
    for step in range(1, steps + 1):
        ahead = _dots(direction, near)
        weighted = batch.extra * ahead
        length = norm / (_square(direction) + (weighted * ahead).sum(1, keepdim=True)).clamp_(min=TINY)
        x, seen = x + length * direction, seen + length * ahead
        if step < steps:
            residual = residual - length * (direction + _combined(weighted, near))
            norm, before = _square(residual), norm
            direction = residual + norm / before.clamp(min=TINY) * direction
    return x, seen


def exact(near: Tensor, batch: Batch, pull: Tensor, x: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Solve (I + K'DK) x = K'c + pull by Cholesky, one system a row.

    With fewer entries than factors the system has the size of the entries (Woodbury's identity):
    (I + H'H)^-1 = I - H'(I + HH')^-1 H, where H is K with its rows times the roots of D.

    Parameters
    ----------
    near, batch, pull
        As in `conjugate_gradients`; a place to begin is not needed.

    Returns
    -------
    Tensor of shape (n, n_factors), Tensor of shape (n, length)
        x, and K x.
    """
    right = _combined(batch.confidence, near) + pull
    roots = near * batch.extra.sqrt()[:, :, None]
    if near.shape[1] < near.shape[2]:
        x = right - _combined(_solved(roots @ roots.mT, _dots(right, roots)), roots)
    else:
        x = _solved(roots.mT @ roots, right)
    return x, _dots(x, near)


def _solved(gram: Tensor, right: Tensor) -> Tensor:
    """Solve (I + gram) x = right for each of a batch."""
    gram.diagonal(dim1=1, dim2=2).add_(1)
    lower = torch.linalg.cholesky(gram)
    half = torch.linalg.solve_triangular(lower, right[:, :, None], upper=False)
    return torch.linalg.solve_triangular(lower.mT, half, upper=True)[:, :, 0]


def _dots(x: Tensor, near: Tensor) -> Tensor:
    # A row vector times a matrix: several times as fast as a matrix times a column vector.
    return torch.bmm(x[:, None], near.mT)[:, 0]


def _combined(weights: Tensor, near: Tensor) -> Tensor:
    return torch.bmm(weights[:, None], near)[:, 0]


def _square(x: Tensor) -> Tensor:
    return (x * x).sum(1, keepdim=True)


def _loss(batch: Batch, seen: Tensor) -> Tensor:
    """Sum c (1 - s)^2 over entries, less the part of s^2 that Y'WY has counted already."""
    return (batch.confidence * (1 - 2 * seen) + batch.extra * seen**2).sum()


def _packed(
    extra: csr_array, row_weights: np.ndarray, column_weights: np.ndarray, rows: np.ndarray, cells: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Cut rows, the longest first, into batches of about `cells` entries, as `Batch` has them."""
    lengths = np.diff(extra.indptr)
    rows = rows[np.argsort(-lengths[rows], kind="stable")]
    columns, values = np.append(extra.indices, 0), np.append(extra.data, 0).astype(np.float32)
    while len(rows):
        length = max(lengths[rows[0]], 1)
        now, rows = np.split(rows, [max(cells // length, 1)])
        there = np.arange(length) < lengths[now, None]
        entry = np.where(there, extra.indptr[now, None] + np.arange(length), extra.nnz)
        base = np.where(there, row_weights[now, None] * column_weights[columns[entry]], 0)
        yield now, columns[entry], (values[entry] + base).astype(np.float32), values[entry]


def _column(values: float | np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.float32(values).reshape(-1, 1)).to(device)
