"""Networks as a backbone that moves and a head that is new: small ones, and torchvision's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlkit.classification import networks
from tlkit.classification.heads import ClassMaps
from tlkit.classification.modules import MODULE
from tlkit.classification.networks import Classifier
from tlkit.errors import require_known, require_params
from tlkit.vision.networks.small import own_backbones

IMAGENET = {"channels": 3, "size": 224, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


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

    scale: Tensor
    shift: Tensor
    grey: Tensor

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


class Network(Classifier):
    """A classifier of pictures.

    Parameters
    ----------
    architecture : dict
        ``{"name": "convnet", "width": 16}``, another `Backbone`'s name and parameters, or
        ``{"name": a torchvision network}``.
    inputs : dict
        Parameters of `Inputs`.
    n_classes : int
        Outputs of the head.
    """

    def __init__(self, architecture: Mapping[str, Any], inputs: Mapping[str, Any], n_classes: int):
        backbone, n_features = build_backbone(**{"channels": inputs["channels"], **architecture})
        super().__init__(architecture, inputs, Inputs(**inputs), backbone, n_features, n_classes)


def build_backbone(name: str, channels: int = 3, **params: Any) -> tuple[nn.Module, int]:
    """Build a backbone with random weights, and say how many features it gives.

    Parameters
    ----------
    name : str
        Of a `Backbone` or a torchvision network; of a `tlkit.classification.modules.OwnModule`, any.

    Raises
    ------
    UnknownName
        If there is no network of that name, or it has no such parameter.
    """
    kinds = own_backbones()
    if MODULE in params:  # in the memory format that its user's code was written for
        return params[MODULE].build(), params[MODULE].n_features
    if name not in kinds:
        whole = build_torchvision(name)
        require_params(f"network {name!r}", params, lambda: None)
        backbone, n_features, *_ = split(whole)
        return backbone.to(memory_format=torch.channels_last), n_features
    require_params(f"network {name!r}", params, kinds[name])
    built = kinds[name](channels=channels, **params)
    return built.to(memory_format=torch.channels_last), built.n_features


def inputs_for(architecture: Mapping[str, Any], shape: tuple[int, ...] | None) -> dict[str, Any]:
    """Return parameters of `Inputs` for an architecture without a source.

    Parameters
    ----------
    architecture : dict
        As for `Network`.
    shape : (int, int, int) or None
        Channels, height and width of the pictures, which all but torchvision's networks take as they are.
    """
    if architecture["name"] in own_backbones():
        channels = shape[0] if shape else architecture.get("channels", 3)
        return {"channels": channels, "size": None, "mean": [0.5] * channels, "std": [0.25] * channels}
    return dict(IMAGENET)


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classification networks."""
    from torchvision import models

    return models.list_models(module=models)


def build_torchvision(name: str) -> nn.Module:
    """Build a torchvision network for ImageNet's 1,000 classes, with random weights."""
    from torchvision import models

    require_known("network", name, [*own_backbones(), *torchvision_names()])
    return models.get_model(name, weights=None, **_as_published(name))


def _as_published(name: str) -> dict[str, Any]:
    """What torchvision itself sets when it loads its published weights."""
    from torchvision import models

    if name in {"googlenet", "inception_v3"}:
        return {"init_weights": True, "transform_input": True}
    if name.startswith("vit_"):
        return {"image_size": models.get_model_weights(name).DEFAULT.meta["min_size"][0]}
    return {}


def head_path(whole: nn.Module) -> str:
    """Return the path of a torchvision classifier's last layer."""
    paths = [path for path, module in whole.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    return [path for path in paths if "aux" not in path.lower()][-1]


def replace(whole: nn.Module, path: str, module: nn.Module) -> None:
    """Put a module in the place of a network's part."""
    parent, _, attribute = path.rpartition(".")
    setattr(whole.get_submodule(parent), attribute, module)


def resized(last: Any, n_classes: int) -> nn.Module:
    """Return a last layer like another, for another number of classes."""
    if isinstance(last, nn.Linear):
        return nn.Linear(last.in_features, n_classes, bias=last.bias is not None)
    return nn.Conv2d(last.in_channels, n_classes, last.kernel_size, bias=last.bias is not None)


class Split(NamedTuple):
    """A network cut before its last layer.

    Parameters
    ----------
    backbone : Module
        Gives features (N, n_features), or maps of them.
    n_features : int
    weight, bias : Tensor of shape (n_classes, n_features), (n_classes,)
        Of the last layer.
    head : str
        What kind of `tlkit.classification.heads` it is.
    """

    backbone: nn.Module
    n_features: int
    weight: Tensor
    bias: Tensor
    head: str = "linear"


def split(whole: Any) -> Split:
    """Cut a torchvision classifier before its last layer."""
    path = head_path(whole)
    last = whole.get_submodule(path)
    weight = last.weight.detach().flatten(1)
    bias = torch.zeros(len(weight)) if last.bias is None else last.bias.detach()
    if isinstance(last, nn.Conv2d):  # SqueezeNet rectifies what it gives, and averages last
        before = OrderedDict(features=whole.features, classifier=whole.classifier[:1])
        return Split(nn.Sequential(before), weight.shape[1], weight, bias, ClassMaps.kind)
    replace(whole, path, nn.Identity())
    for auxiliary in ("aux1", "aux2", "AuxLogits"):
        if hasattr(whole, auxiliary):
            setattr(whole, auxiliary, None)
            whole.aux_logits = False
    return Split(whole, weight.shape[1], weight, bias)


from_source = partial(networks.from_source, Network)
