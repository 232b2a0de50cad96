"""Fine-tuning: the source's weights are where training starts."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor

from tlkit.classification.networks import Classifier
from tlkit.classification.strategies.frozen import linear_rule, logistic_regression
from tlkit.classification.strategies.gradient import GradientStrategy
from tlkit.errors import require_known
from tlkit.study.strategy import hyperparameters
from tlkit.training import fitting
from tlkit.training.phases import Group, Phase

UNFREEZE = ("head", "last", "all", "gradual")
GRADUAL_PHASES = 4


@hyperparameters
class FineTune(GradientStrategy):
    """Train on from the source's weights; see `GradientStrategy` for the parameters not named here.

    Parameters
    ----------
    unfreeze : {"head", "last", "all", "gradual"}
        What trains: the new head; the last stage too; everything; or one more part of the backbone, from
        the head down, in each of four phases (Howard and Ruder, arXiv:1801.06146, section 3.3).
    layer_decay : float
        Each stage learns this many times as fast as the one above it (ibid., section 3.2).
    head_multiple : float
        The new head learns this many times as fast as the last stage.
    warmup : float
        Share of the steps in which the head trains alone first, so that the errors of a random head do not
        spoil the features (LP-FT: Kumar et al., arXiv:2202.10054, section 4).
    probe_head : bool
        Start from the head that a linear probe of the same examples finds: the same aim, without a step.
    l2_sp : float
        Weight of the squared distance of the backbone to the source, halved
        (L2-SP: Li et al., arXiv:1802.01483, section 3).

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.vision.strategies import FineTune
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    >>> trial = tlkit.transfer(FineTune(min_steps=5, epochs=0), source, task)
    >>> round(trial.metrics["accuracy"], 1)
    0.8
    """

    title = "Fine-tuning"
    idea = "Start from the source's weights and train on."

    unfreeze: str = "all"
    layer_decay: float = 0.5
    head_multiple: float = 3.0
    warmup: float = 0.2
    probe_head: bool = False
    l2_sp: float = 0.0
    lr: float = 3e-3

    def parameter_groups(self, model: Classifier) -> list[Group]:
        """Group the head and every stage, from the head down, each with its learning rate."""
        heads = (*model.head.parameters(), *model.auxiliary.parameters())
        head = Group("head", heads, self.lr * self.head_multiple, self.weight_decay)
        stages = reversed(model.stages())
        rates = (self.lr * self.layer_decay**depth for depth in itertools.count())
        return [
            head,
            *(
                Group(name, tuple(params), rate, self.weight_decay)
                for (name, params), rate in zip(stages, rates, strict=False)
            ),
        ]

    def phases(self, model: Classifier) -> list[Phase]:
        """Say which groups train when."""
        groups = self.parameter_groups(model)
        parts = {
            "head": [1],
            "last": [2],
            "all": [len(groups)],
            "gradual": sorted({int(n) for n in np.linspace(1, len(groups), GRADUAL_PHASES + 1)[1:]}),
        }
        sizes = parts[require_known("way to unfreeze", self.unfreeze, UNFREEZE)]
        first = [Phase(tuple(groups[:1]), self.warmup)] if self.warmup and sizes[0] > 1 else []
        rest = 1 - sum(phase.share for phase in first)
        return [*first, *(Phase(tuple(groups[:size]), rest / len(sizes)) for size in sizes)]

    def prepare(self, model: Classifier, batch: fitting.Batch) -> None:
        """Take the probe's head, if that is the start, and remember where the backbone started."""
        if self.probe_head:
            self._take_probe_head(model, batch)
        self.start_ = [param.detach().clone() for param in model.backbone.parameters()] if self.l2_sp else []

    def _take_probe_head(self, model: Classifier, batch: fitting.Batch) -> None:
        seen = self.features(batch["inputs"].cpu().numpy())
        labels = batch["labels"].cpu().numpy()
        probe = logistic_regression(seen, labels, None, self.class_weight, self.random_state)
        model.set_head(*linear_rule(probe))

    def loss(self, model: Classifier, batch: fitting.Batch) -> Tensor:
        """Return cross-entropy plus the pull towards the source."""
        loss = super().loss(model, batch)
        if self.l2_sp and model.training:
            distances = torch._foreach_norm(
                torch._foreach_sub(list(model.backbone.parameters()), self.start_)
            )
            loss = loss + self.l2_sp / 2 * torch.stack(distances).square().sum()
        return loss
