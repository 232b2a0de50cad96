"""What is found without being listed, who owns a name, and whose classes and cards fit."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from conftest import QUICK
from torch import nn

import tlkit
from tlkit.errors import BadInput, UnknownName
from tlkit.study.register import Register
from tlkit.study.source import Source
from tlkit.training.phases import Phase
from tlkit.vision.networks.small import Backbone
from tlkit.vision.strategies import FineTune, Scratch
from tlkit.vision.tasks import ImageTask


class Pooled(Backbone):
    name = "toy pooled"

    def __init__(self, channels, n_features=8):
        super().__init__()
        self.n_features = n_features
        self.body = nn.Sequential(
            nn.Conv2d(channels, n_features, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, pictures):
        return self.body(pictures)


def test_an_architecture_is_found_by_its_class_and_needs_no_source(marks, usable_again):
    trial = tlkit.transfer("scratch", None, marks.budget(10), architecture="toy pooled", **QUICK)
    assert trial.source == ""
    back = usable_again(trial.fitted, marks)
    assert back.card.architecture == {"name": "toy pooled"}
    with pytest.raises(UnknownName, match="no network 'toy poled'. Did you mean 'toy pooled'"):
        tlkit.transfer("scratch", None, marks.budget(2), architecture="toy poled")
    with pytest.raises(UnknownName, match="no parameter of network 'convnet' 'widht'. Did you mean 'width'"):
        tlkit.transfer("scratch", None, marks.budget(2), architecture={"name": "convnet", "widht": 3})


def test_a_study_of_an_architecture_needs_no_source(marks):
    study = tlkit.compare(
        {"scratch": Scratch(architecture="toy pooled", **QUICK)}, None, marks, [2], 2, cache=False
    )
    assert len(study.trials) == 2


def test_a_name_has_one_owner():
    shelf = Register("task")
    shelf.named("mine")(lambda: 1)
    with pytest.raises(BadInput, match=r"task name 'mine' is taken twice: by .*lambda.* and builtins.dict"):
        shelf.named("mine")(dict)


def test_a_strategy_that_takes_a_shipped_name_is_refused_and_a_cell_that_runs_twice_is_not():
    def define(name):
        return type("Mine", (FineTune,), {"name": name, "__module__": "__main__", "__qualname__": "Mine"})

    first = define("finetune")
    with pytest.raises(BadInput, match=r"called 'finetune': .*finetune.FineTune and __main__.Mine"):
        ImageTask.strategies()
    again = define("toy mine")
    assert ImageTask.strategies()["toy mine"] is again is not first


def test_a_card_of_another_kind_is_refused(stripes, marks):
    shop = Source(replace(stripes.card, kind="recsys", sha256=""), stripes.state)
    with pytest.raises(BadInput, match=r"'stripes' is of recsys, and strategy 'probe' is of vision"):
        tlkit.transfer("probe", shop, marks.budget(2))


def test_a_task_that_cannot_be_loaded_is_said_when_it_is_needed(stripes, tmp_path):
    lost = Source(replace(stripes.card, task={"name": "toy_pattern", "params": {}}, sha256=""), stripes.state)
    with pytest.raises(
        BadInput, match=r"task of source 'stripes' cannot be loaded.*Did you mean 'toy_patterns'"
    ):
        _ = lost.task
    without = Source(replace(stripes.card, task={}, sha256=""), stripes.state)
    with pytest.raises(BadInput, match="came without its data"):
        _ = without.task


def test_a_model_of_other_classes_is_not_scored_on_the_source_task(stripes, marks):
    fitted = tlkit.transfer("probe", stripes, marks.budget(5)).fitted
    with pytest.raises(BadInput, match=r"'probe' was fitted on other classes \(cross, block, frame\)"):
        stripes.task.score(fitted)


def test_classes_are_compared_by_name_not_by_place(stripes):
    task = stripes.task
    order = [2, 0, 1]
    turned = ImageTask(
        task.X,
        [order[y] for y in task.y],
        task.X_test,
        [order[y] for y in task.y_test],
        ("level", "slanted", "upright"),
    )
    fitted = tlkit.transfer("probe", stripes, turned.budget(20)).fitted
    assert task.score(fitted).metrics["accuracy"] == turned.score(fitted).metrics["accuracy"] > 0.8


def test_another_package_brings_a_modality_by_an_entry_point(tmp_path):
    (tmp_path / "toy_plugin.py").write_text(
        "from tlkit.study.register import tasks\n"
        "@tasks.named('from_outside')\n"
        "def load():\n    raise SystemExit('found')\n"
    )
    metadata = tmp_path / "toy_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[tlkit.modalities]\ntoy = toy_plugin\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import tlkit; tlkit.load_task('from_outside')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "found"


def test_a_phase_chooses_its_optimiser_and_a_hook_follows_each_step(stripes, marks):
    seen = []

    class Plain(FineTune):
        def phases(self, model):
            return [
                Phase(
                    tuple(self.parameter_groups(model)), optimizer=lambda groups: torch.optim.SGD(groups, 0.1)
                )
            ]

        def after_step(self, model):
            seen.append(next(model.head.parameters()).detach().clone())

    fitted = Plain(source=stripes, min_steps=4, epochs=0, random_state=0).fit(marks.X[:30], marks.y[:30])
    assert len(seen) == 4
    assert torch.equal(seen[-1], next(fitted.network_.head.parameters()))
