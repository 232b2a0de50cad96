"""What pictures share with other modalities: see `tlkit.classification.strategies` for what each does."""

from __future__ import annotations

from tlkit.classification.strategies import finetune, frozen, scratch, transplant
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies.base import Augmented, ImageStrategy


@hyperparameters
class Scratch(Augmented, scratch.Scratch):
    __doc__ = scratch.Scratch.__doc__
    name = "scratch"


@hyperparameters
class FineTune(Augmented, finetune.FineTune):
    __doc__ = finetune.FineTune.__doc__
    name = "finetune"


@hyperparameters
class Probe(ImageStrategy, frozen.Probe):
    __doc__ = frozen.Probe.__doc__
    name = "probe"


@hyperparameters
class Nearest(ImageStrategy, frozen.Nearest):
    __doc__ = frozen.Nearest.__doc__
    name = "nearest"


@hyperparameters
class Transplant(Augmented, transplant.Transplant):
    __doc__ = transplant.Transplant.__doc__
    name = "transplant"
