"""What came of one trial, and what a study must know of its task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import numpy as np

from tlkit.errors import BadInput
from tlkit.study.task import Task


@dataclass(frozen=True)
class Trial:
    """One strategy at one budget and seed, with what came of it.

    Parameters
    ----------
    strategy, source : str
        Names.
    budget : int or None
        Labels or ratings as the task counts them; None for all the training data.
    seed : int
        Of the budget draw and of the training.
    metrics : dict of str to float
        Every metric of the task.
    per_example : ndarray of shape (n_examples,)
        The headline metric of each test example.
    seconds : float
        Wall time of the fit alone.
    trainable : int
        Parameters that training could change.
    twin : str
        Label of the same strategy without a source; empty where that is the baseline.
    transfers : bool
        Whether it used the source.
    beside : bool
        Whether it was not asked for, and ran to stand beside a strategy that was.
    costs : dict of str to float
        What it takes to keep and to run what was fitted, as far as the strategy says: size, latency and the
        like.
    history : list of dict
        The reports of the training: step, steps, loss, perhaps valid_loss; empty where there were none.
    curve : list of dict
        With ``tlkit.compare(..., curves=True)``: step, seconds of training alone, and score on the test data,
        at each report where the strategy can predict while it trains, and at the end.
    fitted : estimator, optional
        What was fitted; never stored.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("prior", source, task)
    >>> trial.strategy, trial.budget, round(trial.metrics["ndcg@10"], 1)
    ('prior', 2, 0.4)
    """

    strategy: str
    source: str
    budget: int | None
    seed: int
    metrics: dict[str, float]
    per_example: np.ndarray = field(repr=False, compare=False)
    seconds: float
    trainable: int
    twin: str = ""
    transfers: bool = True
    beside: bool = False
    costs: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list, repr=False, compare=False)
    curve: list[dict[str, float]] = field(default_factory=list, repr=False, compare=False)
    fitted: Any = field(default=None, repr=False, compare=False)

    @property
    def origin(self) -> str:
        """What the strategy started from, in words: its source, or of one that was not used the network."""
        return self.source if self.transfers or not self.source else f"{self.source}'s network"

    def to_dict(self) -> dict[str, Any]:
        """Return all but the fitted estimator, ready for JSON."""
        stored = {name: value for name, value in vars(self).items() if name != "fitted"}
        return stored | {"per_example": np.asarray(self.per_example, dtype=float).round(6).tolist()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Trial:
        """Return the trial that `to_dict` described.

        Raises
        ------
        BadInput
            If fields are missing or unknown.
        """
        known = {each.name for each in fields(cls)} - {"fitted"}
        needed = {each.name for each in fields(cls) if each.default is each.default_factory is MISSING}
        if not needed <= set(stored) <= known:
            raise BadInput(f"A stored trial has the fields {sorted(stored)}; expected {sorted(known)}.")
        return cls(**stored | {"per_example": np.asarray(stored["per_example"], dtype=float)})


@dataclass(frozen=True)
class TaskSummary:
    """What a study must know of its task to judge its trials.

    Parameters
    ----------
    task, metric, baseline, budget_unit : str
        Names, and what a budget counts.
    greater_is_better, percent : bool
        As for a `Task`.
    chance : float, optional
        The headline metric of guessing.
    pool : int, optional
        The largest budget, where all draws are from one pool of training examples.
    groups : sequence of int, optional
        The group of each test example, from 0 up, where some belong together.
    """

    task: str
    metric: str
    baseline: str
    budget_unit: str
    greater_is_better: bool
    percent: bool
    chance: float | None = None
    pool: int | None = None
    groups: Sequence[int] | None = None

    @classmethod
    def of(cls, task: Task, baseline: str | None = None) -> TaskSummary:
        """Read the summary off a task; the baseline is the task's own by default."""
        return cls(
            task.name,
            task.metric,
            baseline or task.baseline,
            task.budget_unit,
            task.greater_is_better,
            task.percent,
            task.chance,
            task.pool,
            None if task.groups is None else task.groups.tolist(),
        )

    def is_whole_pool(self, budget: int | None) -> bool:
        """Whether a budget is all the training data, so that there is nothing to draw."""
        return budget is None or budget == self.pool

    def drawn_share(self, budget: int | None) -> float:
        """Return the share of the pool that a budget is, 0 where all of it or there is none."""
        return 0.0 if budget is None or self.pool is None or budget >= self.pool else budget / self.pool
