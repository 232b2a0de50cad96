"""Adaptation without a label: the source's labelled data, the target's unlabelled ones, and a budget of 0."""

import torch
import torch.nn.functional as F

import tlkit
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies import ImageGradientStrategy


@hyperparameters
class SourceOnly(ImageGradientStrategy):
    """The source as it is, where it tells the target's classes apart."""

    name, title, idea = "toy source only", "Source only", "Change nothing."
    needs_labels = False

    epochs: int = 0
    min_steps: int = 0

    def build(self, source, n_classes):
        network, places = self.from_source(source), self.require_classes_of(source)
        weight, bias = network.head.weight[places], network.head.bias[places]
        network.head = network.new_head(n_classes)
        network.set_head(weight, bias)
        return network


@hyperparameters
class Coral(SourceOnly):
    """Match the covariance of features in both domains (Sun and Saenko, arXiv:1607.01719, section 3)."""

    name, title, idea = "toy coral", "CORAL", "Make unlabelled target features vary as the source's do."
    uses_unlabelled = True

    weight: float = 0.01
    min_steps: int = 80

    def streams(self, inputs, labels):
        task = self.needed_source().task
        return [{"theirs": task.X, "source_labels": task.y}, {"bare": self.unlabelled_}]

    def loss(self, model, batch):
        if not model.training:
            return super().loss(model, batch)
        theirs, bare = model.features(batch["theirs"]), model.features(batch["bare"])
        apart = (torch.cov(theirs.T) - torch.cov(bare.T)).square().sum()
        loss = F.cross_entropy(model.head(theirs), batch["source_labels"]) + self.weight * apart
        return loss + super().loss(model, batch) if len(batch["labels"]) else loss


def test_adaptation_has_a_row_at_no_labels_and_gains_on_the_source(stripes, usable_again):
    turned = tlkit.load_task("toy_patterns", light=-40, n=150)
    strategies = [SourceOnly(augment="none"), Coral(augment="none")]
    study = tlkit.compare(strategies, stripes, turned, [0, 5], seeds=1, cache=False)
    table = study.table.groupby(["budget", "strategy"])["accuracy"].mean()
    assert {name for budget, name in table.index if budget == 0} == {"toy source only", "toy coral"}
    assert table[0, "toy coral"] > table[0, "toy source only"] + 0.1
    usable_again(turned.budget(0).fit(Coral(source=stripes, augment="none", random_state=0)), turned)
