"""Joint training: rows of the source's own data beside each batch of the target's."""

import pytest
import torch.nn.functional as F
from conftest import QUICK

import tlkit
from tlkit.classification.networks import SOURCE_HEAD
from tlkit.errors import BadInput
from tlkit.vision.strategies import FineTune


class Joint(FineTune):
    """Train on source and target data at once, a head for each (Caruana, Multitask Learning, 1997)."""

    name = "toy joint"
    title = "Joint training"
    idea = "Go on learning the source's task beside the target's."
    columns = ("source_inputs", "source_labels")

    def build(self, source, n_classes):
        network = super().build(source, n_classes)
        network.auxiliary[SOURCE_HEAD] = self.from_source(source).head
        return network

    def streams(self, inputs, labels):
        task = self.needed_source().task
        return [dict(zip(self.columns, (task.X, task.y), strict=True))]

    def loss(self, model, batch):
        loss = super().loss(model, batch)
        if model.training:
            theirs = model.auxiliary[SOURCE_HEAD](model.features(batch["source_inputs"]))
            loss = loss + F.cross_entropy(theirs, batch["source_labels"])
        return loss


class Clashing(Joint):
    columns = ("inputs", "source_labels")


def test_joint_training_forgets_nothing_and_is_a_source_again(stripes, marks, usable_again):
    trial = tlkit.transfer(Joint(early_stop=True, **QUICK), stripes, marks.budget(10))
    assert trial.metrics["accuracy"] > 0.8
    assert trial.metrics["source_accuracy"] > trial.metrics["source_accuracy_before"] - 0.05
    usable_again(trial.fitted, marks)


def test_a_reloaded_source_still_brings_its_data(stripes, marks, tmp_path):
    back = tlkit.Source.load(stripes.save(tmp_path / "stripes"))
    study = tlkit.compare([Joint(**QUICK)], back, marks, [5], seeds=1, cache=False)
    assert study.table["source_accuracy"].notna().sum() == 1


def test_streams_have_columns_of_their_own(stripes, marks):
    with pytest.raises(BadInput, match=r"'toy joint' have a column inputs.*otherwise than .*inputs, labels"):
        tlkit.transfer(Clashing(**QUICK), stripes, marks.budget(5))
