"""A network of one's own as a source: where it is cut, what it is worth, and what is refused."""

import copy
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from stripes import QUICK, stripes
from torch import nn

import tlkit
from tlkit.classification.modules import MODULE
from tlkit.errors import BadInput, UnknownName
from tlkit.study.source import Source
from tlkit.study.weight_files import read_state_dict
from tlkit.vision.networks.backbones import IMAGENET, from_source
from tlkit.vision.tasks import ImageTask

CLASSES = ("v", "h", "d")
INPUTS = {"channels": 1, "size": 16, "mean": [0.3], "std": [0.3]}


class LeNet(nn.Module):
    """With a view, which wants a module's own memory format."""

    def __init__(self, width=4):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, width, 5), nn.Conv2d(width, 2 * width, 3)
        self.bn, self.fc = nn.BatchNorm2d(2 * width), nn.Linear(2 * width * 4, 3)
        self.scale = 1.0

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.bn(self.conv2(x))), 2)
        return self.fc(self.scale * x.view(len(x), -1))


class Then(nn.Module):
    """A network with something after it."""

    def __init__(self, then):
        super().__init__()
        self.net, self.then = LeNet(), then

    def forward(self, x):
        return self.then(self.net(x))


class Tokens(nn.Module):
    """Holds a parameter that no layer draws."""

    def __init__(self):
        super().__init__()
        self.token, self.fc = nn.Parameter(torch.ones(256)), nn.Linear(256, 3)

    def forward(self, x):
        return self.fc(x.flatten(1) * self.token)


def maps(*after):
    """A network whose classes are maps: no linear layer."""
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1), *after)


AVERAGE = nn.AdaptiveAvgPool2d(1), nn.Flatten()


def above_0(module):
    """The same, its logits above 0 whatever it sees."""
    nn.init.constant_(module[2].bias, 9)
    return module


def made(module, **changes):
    return Source.from_module(module, **{"inputs": INPUTS, "classes": CLASSES} | changes)


def seeded(kind, *args):
    torch.manual_seed(0)
    return kind(*args).eval()


@pytest.fixture(scope="module")
def task():
    X, y = stripes()
    return ImageTask(X[:60], y[:60], X[60:], y[60:], CLASSES, "stripes")


@pytest.mark.parametrize(
    ("module", "form"),
    [
        (seeded(LeNet), nn.Identity()),
        (seeded(LeNet).double(), nn.Identity()),
        (seeded(Then, lambda x: F.log_softmax(x, 1)), nn.LogSoftmax(1)),
        (seeded(Then, nn.Softmax(1)), nn.Softmax(1)),
        (seeded(maps, *AVERAGE), nn.Identity()),
        (seeded(maps, nn.ReLU(), *AVERAGE), nn.Identity()),
        (above_0(seeded(maps, *AVERAGE)), nn.Identity()),
        (above_0(seeded(maps, nn.ReLU(), *AVERAGE)), nn.Identity()),
        (nn.Sequential(nn.Flatten(), nn.Linear(256, 3, bias=False)), nn.Identity()),
    ],
    ids=[
        "view",
        "double",
        "log-softmax",
        "softmax",
        "averaged",
        "rectified",
        "averaged, above 0",
        "rectified, above 0",
        "no bias",
    ],
)
def test_a_source_of_a_module_says_what_the_module_does(module, form):
    source = made(module)
    network = from_source(source).eval()
    pictures = torch.from_numpy(stripes()[0])
    dtype = next(module.parameters()).dtype
    with torch.no_grad():
        expected = module(network.inputs(pictures).contiguous().to(dtype)).float()
        torch.testing.assert_close(form(network(pictures)), expected, atol=1e-5, rtol=1e-5)
    assert source.predict(pictures).tolist() == [CLASSES[place] for place in expected.argmax(1)]


def test_outputs_without_classes_are_features():
    backbone = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())
    source = made(backbone, classes=())
    assert repr(source) == "Source('Sequential', Sequential)"
    network, pictures = from_source(source), torch.from_numpy(stripes()[0])
    with torch.no_grad():
        expected = backbone(network.inputs(pictures)).mean((2, 3))
        torch.testing.assert_close(network.features(pictures), expected)


def test_the_module_stays_as_it_was_and_what_is_done_to_it_later_does_not_count():
    module = seeded(LeNet).train()
    before = copy.deepcopy(module.state_dict())
    drawn, source = torch.random.get_rng_state(), made(module)
    assert module.training and isinstance(module.fc, nn.Linear)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    nn.init.zeros_(module.conv1.weight)
    assert torch.equal(source.state["backbone.module.conv1.weight"], before["conv1.weight"])
    assert torch.equal(torch.random.get_rng_state(), drawn)


@pytest.mark.parametrize("strategy", ["probe", "nearest", "finetune", "scratch", "transplant"])
def test_every_strategy_takes_it_and_what_it_learns_is_a_source_again(strategy, task):
    steps = QUICK if strategy in ("finetune", "scratch") else {}
    source = made(seeded(LeNet))
    fitted = tlkit.transfer(strategy, source, task, **steps).fitted
    again = Source.from_fitted(fitted, "again", task=task)
    expected = np.array(CLASSES)[fitted.predict(task.X_test)]
    assert again.predict(task.X_test).tolist() == expected.tolist()
    assert tlkit.transfer("probe", again, task).metrics["accuracy"] > 0.6


def test_of_a_network_without_a_backbone_to_train_the_head_is_fine_tuned(task):
    module = nn.Sequential(nn.Flatten(), nn.Linear(256, 3))
    assert tlkit.transfer("finetune", made(module), task, **QUICK).metrics["accuracy"] > 0.4


def test_a_head_whose_weights_are_computed_is_cut_off_with_what_they_are():
    module = seeded(LeNet)
    torch.nn.utils.parametrizations.spectral_norm(module.fc)
    assert torch.equal(made(module.eval()).state["head.weight"], module.fc.weight)


def test_scratch_starts_from_weights_that_the_layers_draw(task):
    trained = seeded(LeNet)
    for param in trained.parameters():
        nn.init.constant_(param, 7)
    trained.bn.running_mean.fill_(7)
    plain = {"min_steps": 0, "epochs": 0, "random_state": 0}
    network = task.strategy("scratch", source=made(trained), **plain).fit(task.X, task.y).network_
    assert network.backbone.module.conv1.weight.abs().max() < 1
    assert network.backbone.module.bn.running_mean.tolist() == [0] * 8


def test_weights_that_nothing_draws_are_named_where_they_would_be_drawn(task):
    source = made(Tokens())
    assert tlkit.transfer("nearest", source, task).metrics["accuracy"] > 0.4
    for call in (source.randomized, task.strategy("scratch", source=source).fit):
        with pytest.raises(BadInput, match="'Tokens' cannot start from random weights: nothing draws token"):
            call(*() if call == source.randomized else (task.X, task.y))


def test_layers_train_from_the_head_down():
    plan = ImageTask.strategy("finetune", source=made(seeded(LeNet)), unfreeze="last").training_plan(3)
    assert plan["group"].drop_duplicates().tolist() == ["head", "module.conv2"]


@pytest.mark.slow
def test_fresh_processes_find_the_same(task):
    strategies = {"scratch": task.strategy("scratch", **QUICK), "probe": "probe", "nearest": "nearest"}
    source = made(nn.Sequential(seeded(LeNet)))
    options = {"budgets": [5], "seeds": 2, "cache": False, "callbacks": []}
    here, there = (tlkit.compare(strategies, source, task, n_jobs=n, **options).table for n in (1, 2))
    assert here["accuracy"].tolist() == there["accuracy"].tolist()


def test_weights_structure_and_code_make_the_fingerprint():
    base = made(seeded(LeNet)).fingerprint
    assert made(seeded(LeNet)).fingerprint == base
    other = seeded(LeNet)
    other.scale = 2.0
    heavier = seeded(LeNet)
    nn.init.zeros_(heavier.conv1.bias)
    child = seeded(type("Child", (LeNet,), {}))
    prints = {made(each).fingerprint for each in (other, heavier, child, seeded(LeNet, 8))}
    assert len(prints | {base}) == 5


def test_code_that_cannot_be_read_is_never_taken_for_other_code():
    home = {"nn": nn, "LeNet": LeNet, "__name__": "nowhere"}
    exec("class Typed(LeNet):\n    def forward(self, x):\n        return super().forward(x)", home)
    assert made(seeded(home["Typed"])).fingerprint != made(seeded(home["Typed"])).fingerprint


def test_a_task_measures_it_and_goes_with_it(task):
    source = made(seeded(LeNet), task=task)
    assert 0 <= source.card.metrics["accuracy"] <= 1
    assert source.task is task


def test_it_is_not_saved_and_says_how_to_keep_it(tmp_path, task):
    source = made(seeded(LeNet), name="mine")
    later = Source.from_fitted(tlkit.transfer("nearest", source, task).fitted, "later")
    for each in (source, source.randomized(), later):
        with pytest.raises(BadInput, match="cannot be saved: its code is yours.*torch.save.*Backbone"):
            each.save(tmp_path / "mine")
    assert not list(tmp_path.iterdir())


class Block(nn.Module):
    """Two convolutions beside a shortcut without weights (He et al., arXiv:1512.03385, section 4.2)."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out)
        self.conv2, self.bn2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out)
        self.stride, self.more = stride, (n_out - n_in) // 2

    def forward(self, x):
        short = F.pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, self.more, self.more))
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + short)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for number, (n_in, n_out) in enumerate([(16, 16), (16, 32), (32, 64)], start=1):
            blocks = [Block(n_in, n_out, 1 + (n_in < n_out)), Block(n_out, n_out, 1), Block(n_out, n_out, 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(F.avg_pool2d(x, 8).view(len(x), -1))


@pytest.mark.slow
@pytest.mark.realdata
def test_published_weights_of_a_network_of_ones_own_are_worth_what_is_known(tmp_path):
    data = Path(os.environ["TLKIT_DATA"].split(os.pathsep)[0])
    with zipfile.ZipFile(data / "cifar10-jpeg/test.zip") as archive:
        archive.extractall(tmp_path)
    network = ResNet20()
    state = read_state_dict(data / "weights/resnet20-12fca82f.th")
    network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    task = tlkit.load_task(tmp_path / "test")
    source = made(network, inputs={**IMAGENET, "size": 32}, classes=task.classes, task=task)
    assert source.card.metrics["accuracy"] == pytest.approx(0.80, abs=0.02)


class Several(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.net, self.form = LeNet(), form

    def forward(self, x):
        return self.form(self.net(x))


class Forgetful(LeNet):
    def forward(self, x):
        return F.dropout(super().forward(x), 0.5)


def holding(value):
    module = seeded(LeNet)
    nn.init.constant_(module.conv2.bias, value)
    return module


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (LeNet, "takes a torch.nn.Module; got type"),
        (maps(nn.BatchNorm2d(3), *AVERAGE), "no layer that could be its head: .* '3' .BatchNorm2d.*1x1"),
        (
            nn.Sequential(nn.MaxPool2d(4), nn.Flatten(), nn.MaxPool1d(4)),
            "gives 4 outputs for each input, and 3",
        ),
        (
            nn.Sequential(nn.AdaptiveAvgPool2d((1, 3)), nn.Flatten()),
            "no layer that could be its head: it has none",
        ),
        (
            Then(nn.Sigmoid()),
            r"no head that can be taken off: .* 'net.fc' \(Linear\), for Sigmoid that follows",
        ),
        (nn.Sequential(above_0(maps(*AVERAGE)), nn.ReLU()), "no head that can be taken off"),
        (nn.Sequential(nn.Flatten(2), nn.Linear(256, 3), nn.Flatten()), "no head that can be taken off"),
        (Then(lambda x: x**2), "for what follows changes them. Valid is a linear layer"),
        (Several(lambda x: (x, x)), "gives a tuple of 2, and a source has one head: wrap it"),
        (Several(lambda x: {"out": x}), "gives a dict of 1, and a source has one head"),
        (Several(lambda x: x.sum()), r"gives a tensor of shape \(\) for 2 inputs"),
        (holding(float("nan")), "not finite: conv2.bias hold such"),
        (Then(lambda x: x / 0), r"not finite on inputs of shape \(1, 16, 16\)"),
        (seeded(Forgetful), "other outputs for the same inputs in evaluation mode"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(100, 3)),
            r"does not run on inputs of shape \(1, 16, 16\): mat1",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.LazyLinear(3)),
            "1.weight of .* has no shape yet: run the module once",
        ),
        (maps(*AVERAGE, nn.Linear(3, 4)), "gives 4 outputs for each input, and 3 classes are named"),
        (maps(), r"gives \(3, 16, 16\) outputs for each input"),
    ],
)
def test_a_module_that_is_no_classifier_is_refused_in_words(module, message):
    with pytest.raises(BadInput, match=message):
        made(module)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"inputs": {**INPUTS, "sise": 3}}, UnknownName, "Did you mean 'size'"),
        ({"inputs": {"channels": 1}}, BadInput, "Missing: mean, std"),
        ({"inputs": {**INPUTS, "channels": 0}}, BadInput, "channels of inputs is a whole number, 1 to 3"),
        ({"inputs": {**INPUTS, "mean": [0.1, 0.2]}}, BadInput, "mean of inputs has 2 numbers for 1 channels"),
        ({"inputs": {**INPUTS, "std": [0]}}, BadInput, "std of inputs is a number above 0"),
        (
            {"inputs": {**INPUTS, "size": None}},
            BadInput,
            r"shape \(1, 64, 64\).*size where it takes one size only",
        ),
        ({"classes": "vhd"}, BadInput, "classes are the different names"),
        ({"classes": ("v", "h", "h")}, BadInput, "classes are the different names"),
        ({"kind": "recsys"}, BadInput, "No source of recsys is a network"),
        ({"kind": "smell"}, BadInput, "No source of smell is a network"),
    ],
)
def test_inputs_and_classes_that_cannot_be_are_refused(changes, kind, message):
    with pytest.raises(kind, match=message):
        made(seeded(LeNet), **changes)


def test_a_part_of_an_architecture_copies_as_itself():
    architecture = made(seeded(LeNet)).card.architecture
    assert copy.deepcopy(architecture)[MODULE] is architecture[MODULE]
