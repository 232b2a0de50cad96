"""A student of another strategy: the teacher is a hyperparameter, and a source made in passing."""

import pytest
import torch.nn.functional as F
from conftest import QUICK
from sklearn.base import clone

import tlkit
from tlkit.classification.features import outputs
from tlkit.errors import BadInput
from tlkit.study.source import Source
from tlkit.study.strategy import Strategy, hyperparameters
from tlkit.vision.strategies import FineTune, Scratch

SMALLER = {"name": "convnet", "width": 2}


@hyperparameters
class Student(Scratch):
    """Learn a teacher's answers (Hinton et al., arXiv:1503.02531, section 2, at temperature 1)."""

    name = "toy student"
    title = "Distilled student"
    idea = "A small network learns what a fine-tuned large one answers."

    takes_shares = False  # what the teacher said is of pictures before they are mixed

    teacher: Source | Strategy | None = None

    def extras(self, inputs, labels):
        teacher = self.learned_by(self.teacher, inputs, labels)
        places = self.require_classes_of(teacher)
        network = self.from_source(teacher).to(self.device_).eval()
        return {"taught": outputs(network, inputs, self.device_)[:, places]}

    def loss(self, model, batch):
        inputs, _ = self.augmented(model, batch["inputs"], batch["labels"])
        logits = model(inputs)
        return F.cross_entropy(logits, batch["taught"].softmax(1))


def test_a_strategy_is_the_teacher_of_another(stripes, marks, usable_again):
    student = Student(teacher=FineTune(**QUICK), architecture=SMALLER, early_stop=True, **QUICK)
    trial = tlkit.transfer(student, stripes, marks.budget(20))
    assert trial.fitted.teacher.source is stripes
    assert not hasattr(trial.fitted.teacher, "network_")
    assert clone(trial.fitted).get_params()["teacher__min_steps"] == QUICK["min_steps"]
    assert trial.metrics["accuracy"] > 0.8
    usable_again(trial.fitted, marks)


def test_a_strategy_is_the_source_of_another(stripes, marks):
    through = FineTune(source=FineTune(source=stripes, **QUICK), **QUICK | {"min_steps": 0})
    fitted = marks.budget(20).fit(through)
    assert fitted.needed_source().name == "finetune"
    assert fitted.needed_source().card.classes == marks.classes
    with pytest.raises(BadInput, match=r"needs a source of the same classes: 'stripes' tells 3"):
        marks.budget(5).fit(Student(teacher=stripes, architecture=SMALLER, **QUICK))
