"""What is kept of a fit while it goes on: its reports, and how its score on the test data grows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from tlkit.study.callbacks import Callback
from tlkit.study.strategy import innermost
from tlkit.study.task import Task
from tlkit.system import compute


class Recorder(Callback):
    """Listens to one fit, keeps its reports and hands them on; scores the test data at each if asked to.

    Nothing is ever chosen by these scores, and the fit is bitwise the one that goes unwatched.

    Parameters
    ----------
    task : Task
        Whose test data are scored.
    estimator : estimator
        What is about to be fitted: make the recorder just before.
    listeners : sequence of Callback
        Who else wants to hear.
    curves : bool
        Whether to score at each report, where the estimator says that it `predicts_in_training`.

    Attributes
    ----------
    history : list of dict
        The numbers of every report.
    apart : float
        Seconds that went by in scoring and in listeners, and not in the fit.
    """

    def __init__(self, task: Task, estimator: Any, listeners: Sequence[Callback], curves: bool):
        self._task, self._estimator, self._listeners, self._curves = task, estimator, listeners, curves
        self.history: list[dict[str, float]] = []
        self.apart = 0.0
        self._points: list[dict[str, float]] = []
        self._earlier = self._steps = 0
        self._begun = time.perf_counter()

    def on_step(self, record: dict[str, float]) -> None:
        """Keep a report, and hand it on."""
        heard = time.perf_counter()
        if self.history and record["step"] <= self.history[-1]["step"]:
            self._earlier = self._steps  # of a strategy that trains twice, the steps add up
        self._steps = self._earlier + int(record["step"])
        self.history.append(_numbers(record))
        if self._curves and getattr(innermost(self._estimator), "predicts_in_training", False):
            self._points.append(_point(self._steps, heard - self._begun - self.apart, self._score()))
        for listener in self._listeners:
            listener.on_step(record)
        self.apart += time.perf_counter() - heard

    def curve(self, seconds: float, score: float) -> list[dict[str, float]]:
        """Return step, seconds and score of each report, the last as the whole fit left it.

        What is solved in closed form has this one point, at step 0; without `curves` there is none.
        """
        earlier = [point for point in self._points if point["step"] < self._steps]
        return [*earlier, _point(self._steps, seconds, score)] if self._curves else []

    def _score(self) -> float:
        with compute.seeded(0, compute.choose_device()):  # whatever a prediction draws, the fit does not miss
            return self._task.score(self._estimator).metrics[self._task.metric]


def _point(step: int, seconds: float, score: float) -> dict[str, float]:
    return {"step": step, "seconds": seconds, "score": float(score)}


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a report as plain ones, which JSON takes."""
    return {
        name: int(value) if isinstance(value, Integral) else float(value)
        for name, value in record.items()
        if isinstance(value, Real)
    }
