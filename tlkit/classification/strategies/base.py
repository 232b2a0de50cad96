"""What every strategy that tells classes apart shares: checked data in, probabilities out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import ClassifierMixin, clone
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from tlkit.classification.features import features, outputs
from tlkit.classification.labels import UNLABELLED, has_label, require_classes
from tlkit.classification.networks import Classifier, from_source
from tlkit.errors import BadInput, first_few
from tlkit.study.callbacks import Callback
from tlkit.study.source import Source, Sources
from tlkit.study.strategy import Strategy, hyperparameters
from tlkit.system import compute


@hyperparameters
class ClassificationStrategy(ClassifierMixin, Strategy):
    """Base of the strategies that tell classes apart: a subclass gives `learn` and `logits`.

    A modality's base gives `examples`, `as_inputs`, `network` and `inputs_for`.

    Parameters
    ----------
    source : Source, Sources or strategy, optional
        What is transferred. A strategy is fitted first, on the same examples, and what it has learned is the
        source.
    random_state : int, optional
        Seed of the training.
    device : str, optional
        Where to compute; the best device by default.

    Attributes
    ----------
    examples : str
        What the modality's examples are called: pictures, texts.
    uses_unlabelled : bool
        Whether `learn` wants the unlabelled examples, in `unlabelled_`.
    needs_labels : bool
        Whether there is nothing to learn without labels.
    network : callable
        Builds a `Classifier` of an architecture, inputs and a number of classes.
    classes_ : ndarray of shape (n_classes,)
        The labels that were told apart.
    class_names_ : tuple of str or None
        Their names; None where labels were numbers and nobody said what they stand for.
    """

    examples: ClassVar[str] = "examples"
    uses_unlabelled: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = True
    network: ClassVar[Any]

    source: Source | Sources | Strategy | None = None
    random_state: int | None = None
    device: str | None = None

    @staticmethod
    @abstractmethod
    def as_inputs(X: Any) -> np.ndarray:
        """Check examples and return them as one array (N, ...), unchanged where they are one already."""

    @staticmethod
    @abstractmethod
    def inputs_for(architecture: Mapping[str, Any], shape: tuple[int, ...] | None) -> dict[str, Any]:
        """Return a card's `inputs` for an architecture without a source; None is a shape not seen yet."""

    @abstractmethod
    def learn(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        generator: torch.Generator,
        callbacks: Sequence[Callback],
    ) -> None:
        """Learn from inputs (N, ...) and labels (N,) in 0..n-1."""

    @abstractmethod
    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Map inputs (N, ...) to logits (N, n_classes)."""

    def fit(
        self, X: Any, y: Any, callbacks: Sequence[Callback] = (), classes: Sequence[str] | None = None
    ) -> ClassificationStrategy:
        """Fit on labelled examples; those with label -1 are unlabelled, and left aside or learned from.

        Parameters
        ----------
        X : array-like of shape (N, ...)
            Examples in a form that the modality takes.
        y : array of shape (N,)
            Labels of any kind.
        callbacks : sequence of Callback
            Hear of the training.
        classes : sequence of str, optional
            Names of the classes, where labels are 0 to n - 1.

        Raises
        ------
        BadInput
            If examples cannot be used, lengths differ, there are fewer than two classes, or the strategy
            needs labels and there are none.
        """
        inputs, y = self.as_inputs(X), np.asarray(y).ravel()
        if len(inputs) != len(y):
            raise BadInput(
                f"There are {len(inputs)} {self.examples} and {len(y)} labels; give one label each."
            )
        labelled = has_label(y)
        self.classes_ = self._classes(y, labelled, classes)
        self.class_names_ = _names(self.classes_, classes)
        self.shape_ = inputs.shape[1:]
        self.device_ = compute.choose_device(self.device)
        self.unlabelled_ = inputs[~labelled]
        codes = np.full(len(y), UNLABELLED)
        codes[labelled] = np.searchsorted(self.classes_, y[labelled])
        if isinstance(self.source, Strategy):
            self.source_ = self.learned_by(self.source, inputs, codes)
        try:
            with compute.seeded(self.random_state, self.device_) as generator:
                self.learn(inputs[labelled], codes[labelled], generator, callbacks)
        finally:
            del self.unlabelled_
        return self

    def _classes(self, y: np.ndarray, labelled: np.ndarray, names: Sequence[str] | None) -> np.ndarray:
        if labelled.any():
            return require_classes(y[labelled], int((~labelled).sum()))
        if self.needs_labels or names is None:
            raise BadInput(f"Strategy {self.name!r} needs labels, and all {len(y)} are -1: there are none.")
        return np.arange(len(names))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities of shape (N, n_classes), in the order of `classes_`."""
        check_is_fitted(self, "classes_")
        inputs = self.as_inputs(X)
        if inputs.shape[1:] != self.shape_:
            raise BadInput(
                f"Fitted on {self.examples} of shape {self.shape_}, "
                f"asked to predict {self.examples} of shape {inputs.shape[1:]}."
            )
        return torch.from_numpy(self.logits(inputs)).softmax(1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each example, shape (N,)."""
        found = self.predict_proba(X).argmax(1)
        return self.classes_[found]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on those examples of X (N, ...) that have a label."""
        y = np.asarray(y).ravel()
        known = has_label(y)
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(accuracy_score(y[known], self.predict(self.as_inputs(X)[known]), sample_weight=weight))

    def needed_source(self) -> Source:
        """Return the source, or what the strategy in its place has learned; see `Strategy.needed_source`."""
        return getattr(self, "source_", None) or super().needed_source()

    def learned_by(self, teacher: Source | Strategy, inputs: np.ndarray, labels: np.ndarray) -> Source:
        """Return a teacher's knowledge as a source: a strategy's clone is fitted on the same examples.

        Parameters
        ----------
        teacher : Source or strategy
            A strategy gets this one's seed, device and, where it has none, source.
        inputs : ndarray of shape (N, ...)
        labels : ndarray of shape (N,)
            0 to n - 1, -1 where there is none.
        """
        if isinstance(teacher, Source):
            return teacher
        pupil = clone(teacher).set_params(random_state=self.random_state, device=self.device)
        if pupil.source is None and isinstance(self.source, Source | Sources):
            pupil.set_params(source=self.source)
        return Source.from_fitted(pupil.fit(inputs, labels, classes=self.class_names_), pupil.name)

    def require_classes_of(self, source: Source) -> list[int]:
        """Return the place of each target class among a source's classes.

        Raises
        ------
        BadInput
            If the source does not tell these classes apart.
        """
        theirs = list(source.card.classes)
        ours = self.class_names_ or (tuple(theirs) if len(theirs) == len(self.classes_) else ())
        if ours and set(ours) <= set(theirs):
            return [theirs.index(name) for name in ours]
        shown = ours or tuple(map(str, self.classes_))
        raise BadInput(
            f"Strategy {self.name!r} needs a source of the same classes: {source.name!r} tells "
            f"{len(theirs)} apart ({first_few(theirs, 4)}), the target {len(shown)} ({first_few(shown, 4)})."
        )

    def on_source_task(self) -> Answers | None:
        """Return what now answers the source's task: the strategy, where classes are the same, or None."""
        theirs = self.needed_source().card.classes
        if self.class_names_ is None or set(self.class_names_) != set(theirs):
            return None
        return Answers(self.logits, self.class_names_, self.as_inputs)

    @classmethod
    def before_transfer(cls, source: Source) -> Answers:
        """Return a source as it is, as what answers its own task."""
        device = compute.choose_device()
        network = from_source(cls.network, source).to(device).eval()
        return Answers(partial(outputs, network, device=device), source.card.classes, cls.as_inputs)

    def card_of(self, network: Classifier) -> dict[str, Any]:
        """Return what a card says of a network that tells this fit's classes apart."""
        return {
            "architecture": network.described(),
            "inputs": network.input_spec,
            "classes": self.class_names_ or tuple(map(str, self.classes_)),
        }

    def from_source(self, source: Source) -> Classifier:
        """Rebuild a source's network with its weights."""
        return from_source(self.network, source)

    def features(self, inputs: np.ndarray) -> np.ndarray:
        """Return the frozen source's features (N, n_features) of inputs (N, ...)."""
        return features(self.network, self.needed_source(), inputs, self.device_)


class Answers:
    """Logits of named classes as a fitted estimator, to be scored on another task than they were learned on.

    Parameters
    ----------
    logits : callable
        Maps inputs (N, ...) to logits (N, n_classes).
    class_names : sequence of str
        In the order of the logits.
    as_inputs : callable
        Checks examples, as a strategy's does.
    """

    def __init__(
        self,
        logits: Callable[[np.ndarray], np.ndarray],
        class_names: Sequence[str],
        as_inputs: Callable[[Any], np.ndarray],
    ):
        self.logits, self.as_inputs = logits, as_inputs
        self.class_names_, self.classes_ = tuple(class_names), np.arange(len(class_names))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities of shape (N, n_classes)."""
        return torch.from_numpy(self.logits(self.as_inputs(X))).softmax(1).numpy()


def _names(labels: np.ndarray, names: Sequence[str] | None) -> tuple[str, ...] | None:
    if names is not None:
        return tuple(names[int(label)] for label in labels)
    return None if np.issubdtype(labels.dtype, np.number) else tuple(map(str, labels))
