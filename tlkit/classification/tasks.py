"""Telling classes apart: what tasks of pictures, words and sounds have in common."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.utils.validation import has_fit_parameter
from torch import Tensor

from tlkit.classification.draws import first_of_each_class, is_repeated
from tlkit.classification.labels import UNLABELLED, as_labels, class_names, has_label
from tlkit.classification.metrics import class_weights, classification_metrics
from tlkit.classification.strategies.base import ClassificationStrategy
from tlkit.errors import BadInput, first_few, require_known
from tlkit.study.callbacks import Callback
from tlkit.study.strategy import innermost
from tlkit.study.task import Score, Task
from tlkit.system import files

METRICS = ("accuracy", "balanced_accuracy")


class ClassificationTask(Task):
    """Examples with labels to learn from, and others to be tested on.

    Examples that occur in the test data to the last value are dropped from the training pool, with a
    warning: a score on examples that were learned by heart says nothing.

    Parameters
    ----------
    X, X_test : array-like of shape (N, ...)
        Examples of the training pool and of the test, in a form that the modality's strategies take.
    y, y_test : array-like of shape (N,)
        Labels 0 to n - 1, each of which occurs in the pool; -1 in the pool marks an unlabelled example.
    classes : sequence of str, optional
        Names of the classes in the order of the labels.
    name : str
        What the task is called in tables and figures; by default what its examples are called.
    metric : {"accuracy", "balanced_accuracy"}
        The headline metric.
    groups : sequence, optional
        What each test example belongs to, where some belong together: a writer, a patient, a burst of
        photographs. Intervals then take groups for what is drawn; without, they are too short.

    Raises
    ------
    BadInput
        If shapes, types, labels, classes, metric or groups do not fit.
    """

    baseline = "scratch"
    budget_unit = "labels a class"
    starters = ("probe", "finetune")
    strategy_base: type[ClassificationStrategy]
    made_alike: ClassVar[str] = ""  # how to make training and test examples alike, for an error

    def __init__(
        self,
        X: Any,
        y: Any,
        X_test: Any,
        y_test: Any,
        classes: Sequence[str] | None = None,
        name: str = "",
        metric: str = "accuracy",
        groups: Sequence[Any] | None = None,
    ):
        X, y = self._paired(X, y, "training")
        self._X_test, self._y_test = self._paired(X_test, y_test, "test")
        self._require_alike(X)
        self.metric = require_known("metric", metric, METRICS)
        self.name = name or self.examples
        X, y = self._without_repeats(X, y)
        labelled = has_label(y)
        self._X, self._y = map(_read_only, (X[labelled], y[labelled]))
        self._unlabelled: tuple[tuple[np.ndarray, np.ndarray], ...] = ((X, ~labelled),)
        self.classes = class_names(classes, self.y)
        self._require_known_labels()
        self.groups = None if groups is None else self.grouped(groups)
        self._fingerprint: str | None = None

    @property
    def X(self) -> np.ndarray:
        """The labelled training examples, shape (N, ...), read-only: what is stored of trials is of these."""
        return self._X

    @property
    def y(self) -> np.ndarray:
        """Their labels, shape (N,), read-only."""
        return self._y

    @property
    def X_test(self) -> np.ndarray:
        """The test examples, shape (N, ...), read-only."""
        return self._X_test

    @property
    def y_test(self) -> np.ndarray:
        """Their labels, shape (N,), read-only."""
        return self._y_test

    @property
    def unlabelled(self) -> np.ndarray:
        """Training examples without a label, shape (M, ...): they came so, or a budget left them."""
        return np.concatenate([examples[rows] for examples, rows in self._unlabelled])

    @property
    def max_budget(self) -> int:
        """The number of training examples of the smallest class."""
        return int(self._counts.min())

    @property
    def pool(self) -> int:  # type: ignore[override]
        """All draws of a budget are from the training examples."""
        return self.max_budget

    @property
    def chance(self) -> float:  # type: ignore[override]
        """The headline metric of always naming the class that the test has most of."""
        if self.metric == "balanced_accuracy":
            return 1 / len(np.unique(self.y_test))
        return float(np.bincount(self.y_test).max() / len(self.y_test))

    @property
    def n_examples(self) -> int:
        """How many test examples there are."""
        return len(self.y_test)

    @property
    def _counts(self) -> np.ndarray:
        return np.bincount(self.y, minlength=len(self.classes))

    @property
    def fingerprint(self) -> str:
        """Changes whenever examples, labels, class names or metric do."""
        if self._fingerprint is None:
            content = (self.X, self.y, self.X_test, self.y_test, list(self.classes), self.metric)
            bare = [self.unlabelled] if any(rows.any() for _, rows in self._unlabelled) else []
            self._fingerprint = files.digest(self.modality, *content, *bare)
        return self._fingerprint

    def budget(self, n: int, seed: int = 0) -> ClassificationTask:
        """Return this task with `n` labelled training examples of each class, drawn without replacement.

        With the same seed a larger budget holds the smaller one. What is not drawn stays as `unlabelled`,
        for strategies that learn from it; 0 leaves all so. The test data are the same object.

        Raises
        ------
        BadInput
            If a class has fewer than `n` examples.
        """
        self._require_budget(n)
        drawn = first_of_each_class(self.y, n, seed) if n else np.zeros(0, dtype=int)
        rest = np.ones(len(self.y), dtype=bool)
        rest[drawn] = False
        part = copy.copy(self)
        part._X, part._y = map(_read_only, (self.X[drawn], self.y[drawn]))
        part._unlabelled = (*self._unlabelled, (self.X, rest))
        part.drawn, part.loaded_by = int(n), self.loaded_as_drawn(n, seed)
        part._fingerprint = files.digest(self.fingerprint, "budget", n, seed)
        return part

    def _require_budget(self, n: int) -> None:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
            raise BadInput(
                f"A budget is a whole number of {self.budget_unit}, 1 or more, or 0 for strategies that need "
                f"no labels; found {n!r}."
            )
        if n > self.max_budget:
            scarce = self.classes[self._counts.argmin()]
            raise BadInput(
                f"A budget of {n} {self.budget_unit} is too large for {self.name!r}: class {scarce!r} has "
                f"only {self.max_budget} training {self.examples}. The largest budget is {self.max_budget}."
            )

    def fit(self, estimator: Any, callbacks: Sequence[Callback] = ()) -> Any:
        """Fit an estimator on the training examples.

        One that says `uses_unlabelled`, itself or inside of another, gets the unlabelled ones too, with label
        -1. Callbacks and class names go to those that take them.

        Raises
        ------
        BadInput
            If there are no labels and the estimator needs some.
        """
        X, y = self.X, self.y
        if not len(y) and getattr(innermost(estimator), "needs_labels", True):
            raise BadInput(
                f"{self._called(estimator)} needs labels, and a budget of 0 has none: draw 1 or more of each "
                "class, or take a strategy that needs none."
            )
        if not len(y) or _uses_unlabelled(estimator):
            bare = self.unlabelled
            X, y = np.concatenate([X, bare]), np.concatenate([y, np.full(len(bare), UNLABELLED)])
        offered: Mapping[str, Any] = {"callbacks": callbacks, "classes": self.classes}
        taken = {name: value for name, value in offered.items() if has_fit_parameter(estimator, name)}
        return estimator.fit(X, y, **taken)

    def score(self, estimator: Any) -> Score:
        """Score a fitted estimator on the test examples.

        Returns
        -------
        Score
            accuracy, balanced_accuracy, macro precision, recall and f1, ece (calibration error),
            log_loss; `per_example` is 1 for a right and 0 for a wrong answer, weighted by class where the
            headline is balanced accuracy.

        Raises
        ------
        BadInput
            If the estimator gives no probabilities, or was fitted on other classes.
        """
        probabilities = self._probabilities(estimator)
        right = (probabilities.argmax(axis=1) == self.y_test).astype(float)
        per_example = right * class_weights(self.y_test) if self.metric == "balanced_accuracy" else right
        return Score(classification_metrics(self.y_test, probabilities), per_example)

    def confusion(self, estimator: Any) -> pd.DataFrame:
        """Return how many test examples of each class (rows) were taken for which (columns)."""
        found = self._probabilities(estimator).argmax(axis=1)
        n = len(self.classes)
        counts = np.bincount(self.y_test * n + found, minlength=n * n).reshape(n, n)
        names = [pd.Index(self.classes, name=name) for name in ("true", "predicted")]
        return pd.DataFrame(counts, *names)

    def _probabilities(self, estimator: Any) -> np.ndarray:
        """Predict once, with a column for every class of the task; shape (N, n_classes), float64."""
        if not hasattr(estimator, "predict_proba"):
            raise BadInput(f"{type(estimator).__name__} has no predict_proba, which {self.name!r} scores by.")
        columns = self._columns(estimator)
        predicted = np.asarray(estimator.predict_proba(self.X_test), dtype=np.float64)
        probabilities = np.zeros((len(self.X_test), len(self.classes)))
        probabilities[:, columns] = predicted
        return probabilities / probabilities.sum(axis=1, keepdims=True)  # float32 rows are off by 1e-7

    def _columns(self, estimator: Any) -> list[int]:
        """Find an estimator's classes among the task's: by name where it knows names, else by label."""
        names = getattr(innermost(estimator), "class_names_", None)
        ours: Sequence[Any] = self.classes if names else range(len(self.classes))
        known = {name: label for label, name in enumerate(ours)}
        theirs = list(names or np.asarray(estimator.classes_).tolist())
        foreign = [name for name in theirs if name not in known]
        if foreign:
            raise BadInput(
                f"{self._called(estimator)} was fitted on other classes ({first_few(theirs, 4)}) than "
                f"{self.name!r} asks for ({first_few(self.classes, 4)}): its score would say nothing."
            )
        return [known[name] for name in theirs]

    @staticmethod
    def _called(estimator: Any) -> str:
        name = getattr(innermost(estimator), "name", None)
        return f"Strategy {name!r}" if name else type(estimator).__name__

    @property
    def examples(self) -> str:
        """What examples are called: pictures, texts."""
        return self.strategy_base.examples

    def _paired(self, X: Any, y: Any, part: str) -> tuple[np.ndarray, np.ndarray]:
        X, y = _own(self.strategy_base.as_inputs(X), X), _own(as_labels(y), y)
        if len(X) != len(y):
            raise BadInput(
                f"There are {len(X):,} {part} {self.examples} but {len(y):,} labels; "
                "one label each is needed."
            )
        return X, y

    def _require_alike(self, X: np.ndarray) -> None:
        if X.shape[1:] != self.X_test.shape[1:]:
            raise BadInput(
                f"Training {self.examples} have the shape {X.shape[1:]} but test {self.examples} "
                f"{self.X_test.shape[1:]}; they must be alike.{self.made_alike}"
            )

    def _without_repeats(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        repeated = is_repeated(X, self.X_test)
        count = int(repeated.sum())
        if not count:
            return X, y
        if count == len(X):
            raise BadInput(
                f"All training {self.examples} are also test {self.examples}: "
                "a score on these would say nothing."
            )
        warnings.warn(
            f"{count:,} of {len(X):,} training {self.examples} are also test {self.examples}; "
            "dropped from training.",
            UserWarning,
            stacklevel=4,
        )
        return X[~repeated], y[~repeated]

    def _require_known_labels(self) -> None:
        foreign = np.setdiff1d(self.y_test, np.arange(len(self.classes)))
        if len(foreign):
            raise BadInput(
                f"Test labels {foreign[:10].tolist()} do not occur in the training data, whose labels are "
                f"0 to {len(self.classes) - 1}."
            )


def _own(array: np.ndarray, given: Any) -> np.ndarray:
    """Return an array that nobody else can change."""
    shared = isinstance(given, np.ndarray | Tensor) and np.may_share_memory(array, np.asarray(given))
    return _read_only(array.copy() if shared else array)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _uses_unlabelled(estimator: Any) -> bool:
    """Whether an estimator, or one among its parameters, learns from unlabelled examples."""
    inside = [estimator, innermost(estimator), *estimator.get_params().values()]
    return any(getattr(each, "uses_unlabelled", False) for each in inside)
