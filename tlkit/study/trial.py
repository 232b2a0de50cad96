"""What came of one trial, and what a study must know of its task.

Whatever is made here is checked, be it fresh or read from a file: all numbers of a trial are finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from numbers import Integral
from typing import Any, Self

import numpy as np

from tlkit.errors import BadInput, Limit, at_least, require_number, whole
from tlkit.figures.wording import within
from tlkit.study.task import Task

WHOLE = Limit("a whole number", lambda x: isinstance(x, Integral))
LARGEST = 1e100  # beyond it, a mean or a rounding may be infinite
FINITE = Limit("a finite number", lambda x: abs(x) <= LARGEST)
SHARE = Limit("a share from 0 to 1", lambda x: -1e-9 <= x <= 1 + 1e-9)  # a mean of floats may be off by a bit
NEVER_STORED = {"fitted", "raised"}


WITHOUT_SOURCE = " without source"  # what ends the label of a source-free twin


@dataclass(frozen=True)
class Stored:
    """What a dataclass needs to be written as JSON and read again."""

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored, ready for JSON."""
        return {name: value for name, value in vars(self).items() if name not in NEVER_STORED}

    @classmethod
    def from_dict(cls, stored: Any) -> Self:
        """Return what `to_dict` described.

        Raises
        ------
        BadInput
            If fields are missing, unknown, or hold what they cannot.
        """
        known = {each.name: each for each in fields(cls) if each.name not in NEVER_STORED}
        needed = {name for name, each in known.items() if each.default is each.default_factory is MISSING}
        if not (isinstance(stored, dict) and needed <= set(stored) <= set(known)):
            found = sorted(stored) if isinstance(stored, dict) else type(stored).__name__
            raise BadInput(f"A stored {cls.__name__} has the fields {found}; expected {sorted(known)}.")
        return cls(**stored)


@dataclass(frozen=True)
class Cell(Stored):
    """Which trial of a study is meant."""

    strategy: str
    source: str
    budget: int | None
    seed: int

    def __post_init__(self) -> None:
        for name in ("strategy", "source"):
            _require_kind(name, getattr(self, name), str)
        if self.budget is not None:
            require_number("budget", self.budget, whole(0, 2**63 - 1))
        require_number("seed", self.seed, WHOLE)

    def __str__(self) -> str:
        who = f"{self.strategy} from {self.source}" if self.source else self.strategy
        return f"{who}, budget {'all' if self.budget is None else self.budget}, seed {self.seed}"


@dataclass(frozen=True)
class Trial(Cell):
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

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_kind("twin", self.twin, str)
        for name in ("transfers", "beside"):
            _require_kind(name, getattr(self, name), bool)
        for group in ("metrics", "costs"):
            _require_kind(group, getattr(self, group), dict)
            for name, value in getattr(self, group).items():
                require_number(f"{group}[{name!r}]", value, FINITE)
        require_number("seconds", self.seconds, at_least(0))
        require_number("trainable", self.trainable, whole(0))
        for name in ("history", "curve"):
            _require_reports(name, getattr(self, name))
        units = self.per_example
        if units.ndim != 1 or not len(units) or not (np.abs(units) <= LARGEST).all():
            raise BadInput("per_example is one finite number a test example.")

    @property
    def origin(self) -> str:
        """The source that the strategy used; empty where it used none."""
        return self.source if self.transfers else ""

    def to_dict(self) -> dict[str, Any]:
        """Return all but the fitted estimator, ready for JSON."""
        return super().to_dict() | {"per_example": self.per_example.round(6).tolist()}

    @classmethod
    def from_dict(cls, stored: Any) -> Self:
        """Return the trial that `to_dict` described.

        Raises
        ------
        BadInput
            If fields are missing, unknown, or hold what they cannot.
        """
        units = stored.get("per_example") if isinstance(stored, dict) else None
        if not isinstance(units, list) or not all(type(unit) in (int, float) for unit in units):
            raise BadInput("A stored Trial has its per_example as a list of numbers.")
        try:
            return super().from_dict(stored | {"per_example": np.array(units, dtype=float)})
        except OverflowError as error:
            raise BadInput(f"per_example is one finite number a test example ({error}).") from None


@dataclass(frozen=True)
class FailedTrial(Cell):
    """A trial that ended in an error, which is told here in words.

    Parameters
    ----------
    strategy, source, budget, seed
        As of a `Trial`.
    error, message : str
        Kind of the error, and what it said.
    traceback : str
        Where it was raised.
    raised : Exception, optional
        The error itself; never stored.

    Examples
    --------
    >>> print(FailedTrial("probe", "glyphs", 5, 0, "BadInput", "C is a number above 0; got -1."))
    probe from glyphs, budget 5, seed 0 (BadInput: C is a number above 0; got -1.)
    """

    error: str
    message: str
    traceback: str = field(default="", repr=False)
    raised: Exception | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("error", "message", "traceback"):
            _require_kind(name, getattr(self, name), str)

    def __str__(self) -> str:
        first_line = self.message.partition("\n")[0]
        return f"{super().__str__()} ({self.error}: {first_line})"


@dataclass(frozen=True)
class TaskSummary(Stored):
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
    titles : mapping of str to str
        What the task's strategies are called in a sentence, by name.
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
    titles: Mapping[str, str] = field(default_factory=dict)

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
            {name: within(kind.title) for name, kind in task.strategies().items()},
        )

    def display(self, label: str) -> str:
        """Return what a strategy is called in a sentence: its title, or the label somebody gave it."""
        name = label.removesuffix(WITHOUT_SOURCE)
        return self.titles.get(name, name) + (" without a source" if name != label else "")

    def is_whole_pool(self, budget: int | None) -> bool:
        """Whether a budget is all the training data, so that there is nothing to draw."""
        return budget is None or budget == self.pool

    def drawn_share(self, budget: int | None) -> float:
        """Return the share of the pool that a budget is, 0 where all of it or there is none."""
        return 0.0 if budget is None or self.pool is None or budget >= self.pool else budget / self.pool

    @classmethod
    def from_dict(cls, stored: Any) -> Self:
        """Return the summary that `to_dict` described.

        Raises
        ------
        BadInput
            If fields are missing, unknown, or hold what they cannot.
        """
        summary = super().from_dict(stored)
        for each in fields(summary):
            _require_kind(each.name, getattr(summary, each.name), STORED_KINDS.get(str(each.type), object))
        for name, limit in {"chance": FINITE, "pool": whole(0)}.items():
            if getattr(summary, name) is not None:
                require_number(name, getattr(summary, name), limit)
        if not all(isinstance(part, str) for pair in summary.titles.items() for part in pair):
            raise BadInput("titles are texts by name.")
        if not (summary.groups is None or isinstance(summary.groups, list)):
            raise BadInput(f"groups are a list; got {type(summary.groups).__name__}.")
        for group in summary.groups or ():
            require_number("A group", group, whole(0, len(summary.groups or ()) - 1))
        return summary

    def require_fit(self, trial: Trial) -> None:
        """Refuse a trial without the task's metric, with a share that is none, or with too few groups.

        Raises
        ------
        BadInput
            Names the trial.
        """
        if self.metric not in trial.metrics:
            raise BadInput(f"{trial} has no {self.metric}; it has {', '.join(trial.metrics) or 'nothing'}.")
        if self.percent:
            require_number(f"{self.metric} of {trial}", trial.metrics[self.metric], SHARE)
        if self.groups is not None and len(self.groups) != len(trial.per_example):
            raise BadInput(
                f"{trial} has {len(trial.per_example)} test examples, and {len(self.groups)} have a group."
            )


STORED_KINDS: Mapping[str, type] = {"str": str, "bool": bool}


def _require_reports(name: str, reports: Any) -> None:
    """Refuse what is no list of numbers by name."""
    _require_kind(name, reports, list)
    for report in reports:
        _require_kind(f"an entry of {name}", report, dict)
        for value in report.values():
            if type(value) not in (int, float):
                raise BadInput(f"{name} holds numbers by name; got {value!r}.")


def _require_kind(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise BadInput(f"{name} is of type {kind.__name__}; got {type(value).__name__}.")
