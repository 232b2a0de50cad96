"""Transplanting: the backbone moves, and the source's classification rules with it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from tlkit.classification.heads import linear_rule
from tlkit.classification.networks import Classifier
from tlkit.classification.strategies.finetune import FineTune
from tlkit.errors import BadInput, require_known
from tlkit.study.source import Source
from tlkit.study.strategy import hyperparameters
from tlkit.training import fitting

IMPRINT_SCALE = 10.0


@hyperparameters
class Transplant(FineTune):
    """Copy the backbone and make the head of the source's own rules; the rest is as in `FineTune`.

    Parameters
    ----------
    rule : {"map", "imprint"}
        ``map``: each target class takes over the class weights of one source class, chosen together
        so that the source's predictions make the target's labels most likely. ``imprint``: each gets
        the mean direction of its features as its weight vector
        (Qi et al., arXiv:1712.07136, section 3.2).
    epochs, min_steps : int
        0 by default: the transplanted head is used as it is. With more, `FineTune` goes on from it.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.vision.strategies import Transplant
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    >>> trial = tlkit.transfer(Transplant(rule="map"), source, task)
    >>> round(trial.metrics["accuracy"], 1)
    0.8
    """

    title = "Transplant"
    idea = "Copy the backbone and rewire the source's own class weights to the target's classes."

    rule: str = "map"
    epochs: int = 0
    min_steps: int = 0

    def prepare(self, model: Classifier, batch: fitting.Batch) -> None:
        """Make the head of the source's rules and the target's few examples."""
        super().prepare(model, batch)
        rules = {"map": self._map, "imprint": self._imprint}
        rule = rules[require_known("rule", self.rule, rules)]
        source = self.needed_source()
        seen = torch.from_numpy(self.features(batch["inputs"].cpu().numpy()))
        model.set_head(*rule(source, seen, batch["labels"].cpu()))

    def _map(self, source: Source, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Give each target class the rule of its own source class, by maximum likelihood."""
        weight, bias = linear_rule(self.from_source(source).head, features)
        fit = class_means(F.linear(features, weight, bias).log_softmax(1), labels).numpy()
        if fit.shape[0] > fit.shape[1]:
            raise BadInput(
                f"The source has {fit.shape[1]} classes to map onto the target's {fit.shape[0]}; "
                "use rule='imprint'."
            )
        _, chosen = linear_sum_assignment(fit, maximize=True)
        return weight[chosen], bias[chosen]

    def _imprint(self, source: Source, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Point each weight vector along its class's features, seen from the mean of all."""
        centre = features.mean(0)
        weight = F.normalize(class_means(F.normalize(features - centre), labels))
        weight *= IMPRINT_SCALE / (features - centre).norm(dim=1).mean()
        return weight, -weight @ centre


def class_means(values: Tensor, labels: Tensor) -> Tensor:
    """Return the mean row of each class, shape (n_classes, d), of values (N, d)."""
    members = F.one_hot(labels).to(values.dtype)
    return (members.T @ values) / members.sum(0)[:, None]
