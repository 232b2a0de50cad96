"""Small networks for small pictures: the kit's own ConvNet, and the residual networks of CIFAR-10."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from tlkit.errors import BadInput
from tlkit.study.register import descendants

LAYERS_A_BLOCK, STAGES = 2, 3


class Backbone(nn.Module):
    """Base of the architectures that come beside torchvision's: a subclass with a `name` is found by it.

    Its parameters are `channels` (of the pictures) and what it likes; it maps pictures (N, channels, H, W) to
    features (N, n_features).

    Attributes
    ----------
    name : str
        On a source's card, and for a strategy that names an architecture.
    n_features : int
        Set by ``__init__``.
    """

    name: ClassVar[str]
    n_features: int


class ConvNet(Backbone, nn.Sequential):
    """Three stages of two 3x3 convolutions, halving the picture between them, and a global average.

    Parameters
    ----------
    channels : int
        Of the pictures.
    width : int
        Channels of the first stage; each next one has twice as many.
    """

    name = "convnet"

    def __init__(self, channels: int = 3, width: int = 16):
        widths = [channels, width, 2 * width, 4 * width]
        stages = {f"stage{i}": _stage(widths[i - 1], widths[i], shrink=i < 3) for i in (1, 2, 3)}
        super().__init__()
        self.n_features = widths[-1]
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


class CifarResNet(Backbone):
    """Three stages of residual blocks for pictures of 32 pixels (He et al., arXiv:1512.03385, section 4.2).

    Shortcuts have no parameters: where a stage begins, they skip every other pixel and pad channels with 0
    (option A there).

    Parameters
    ----------
    channels : int
        Of the pictures.
    depth : int
        Layers with weights, the head among them: 6 n + 2 for n blocks a stage, such as 20 or 56.
    width : int
        Channels of the first stage; each next one has twice as many.

    Raises
    ------
    BadInput
        If the depth is another.
    """

    name = "cifar_resnet"

    def __init__(self, channels: int = 3, depth: int = 20, width: int = 16):
        super().__init__()
        blocks, rest = divmod(depth - 2, LAYERS_A_BLOCK * STAGES)
        if rest or blocks < 1:
            raise BadInput(f"The depth of a cifar_resnet is 6 n + 2, such as 8, 14, 20 or 56; got {depth}.")
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _blocks(width, width, blocks)
        self.layer2 = _blocks(width, 2 * width, blocks)
        self.layer3 = _blocks(2 * width, 4 * width, blocks)
        self.n_features = 4 * width

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures (N, channels, H, W) to features (N, n_features)."""
        maps = F.relu(self.bn1(self.conv1(pictures)))
        return self.layer3(self.layer2(self.layer1(maps))).mean((2, 3))


class Block(nn.Module):
    """Two convolutions beside a shortcut; see `CifarResNet`."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.stride = 1 if n_in == n_out else 2
        self.padding = (n_out - n_in) // 2
        self.conv1 = nn.Conv2d(n_in, n_out, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, n_in, H, W) to (N, n_out, H / stride, W / stride)."""
        new = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        return F.relu(new + self._shortcut(maps))

    def _shortcut(self, maps: Tensor) -> Tensor:
        if self.stride == 1:
            return maps
        return F.pad(maps[:, :, :: self.stride, :: self.stride], [0] * 4 + [self.padding] * 2)


def _blocks(n_in: int, n_out: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(Block(n_in if i == 0 else n_out, n_out) for i in range(blocks)))


def own_backbones() -> dict[str, type[Backbone]]:
    """Return the architectures that come beside torchvision's, by name."""
    return {kind.name: kind for kind in descendants(Backbone)}
