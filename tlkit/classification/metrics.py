"""What a classifier's probabilities are worth on test pictures."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk


def calibration_error(y: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error: how far confidence is from accuracy, on average.

    Confidences fall into equal-width bins; each bin's gap between accuracy and mean confidence is
    weighted by its share of the pictures (Guo et al., On Calibration of Modern Neural Networks,
    ICML 2017, section 2, eq. 3).

    Parameters
    ----------
    y : ndarray of shape (N,)
        Labels.
    probabilities : ndarray of shape (N, n_classes)
        Rows sum to 1.
    bins : int
        Bin m holds confidences in ((m - 1) / bins, m / bins].

    Returns
    -------
    float
        In [0, 1]; 0 is calibrated.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidence)
    return float(np.abs(gaps).sum() / len(y))


def classification_metrics(y: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return accuracy, balanced accuracy, macro precision, recall and F1, calibration error and log loss.

    Parameters
    ----------
    y : ndarray of shape (N,)
        Labels 0 to n - 1.
    probabilities : ndarray of shape (N, n_classes)
        Rows sum to 1.
    """
    codes = np.arange(probabilities.shape[1])
    found = probabilities.argmax(axis=1)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        y, found, labels=np.unique(y), average="macro", zero_division=0
    )
    return {
        "accuracy": float(sk.accuracy_score(y, found)),
        "balanced_accuracy": float(class_weights(y) @ (found == y) / len(y)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "ece": calibration_error(y, probabilities),
        "log_loss": float(sk.log_loss(y, probabilities, labels=codes)),
    }


def class_weights(y: np.ndarray) -> np.ndarray:
    """Return a weight for each label, of mean 1, that gives every class the same sum; shape (N,)."""
    present, position, counts = np.unique(y, return_inverse=True, return_counts=True)
    return (len(y) / len(present) / counts)[position]
