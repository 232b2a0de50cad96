"""Learning without forgetting: a head that stays out of the export, a teacher's answers in a batch."""

import torch.nn.functional as F
from conftest import QUICK

import tlkit
from tlkit.classification.features import outputs
from tlkit.classification.networks import SOURCE_HEAD
from tlkit.study.strategy import hyperparameters
from tlkit.vision.strategies import FineTune

HEAT = 2.0


@hyperparameters
class LwF(FineTune):
    """Keep the source's answers on the target's pictures (Li and Hoiem, arXiv:1606.09282, section 3)."""

    name = "toy lwf"
    title = "Learning without forgetting"
    idea = "Learn the target while the old head goes on saying what it said before."

    weight: float = 4.0

    takes_shares = False  # what the teacher said is of pictures before they are mixed

    def build(self, source, n_classes):
        network = super().build(source, n_classes)
        network.auxiliary[SOURCE_HEAD] = self.from_source(source).head
        return network

    def extras(self, inputs, labels):
        before = self.from_source(self.needed_source()).to(self.device_).eval()
        return {"remembered": outputs(before, inputs, self.device_)}

    def loss(self, model, batch):
        inputs, labels = self.augmented(model, batch["inputs"], batch["labels"])
        features = model.features(inputs)
        new = self.criterion(model.head(features), labels)
        now, before = model.auxiliary[SOURCE_HEAD](features) / HEAT, batch["remembered"] / HEAT
        kept = F.kl_div(now.log_softmax(1), before.log_softmax(1), log_target=True, reduction="batchmean")
        return new + self.weight * HEAT**2 * kept


def test_lwf_keeps_more_of_the_source_and_its_export_has_no_second_head(stripes, marks, usable_again):
    options = {"random_state": 0, "early_stop": True, "lr": 0.02, **QUICK}
    keeping, forgetting = (
        tlkit.transfer(LwF(weight=weight, **options), stripes, marks.budget(20)) for weight in (4.0, 0.0)
    )
    assert keeping.metrics["accuracy"] > 0.8
    assert keeping.metrics["source_accuracy_before"] == forgetting.metrics["source_accuracy_before"] > 0.9
    assert keeping.metrics["source_accuracy"] > forgetting.metrics["source_accuracy"] + 0.1
    assert {"generator_", "start_", "class_weights_"}.isdisjoint(vars(keeping.fitted))
    usable_again(keeping.fitted, marks)
