"""Someone's own network as an architecture: it stops before its head, and its weights are drawn anew."""

from __future__ import annotations

import copy
import inspect
import uuid
from collections.abc import Iterator
from typing import Any

import joblib
import torch
from torch import Tensor, nn

from tlkit.system.digests import digest

MODULE = "module"  # an architecture's entry for a network whose code is its user's
LIBRARIES = {"torch", "torchvision", "builtins"}  # their code goes by version


class OwnModule:
    """A network whose code is its user's, as an architecture: networks of random weights are built of it.

    Parameters
    ----------
    module : Module
        A copy that nobody else has.
    path : str
        Of the layer that is its head; empty where its outputs are the features.
    n_features : int
        What the head sees.

    Attributes
    ----------
    fingerprint : str
        Changes whenever its code or its structure does.
    kinds : tuple of type
        Of its layers.
    """

    not_in_a_file = (
        "its code is yours, and no file can hold it. Keep the code, save the module's state_dict() with "
        "torch.save, and call from_module() again; or write the network as a "
        "tlkit.vision.networks.small.Backbone with a name, of which a file can be made"
    )

    def __init__(self, module: nn.Module, path: str, n_features: int):
        self._module, self._path, self.n_features = module, path, n_features
        self.fingerprint = digest(path, *_structure(module))
        # Whose code takes part is asked of what is held here, and torch's containers hold it unseen.
        self.kinds = tuple({type(layer): None for layer in module.modules()})

    def __deepcopy__(self, memo: Any) -> OwnModule:
        return self

    def build(self) -> UpToHead:
        """Return the network without its head, its weights drawn anew."""
        return UpToHead(copy.deepcopy(self._module), self._path, draw=True)


class UpToHead(nn.Module):
    """A network that stops where its head would begin, whatever comes after.

    Parameters
    ----------
    module : Module
        Changed in place.
    path : str
        Of the head.
    draw : bool
        Whether its weights are drawn anew, by each layer's ``reset_parameters``; those that no layer draws
        are left without a value, and named in `undrawn`.
    """

    def __init__(self, module: nn.Module, path: str, draw: bool = False):
        super().__init__()
        if path:
            module.set_submodule(path, _Head())
        self.module = module
        self.undrawn = sorted(_drawn_anew(module)) if draw else []

    def forward(self, examples: Tensor) -> Tensor:
        """Map examples (N, ...) to features (N, n_features), or to maps of them."""
        try:
            return self.module(examples.contiguous())
        except _Reached as reached:
            return reached.features


class _Reached(Exception):
    def __init__(self, features: Tensor):
        self.features = features


class _Head(nn.Module):
    """Stands where the head was, and ends the pass: what follows would not know what to do with features."""

    def forward(self, features: Tensor) -> Tensor:
        raise _Reached(features)


def _drawn_anew(module: nn.Module) -> Iterator[str]:
    """Draw all weights, the innermost layers' first; give the names of those for which there is no way."""
    layers = dict(module.named_modules())
    for path, layer in reversed(layers.items()):
        reset = getattr(layer, "reset_parameters", None) or getattr(layer, "_reset_parameters", None)
        if reset:
            reset()
            continue
        for name, param in layer.named_parameters(prefix=path, recurse=False):
            param.data.fill_(torch.nan)
            yield name


def _structure(module: nn.Module) -> Iterator[Any]:
    """Describe a network by its code and by whatever it holds; of weights, by their shapes."""
    yield {name: list(value.shape) for name, value in module.state_dict().items()}
    inside = vars(nn.Module()).keys()
    for path, layer in module.named_modules():
        held = {name: _content(value) for name, value in vars(layer).items() if name not in inside}
        fixed = {name: layer._buffers[name] for name in layer._non_persistent_buffers_set}
        kinds = [kind for kind in type(layer).__mro__ if kind.__module__.split(".")[0] not in LIBRARIES]
        yield [path, type(layer).__qualname__, [_text(kind) for kind in kinds], held]
        yield {name: value.numpy() for name, value in fixed.items() if value is not None}


def _content(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    try:
        return joblib.hash(value)
    except Exception:  # pickle has no error of its own
        return _text(value)


def _text(written: Any) -> str:
    """The text of a class or a function; a name of its own each time where there is none to read."""
    home = inspect.getmodule(written)
    try:
        if getattr(home, "__file__", None):
            return inspect.getsource(home)  # type: ignore[arg-type]
        parts = [each for each in vars(written).values() if inspect.isfunction(each)] or [written]
        return "".join(map(inspect.getsource, parts))
    except (OSError, TypeError):
        return uuid.uuid4().hex
