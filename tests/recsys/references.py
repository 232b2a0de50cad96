"""Formulas worked out in another way than the package does."""

import numpy as np


def ease_reference(matrix, reg):
    """Each item's weights from a ridge regression on all the other items."""
    n = matrix.shape[1]
    weights = np.zeros((n, n))
    for item in range(n):
        others = np.arange(n) != item
        x = matrix[:, others]
        weights[others, item] = np.linalg.solve(x.T @ x + reg * np.eye(n - 1), x.T @ matrix[:, item])
    return weights
