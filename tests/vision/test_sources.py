"""Loading picture sources: shipped, torchvision's, local files."""

import pickle

import numpy as np
import pytest
import torch

import tlkit
from tlkit.classification.features import outputs
from tlkit.errors import BadInput, FileProblem, UnknownName
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
