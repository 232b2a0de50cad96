"""Someone's own network in two: its head is found and cut off, and the cut is checked against the whole."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tlkit.classification.heads import HEADS, ClassMaps, pooled
from tlkit.classification.modules import MODULE, OwnModule, UpToHead
from tlkit.classification.networks import HEAD
from tlkit.errors import BadInput, first_few

TOLERANCE = 1e-5
PARAMETRIZED = "parametrizations"  # what torch puts into a layer whose weights it computes
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def parts_of(
    module: nn.Module, examples: Sequence[Tensor], inputs: Mapping[str, Any], classes: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Cut a network into backbone and head.

    Parameters
    ----------
    module : Module
        Left as it is.
    examples : sequence of Tensor
        Batches (n, ...) as its forward takes them, of every shape that it is meant for.
    inputs : dict
        For the card.
    classes : sequence of str
        What its outputs stand for; none where they are features.

    Returns
    -------
    dict, dict
        Fields of a `tlkit.study.source.Card`, and the weights.

    Raises
    ------
    BadInput
        If it does not run on the examples, gives anything but one finite output a class, or has no head:
        a linear layer, or a 1x1 convolution before a global average, with at most a softmax after it.
    """
    named = _names(classes)
    whole = _copied(module)
    outputs = [_output(whole, batch) for batch in examples]
    path, kind, weight, bias = "", "linear", outputs[0].new_empty(0, outputs[0].shape[1]), torch.empty(0)
    if named:
        path, kind, weight, bias = _head(whole, examples[0], outputs[0], len(named))
    backbone = UpToHead(copy.deepcopy(whole), path)
    state = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    head = {} if kind == "linear" else {HEAD: kind}
    architecture = {"name": type(module).__name__, MODULE: OwnModule(whole, path, weight.shape[1]), **head}
    state |= {"head.weight": weight, "head.bias": bias}
    return {"architecture": architecture, "inputs": dict(inputs), "classes": named}, state


def _names(classes: Sequence[str]) -> tuple[str, ...]:
    names = () if isinstance(classes, str) else tuple(map(str, classes))
    if isinstance(classes, str) or len(set(names)) < len(names) or len(names) == 1:
        raise BadInput(
            f"classes are the different names, two or more, of what a module's outputs stand for, in their "
            f"order; leave them out where its outputs are features. Got {classes!r}."
        )
    return names


def _copied(module: nn.Module) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise BadInput(f"from_module() takes a torch.nn.Module; got {type(module).__name__}.")
    lazy = [name for name, each in module.named_parameters() if nn.parameter.is_lazy(each)]
    if lazy:
        raise BadInput(f"{lazy[0]} of {_called(module)} has no shape yet: run the module once, then give it.")
    try:
        return copy.deepcopy(module).cpu().float().requires_grad_(True).eval()
    except (RuntimeError, TypeError) as error:
        raise BadInput(f"{_called(module)} cannot be copied ({_line(error)}).") from error


def _output(whole: nn.Module, batch: Tensor) -> Tensor:
    """Return what a network says to a batch, if that is one finite tensor, and the same when asked again."""
    shape = tuple(batch.shape[1:])
    try:
        with torch.no_grad():
            found, again = whole(batch), whole(batch)
    except Exception as error:  # whatever a user's own code raises
        raise BadInput(
            f"{_called(whole)} does not run on inputs of shape {shape}: {_line(error)}. "
            "Say in inputs what it was trained on: channels, and size where it takes one size only."
        ) from error
    if not isinstance(found, Tensor):
        raise BadInput(
            f"{_called(whole)} gives {_told(found)}, and a source has one head: wrap it in a module whose "
            "forward returns the tensor that counts."
        )
    if found.dim() < 2 or len(found) != len(batch):
        raise BadInput(
            f"{_called(whole)} gives a tensor of shape {tuple(found.shape)} for {len(batch)} inputs; "
            f"valid is ({len(batch)}, classes or features), or maps of features."
        )
    if not found.isfinite().all():
        odd = [name for name, value in whole.state_dict().items() if not value.isfinite().all()]
        where = f": {first_few(odd, 3)} hold such" if odd else f" on inputs of shape {shape}"
        raise BadInput(f"{_called(whole)} gives numbers that are not finite{where}.")
    if not torch.equal(found, again):
        raise BadInput(
            f"{_called(whole)} gives other outputs for the same inputs in evaluation mode. Functions such as "
            "F.dropout need training=self.training."
        )
    return found


def _head(whole: nn.Module, batch: Tensor, output: Tensor, n_classes: int) -> tuple[str, str, Tensor, Tensor]:
    """Find the head: its path, kind, weight (n_classes, n_features) and bias (n_classes,)."""
    if tuple(output.shape[1:]) != (n_classes,):
        many = output.shape[1] if output.dim() == 2 else tuple(output.shape[1:])
        raise BadInput(
            f"{_called(whole)} gives {many} outputs for each input, and {n_classes} classes are named; "
            "valid is one output for each class, in the order of classes."
        )
    path, layer, after = _last_layer(whole, batch)
    weight = layer.weight.detach().flatten(1)
    bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    with torch.no_grad():
        features = UpToHead(copy.deepcopy(whole), path)(batch)
        # Logits around 0 show a layer that rectifies them, which nobody sees where all are above.
        centre = -weight @ pooled(features).mean(0) if features.shape[1] == weight.shape[1] else bias
        given = [(bias, output), (centre, _with_bias(whole, path, centre)(batch))]
    for kind in _kinds(layer, features) if len(weight) == n_classes else ():
        if all(_says(_logits(kind, weight, each, features), said) for each, said in given):
            return path, kind, weight, bias
    follows = f"{first_few(after, 3)} that follows" if after else "what follows"
    raise BadInput(
        f"{_called(whole)} has no head that can be taken off: its outputs are not those of its last layer "
        f"{path!r} ({type(layer).__name__}), for {follows} changes them. Valid is a linear layer on features "
        "(N, d), or a 1x1 convolution before a global average, and after it nothing, softmax or log-softmax. "
        "Without classes, the outputs are taken for features."
    )


def _with_bias(whole: nn.Module, path: str, bias: Tensor) -> nn.Module:
    """Return a copy whose head has another bias."""
    other = copy.deepcopy(whole)
    other.get_submodule(path).bias = nn.Parameter(bias)
    return other


def _kinds(layer: nn.Module, features: Tensor) -> tuple[str, ...]:
    """Return the kinds of head that a layer may be on such features."""
    if isinstance(layer, CONVOLUTIONS):
        return "linear", ClassMaps.kind
    return ("linear",) if features.dim() == 2 else ()


def _last_layer(whole: nn.Module, batch: Tensor) -> tuple[str, Any, list[str]]:
    """Return path and layer of the last with weights that runs, and what runs after it."""
    ran: list[str] = []
    leaves = {
        path: each
        for path, each in whole.named_modules()
        if {name for name, _ in each.named_children()} <= {PARAMETRIZED} and PARAMETRIZED not in path
    }
    hooks = [
        each.register_forward_pre_hook(lambda *_, path=path: ran.append(path))
        for path, each in leaves.items()
    ]
    try:
        with torch.no_grad():
            whole(batch)
    finally:
        for hook in hooks:
            hook.remove()
    weighty = [place for place, path in enumerate(ran) if list(leaves[path].parameters())]
    path = ran[weighty[-1]] if weighty else ""
    layer = leaves.get(path)
    if not path or not (isinstance(layer, nn.Linear) or _is_pointwise(layer)):
        found = f"its last layer with weights is {path!r} ({type(layer).__name__})" if path else "it has none"
        raise BadInput(
            f"{_called(whole)} has no layer that could be its head: {found}. Valid is torch.nn.Linear, or a "
            "1x1 convolution before a global average; without classes, the outputs are taken for features."
        )
    return path, layer, [type(leaves[each]).__name__ for each in ran[weighty[-1] + 1 :]]


def _is_pointwise(layer: Any) -> bool:
    return (
        isinstance(layer, CONVOLUTIONS)
        and {*layer.kernel_size, *layer.stride} == {1}
        and layer.groups == 1
        and not any(layer.padding)
    )


def _logits(kind: str, weight: Tensor, bias: Tensor, features: Tensor) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        head = HEADS[kind](weight.shape[1], len(weight))
    head.load_state_dict({"weight": weight, "bias": bias})
    with torch.no_grad():
        return head(features if kind == ClassMaps.kind else pooled(features))


def _says(logits: Tensor, output: Tensor) -> bool:
    """Whether outputs are these logits, or the probabilities that they stand for."""
    forms = (logits, logits.log_softmax(1), logits.softmax(1))
    return any(torch.allclose(form, output, rtol=TOLERANCE, atol=TOLERANCE) for form in forms)


def _called(module: nn.Module) -> str:
    return f"The module {type(module).__name__}"


def _told(found: Any) -> str:
    many = f" of {len(found)}" if isinstance(found, (tuple, list, dict)) else ""
    return f"a {type(found).__name__}{many}"


def _line(error: Exception) -> str:
    return " ".join(f"{error}".split())[:200].rstrip(".") or type(error).__name__
