"""Weight files as people publish them, of every torchvision network."""

import os
import re
import warnings

import pytest
import torch
from torchvision import models

import tlkit
from tlkit.classification.networks import from_source
from tlkit.errors import BadInput
from tlkit.vision.loading import weights
from tlkit.vision.networks import backbones
from tlkit.vision.networks.backbones import Network

SMALL = "shufflenet_v2_x0_5"


def as_published(state):
    """A state dict in the form of torchvision's older files."""
    names = {name: re.sub(r"(layer\d+\.)(norm|conv)(\d)", r"\1\2.\3", name) for name in state}
    return {names[name]: value for name, value in state.items() if "num_batches_tracked" not in name}


@pytest.fixture
def load(tmp_path):
    """Load a source of a network from a file with this content."""

    def load(name, content):
        torch.save(content, tmp_path / "weights.pth")
        return tlkit.load_source(name, weights=tmp_path / "weights.pth")

    return load


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return models.get_model(SMALL, weights=None).eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", backbones.torchvision_names())
def test_every_part_of_a_published_file_is_found_in_its_network(name):
    network = weights.outline(name)
    own = network.state_dict()
    found = {weights.own_name(given, own) for given in as_published(own)}
    assert found == {each for each in own if weights.COUNTER not in each}
    assert f"{backbones.head_path(network)}.weight" in own


@pytest.mark.slow
@pytest.mark.parametrize("name", backbones.torchvision_names())
def test_a_published_file_gives_the_logits_of_torchvision(name, load):
    """Those above 60 million parameters take minutes: TLKIT_LARGE_NETWORKS=1 has them too."""
    size = sum(each.numel() for each in weights.outline(name).parameters())
    if size > 60e6 and not os.environ.get("TLKIT_LARGE_NETWORKS"):
        pytest.skip(f"{size / 1e6:.0f} million parameters")
    torch.manual_seed(0)
    whole = backbones.build_torchvision(name).eval()
    for zero in (
        each for each in whole.parameters() if not each.any()
    ):  # a head that starts so hides the rest
        torch.nn.init.normal_(zero, std=0.02)
    network = from_source(Network, load(name, as_published(whole.state_dict()))).eval()
    network.inputs.size = None  # as they are: torchvision's own transforms are tested elsewhere
    side = getattr(whole, "image_size", 224)
    pictures = torch.randint(0, 256, (1, 3, side, side), dtype=torch.uint8)
    with torch.inference_mode():
        expected = whole(network.inputs(pictures))
        scale = expected.abs().max()
        torch.testing.assert_close(network(pictures) / scale, expected / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"_orig_mod.module.{name}": each for name, each in state.items()},
        lambda state: {"model": state},
        lambda state: {
            "epoch": 3,
            "model_state_dict": state,
            "optimizer": {"state": {0: {"m": torch.ones(3)}}},
        },
        lambda state: {"state_dict": {f"model.backbone.{name}": each for name, each in state.items()}},
        lambda state: {"ema": {f"encoder.{name}": each for name, each in state.items()}},
    ],
    ids=["compiled and parallel", "under a key", "checkpoint", "framework", "average"],
)
def test_wrapped_files_load(wrap, load, small):
    source = load(SMALL, wrap(small.state_dict()))
    assert torch.equal(source.state["backbone.conv1.0.weight"], small.state_dict()["conv1.0.weight"])
    assert len(source.card.classes) == 1000


@pytest.mark.parametrize("name", [SMALL, "squeezenet1_1"])
def test_a_file_of_other_classes_keeps_its_head_under_numbers(name, load):
    state = models.get_model(name, weights=None, num_classes=5).state_dict()
    source = load(name, state)
    assert source.card.classes == tuple("01234")
    assert source.state["head.weight"].shape[0] == 5


def test_a_file_without_a_head_gives_a_backbone_without_classes(load, small):
    state = {name: each for name, each in small.state_dict().items() if not name.startswith("fc.")}
    with pytest.warns(UserWarning, match=r"1 tensors of weights.pth are of no part.*projector.weight"):
        source = load(SMALL, state | {"projector.weight": torch.ones(2, 2)})
    assert source.card.classes == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = from_source(Network, source)
    assert network.head.weight.shape == (0, 1024)
    with pytest.raises(BadInput, match="tells no classes apart"):
        source.predict(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))


@pytest.mark.slow
def test_weights_of_another_network_name_the_nearest(load, small):
    with pytest.raises(BadInput, match=rf"do not fit ResNet: .*They look like those of '{SMALL}'"):
        load("resnet18", small.state_dict())


def test_a_source_says_what_it_sees():
    task = tlkit.load_task("glyphs")
    source = tlkit.load_source("glyphs")
    said = source.predict(task.X_test[:200])
    assert (said == [task.classes[label] for label in task.y_test[:200]]).mean() > 0.8
