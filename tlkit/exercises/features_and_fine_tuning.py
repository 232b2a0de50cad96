"""Exercises of ``02_features_and_fine_tuning``: a plan of learning rates, and freezing that freezes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tlkit.errors import require_known
from tlkit.lessons import Exercise, Outcome, right, wrong

if TYPE_CHECKING:
    from torch import nn


def _judge_plan(value: dict[str, Any]) -> Outcome:
    from tlkit.vision.strategies.finetune import FineTune

    plan = FineTune().get_params()
    for name in value:
        require_known("parameter", name, plan)
    plan |= value
    if plan["unfreeze"] != "all":
        return wrong(f"Every stage should train in the end; unfreeze={plan['unfreeze']!r} does otherwise.")
    if not math.isclose(plan["warmup"], 0.3):
        return wrong(f"The head trains alone for {plan['warmup']:.0%} of the steps, not for 30 %.")
    first = plan["layer_decay"] ** 2
    if not math.isclose(first, 0.64):
        return wrong(f"Stage 1 lies two stages below stage 3: it learns {first:.3g} times as fast.")
    return right("Two stages down, a decay of 0.8 has become 0.64.")


def _judge_freeze(freeze: Callable[[nn.Module], Any]) -> Outcome:
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        model = nn.Sequential(backbone, nn.Linear(4 * 36, 2)).train()
        before = {name: value.clone() for name, value in backbone.state_dict().items()}
        freeze(backbone)
        _step(model, torch.rand(8, 1, 8, 8) + 1, torch.arange(8) % 2)
    moved = [name for name, value in backbone.state_dict().items() if not torch.equal(value, before[name])]
    if any("running" in name for name in moved) and any(name.endswith("weight") for name in moved):
        return wrong(f"After one step all of it has moved: {', '.join(moved)}. Nothing was frozen.")
    if any("running" in name for name in moved):
        return wrong(
            f"The weights stayed, but these moved: {', '.join(moved)}. What writes to them, and when?"
        )
    if moved and all("num_batches" in name for name in moved):
        return wrong(
            "Weights and statistics stayed, but the layer counted a batch: it is in training mode, and so it "
            "normalises by each batch's own mean and variance, not by the statistics that you kept."
        )
    if moved:
        return wrong(f"The statistics stayed, but these moved: {', '.join(moved)}. They still get gradients.")
    return right("After a training step every weight and every statistic is what it was.")


def _step(model: nn.Module, pictures: Any, labels: Any) -> None:
    import torch
    import torch.nn.functional as F

    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    F.cross_entropy(model(pictures), labels).backward()
    optimizer.step()


def _both(backbone: nn.Module) -> None:
    backbone.requires_grad_(False)
    backbone.eval()


def _without_momentum(backbone: Any) -> None:
    backbone.requires_grad_(False)
    backbone[1].momentum = 0.0


def _attribute(backbone: Any) -> None:
    backbone.requires_grad = False
    backbone.train()


PLAN = Exercise(
    question=(
        "Set up `finetune` so that the head trains alone in the first 30 % of the steps, then everything "
        "trains, and stage 1 learns 0.64 times as fast as stage 3. Give its parameters as a dictionary; what "
        "you leave out keeps its default."
    ),
    expects="a dictionary of parameters of `finetune`",
    judge=_judge_plan,
    hints=[
        "Three parameters matter: `unfreeze`, `warmup` and `layer_decay`. The first is right by default.",
        "From stage 3 to stage 1 there are two steps down, and each multiplies the rate by `layer_decay`.",
    ],
    answer='`{"warmup": 0.3, "layer_decay": 0.8}`, as `0.8 ** 2` is `0.64`.',
    right=[
        {"warmup": 0.3, "layer_decay": 0.8},
        {"unfreeze": "all", "warmup": 0.3, "layer_decay": 0.8, "lr": 1e-3},
    ],
    wrong=[
        {"warmup": 0.3, "layer_decay": 0.64},
        {"layer_decay": 0.8},
        {"unfreeze": "gradual", "warmup": 0.3, "layer_decay": 0.8},
        {},
    ],
)

FREEZE = Exercise(
    question=(
        "Write a function `freeze(backbone)` that freezes a `torch.nn.Module` with batch normalisation. The "
        "checker puts a head on it, takes one training step over all the parameters, and looks at what moved."
    ),
    expects="a function that takes a module",
    judge=_judge_freeze,
    hints=[
        "Two things can move: parameters, by gradients, and running statistics, by the forward pass.",
        "Setting an attribute `requires_grad` on a module freezes nothing; `requires_grad_()` is a method.",
        "The statistics stand still in evaluation mode.",
    ],
    answer="""Stop the gradients and the statistics:
```python
def freeze(backbone):
    backbone.requires_grad_(False)
    backbone.eval()
```
In a loop of your own, call `backbone.eval()` after every `model.train()`, which switches it back.""",
    right=[_both],
    wrong=[
        _without_momentum,
        lambda backbone: backbone.requires_grad_(False),
        lambda backbone: backbone.eval(),
        _attribute,
    ],
)
