"""Fine-tuning, on pictures."""

from __future__ import annotations

from tlkit.classification.strategies import finetune
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies.base import Augmented


@hyperparameters
class FineTune(Augmented, finetune.FineTune):
    __doc__ = finetune.FineTune.__doc__
    name = "finetune"
