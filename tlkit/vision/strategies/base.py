"""What picture strategies add to those of any modality: pictures, their networks and their augmentation."""

from __future__ import annotations

import math
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from tlkit.classification.features import outputs
from tlkit.classification.networks import Classifier
from tlkit.classification.strategies.base import ClassificationStrategy
from tlkit.classification.strategies.gradient import GradientStrategy
from tlkit.errors import BadInput, require_number, whole
from tlkit.study.strategy import hyperparameters
from tlkit.system import compute
from tlkit.vision.images.arrays import as_images
from tlkit.vision.images.augment import Policy, augment, mix, mixes
from tlkit.vision.networks.backbones import Network, inputs_for


class ImageStrategy(ClassificationStrategy):
    """Base of the picture strategies: a subclass gives `learn` and `logits`.

    Pictures come as (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 or float in [0, 1]; `learn` and `logits`
    get them as (N, C, H, W), uint8.
    """

    modality = "vision"
    such_a_source = "glyphs"
    examples = "pictures"
    network = Network
    as_inputs = staticmethod(as_images)
    inputs_for = staticmethod(inputs_for)


@hyperparameters
class Augmented(ImageStrategy):
    """What a picture strategy that trains a network adds.

    Parameters
    ----------
    augment : str or mapping of str to float
        A policy of `tlkit.vision.images.augment`: a name, or operations with their ranges.
    test_views : int
        Predict by the mean probabilities of so many views of a picture: itself, and others changed by the
        policy (test-time augmentation: Krizhevsky et al., NeurIPS 2012, section 4.1).

    Attributes
    ----------
    takes_shares : bool
        Whether the loss can take shares of classes for labels; without, pictures cannot be mixed.
    """

    takes_shares: ClassVar[bool] = True

    augment: Policy = "shift"
    test_views: int = 1

    def augmented(self, model: Classifier, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Augment pictures while the model trains; mix them, and their labels, where the policy says so."""
        if not model.training:
            return inputs, labels
        mixing = mixes(self.augment)
        if mixing and not self.takes_shares:
            raise BadInput(
                f"Strategy {self.name!r} learns from whole labels, and {' and '.join(mixing)} makes shares "
                "of them: leave it out of augment."
            )
        pictures = augment(self.augment, inputs, self.generator_)
        if not mixing:
            return pictures, labels
        return mix(self.augment, pictures, labels, len(self.classes_), self.generator_)

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Map pictures to logits; of several views, to the logarithm of their mean probabilities."""
        require_number("test_views", self.test_views, whole(1))
        if self.test_views == 1:
            return super().logits(inputs)  # type: ignore[safe-super]  # a gradient strategy stands behind it
        with compute.seeded(self.random_state or 0, self.device_) as generator:
            return outputs(partial(self._over_views, generator), inputs, self.device_)

    def _over_views(self, generator: torch.Generator, inputs: Tensor) -> Tensor:
        network = self.network_.eval()
        others = (augment(self.augment, inputs, generator) for _ in range(self.test_views - 1))
        views = [network(view).float().log_softmax(1) for view in (inputs, *others)]
        return torch.stack(views).logsumexp(0) - math.log(self.test_views)


@hyperparameters
class ImageGradientStrategy(Augmented, GradientStrategy):
    """Base of the picture strategies that train a network; see `GradientStrategy`, and `Augmented`."""
