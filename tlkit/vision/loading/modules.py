"""Someone's own network of pictures as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tlkit.classification import cutting
from tlkit.errors import ABOVE_0, BadInput, at_least, require_number, require_params, whole
from tlkit.vision.networks.backbones import Inputs

SIDES = (64, 48)  # of pictures that a network of any size is tried on


def parts_of_module(
    module: nn.Module, inputs: Mapping[str, Any], classes: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return fields of a card and weights of a network: see `tlkit.study.source.Source.from_module`.

    Parameters
    ----------
    module : Module
        Takes pictures (N, channels, H, W), normalised.
    inputs : dict
        Parameters of `tlkit.vision.networks.backbones.Inputs`: channels, size, mean, std; without a size it
        takes any.
    classes : sequence of str

    Raises
    ------
    BadInput
        If the inputs are not such, or see `tlkit.classification.cutting.parts_of`.
    """
    spec = _checked(inputs)
    sides = [spec["size"]] if spec["size"] else SIDES
    generator = torch.Generator().manual_seed(0)
    noise = (
        torch.randint(0, 256, (2, spec["channels"], side, side), generator=generator, dtype=torch.uint8)
        for side in sides
    )
    return cutting.parts_of(module, [Inputs(**spec)(each).contiguous() for each in noise], spec, classes)


def _checked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of `Inputs`, each of its kind."""
    require_params("inputs", inputs, Inputs)
    missing = [name for name in ("channels", "mean", "std") if name not in inputs]
    if missing:
        raise BadInput(
            "inputs say what pictures a module was trained on: channels (1 or 3), mean and std of each on "
            f"the scale [0, 1], and size where it takes one side only. Missing: {', '.join(missing)}."
        )
    require_number("channels of inputs", inputs["channels"], whole(1, 3))
    if inputs.get("size") is not None:
        require_number("size of inputs", inputs["size"], whole(1))
    values = {name: [float(each) for each in inputs[name]] for name in ("mean", "std")}
    for name, limit in {"mean": at_least(0), "std": ABOVE_0}.items():
        if len(values[name]) != inputs["channels"]:
            raise BadInput(
                f"{name} of inputs has {len(values[name])} numbers for {inputs['channels']} channels; "
                "give one a channel."
            )
        for each in values[name]:
            require_number(f"{name} of inputs", each, limit)
    size = inputs.get("size")
    return {"channels": int(inputs["channels"]), "size": size and int(size), **values}
