"""Labels: whole numbers without a gap, and -1 for an example that has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tlkit.errors import BadInput, first_few

UNLABELLED = -1


def as_labels(y: Any) -> np.ndarray:
    """Return labels as int64; -1 stands for "no label", as in scikit-learn.

    Parameters
    ----------
    y : array-like of shape (N,) or (N, 1)
        Whole numbers.

    Returns
    -------
    ndarray of shape (N,), int64

    Raises
    ------
    BadInput
        If shape or type are others, or a label is NaN, fractional or below -1.
    """
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise BadInput(
            f"Labels must have shape (N,) or (N, 1); found {array.shape}. One label an example is needed."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadInput(f"The labels hold {int((~np.isfinite(array)).sum()):,} NaN or infinite values.")
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and (array == np.round(array)).all())
    if not whole:
        raise BadInput(
            f"Labels must be whole numbers; found {array[:3].tolist()} ({array.dtype}). {_recode('y')}"
        )
    if array.size and array.min() < UNLABELLED:
        raise BadInput(f"Labels must be 0 to n - 1, or -1 for no label; found {array.min()}. {_recode('y')}")
    return array.astype(np.int64)


def has_label(y: np.ndarray) -> np.ndarray:
    """Tell which examples have a label; shape (N,), bool."""
    return y != UNLABELLED if np.issubdtype(y.dtype, np.number) else np.ones(len(y), dtype=bool)


def require_codes(y: np.ndarray, n_classes: int | None = None) -> int:
    """Return the number of classes if the labels are 0 to n - 1 without a gap.

    Raises
    ------
    BadInput
        Otherwise, naming the labels that are missing or too many.
    """
    found = np.unique(y)
    n_classes = n_classes or int(found.max()) + 1
    missing = np.setdiff1d(np.arange(n_classes), found)
    extra = found[(found < 0) | (found >= n_classes)]
    if len(missing) or len(extra):
        gaps = f" {first_few(missing.tolist(), 10)} have no example." if len(missing) else ""
        odd = f" {first_few(extra.tolist(), 10)} should not occur." if len(extra) else ""
        raise BadInput(f"Labels must be 0 to {n_classes - 1} without gaps.{gaps}{odd} {_recode('y')}")
    return n_classes


def require_classes(labels: np.ndarray, n_unlabelled: int) -> np.ndarray:
    """Return the classes that occur, if they are two or more.

    Raises
    ------
    BadInput
        Otherwise; with advice where -1 may be meant as a class.
    """
    classes = np.unique(labels)
    if len(classes) >= 2:
        return classes
    if n_unlabelled:
        raise BadInput(
            "A label of -1 means that an example has none, and two classes are needed beside it; there is "
            f"only {classes.tolist()}. If -1 is a class, re-code: y = np.unique(y, return_inverse=True)[1]."
        )
    raise BadInput(f"Training needs at least two classes; the labels are all {classes.tolist()}.")


def class_names(classes: Sequence[str] | None, y: np.ndarray) -> tuple[str, ...]:
    """Return a task's class names, by default its labels as text.

    Raises
    ------
    BadInput
        If labels have gaps, a name comes twice, or there is only one class.
    """
    n = require_codes(y, len(classes) if classes is not None else None)
    if n < 2:
        raise BadInput("There is only one class; telling examples apart needs two or more.")
    names = tuple(map(str, classes if classes is not None else range(n)))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"Class names come twice ({', '.join(twice)}); each class needs a name of its own.")
    return names


def _recode(name: str) -> str:
    return f"Re-code them with classes, {name} = np.unique({name}, return_inverse=True)."
