"""What trains, when, how fast and for how long: plain data that the training loop reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn

from tlkit.errors import require_number, whole


@dataclass(frozen=True)
class Group:
    """Parameters that learn at one rate.

    Parameters
    ----------
    name : str
        For the table of what trains.
    params : tuple of Parameter
        Everything that is in no group of a phase stays frozen in it.
    lr : float
        Peak learning rate.
    weight_decay : float
        Decoupled decay (AdamW).

    Examples
    --------
    >>> from torch import nn
    >>> from tlkit.training.phases import Group, Phase, summary
    >>> head = Group("head", tuple(nn.Linear(8, 3).parameters()), lr=0.01)
    >>> summary([Phase((head,))])[["group", "parameters", "lr"]].values.tolist()
    [['head', 27, 0.01]]
    """

    name: str
    params: tuple[nn.Parameter, ...]
    lr: float
    weight_decay: float = 0.0


def adamw(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Make the default optimiser of parameter groups."""
    return torch.optim.AdamW(groups, fused=True)


@dataclass(frozen=True)
class Phase:
    """A stretch of training in which certain groups learn, with a schedule of its own.

    Parameters
    ----------
    groups : tuple of Group
        What learns.
    share : float
        Of the run's steps, in (0, 1].
    optimizer : callable
        Makes a torch optimiser of parameter groups, each a dict of params, lr and weight_decay.

    Examples
    --------
    >>> from torch import nn
    >>> from tlkit.training.phases import Group, Phase, summary
    >>> body, head = (Group(name, tuple(nn.Linear(4, 4).parameters()), 0.01) for name in ("body", "head"))
    >>> phases = [Phase((head,), share=0.2), Phase((head, body), share=0.8)]
    >>> summary(phases)[["phase", "share", "group"]].values.tolist()
    [[1, 0.2, 'head'], [2, 0.8, 'head'], [2, 0.8, 'body']]
    """

    groups: tuple[Group, ...]
    share: float = 1.0
    optimizer: Callable[[list[dict[str, Any]]], torch.optim.Optimizer] = adamw


@dataclass(frozen=True)
class Recipe:
    """How long to train and in which bites.

    Parameters
    ----------
    epochs, min_steps : int
        A run takes `epochs` passes over the data, and at least `min_steps` steps.
    batch_size : int
        Examples a step.
    warmup : float
        Share of each phase in which the learning rate rises (OneCycle, cosine down).
    patience : int
        Reports without a better validation loss before a run ends; there are 20 reports a run.
    """

    epochs: int = 10
    min_steps: int = 150
    batch_size: int = 32
    warmup: float = 0.25
    patience: int = 8

    def __post_init__(self):
        for name, least in {"epochs": 0, "min_steps": 0, "batch_size": 1}.items():
            require_number(name, getattr(self, name), whole(least))

    def steps(self, n: int) -> int:
        """Return the number of steps for `n` training examples."""
        return max(self.min_steps, self.epochs * max(n // self.batch_size, 1))


def summary(phases: Sequence[Phase]) -> pd.DataFrame:
    """Tabulate what trains: phase, share of steps, group, parameters, peak learning rate, weight decay."""
    return pd.DataFrame(
        {
            "phase": number,
            "share": phase.share,
            "group": group.name,
            "parameters": sum(param.numel() for param in group.params),
            "lr": group.lr,
            "weight_decay": group.weight_decay,
        }
        for number, phase in enumerate(phases, start=1)
        for group in phase.groups
    )


def count_trainable(phases: Sequence[Phase]) -> int:
    """Count the parameters that some phase trains."""
    return sum(
        {id(p): p.numel() for phase in phases for group in phase.groups for p in group.params}.values()
    )


def one_cycle(steps: int, warmup: float, step: int) -> float:
    """Return the learning-rate factor of a step: up in a straight line, down in half a cosine.

    After Smith and Topin, arXiv:1708.07120, section 3.
    """
    rise = max(round(steps * warmup), 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))
