"""Transplanting, on pictures."""

from __future__ import annotations

from tlkit.classification.strategies import transplant
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies.base import Augmented


@hyperparameters
class Transplant(Augmented, transplant.Transplant):
    __doc__ = transplant.Transplant.__doc__
    name = "transplant"
