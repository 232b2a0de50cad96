"""Telling pictures apart: the image task."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import has_fit_parameter

from tlkit.classification.draws import first_of_each_class
from tlkit.classification.metrics import class_weights, classification_metrics
from tlkit.errors import BadInput, require_known
from tlkit.study.callbacks import Callback
from tlkit.study.task import Score, Task
from tlkit.system import files
from tlkit.vision.images import arrays
from tlkit.vision.strategies import ImageStrategy

METRICS = ("accuracy", "balanced_accuracy")


class ImageTask(Task):
    """Pictures with labels to learn from, and others to be tested on.

    Pictures that occur in the test data to the last pixel are dropped from the training pool, with a
    warning: a score on pictures that were learned by heart says nothing.

    Parameters
    ----------
    X, X_test : ndarray of shape (N, C, H, W), uint8
        Pictures of the training pool and of the test; C is 1 or 3. `from_arrays` takes other forms.
    y, y_test : array-like of shape (N,)
        Labels 0 to n - 1; each occurs in the pool.
    classes : sequence of str, optional
        Names of the classes in the order of the labels.
    name : str
        What the task is called in tables and figures.
    metric : {"accuracy", "balanced_accuracy"}
        The headline metric.

    Raises
    ------
    BadInput
        If shapes, types, labels, classes or metric do not fit.
    """

    baseline = "scratch"
    budget_unit = "labels a class"
    strategy_base = ImageStrategy
    starters = ("probe", "finetune")

    def __init__(
        self,
        X: np.ndarray,
        y: Any,
        X_test: np.ndarray,
        y_test: Any,
        classes: Sequence[str] | None = None,
        name: str = "pictures",
        metric: str = "accuracy",
    ):
        X, y = _paired(X, y, "training")
        self.X_test, self.y_test = _paired(X_test, y_test, "test")
        _require_alike(X, self.X_test)
        self.metric = require_known("metric", metric, METRICS)
        self.name = name
        self.X, self.y = _without_repeats(X, y, self.X_test)
        self.classes = _class_names(classes, self.y)
        _require_known_labels(self.y_test, self.classes)
        self._fingerprint: str | None = None

    @classmethod
    def from_arrays(
        cls,
        X: Any,
        y: Any,
        X_test: Any,
        y_test: Any,
        classes: Sequence[str] | None = None,
        name: str = "pictures",
        metric: str = "accuracy",
        size: int | None = None,
    ) -> ImageTask:
        """Make a task of your own arrays.

        Parameters
        ----------
        X, X_test : array-like of shape (N, H, W), (N, H, W, C) or (N, C, H, W)
            Pictures: uint8, or floating point in [0, 1]; grey or RGB.
        y, y_test : array-like of shape (N,) or (N, 1)
            Labels 0 to n - 1.
        classes, name, metric
            As for the class.
        size : int, optional
            Side in pixels to resize to.

        Raises
        ------
        BadInput
            If shapes, types, labels, classes or metric do not fit.
        """
        X, X_test = (arrays.resize(arrays.as_images(pictures), size) for pictures in (X, X_test))
        return cls(X, y, X_test, y_test, classes, name, metric)

    def __repr__(self) -> str:
        channels, height, width = self.X.shape[1:]
        return (
            f"ImageTask({self.name!r}: {len(self.classes)} classes, {len(self.X):,} training and "
            f"{len(self.X_test):,} test pictures, {height}x{width}x{channels})"
        )

    @property
    def max_budget(self) -> int:
        """The number of training pictures of the smallest class."""
        return int(np.bincount(self.y).min())

    @property
    def fingerprint(self) -> str:
        """Changes whenever pictures, labels, class names or metric do."""
        if self._fingerprint is None:
            content = (self.X, self.y, self.X_test, self.y_test, list(self.classes), self.metric)
            self._fingerprint = files.digest("ImageTask", *content)
        return self._fingerprint

    def budget(self, n: int, seed: int = 0) -> ImageTask:
        """Return this task with `n` training pictures of each class, drawn without replacement.

        With the same seed a larger budget holds the smaller one. The test data are the same object.

        Raises
        ------
        BadInput
            If a class has fewer than `n` pictures.
        """
        self._require_budget(n)
        drawn = first_of_each_class(self.y, n, seed)
        part = copy.copy(self)
        part.X, part.y = self.X[drawn], self.y[drawn]
        part.drawn = int(n)
        part._fingerprint = files.digest(self.fingerprint, "budget", n, seed)
        return part

    def _require_budget(self, n: int) -> None:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise BadInput(f"A budget is a whole number of {self.budget_unit}, 1 or more; found {n!r}.")
        if n > self.max_budget:
            counts = np.bincount(self.y)
            scarce = self.classes[counts.argmin()]
            raise BadInput(
                f"A budget of {n} {self.budget_unit} is too large for {self.name!r}: class {scarce!r} has "
                f"only {counts.min()} training pictures. The largest budget is {counts.min()}."
            )

    def fit(self, estimator: Any, callbacks: Sequence[Callback] = ()) -> Any:
        """Fit an estimator on the training pictures; callbacks go to those that take them."""
        listeners = {"callbacks": callbacks} if has_fit_parameter(estimator, "callbacks") else {}
        return estimator.fit(self.X, self.y, **listeners)

    def score(self, estimator: Any) -> Score:
        """Score a fitted estimator on the test pictures.

        Returns
        -------
        Score
            accuracy, balanced_accuracy, macro precision, recall and f1, ece (calibration error),
            log_loss; `per_example` is 1 for a right and 0 for a wrong answer, weighted by class where the
            headline is balanced accuracy.
        """
        probabilities = self._probabilities(estimator)
        right = (probabilities.argmax(axis=1) == self.y_test).astype(float)
        per_example = right * class_weights(self.y_test) if self.metric == "balanced_accuracy" else right
        return Score(classification_metrics(self.y_test, probabilities), per_example)

    def confusion(self, estimator: Any) -> pd.DataFrame:
        """Return how many test pictures of each class (rows) were taken for which (columns)."""
        found = self._probabilities(estimator).argmax(axis=1)
        n = len(self.classes)
        counts = np.bincount(self.y_test * n + found, minlength=n * n).reshape(n, n)
        names = [pd.Index(self.classes, name=name) for name in ("true", "predicted")]
        return pd.DataFrame(counts, *names)

    def _probabilities(self, estimator: Any) -> np.ndarray:
        """Predict once, with a column for every class of the task; shape (N, n_classes), float64."""
        if not hasattr(estimator, "predict_proba"):
            raise BadInput(f"{type(estimator).__name__} has no predict_proba, which an image task scores by.")
        predicted = np.asarray(estimator.predict_proba(self.X_test), dtype=np.float64)
        probabilities = np.zeros((len(self.X_test), len(self.classes)))
        probabilities[:, np.asarray(estimator.classes_, dtype=int)] = predicted
        return probabilities / probabilities.sum(axis=1, keepdims=True)  # float32 rows are off by 1e-7


def _paired(X: Any, y: Any, part: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = arrays.as_images(X), arrays.as_labels(y)
    if len(X) != len(y):
        raise BadInput(
            f"There are {len(X):,} {part} pictures but {len(y):,} labels; one label a picture is needed."
        )
    return X, y


def _require_alike(X: np.ndarray, X_test: np.ndarray) -> None:
    if X.shape[1:] != X_test.shape[1:]:
        raise BadInput(
            f"Training pictures are (C, H, W) = {X.shape[1:]} but test pictures are {X_test.shape[1:]}; "
            "they must be alike. `size` makes sides equal."
        )


def _without_repeats(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    repeated = arrays.is_repeated(X, X_test)
    count = int(repeated.sum())
    if not count:
        return X, y
    if count == len(X):
        raise BadInput("Every training picture is also a test picture: a score on these would say nothing.")
    warnings.warn(
        f"{count:,} of {len(X):,} training pictures are also test pictures; dropped from training.",
        UserWarning,
        stacklevel=4,
    )
    return X[~repeated], y[~repeated]


def _class_names(classes: Sequence[str] | None, y: np.ndarray) -> tuple[str, ...]:
    n = arrays.require_codes(y, len(classes) if classes is not None else None)
    if n < 2:
        raise BadInput("There is only one class; telling pictures apart needs two or more.")
    return tuple(map(str, classes if classes is not None else range(n)))


def _require_known_labels(y_test: np.ndarray, classes: tuple[str, ...]) -> None:
    foreign = np.setdiff1d(y_test, np.arange(len(classes)))
    if len(foreign):
        raise BadInput(
            f"Test labels {foreign[:10].tolist()} do not occur in the training data, whose labels are "
            f"0 to {len(classes) - 1}."
        )
