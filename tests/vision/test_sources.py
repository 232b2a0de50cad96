"""Loading picture sources: shipped, torchvision's, local files."""

import pickle

import numpy as np
import pytest
import torch

import tlkit
from tlkit.classification.features import outputs
from tlkit.errors import BadInput, FileProblem, UnknownName
from tlkit.study.source import Source
from tlkit.vision import sources
from tlkit.vision.networks import backbones


@pytest.mark.slow
@pytest.mark.parametrize("name", sources.SHIPPED)
def test_a_shipped_source_scores_on_its_own_task_what_its_card_says(name):
    source = tlkit.load_source(name)
    task = source.task
    network = backbones.from_source(source).eval()
    logits = outputs(network, task.X_test, torch.device("cpu"))
    assert (logits.argmax(1) == task.y_test).mean() == pytest.approx(
        source.card.metrics["accuracy"], abs=0.005
    )
    assert source.card.classes == tuple(task.classes)
    assert source.card.licence
    assert pickle.loads(pickle.dumps(source)).task.name == task.name


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pth"
    torch.save(backbones.build_torchvision("squeezenet1_1").state_dict(), path)
    return path


def test_a_torchvision_network_takes_a_local_weight_file(weights):
    source = tlkit.load_source("squeezenet1_1", weights=weights)
    assert len(source.card.classes) == 1000
    assert source.card.inputs["size"] == 224
    pictures = np.zeros((2, 3, 64, 64), np.uint8)
    assert outputs(backbones.from_source(source).features, pictures, torch.device("cpu")).shape == (2, 512)


def test_weights_of_another_architecture_name_both_sides(weights):
    with pytest.raises(BadInput, match="weights of squeezenet.pth do not fit ResNet: 100 missing"):
        tlkit.load_source("resnet18", weights=weights)


def test_a_wrong_checksum_is_refused_before_reading(weights):
    with pytest.raises(FileProblem, match="wrong checksum"):
        tlkit.load_source("squeezenet1_1", weights=weights, sha256="0" * 64)


def test_an_unknown_source_is_refused():
    with pytest.raises(UnknownName, match="no source 'glyhps'. Did you mean 'glyphs'"):
        tlkit.load_source("glyhps")


def test_a_shipped_source_takes_no_weight_file(weights):
    with pytest.raises(BadInput, match="no parameters of source 'glyphs': leave 'weights' out"):
        tlkit.load_source("glyphs", weights=weights)


def test_torchvisions_own_file_is_found_in_the_classroom_folder(weights, tmp_path, monkeypatch):
    published = networks_weights_name("squeezenet1_1")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / published).write_bytes(weights.read_bytes())
    monkeypatch.setenv("TLKIT_DATA", str(tmp_path))
    with pytest.raises(FileProblem, match="wrong checksum"):  # found, and seen not to be torchvision's
        tlkit.load_source("squeezenet1_1")


def networks_weights_name(name):
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT.url.rsplit("/", 1)[-1]


def test_a_saved_source_loads_by_path(tmp_path):
    path = tlkit.load_source("shape").save(tmp_path / "mine")
    assert tlkit.load_source(str(path)).card.classes == tlkit.load_source("shape").card.classes


def test_random_weights_stand_beside_a_source_under_a_name_that_says_so(tmp_path):
    source = tlkit.load_source("shape")
    random, again, other = source.randomized(), source.randomized(), source.randomized(3)
    assert random.fingerprint == again.fingerprint != other.fingerprint
    assert random.name == "shape (random weights)"
    assert other.name == "shape (random weights, seed 3)"
    assert random.card.metrics == {} and random.card.data == "Nothing: drawn at random"
    kept = [name for name, value in random.state.items() if torch.equal(value, source.state[name])]
    assert kept == []
    assert all((v == 0).all() for name, v in random.state.items() if name.endswith("running_mean"))
    assert Source.load(random.save(tmp_path / "random")).fingerprint == random.fingerprint


def test_random_weights_are_those_that_training_from_scratch_starts_from():
    source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    start = task.strategy("scratch", source=source, random_state=5, min_steps=0, epochs=0)
    network = start.fit(task.X, task.y).network_
    weight = source.randomized(5).state["backbone.stage1.0.weight"]
    assert torch.equal(network.backbone.stage1[0].weight, weight)


def test_random_weights_go_through_a_comparison_and_claim_no_training():
    source, task = tlkit.load_source("shape"), tlkit.load_task("digits")
    rows = [source, source.randomized()]
    strategies = {"scratch": task.strategy("scratch", min_steps=1, epochs=0), "nearest": "nearest"}
    study = tlkit.compare(strategies, rows, task, budgets=[20], seeds=2, callbacks=[], cache=False)
    score = study.table.query("strategy == 'nearest'").groupby("source")["accuracy"].mean()
    assert score["shape (random weights)"] > score["shape"]


def test_random_weights_are_for_networks():
    shop = tlkit.load_source("two_shops", n_users=100, n_items=100)
    with pytest.raises(BadInput, match="No source of recsys is a network; those of 'vision' are"):
        shop.randomized()


@pytest.mark.slow
@pytest.mark.realdata
def test_a_real_network_knows_bees_from_ants():
    import os
    from pathlib import Path

    file = (
        Path(os.environ["TLKIT_DATA"].split(os.pathsep)[0]) / "weights/squeezenet1_1-imagenet-caffe-fp16.pth"
    )
    source = tlkit.load_source("squeezenet1_1", weights=file)
    assert tlkit.transfer("nearest", source, tlkit.load_task("hymenoptera")).metrics["accuracy"] > 0.75
