"""A network in parts: inputs, a backbone that moves, a head that is new, and heads that only train along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from tlkit.classification.heads import HEADS, ClassMaps, linear, pooled
from tlkit.errors import BadInput, first_few, require_known
from tlkit.study.source import Card, Source
from tlkit.system import compute

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
AUXILIARY = "auxiliary."
HEAD = "head"  # an architecture's entry for a head that is not linear
SOURCE_HEAD = "source"


class Classifier(nn.Module):
    """A network in parts: `inputs`, `backbone` (to features), `head` (to logits), `auxiliary` heads.

    Parameters
    ----------
    architecture, input_spec : dict
        As on a source's card: what builds it again.
    inputs : Module
        Turns examples as they come into what the backbone takes.
    backbone : Module
        Gives features (N, n_features), or maps of them (N, n_features, ...).
    n_features, n_classes : int
        Of the head.

    Attributes
    ----------
    auxiliary : ModuleDict
        Further heads on the same features, empty at first. They train along and stay out of what is exported;
        one called `SOURCE_HEAD` answers the source's classes.
    """

    def __init__(
        self,
        architecture: Mapping[str, Any],
        input_spec: Mapping[str, Any],
        inputs: nn.Module,
        backbone: nn.Module,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        self.architecture, self.input_spec = dict(architecture), dict(input_spec)
        self.inputs, self.backbone, self.n_features = inputs, backbone, n_features
        self.head: Any = linear(n_features, n_classes)
        self.auxiliary = nn.ModuleDict()

    def features(self, examples: Tensor) -> Tensor:
        """Map examples (N, ...) to features (N, n_features), maps averaged over their positions."""
        return pooled(self.backbone(self.inputs(examples)))

    def forward(self, examples: Tensor) -> Tensor:
        """Map examples (N, ...) to logits (N, n_classes)."""
        if isinstance(self.head, ClassMaps):
            return self.head(self.backbone(self.inputs(examples)))
        return self.head(self.features(examples))

    def new_head(self, n_classes: int) -> nn.Linear:
        """Return a head of random weights for these features, not yet in place."""
        return nn.Linear(self.n_features, n_classes)

    def described(self) -> dict[str, Any]:
        """Return what a card says of the architecture: backbone, and a head that is not linear."""
        kind = getattr(self.head, "kind", None)
        return self.architecture | ({HEAD: kind} if kind else {})

    def set_head(self, weight: ArrayLike, bias: ArrayLike) -> None:
        """Give the head a weight (n_classes, n_features) and a bias (n_classes,)."""
        with torch.no_grad():
            self.head.weight.copy_(torch.as_tensor(weight))
            self.head.bias.copy_(torch.as_tensor(bias))

    def exported(self) -> dict[str, Tensor]:
        """Return the weights by name, without those of auxiliary heads."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith(AUXILIARY)}

    def stages(self) -> list[tuple[str, list[nn.Parameter]]]:
        """Return the backbone's stages from input to output, each with parameters; none without any."""
        found: list[tuple[str, list[nn.Parameter]]] = []
        for name, module in _stage_modules(self.backbone):
            params = list(module.parameters())
            if found and isinstance(module, NORMS):
                found[-1][1].extend(params)
            elif params:
                found.append((name, params))
        held = {id(param) for _, params in found for param in params}
        for _, params in found[:1]:
            params.extend(param for param in self.backbone.parameters() if id(param) not in held)
        return found


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
    own.update(state)  # torch's own dict carries the versions of layers, for which some of them ask
    module.load_state_dict(own)


Builder = Callable[[Mapping[str, Any], Mapping[str, Any], int], Classifier]


def headless(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card's architecture without what it says of the head: a new one is linear."""
    return {name: value for name, value in architecture.items() if name != HEAD}


def require_drawn(network: Classifier) -> Classifier:
    """Return a network whose weights are random.

    Raises
    ------
    BadInput
        If it is somebody's own and holds weights that none of its layers can draw.
    """
    undrawn = getattr(network.backbone, "undrawn", ())
    if undrawn:
        raise BadInput(
            f"The network {network.architecture['name']!r} cannot start from random weights: nothing draws "
            f"{first_few(undrawn, 3)}. Give the class that holds them a method reset_parameters()."
        )
    return network


def of_card(network: Builder, card: Card) -> Classifier:
    """Build the network on a card, with random weights."""
    n_classes = len(card.classes)
    built = network(headless(card.architecture), card.inputs, n_classes)
    if kind := card.architecture.get(HEAD):
        built.head = HEADS[require_known("head", kind, HEADS)](built.n_features, n_classes)
    return built


def from_source(network: Builder, source: Source) -> Classifier:
    """Rebuild the network of a source with its weights.

    Parameters
    ----------
    network : callable
        Builds a modality's network of an architecture, inputs and a number of classes.

    Raises
    ------
    BadInput
        If the weights do not fit the architecture on the card.
    """
    rebuilt = of_card(network, source.card)
    load_state(rebuilt, source.state, f"source {source.name!r}")
    return rebuilt


def random_state(network: Builder, card: Card, seed: int) -> dict[str, Tensor]:
    """Return random weights of the network on a card, drawn as its layers do when they are made."""
    with compute.seeded(seed, torch.device("cpu")):
        return require_drawn(of_card(network, card)).exported()
