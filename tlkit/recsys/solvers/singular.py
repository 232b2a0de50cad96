"""Leading singular vectors of a sparse matrix, on any device: products, and small symmetric problems."""

from __future__ import annotations

import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.recsys.solvers.rows import Rows

TURNS = 2
NOISE = 1e-6  # of the largest eigenvalue: what round-off leaves of one that is zero


def singular_start(matrix: csr_array, n_factors: int, generator: torch.Generator) -> Tensor:
    """Return the leading left singular vectors, times the roots of their singular values.

    By two turns of subspace iteration (Halko, Martinsson and Tropp, arXiv:0909.4061, algorithm 4.4).

    Parameters
    ----------
    matrix : csr_array of shape (n_rows, n_columns)
        What is factorized.
    n_factors : int
        How many vectors; those beyond the matrix's rank are zero.
    generator : Generator
        Of the first vectors, on the device to compute on.

    Returns
    -------
    Tensor of shape (n_rows, n_factors)
    """
    device = generator.device
    rows, columns = Rows(matrix, device), Rows(csr_array(matrix.T), device)
    basis = torch.randn(matrix.shape[1], n_factors, generator=generator, device=device)
    for _ in range(TURNS):
        basis = _scaled(columns.times(_scaled(rows.times(basis), 0)), 0)
    return _scaled(rows.times(basis), 0.5)


def _scaled(vectors: Tensor, power: float) -> Tensor:
    """Return left singular vectors times their singular values to some power, zero beyond the rank."""
    squares, axes = spectrum(vectors)
    kept = squares > NOISE * squares.max()
    return vectors @ (axes * torch.where(kept, squares, 1) ** ((power - 1) / 2) * kept)


def spectrum(columns: Tensor, weights: Tensor | float = 1) -> tuple[Tensor, Tensor]:
    """Return eigenvalues, 0 or more, and eigenvectors of Y'WY, of shapes (f,) and (f, f).

    Parameters
    ----------
    columns : Tensor of shape (n, f)
        Y.
    weights : Tensor of shape (n, 1), optional
        The diagonal of W.
    """
    gram = (columns.T @ (weights * columns)).cpu().double()
    values, axes = torch.linalg.eigh(gram)
    return values.clamp(min=0).float().to(columns.device), axes.float().to(columns.device)
