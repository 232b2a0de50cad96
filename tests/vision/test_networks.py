"""Networks: inputs, backbones and heads, stages, loading weights."""

import pytest
import torch
import torch.nn.functional as F

from tlkit.classification.heads import HEADS, ClassMaps, Cosine, linear_rule
from tlkit.classification.networks import load_state
from tlkit.errors import BadInput, UnknownName
from tlkit.vision.networks import backbones
from tlkit.vision.networks.backbones import IMAGENET, Inputs, Network

SMALL = {"name": "convnet", "channels": 1, "width": 4}
GREY = {"channels": 1, "size": None, "mean": [0.5], "std": [0.25]}


def test_inputs_normalise_as_torchvision_does():
    from torchvision.transforms import v2

    pictures = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    mean, std = IMAGENET["mean"], IMAGENET["std"]
    reference = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])(pictures)
    assert torch.allclose(Inputs(3, None, mean, std)(pictures), reference, atol=1e-5)


def test_grey_pictures_are_repeated_and_colour_becomes_luminance():
    grey = torch.full((1, 1, 4, 4), 100, dtype=torch.uint8)
    assert Inputs(3, None, [0.0] * 3, [1.0] * 3)(grey).shape == (1, 3, 4, 4)
    red = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    red[:, 0] = 255
    assert Inputs(1, None, [0.0], [1.0])(red)[0, 0, 0, 0].item() == pytest.approx(0.299, abs=1e-6)


def test_pictures_are_resized_only_where_a_size_is_set():
    pictures = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    assert Inputs(1, 16, [0.0], [1.0])(pictures).shape[-1] == 16
    assert Inputs(1, None, [0.0], [1.0])(pictures).shape[-1] == 8


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_a_split_torchvision_network_computes_what_the_whole_did(name):
    torch.manual_seed(0)
    whole = backbones.build_torchvision(name).eval()
    network = Network({"name": name}, IMAGENET, 1000).eval()
    pictures = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8)
    with torch.no_grad():
        expected = whole(network.inputs(pictures))
        cut = backbones.split(whole)
        network.backbone.load_state_dict(cut.backbone.state_dict())
        network.head = HEADS[cut.head](cut.n_features, 1000)
        network.set_head(cut.weight, cut.bias)
        found = network(pictures)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_class_maps_are_rectified_before_they_are_averaged():
    torch.manual_seed(0)
    head, maps = ClassMaps(4, 3), torch.randn(2, 4, 5, 6)
    expected = F.conv2d(maps, head.weight[..., None, None], head.bias).relu().mean((2, 3))
    torch.testing.assert_close(head(maps), expected)


def test_a_cosine_head_acts_like_its_linear_rule_on_features_of_one_length():
    torch.manual_seed(0)
    head = Cosine(4, 3)
    head.centre += 1
    features = 5 * F.normalize(torch.randn(6, 4)) + head.centre
    weight, bias = linear_rule(head, features)
    torch.testing.assert_close(F.linear(features, weight, bias), head(features))


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16", "squeezenet1_1"])
def test_stages_hold_every_parameter_of_the_backbone_once(name):
    network = Network({"name": name}, IMAGENET, 2)
    held = [id(param) for _, params in network.stages() for param in params]
    assert sorted(held) == sorted(id(param) for param in network.backbone.parameters())
    assert 3 <= len(network.stages()) <= 20


def test_stages_run_from_input_to_output():
    assert [name for name, _ in Network(SMALL, GREY, 2).stages()] == ["stage1", "stage2", "stage3"]


def test_weights_that_do_not_fit_name_both_sides_and_change_nothing():
    network = Network(SMALL, GREY, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = dict(Network(SMALL, GREY, 3).state_dict())
    state["extra"] = state.pop("backbone.stage1.0.weight")
    with pytest.raises(BadInput) as told:
        load_state(network, state, "source 'x'")
    assert "1 missing (backbone.stage1.0.weight)" in str(told.value)
    assert "1 unexpected (extra)" in str(told.value)
    assert "head.weight: (3, 16) in the file, (2, 16) in the network" in str(told.value)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_an_unknown_network_is_refused():
    with pytest.raises(UnknownName, match="no network 'resnet19'. Did you mean 'resnet1"):
        backbones.build_torchvision("resnet19")
