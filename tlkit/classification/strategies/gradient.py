"""The frame of the strategies that train a network: override what differs, inherit the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from tlkit.classification.features import outputs
from tlkit.classification.networks import SOURCE_HEAD, Classifier
from tlkit.classification.strategies.base import Answers, ClassificationStrategy
from tlkit.errors import BadInput
from tlkit.study.callbacks import Callback
from tlkit.study.source import Source
from tlkit.study.strategy import hyperparameters
from tlkit.training import fitting, phases
from tlkit.training.phases import Group, Phase, Recipe

VALIDATION_SHARE = 0.2
FEWEST_FOR_VALIDATION = 5
LEARNED = {"network_", "history_", "n_trainable_", "source_"}


class InTraining:
    """What hooks find on a strategy while it trains, besides `device_` and what they store themselves.

    Attributes
    ----------
    generator_ : Generator
        On the device, for whatever is drawn; torch's own generator is seeded too.
    class_weights_ : Tensor of shape (n_classes,) or None
        As `class_weight` asks for.
    """

    generator_: Any = None
    class_weights_: Any = None


@hyperparameters
class GradientStrategy(InTraining, ClassificationStrategy):
    """Base of the strategies that train a network.

    A batch holds the columns ``inputs`` and ``labels``, what `extras` adds, and, while the network trains,
    what `streams` draws beside them.

    Parameters
    ----------
    source : Source, Sources or strategy, optional
        What is transferred.
    lr : float
        Peak learning rate (AdamW).
    weight_decay : float
        Decoupled weight decay.
    epochs, min_steps, batch_size : int
        Length of the run, as in `tlkit.training.phases.Recipe`.
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
    early_stop: bool = False
    class_weight: str | None = None

    def build(self, source: Source, n_classes: int) -> Classifier:
        """Build the network that training starts from: the source's backbone under a new head.

        Heads put into its `auxiliary` train along.
        """
        network = self.from_source(source)
        network.head = network.new_head(n_classes)
        return network

    def extras(self, inputs: np.ndarray, labels: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return further columns, one row an example, for training and validation alike; by default none.

        A teacher's logits, for example.
        """
        return {}

    def streams(self, inputs: np.ndarray, labels: np.ndarray) -> Sequence[Mapping[str, np.ndarray]]:
        """Return further tables whose rows are drawn beside each batch; by default none.

        Source data, unlabelled examples, a memory: each of any length, its columns with names of their own.
        """
        return ()

    def prepare(self, model: Classifier, batch: fitting.Batch) -> None:
        """Look at the training data before the first step; by default, do nothing."""

    def parameter_groups(self, model: Classifier) -> list[Group]:
        """Group what trains by learning rate; by default, everything at `lr`."""
        return [Group("all", tuple(model.parameters()), self.lr, self.weight_decay)]

    def phases(self, model: Classifier) -> list[Phase]:
        """Say what trains when; by default, one phase of `parameter_groups`."""
        return [Phase(tuple(self.parameter_groups(model)))]

    def loss(self, model: Classifier, batch: fitting.Batch) -> Tensor:
        """Return the mean loss of a batch: the criterion, on augmented inputs while training."""
        inputs, labels = self.augmented(model, batch["inputs"], batch["labels"])
        return self.criterion(model(inputs), labels)

    def criterion(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of logits (n, n_classes): weighted cross-entropy.

        Labels are (n,), or, where examples were mixed, each class's share in them (n, n_classes).
        """
        if labels.ndim == 1 or self.class_weights_ is None:
            return F.cross_entropy(logits, labels, weight=self.class_weights_)
        weighed = labels * self.class_weights_
        return -(weighed * logits.log_softmax(1)).sum() / weighed.sum()

    def augmented(self, model: Classifier, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Augment examples, and labels where they are mixed, while the model trains; by default neither."""
        return inputs, labels

    def after_step(self, model: Classifier) -> None:
        """Act on the network after each step, for a moving average say; by default, do nothing."""

    def learn(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        generator: torch.Generator,
        callbacks: Sequence[Callback],
    ) -> None:
        """Build, prepare and train the network."""
        with self._no_leftovers():
            self.generator_ = generator
            self.network_ = self.build(self.needed_source(), len(self.classes_)).to(self.device_)
            self.class_weights_ = self._class_weights(labels)
            train, valid = self._split({"inputs": inputs, "labels": labels, **self.extras(inputs, labels)})
            streams = self._streams(train, self.streams(inputs, labels))
            self.prepare(self.network_, train)
            plan = self.phases(self.network_)
            recipe = Recipe(self.epochs, self.min_steps, self.batch_size)
            self.n_trainable_ = phases.count_trainable(plan) if recipe.steps(len(labels)) else 0
            self.history_ = fitting.train(
                self.network_,
                self.loss,
                train,
                plan,
                recipe,
                generator,
                valid=valid,
                streams=streams,
                after_step=self.after_step,
                callbacks=callbacks,
            )

    @property
    def predicts_in_training(self) -> bool:  # type: ignore[override]
        """Whether there is a network to predict with: from before the first step on."""
        return hasattr(self, "network_")

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Map inputs to logits with the trained network."""
        return outputs(self.network_.eval(), inputs, self.device_)

    def on_source_task(self) -> Answers | None:
        """Return what now answers the source's task: an auxiliary head called "source", or the strategy."""
        if SOURCE_HEAD not in self.network_.auxiliary:
            return super().on_source_task()
        classes = self.needed_source().card.classes
        return Answers(self._source_logits, classes, self.as_inputs)

    def _source_logits(self, inputs: np.ndarray) -> np.ndarray:
        network = self.network_.eval()
        head = network.auxiliary[SOURCE_HEAD]
        return outputs(lambda examples: head(network.features(examples)), inputs, self.device_)

    def training_plan(self, n_classes: int) -> pd.DataFrame:
        """Tabulate what will train, before training: see `tlkit.training.phases.summary`."""
        return phases.summary(self.phases(self.build(self.needed_source(), n_classes)))

    def export(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the card's architecture, inputs and classes, and the weights: see `Source.from_fitted`."""
        check_is_fitted(self, "network_")
        return self.card_of(self.network_), self.network_.exported()

    @contextmanager
    def _no_leftovers(self) -> Iterator[None]:
        """Drop what hooks have stored on the strategy for the training alone."""
        kept = vars(self).keys() | LEARNED
        try:
            yield
        finally:
            for name in vars(self).keys() - kept:
                delattr(self, name)

    def _split(self, rows: Mapping[str, np.ndarray]) -> tuple[fitting.Batch, fitting.Batch | None]:
        """Put the data on the device, a stratified fifth of them apart if early stopping wants it."""
        labels = rows["labels"]
        if not self.early_stop or np.bincount(labels, minlength=1).min() < FEWEST_FOR_VALIDATION:
            return self._on_device(rows), None
        every = np.arange(len(labels))
        kept, held = train_test_split(
            every, test_size=VALIDATION_SHARE, stratify=labels, random_state=self.random_state
        )
        parts = ({name: column[chosen] for name, column in rows.items()} for chosen in (kept, held))
        train, valid = map(self._on_device, parts)
        return train, valid

    def _streams(
        self, train: fitting.Batch, tables: Sequence[Mapping[str, np.ndarray]]
    ) -> list[fitting.Batch]:
        """Put further tables on the device, if they can be drawn from."""
        taken = [*train, *(name for rows in tables for name in rows)]
        twice = sorted({name for name in taken if taken.count(name) > 1})
        if twice:
            raise BadInput(
                f"Two tables of strategy {self.name!r} have a column {', '.join(twice)}: those of streams() "
                f"are called otherwise than the training data's ({', '.join(train)}) and than each other."
            )
        for rows in tables:
            lengths = sorted({len(column) for column in rows.values()})
            if len(lengths) != 1 or lengths[0] == 0:
                raise BadInput(
                    f"A stream of strategy {self.name!r} has columns {', '.join(rows)} of lengths {lengths}; "
                    "they are of one length, 1 or more."
                )
        return [self._on_device(rows) for rows in tables]

    def _on_device(self, rows: Mapping[str, np.ndarray]) -> fitting.Batch:
        return {name: torch.tensor(column, device=self.device_) for name, column in rows.items()}

    def _class_weights(self, labels: np.ndarray) -> Tensor | None:
        if self.class_weight is None:
            return None
        weights = compute_class_weight(self.class_weight, classes=np.unique(labels), y=labels)
        return torch.tensor(weights, dtype=torch.float32, device=self.device_)
