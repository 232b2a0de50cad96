"""One trial: drawing its budget, fitting, scoring, and what becomes of an error."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tlkit.errors import BadInput, TrainingProblem
from tlkit.study.callbacks import Callback, Stop
from tlkit.study.forgetting import kept_of_source
from tlkit.study.planning import PlannedTrial, with_seed
from tlkit.study.recording import Recorder
from tlkit.study.strategy import innermost
from tlkit.study.task import Task
from tlkit.study.trial import FailedTrial, TaskSummary, Trial
from tlkit.system import compute


def run(plan: PlannedTrial, task: Task, listeners: Sequence[Callback], curves: bool = False) -> Trial:
    """Fit and score on a task as it is; with `curves`, at each report of the training too.

    Raises
    ------
    BadInput
        If what the task scores is no finite number.
    """
    estimator = with_seed(plan.estimator, plan.seed)
    with compute.steady_threads():
        heard = Recorder(task, estimator, listeners, curves)
        with compute.Stopwatch() as watch:
            task.fit(estimator, callbacks=[heard])
        score = task.score(estimator)
        kept = kept_of_source(estimator, plan.source)
    best, seconds = innermost(estimator), watch.seconds - heard.apart
    trial = Trial(
        *_cell(plan),
        transfers=plan.transfers,
        metrics=_floats(score.metrics | kept),
        per_example=np.asarray(score.per_example, dtype=float),
        seconds=seconds,
        trainable=int(getattr(best, "n_trainable_", 0)),
        costs=_floats(best.costs()) if hasattr(best, "costs") else {},
        history=heard.history,
        curve=heard.curve(seconds, score.metrics.get(task.metric, np.nan)),
        fitted=estimator,
    )
    TaskSummary.of(task).require_fit(trial)
    if len(trial.per_example) != task.n_examples:
        raise BadInput(f"{trial} scores {len(trial.per_example)} test examples; there are {task.n_examples}.")
    return trial


def attempt(
    plan: PlannedTrial, task: Task, listeners: Sequence[Callback], curves: bool
) -> Trial | FailedTrial:
    """Draw the budget and run one trial; what was fitted stays where it was, and an error is told."""
    try:
        drawn = task if plan.budget is None else task.budget(plan.budget, plan.seed)
        return replace(run(plan, drawn, listeners, curves), fitted=None)
    except Stop:
        raise
    except Exception as error:
        return failed(plan, error)


def failed(plan: PlannedTrial, error: Exception) -> FailedTrial:
    """Return a planned trial that ended in an error."""
    where = "".join(traceback.format_exception(error))
    return FailedTrial(*_cell(plan), type(error).__name__, str(error), where, _portable(error))


def named(outcome: Trial | FailedTrial, plan: PlannedTrial) -> Trial | FailedTrial:
    """Give an outcome the names it has in this study; what was computed is the same."""
    strategy, source, budget, seed = _cell(plan)
    here = replace(outcome, strategy=strategy, source=source, budget=budget, seed=seed)
    if isinstance(here, FailedTrial):
        return here
    return replace(here, twin=plan.twin, transfers=plan.transfers, beside=plan.beside)


def _cell(plan: PlannedTrial) -> tuple[str, str, int | None, int]:
    return plan.label, plan.source.name if plan.source else "", plan.budget, plan.seed


def _floats(numbers: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(number) for name, number in numbers.items()}


def _portable(error: Exception) -> Exception:
    """The error, or its words where it does not survive the way from one process to another."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return TrainingProblem(f"{type(error).__name__}: {error}")
