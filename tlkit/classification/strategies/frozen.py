"""Strategies on frozen features: the source sees each example once, and scikit-learn does the rest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from tlkit.classification.heads import Cosine
from tlkit.classification.strategies.base import ClassificationStrategy
from tlkit.study.callbacks import Callback
from tlkit.study.strategy import hyperparameters

FOLDS = 5
UNCHOSEN = 0.1
STRENGTHS = tuple(10.0**power for power in range(-4, 2))


class FrozenFeatures(ClassificationStrategy):
    """Base of the strategies on frozen features: a subclass gives `learn_features` and `feature_logits`."""

    @abstractmethod
    def learn_features(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Learn from features (N, d) and labels (N,) in 0..n-1."""

    @abstractmethod
    def feature_logits(self, features: np.ndarray) -> np.ndarray:
        """Map features (N, d) to logits (N, n_classes)."""

    def learn(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        generator: torch.Generator,
        callbacks: Sequence[Callback],
    ) -> None:
        """Extract features and learn from them."""
        self.learn_features(self.features(inputs), labels)

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Extract features and map them to logits."""
        return self.feature_logits(self.features(inputs))


@hyperparameters
class Probe(FrozenFeatures):
    """Logistic regression on frozen, standardised features.

    Parameters
    ----------
    source : Source
        Whose features are used.
    C : float, optional
        Inverse strength of the L2 penalty. By default the best of six by cross-validated log-loss within the
        training data; with a single example in a class, 0.1.
    class_weight : {"balanced"} or None
        As in scikit-learn.
    random_state : int, optional
        Of the folds.
    device : str, optional
        Where features are computed.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.vision.strategies import Probe
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    >>> trial = tlkit.transfer(Probe(), source, task)
    >>> round(trial.metrics["accuracy"], 1)
    0.9
    """

    title = "Linear probe"
    idea = "Freeze the backbone and fit a linear classifier on its features."

    C: float | None = None
    class_weight: str | None = None

    def learn_features(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Fit the classifier, its penalty chosen within the training data."""
        self.classifier_ = logistic_regression(features, labels, self.C, self.class_weight, self.random_state)
        self.n_trainable_ = (features.shape[1] + 1) * len(self.classes_)

    def feature_logits(self, features: np.ndarray) -> np.ndarray:
        """Return the classifier's scores; log-probabilities would be infinite where it is very sure."""
        weight, bias = linear_rule(self.classifier_)
        return features @ weight.T + bias

    def export(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the source's network under the classifier as its head: see `Source.from_fitted`."""
        check_is_fitted(self, "classifier_")
        network = self.from_source(self.needed_source())
        network.head = network.new_head(len(self.classes_))
        network.set_head(*linear_rule(self.classifier_))
        return self.card_of(network), network.exported()


class Nearest(FrozenFeatures):
    """Nearest class mean of frozen features, by cosine (after Snell et al., arXiv:1703.05175, section 2).

    Parameters
    ----------
    source : Source
        Whose features are used.
    random_state : int, optional
        Not used; every strategy takes one.
    device : str, optional
        Where features are computed.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.vision.strategies import Nearest
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    >>> trial = tlkit.transfer(Nearest(), source, task)
    >>> round(trial.metrics["accuracy"], 1)
    0.9
    """

    title = "Nearest class mean"
    idea = "Freeze the backbone; the class whose mean feature is nearest wins. Nothing is trained."

    TEMPERATURE = 0.1

    def learn_features(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Take the mean feature of each class, around the mean of all."""
        self.centre_ = features.mean(0)
        directions = normalize(features - self.centre_)
        self.means_ = normalize(
            np.stack([directions[labels == label].mean(0) for label in range(len(self.classes_))])
        )

    def feature_logits(self, features: np.ndarray) -> np.ndarray:
        """Return cosines to the class means, over a temperature."""
        return normalize(features - self.centre_) @ self.means_.T / self.TEMPERATURE

    def export(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the source's network under the class means as a cosine head: see `Source.from_fitted`."""
        check_is_fitted(self, "means_")
        network = self.from_source(self.needed_source())
        network.head = Cosine(network.n_features, len(self.classes_))
        learned = {"centre": self.centre_, "weight": self.means_ / self.TEMPERATURE}
        network.head.load_state_dict({name: torch.as_tensor(value) for name, value in learned.items()})
        return self.card_of(network), network.exported()


def logistic_regression(
    features: np.ndarray,
    labels: np.ndarray,
    C: float | None,
    class_weight: str | None,
    random_state: int | None,
) -> BaseEstimator:
    """Fit logistic regression on standardised features (N, d) and labels (N,); see `Probe` for the others."""
    classifier = LogisticRegression(C=UNCHOSEN if C is None else C, class_weight=class_weight, max_iter=2000)
    pipeline = make_pipeline(StandardScaler(), classifier)
    folds = min(FOLDS, np.bincount(labels).min())
    if C is None and folds > 1:
        splits = StratifiedKFold(folds, shuffle=True, random_state=random_state)
        grid = {"logisticregression__C": STRENGTHS}
        pipeline = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=splits)
    return pipeline.fit(features, labels)


def linear_rule(fitted: BaseEstimator) -> tuple[np.ndarray, np.ndarray]:
    """Return a `logistic_regression` as weight (n_classes, d) and bias (n_classes,) on raw features."""
    scaler, classifier = getattr(fitted, "best_estimator_", fitted)
    weight = classifier.coef_ / scaler.scale_
    bias = classifier.intercept_ - weight @ scaler.mean_
    if len(classifier.classes_) == 2:
        weight, bias = (np.concatenate([-part, part]) / 2 for part in (weight, bias))
    return weight, bias
