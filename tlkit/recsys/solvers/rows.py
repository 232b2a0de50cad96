"""Rows of a sparse matrix on the device: made dense a few at a time, or multiplied as they are."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array
from torch import Tensor


class Rows:
    """A sparse matrix on the device, for work that every kind of device can do.

    Parameters
    ----------
    matrix : csr_array of shape (n_rows, n_columns)
        What is held.
    device : torch.device
        Where.
    """

    def __init__(self, matrix: csr_array, device: torch.device):
        self.n_columns = matrix.shape[1]
        self.starts = torch.from_numpy(matrix.indptr.astype(np.int64)).to(device)
        self.columns = torch.from_numpy(matrix.indices.astype(np.int64)).to(device)
        self.values = torch.from_numpy(matrix.data.astype(np.float32)).to(device)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def entries(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return for each entry of the wanted rows its place among them and its place in `values`."""
        counts = self.starts[rows + 1] - self.starts[rows]
        place = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), counts)
        skipped = self.starts[rows] - (counts.cumsum(0) - counts)
        return place, torch.arange(len(place), device=rows.device) + skipped[place]

    def dense(self, rows: Tensor, power: int = 1) -> Tensor:
        """Return the wanted rows, values raised to a power, as a dense tensor (len(rows), n_columns)."""
        place, entry = self.entries(rows)
        found = torch.zeros(len(rows), self.n_columns, device=rows.device)
        found[place, self.columns[entry]] = self.values[entry] ** power
        return found

    def padded(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return columns, values and marks (1 for an entry, 0 for padding), each (len(rows), longest)."""
        place, entry = self.entries(rows)
        counts = self.starts[rows + 1] - self.starts[rows]
        marks = (torch.arange(int(counts.max()), device=rows.device) < counts[:, None]).float()
        within = entry - self.starts[rows][place]
        columns, values = torch.zeros_like(marks, dtype=torch.long), torch.zeros_like(marks)
        columns[place, within], values[place, within] = self.columns[entry], self.values[entry]
        return columns, values, marks

    def times(self, table: Tensor, power: int = 1) -> Tensor:
        """Multiply the values, raised to a power, by a dense tensor: (n_rows, n_columns) @ (n_columns, f)."""
        # Faster than a sparse tensor's product on the CPU, and there is one for every kind of device.
        return F.embedding_bag(
            self.columns, table, self.starts[:-1], mode="sum", per_sample_weights=self.values**power
        )


def dense(matrix: csr_array, device: torch.device) -> Tensor:
    """Return a sparse matrix as a dense tensor on the device."""
    return Rows(matrix, device).dense(torch.arange(matrix.shape[0], device=device))


def times(matrix: csr_array, table: Tensor) -> Tensor:
    """Multiply a sparse matrix (n, m) by a dense tensor (m, f) where that tensor is."""
    return Rows(matrix, table.device).times(table)
