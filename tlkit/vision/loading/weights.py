"""Weight files as people publish them: whose tensors they are, under whatever name, and what they lack."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tlkit.classification.networks import load_state
from tlkit.errors import BadInput, first_few
from tlkit.system import progress
from tlkit.vision.networks import backbones

# What holds the network in compiled, parallel and training modules.
WRAPPERS = {"module", "_orig_mod", "model", "backbone", "encoder", "encoder_q", "net", "network"}
DOTTED = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.(\d)")  # DenseNet's names until torchvision 0.3
COUNTER = "num_batches_tracked"  # younger than many published files


def load_into(name: str, state: Mapping[str, Tensor], file: str) -> tuple[nn.Module, int]:
    """Build a torchvision network and give it a file's weights.

    Names are freed of what wrapped the network; counters of batches and auxiliary heads may be missing; the
    head may have another number of classes, or be missing too. What is of no use is told in a warning.

    Parameters
    ----------
    name : str
        Of a torchvision network.
    state : mapping of str to Tensor
        As the file has it.
    file : str
        For messages.

    Returns
    -------
    network : Module
    n_classes : int
        Outputs of the file's head; 0 where it has none, and the network's is random.

    Raises
    ------
    BadInput
        If the weights are of another network; the nearest one is named.
    """
    whole = backbones.build_torchvision(name)
    own = whole.state_dict()
    names = {given: own_name(given, own) for given in state}
    mine = {known: state[given] for given, known in names.items() if known is not None}
    head = backbones.head_path(whole)
    n_classes = _fit_head(whole, head, mine)
    optional = [each for each in own if COUNTER in each or "aux" in each.lower()]
    optional += [] if n_classes else [each for each in own if each.startswith(f"{head}.")]
    own = whole.state_dict()
    filled = {each: own[each] for each in optional if each in own and each not in mine} | mine
    try:
        load_state(whole, filled, file)
    except BadInput as error:
        raise BadInput(f"{error}{_nearest(state)}") from error
    _tell_unused([given for given, known in names.items() if known is None], file)
    return whole, n_classes


def own_name(given: str, own: Mapping[str, Any]) -> str | None:
    """Return a network's name for what a file calls `given`, freed of wrappers; None if there is none."""
    for name in (given, DOTTED.sub(r"\1\2", given)):
        if name in own:
            return name
    wrapper, _, rest = given.partition(".")
    return own_name(rest, own) if wrapper in WRAPPERS else None


def _fit_head(whole: nn.Module, head: str, state: Mapping[str, Tensor]) -> int:
    """Give the network a head of as many classes as the file's, and return their number; 0 without one."""
    old: Any = whole.get_submodule(head)
    weight = state.get(f"{head}.weight")
    if weight is None:
        return 0
    if weight.shape[1:] == old.weight.shape[1:] and len(weight) != len(old.weight):
        backbones.replace(whole, head, backbones.resized(old, len(weight)))
    return len(weight)


def _tell_unused(names: list[str], file: str) -> None:
    if names:
        warnings.warn(
            f"{len(names)} tensors of {file} are of no part of the network and left out: "
            f"{first_few(names, 3)}.",
            UserWarning,
            stacklevel=4,
        )


class Unmade(TorchFunctionMode):
    """While it lasts, layers get weights without content; numbers that a network counts with stay real."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        return function(*args, **given | {"device": "meta"} if function is torch.empty else given)


def outline(name: str) -> nn.Module:
    """Build a torchvision network of names and shapes, whose weights have no content."""
    with Unmade():
        return backbones.build_torchvision(name)


def _nearest(state: Mapping[str, Tensor]) -> str:
    """Name the torchvision network whose parts the file's are, if most are."""
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    best, most = "", 0.5
    names = backbones.torchvision_names()
    for name in progress.bar(names, desc="Which network are these weights of?"):
        own = outline(name).state_dict()
        parts = {each: tuple(value.shape) for each, value in own.items() if COUNTER not in each}
        shared = sum(
            parts.get(known) == shapes[given] for given in shapes if (known := own_name(given, parts))
        )
        if (share := shared / max(len(parts), len(shapes))) > most:
            best, most = name, share
    return f" They look like those of {best!r}." if best else ""
