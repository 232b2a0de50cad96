"""Heads: what reads a network's classes off its features; a linear layer unless a card says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def linear(n_features: int, n_classes: int) -> nn.Linear:
    """Return a linear head; of no outputs for a source without classes, where torch would warn."""
    head = nn.Linear(n_features, max(n_classes, 1))
    if not n_classes:
        head.out_features = 0
        head.weight, head.bias = nn.Parameter(head.weight[:0]), nn.Parameter(head.bias[:0])
    return head


class Cosine(nn.Module):
    """Cosine of features, seen from a centre, to a direction for each class, times the direction's length.

    Parameters
    ----------
    n_features, n_classes : int
    """

    kind: ClassVar[str] = "cosine"
    centre: Tensor

    def __init__(self, n_features: int, n_classes: int):
        super().__init__()
        self.register_buffer("centre", torch.zeros(n_features))
        self.weight = nn.Parameter(F.normalize(torch.randn(n_classes, n_features)))

    def forward(self, features: Tensor) -> Tensor:
        """Map features (N, n_features) to logits (N, n_classes)."""
        return F.linear(F.normalize(features - self.centre), self.weight)


class ClassMaps(nn.Linear):
    """A rectified map for each class, averaged over positions (Lin et al., arXiv:1312.4400, section 3.2).

    Parameters
    ----------
    n_features, n_classes : int
    """

    kind: ClassVar[str] = "class_maps"

    def forward(self, maps: Tensor) -> Tensor:
        """Map feature maps (N, n_features, ...) to logits (N, n_classes)."""
        return pooled(super().forward(maps.movedim(1, -1)).relu().movedim(-1, 1))


HEADS: dict[str, Callable[[int, int], nn.Module]] = {
    "linear": linear,
    Cosine.kind: Cosine,
    ClassMaps.kind: ClassMaps,
}


def pooled(features: Tensor) -> Tensor:
    """Average maps (N, n_features, ...) over their positions; features (N, n_features) stay."""
    return features.mean(tuple(range(2, features.dim()))) if features.dim() > 2 else features


def linear_rule(head: Any, features: Tensor) -> tuple[Tensor, Tensor]:
    """Return a head's weight (n_classes, d) and bias (n_classes,), as they act on such features (N, d)."""
    if not isinstance(head, Cosine):
        return head.weight.detach(), head.bias.detach()
    weight = head.weight.detach() / (features - head.centre).norm(dim=1).mean()
    return weight, -weight @ head.centre
