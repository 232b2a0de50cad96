"""What picture strategies add to those of any modality: pictures, their networks and their augmentation."""

from __future__ import annotations

from torch import Tensor

from tlkit.classification.networks import Classifier
from tlkit.classification.strategies.base import ClassificationStrategy
from tlkit.classification.strategies.gradient import GradientStrategy
from tlkit.study.strategy import hyperparameters
from tlkit.vision.images.arrays import as_images
from tlkit.vision.images.augment import augment
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
    augment : str
        A policy of `tlkit.vision.images.augment`.
    """

    augment: str = "shift"

    def augmented(self, model: Classifier, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Augment pictures while the model trains."""
        return (augment(self.augment, inputs, self.generator_) if model.training else inputs), labels


@hyperparameters
class ImageGradientStrategy(Augmented, GradientStrategy):
    """Base of the picture strategies that train a network; see `GradientStrategy`, and `Augmented`."""
