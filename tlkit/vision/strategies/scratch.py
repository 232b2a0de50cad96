"""The baseline: nothing is transferred."""

from __future__ import annotations

from typing import Any

from tlkit.study.source import Source
from tlkit.vision.networks.backbones import Network
from tlkit.vision.strategies.base import GradientStrategy


class Scratch(GradientStrategy):
    """Train the source's architecture from random weights; see `GradientStrategy` for the parameters.

    Same network, data, augmentation and steps as fine-tuning: only the start differs.
    """

    name = "scratch"
    title = "From scratch"
    idea = "Start from random weights: what the target's labels teach by themselves."

    def build(self, source: Source, n_classes: int) -> Network:
        """Build the network with random weights."""
        return Network(source.card.architecture, source.card.inputs, n_classes)

    def identity(self) -> dict[str, Any]:
        """Every parameter, but of the source its architecture alone: its weights are not used."""
        card = self.needed_source().card
        return super().identity() | {"source": {"architecture": card.architecture, "inputs": card.inputs}}
