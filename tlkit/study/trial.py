"""What came of one trial, and what a study must know of its task."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
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
        Labels or ratings per unit; None for all the training data.
    seed : int
        Of the budget draw and of the training.
    metrics : dict of str to float
        Every metric of the task.
    units : ndarray of shape (n_units,)
        The headline metric of each test unit.
    seconds : float
        Wall time of the fit.
    trainable : int
        Parameters that training could change.
    fitted : estimator, optional
        What was fitted; never stored.
    """

    strategy: str
    source: str
    budget: int | None
    seed: int
    metrics: dict[str, float]
    units: np.ndarray = field(repr=False, compare=False)
    seconds: float
    trainable: int
    fitted: Any = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return all but the fitted estimator, ready for JSON."""
        stored = {name: value for name, value in vars(self).items() if name != "fitted"}
        return stored | {"units": np.asarray(self.units, dtype=float).round(6).tolist()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Trial:
        """Return the trial that `to_dict` described.

        Raises
        ------
        BadInput
            If fields are missing or unknown.
        """
        expected = {each.name for each in fields(cls)} - {"fitted"}
        if set(stored) != expected:
            raise BadInput(f"A stored trial has the fields {sorted(stored)}; expected {sorted(expected)}.")
        return cls(**stored | {"units": np.asarray(stored["units"], dtype=float)})


@dataclass(frozen=True)
class TaskSummary:
    """What a study must know of its task to judge its trials."""

    task: str
    metric: str
    baseline: str
    unit: str
    greater_is_better: bool
    percent: bool

    @classmethod
    def of(cls, task: Task) -> TaskSummary:
        """Read the frame off a task."""
        return cls(task.name, task.metric, task.baseline, task.unit, task.greater_is_better, task.percent)
