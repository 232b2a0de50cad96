"""Strategies on frozen features, on pictures."""

from __future__ import annotations

from tlkit.classification.strategies import frozen
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies.base import ImageStrategy


@hyperparameters
class Probe(ImageStrategy, frozen.Probe):
    __doc__ = frozen.Probe.__doc__
    name = "probe"


@hyperparameters
class Nearest(ImageStrategy, frozen.Nearest):
    __doc__ = frozen.Nearest.__doc__
    name = "nearest"
