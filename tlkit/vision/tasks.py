"""Telling pictures apart: the image task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tlkit.classification.tasks import ClassificationTask
from tlkit.vision.images import arrays
from tlkit.vision.strategies import ImageStrategy


class ImageTask(ClassificationTask):
    """Pictures with labels to learn from, and others to be tested on; see `ClassificationTask`.

    Its X and X_test are pictures of shape (N, C, H, W), uint8; C is 1 or 3. `from_arrays` takes other forms.
    """

    strategy_base = ImageStrategy
    made_alike = " `size` makes sides equal."

    @classmethod
    def from_arrays(
        cls,
        X: Any,
        y: Any,
        X_test: Any,
        y_test: Any,
        classes: Sequence[str] | None = None,
        name: str = "",
        metric: str = "accuracy",
        size: int | None = None,
        groups: Sequence[Any] | None = None,
    ) -> ImageTask:
        """Make a task of your own arrays.

        Parameters
        ----------
        X, X_test : array-like of shape (N, H, W), (N, H, W, C) or (N, C, H, W)
            Pictures: uint8, or floating point in [0, 1]; grey or RGB.
        y, y_test : array-like of shape (N,) or (N, 1)
            Labels 0 to n - 1; -1 in `y` marks an unlabelled picture.
        classes, name, metric, groups
            As for `ClassificationTask`.
        size : int, optional
            Side in pixels to resize to.

        Raises
        ------
        BadInput
            If shapes, types, labels, classes, metric or groups do not fit.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from tlkit.vision.tasks import ImageTask
        >>> X, y = load_digits().images / 16, load_digits().target
        >>> ImageTask.from_arrays(X[:900], y[:900], X[900:], y[900:], name="mine", size=16)
        ImageTask('mine': 10 classes, 900 training and 897 test pictures, 16x16x1)
        """
        X, X_test = (arrays.resize(arrays.as_images(pictures), size) for pictures in (X, X_test))
        return cls(X, y, X_test, y_test, classes, name, metric, groups)

    def __repr__(self) -> str:
        channels, height, width = self.X.shape[1:]
        return (
            f"ImageTask({self.name!r}: {len(self.classes)} classes, {len(self.X):,} training and "
            f"{len(self.X_test):,} test pictures, {height}x{width}x{channels})"
        )
