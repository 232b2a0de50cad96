"""Networks as a backbone that moves and a head that is new: a small ConvNet, and torchvision's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from tlkit.errors import BadInput, require_known
from tlkit.study.source import Source

IMAGENET = {"channels": 3, "size": 224, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
SMALL = "convnet"


class Inputs(nn.Module):
    """Turns uint8 pictures into what a network was trained on: channels, size, scale, normalisation.

    Parameters
    ----------
    channels : int
        1 or 3; grey pictures are repeated, colour pictures become their luminance (ITU-R BT.601).
    size : int or None
        Side in pixels that pictures are resized to; None takes them as they come.
    mean, std : list of float
        Of each channel, on the scale [0, 1].
    """

    def __init__(self, channels: int, size: int | None, mean: list[float], std: list[float]):
        super().__init__()
        self.channels, self.size = channels, size
        self.register_buffer("scale", 1 / (255 * torch.tensor(std).view(-1, 1, 1)), persistent=False)
        self.register_buffer(
            "shift", -torch.tensor(mean).view(-1, 1, 1) / torch.tensor(std).view(-1, 1, 1), persistent=False
        )
        self.register_buffer("grey", torch.tensor([0.299, 0.587, 0.114]).view(-1, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (N, C, H, W) in [0, 255] to (N, channels, size, size), normalised, channels last."""
        x = pictures.float()
        if x.shape[1] > self.channels:
            x = (x * self.grey).sum(1, keepdim=True)
        if self.size and x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        return torch.addcmul(self.shift, x, self.scale).contiguous(memory_format=torch.channels_last)


class Network(nn.Module):
    """A classifier in three parts: `inputs`, `backbone` (to features) and `head` (to logits).

    Parameters
    ----------
    architecture : dict
        ``{"name": "convnet", "channels": 1, "width": 16}`` or ``{"name": a torchvision network}``.
    inputs : dict
        Parameters of `Inputs`.
    n_classes : int
        Outputs of the head.
    """

    def __init__(self, architecture: Mapping[str, Any], inputs: Mapping[str, Any], n_classes: int):
        super().__init__()
        self.architecture, self.input_spec = dict(architecture), dict(inputs)
        self.inputs = Inputs(**inputs)
        self.backbone, n_features = build_backbone(**architecture)
        self.head = nn.Linear(n_features, n_classes)
        self.to(memory_format=torch.channels_last)

    def features(self, pictures: Tensor) -> Tensor:
        """Map pictures (N, C, H, W), uint8, to features (N, n_features)."""
        return self.backbone(self.inputs(pictures))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures (N, C, H, W), uint8, to logits (N, n_classes)."""
        return self.head(self.features(pictures))

    def set_head(self, weight: ArrayLike, bias: ArrayLike) -> None:
        """Give the head a weight (n_classes, n_features) and a bias (n_classes,)."""
        with torch.no_grad():
            self.head.weight.copy_(torch.as_tensor(weight))
            self.head.bias.copy_(torch.as_tensor(bias))

    def stages(self) -> list[tuple[str, list[nn.Parameter]]]:
        """Return the backbone's stages from input to output, each with its parameters."""
        found: list[tuple[str, list[nn.Parameter]]] = []
        for name, module in _stage_modules(self.backbone):
            params = list(module.parameters())
            if found and isinstance(module, NORMS):
                found[-1][1].extend(params)
            elif params:
                found.append((name, params))
        held = {id(param) for _, params in found for param in params}
        found[0][1].extend(param for param in self.backbone.parameters() if id(param) not in held)
        return found


class ConvNet(nn.Sequential):
    """Three stages of two 3x3 convolutions, halving the picture between them, and a global average.

    Parameters
    ----------
    channels : int
        Of the pictures.
    width : int
        Channels of the first stage; each next one has twice as many.
    """

    def __init__(self, channels: int = 3, width: int = 16):
        widths = [channels, width, 2 * width, 4 * width]
        stages = {f"stage{i}": _stage(*widths[i - 1 : i + 1], shrink=i < 3) for i in (1, 2, 3)}
        super().__init__()
        for name, stage in stages.items():
            self.add_module(name, stage)
        self.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))


def _stage(n_in: int, n_out: int, shrink: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (n_in, n_out):
        layers += [
            nn.Conv2d(channels, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if shrink else []))


def build_backbone(name: str, **params: Any) -> tuple[nn.Module, int]:
    """Build a backbone with random weights, and say how many features it gives.

    Raises
    ------
    UnknownName
        If neither tlkit nor torchvision has a network of that name.
    """
    if name == SMALL:
        return ConvNet(**params), 4 * params["width"]
    return split(build_torchvision(name))[:2]


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classification networks."""
    from torchvision import models

    return models.list_models(module=models)


def build_torchvision(name: str) -> nn.Module:
    """Build a torchvision network for ImageNet's 1,000 classes, with random weights."""
    from torchvision import models

    require_known("network", name, [SMALL, *torchvision_names()])
    return models.get_model(name, weights=None, **_as_published(name))


def _as_published(name: str) -> dict[str, Any]:
    """What torchvision itself sets when it loads its published weights."""
    from torchvision import models

    if name in {"googlenet", "inception_v3"}:
        return {"init_weights": True, "transform_input": True}
    if name.startswith("vit_"):
        return {"image_size": models.get_model_weights(name).DEFAULT.meta["min_size"][0]}
    return {}


def split(whole: nn.Module) -> tuple[nn.Module, int, Tensor, Tensor]:
    """Cut a torchvision classifier before its last layer.

    Returns
    -------
    backbone : Module
        Gives features (N, n_features). Where the last layer is a convolution before a global average
        (SqueezeNet), the average is of the features: the activation between the two is left out.
    n_features : int
    weight : Tensor of shape (n_classes, n_features)
    bias : Tensor of shape (n_classes,)
    """
    path, last = [
        (path, module)
        for path, module in whole.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d)) and "aux" not in path.lower()
    ][-1]
    parent, _, attribute = path.rpartition(".")
    setattr(whole.get_submodule(parent), attribute, nn.Identity())
    for auxiliary in ("aux1", "aux2", "AuxLogits"):
        if hasattr(whole, auxiliary):
            setattr(whole, auxiliary, None)
            whole.aux_logits = False
    weight = last.weight.detach().flatten(1)
    bias = torch.zeros(len(weight)) if last.bias is None else last.bias.detach()
    return whole, weight.shape[1], weight, bias


def _stage_modules(backbone: nn.Module) -> list[tuple[str, nn.Module]]:
    """Open whatever holds nearly all the parameters until the network's own stages show."""
    stages = list(backbone.named_children())
    total = sum(param.numel() for param in backbone.parameters())
    while True:
        sizes = [sum(param.numel() for param in module.parameters()) for _, module in stages]
        whole = [i for i, size in enumerate(sizes) if size > 0.9 * total]
        if not whole or not list(stages[whole[0]][1].children()):
            return stages
        name, module = stages[whole[0]]
        stages[whole[0] : whole[0] + 1] = [
            (f"{name}.{child}", part) for child, part in module.named_children()
        ]


def load_state(module: nn.Module, state: Mapping[str, Tensor], whose: str) -> None:
    """Copy weights into a module, every name and shape checked before any is copied.

    Parameters
    ----------
    module : Module
        Changed in place.
    state : mapping of str to Tensor
        Must have the module's names and shapes.
    whose : str
        Names the weights in an error.

    Raises
    ------
    BadInput
        If a name is missing, too many, or has another shape; both sides are named.
    """
    own = module.state_dict()
    missing, unexpected = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    shapes = [
        f"{name}: {tuple(state[name].shape)} in the file, {tuple(own[name].shape)} in the network"
        for name in own.keys() & state.keys()
        if state[name].shape != own[name].shape
    ]
    problems = {"missing": missing, "unexpected": unexpected, "of another shape": sorted(shapes)}
    told = [
        f"{len(names)} {what} ({'; '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in problems.items()
        if names
    ]
    if told:
        raise BadInput(
            f"The weights of {whose} do not fit {type(module).__name__}: {', '.join(told)}. "
            "Is it another architecture?"
        )
    module.load_state_dict(state)


def from_source(source: Source) -> Network:
    """Rebuild the network of a source with its weights.

    Raises
    ------
    BadInput
        If the weights do not fit the architecture on the card.
    """
    card = source.card
    network = Network(card.architecture, card.inputs, len(card.classes))
    load_state(network, source.state, f"source {source.name!r}")
    return network
