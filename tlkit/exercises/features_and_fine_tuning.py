"""What ``02_features_and_fine_tuning`` asks: what to freeze, what still moves, how to beat a probe."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tlkit.errors import require_known
from tlkit.lessons import Choice, Curve, Exercise, Number, Order, Outcome, Question, Quiz, right, wrong

if TYPE_CHECKING:
    from torch import nn

    from tlkit.study.task import Task

PROBED = Number(
    "`probe` fits a linear head on the frozen features of the source that fits, with only a few labelled "
    "pictures, one of each class. How many of 100 test pictures will it get right?",
    unit="of 100",
)
SECONDS = Order(
    "Put the four in the order of their time, the longest first. `probe` and *head only* train the head "
    "alone, *last stage* trains that stage too, and *all stages* the whole network.",
    ["probe", "head only", "last stage", "all stages"],
)
GAINS = Curve(
    "Now the source does not fit the target. What is the gain over `scratch`, in points, if only the head "
    "trains, if the last stage trains too, and if all of the network trains?",
    at=["head only", "last stage", "all stages"],
    low=-60,
    high=60,
    unit="points",
)
RANDOM = Choice(
    "Take the source that does not fit and put random weights in the place of what it learned. On which "
    "frozen features is `probe` more accurate?",
    ["those that were learned", "those of random weights"],
)
PROTECTED = Number(
    "L2-SP holds the backbone near the source, and this source does not fit. By how many points does that "
    "change the accuracy of fine-tuning?",
    low=-40,
    high=40,
    unit="points",
)
DRIFT = Choice(
    "A layer of batch normalisation has no parameter that may change, and there is no optimiser. It is in "
    "training mode, and a batch goes through it. What changes in the layer?",
    ["nothing", "its running averages", "its scale and shift"],
)


def _judge_plan(value: dict[str, Any]) -> Outcome:
    from tlkit.vision.strategies.finetune import FineTune

    plan = FineTune().get_params()
    for name in value:
        require_known("parameter", name, plan)
    plan |= value
    if plan["unfreeze"] != "all":
        return wrong(f"Every stage should train in the end; unfreeze={plan['unfreeze']!r} does otherwise.")
    if not math.isclose(plan["warmup"], 0.3):
        return wrong(f"The head trains alone for {100 * plan['warmup']:g} % of the steps, not for 30 %.")
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


UNSEEN_WORLD = {"factor": "shape", "similarity": 0.5, "seed": 4021, "n_train": 1_000, "n_test": 500}
UNSEEN_DRAWS = range(200, 204)
LABELS = 20


@lru_cache(maxsize=1)
def _unseen_world() -> Task:
    from tlkit.catalogue import load_task

    return load_task("worlds", **UNSEEN_WORLD)


def _judge_study(strategy: Any) -> Outcome:
    from tlkit.catalogue import load_source
    from tlkit.lessons.unseen import duel

    found = duel(strategy, "probe", load_source("shape"), _unseen_world(), LABELS, UNSEEN_DRAWS)
    if found.word == "better":
        return right(f"It beats the probe. {found.said}")
    if found.word == "worse":
        return wrong(f"The probe beats it. {found.said}")
    return wrong(f"These draws show no clear difference. {found.said}")


def _made(strategy: Any) -> Any:
    """A strategy, or what a class or a function makes."""
    if isinstance(strategy, type) or (callable(strategy) and not hasattr(strategy, "fit")):
        return strategy()
    if isinstance(strategy, str) or hasattr(strategy, "fit"):
        return strategy
    raise TypeError("it has no fit()")


def _whole_network() -> Any:
    from tlkit.vision.strategies.finetune import FineTune

    return FineTune(layer_decay=1, probe_head=True, warmup=0, min_steps=30, epochs=0)


BEATS_PROBE = Exercise(
    question=(
        "Set up a strategy, or write one, that beats `probe` on generated worlds at similarity 0.5 with "
        f"{LABELS} labels a class. The source is *shape*, and so is the task. The check trains your strategy "
        f"on {len(UNSEEN_DRAWS)} draws from a world that you have not seen, and compares it with `probe` in "
        "pairs. It is right if the whole 95 % interval is above zero."
    ),
    expects='a strategy, such as `world.strategy("nearest")`',
    reads=_made,
    judge=_judge_study,
    hints=[
        "What does `probe` leave as it was? At similarity 0.5 that fits only by half.",
        "In which section did it help to train more of the network? `unfreeze` says what trains.",
        "Let all of the network train. 40 steps are enough here, and they save time: `min_steps=40`.",
    ],
    answer="""For example
```python
world.strategy("finetune", unfreeze="all", layer_decay=1, min_steps=40)
```
The features fit by half. To train all of them helps, and there are enough labels for it. With
`probe_head=True` the network starts from the head that `probe` finds. With `unfreeze="last"` too little of
the network moves.""",
    right=[_whole_network],
    wrong=["probe", "nearest", "transplant"],
    runs_study=True,
)

QUIZ = Quiz(
    Question(
        '`probe` and `finetune` with `unfreeze="head"` train the same numbers. Why is `probe` faster?',
        [
            "It learns from fewer of the pictures.",
            "It computes the features only once.",
            "Its head has fewer parameters.",
        ],
        "It computes the features only once.",
        "Frozen features never change: each picture goes through the backbone once, and not at every step.",
    ),
    Question(
        "What is negative transfer?",
        [
            "A strategy from a source scores worse than no source at all.",
            "A strategy from a source scores worse on the target than on the source's own task.",
            "The gain is smaller than that of another source.",
        ],
        "A strategy from a source scores worse than no source at all.",
        "The comparison is with training from scratch, on the same draws. Only that baseline shows it.",
    ),
    Question(
        "`layer_decay` is 0.5. How fast does stage 1 learn, beside stage 3?",
        ["half as fast", "a quarter as fast", "twice as fast"],
        "a quarter as fast",
        "From stage 3 to stage 1 it is two steps down, and each halves the rate: 0.5 times 0.5.",
    ),
    Question(
        "You protect the source's features from change. When can that do harm?",
        [
            "When the features do not fit the target.",
            "When the features fit the target well.",
            "When the target has few labels.",
        ],
        "When the features do not fit the target.",
        "Protection keeps what is there. If that is of no use, it keeps the network from learning better.",
    ),
    Question(
        "You have frozen all parameters of a backbone. What can still change in its batch normalisation?",
        ["nothing", "the running averages, in training mode", "the scale and shift, in evaluation mode"],
        "the running averages, in training mode",
        "They are no parameters: the forward pass writes them, unless the layer is in evaluation mode.",
    ),
)
