"""What every picture strategy shares: checked data in, probabilities out, and the gradient methods' frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.base import ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tlkit.errors import BadInput
from tlkit.study.callbacks import Callback
from tlkit.study.source import Source
from tlkit.study.strategy import Strategy, hyperparameters
from tlkit.system import compute
from tlkit.training import fitting, phases
from tlkit.training.phases import Group, Phase, Recipe
from tlkit.vision.images.arrays import as_images
from tlkit.vision.images.augment import augment
from tlkit.vision.networks.backbones import Network, from_source
from tlkit.vision.networks.features import outputs

UNLABELLED = -1
VALIDATION_SHARE = 0.2
FEWEST_FOR_VALIDATION = 5


@hyperparameters
class ImageStrategy(ClassifierMixin, Strategy):
    """Base of the picture strategies: a subclass gives `learn` and `logits`.

    Parameters
    ----------
    source : Source, optional
        What is transferred.
    random_state : int, optional
        Seed of the training.
    device : str, optional
        Where to compute; the best device by default.
    """

    source: Source | None = None
    random_state: int | None = None
    device: str | None = None

    @abstractmethod
    def learn(
        self,
        pictures: np.ndarray,
        labels: np.ndarray,
        generator: torch.Generator,
        callbacks: Sequence[Callback],
    ) -> None:
        """Learn from pictures (N, C, H, W), uint8, and labels (N,) in 0..n-1."""

    @abstractmethod
    def logits(self, pictures: np.ndarray) -> np.ndarray:
        """Map pictures (N, C, H, W), uint8, to logits (N, n_classes)."""

    def fit(self, X: Any, y: Any, callbacks: Sequence[Callback] = ()) -> ImageStrategy:
        """Fit on labelled pictures; examples with label -1 are unlabelled and left aside.

        Parameters
        ----------
        X : array of shape (N, H, W), (N, H, W, C) or (N, C, H, W)
            uint8, or float in [0, 1].
        y : array of shape (N,)
            Labels of any kind.
        callbacks : sequence of Callback
            Hear of the training.

        Raises
        ------
        BadInput
            If the pictures cannot be used, lengths differ, or there are fewer than two classes.
        """
        pictures, y = as_images(X), np.asarray(y).ravel()
        if len(pictures) != len(y):
            raise BadInput(
                f"There are {len(pictures)} pictures and {len(y)} labels; give one label a picture."
            )
        labelled = y != UNLABELLED if np.issubdtype(y.dtype, np.number) else np.ones(len(y), bool)
        self.classes_, labels = np.unique(y[labelled], return_inverse=True)
        if len(self.classes_) < 2:
            raise BadInput(
                f"Training needs at least two classes; the labels are all {self.classes_.tolist()}."
            )
        self.shape_ = pictures.shape[1:]
        self.device_ = compute.choose_device(self.device)
        with compute.seeded(self.random_state, self.device_) as generator:
            self.learn(pictures[labelled], labels, generator, callbacks)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities of shape (N, n_classes), in the order of `classes_`."""
        check_is_fitted(self, "classes_")
        pictures = as_images(X)
        if pictures.shape[1:] != self.shape_:
            raise BadInput(
                f"Fitted on pictures of shape {self.shape_} (channels, height, width), "
                f"asked to predict pictures of shape {pictures.shape[1:]}."
            )
        return torch.from_numpy(self.logits(pictures)).softmax(1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each picture, shape (N,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def needed_source(self) -> Source:
        """Return the source.

        Raises
        ------
        BadInput
            If there is none.
        """
        if isinstance(self.source, Source):
            return self.source
        raise BadInput(
            f"Strategy {self.name!r} needs a source, such as tlkit.load_source('glyphs'); "
            f"got {self.source!r}."
        )


@hyperparameters
class GradientStrategy(ImageStrategy):
    """Base of the strategies that train a network: override what differs, inherit the rest.

    Parameters
    ----------
    source : Source, optional
        What is transferred.
    lr : float
        Peak learning rate (AdamW).
    weight_decay : float
        Decoupled weight decay.
    epochs, min_steps, batch_size : int
        Length of the run, as in `tlkit.training.phases.Recipe`.
    augment : str
        A policy of `tlkit.vision.images.augment`.
    early_stop : bool
        Hold out a fifth of the labels as validation data, end the run when they stop getting
        better and keep the best weights; below 5 labels a class all are trained on.
    class_weight : {"balanced"} or None
        Weigh classes by their inverse frequency, as in scikit-learn.
    random_state : int, optional
        Seed of initial weights, batches and augmentation.
    device : str, optional
        Where to compute.
    """

    lr: float = 5e-3
    weight_decay: float = 0.01
    epochs: int = 10
    min_steps: int = 150
    batch_size: int = 32
    augment: str = "shift"
    early_stop: bool = False
    class_weight: str | None = None

    def build(self, source: Source, n_classes: int) -> Network:
        """Build the network that training starts from: the source's backbone under a new head."""
        network = from_source(source)
        network.head = nn.Linear(network.head.in_features, n_classes)
        return network

    def prepare(self, model: Network, batch: fitting.Batch) -> None:
        """Look at the training data before the first step; by default, do nothing."""

    def parameter_groups(self, model: Network) -> list[Group]:
        """Group what trains by learning rate; by default, everything at `lr`."""
        return [Group("all", tuple(model.parameters()), self.lr, self.weight_decay)]

    def phases(self, model: Network) -> list[Phase]:
        """Say what trains when; by default, one phase of `parameter_groups`."""
        return [Phase(tuple(self.parameter_groups(model)))]

    def loss(self, model: Network, batch: fitting.Batch) -> Tensor:
        """Return the mean loss of a batch: cross-entropy, on augmented pictures while training."""
        return F.cross_entropy(
            model(self.augmented(model, batch["pictures"])), batch["labels"], weight=self.class_weights_
        )

    def augmented(self, model: Network, pictures: Tensor) -> Tensor:
        """Augment pictures while the model trains."""
        return augment(self.augment, pictures, self.generator_) if model.training else pictures

    def learn(
        self,
        pictures: np.ndarray,
        labels: np.ndarray,
        generator: torch.Generator,
        callbacks: Sequence[Callback],
    ) -> None:
        """Build, prepare and train the network."""
        self.network_ = self.build(self.needed_source(), len(self.classes_)).to(self.device_)
        self.generator_ = generator
        self.class_weights_ = self._class_weights(labels)
        train, valid = self._split(pictures, labels)
        self.prepare(self.network_, train)
        plan = self.phases(self.network_)
        recipe = Recipe(self.epochs, self.min_steps, self.batch_size)
        self.n_trainable_ = phases.count_trainable(plan) if recipe.steps(len(labels)) else 0
        self.history_ = fitting.train(
            self.network_, self.loss, train, plan, recipe, generator, valid, callbacks
        )
        del self.generator_

    def logits(self, pictures: np.ndarray) -> np.ndarray:
        """Map pictures to logits with the trained network."""
        return outputs(self.network_.eval(), pictures, self.device_)

    def training_plan(self, n_classes: int) -> pd.DataFrame:
        """Tabulate what will train, before training: see `tlkit.training.phases.summary`."""
        return phases.summary(self.phases(self.build(self.needed_source(), n_classes)))

    def export(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the card's architecture, inputs and classes, and the weights: see `Source.from_fitted`."""
        check_is_fitted(self, "network_")
        parts = {
            "architecture": self.network_.architecture,
            "inputs": self.network_.input_spec,
            "classes": tuple(map(str, self.classes_)),
        }
        return parts, self.network_.state_dict()

    def _split(self, pictures: np.ndarray, labels: np.ndarray) -> tuple[fitting.Batch, fitting.Batch | None]:
        """Put the data on the device, a stratified fifth of them apart if early stopping wants it."""
        rows = np.arange(len(labels))
        if not self.early_stop or np.bincount(labels).min() < FEWEST_FOR_VALIDATION:
            return self._on_device(pictures, labels, rows), None
        kept, held = train_test_split(
            rows, test_size=VALIDATION_SHARE, stratify=labels, random_state=self.random_state
        )
        return self._on_device(pictures, labels, kept), self._on_device(pictures, labels, held)

    def _on_device(self, pictures: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> fitting.Batch:
        arrays = {"pictures": pictures[rows], "labels": labels[rows].astype(np.int64)}
        return {name: torch.from_numpy(array).to(self.device_) for name, array in arrays.items()}

    def _class_weights(self, labels: np.ndarray) -> Tensor | None:
        if self.class_weight is None:
            return None
        weights = compute_class_weight(self.class_weight, classes=np.unique(labels), y=labels)
        return torch.tensor(weights, dtype=torch.float32, device=self.device_)
