"""The baseline, on pictures."""

from __future__ import annotations

from tlkit.classification.strategies import scratch
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies.base import Augmented


@hyperparameters
class Scratch(Augmented, scratch.Scratch):
    __doc__ = scratch.Scratch.__doc__
    name = "scratch"
