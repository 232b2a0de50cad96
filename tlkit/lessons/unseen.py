"""A learner's strategy on draws that the learner does not see, alone or beside a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tlkit.figures.wording import difference, interval_words, metric_words, score_text
from tlkit.study.comparing import transfer
from tlkit.study.intervals import Interval, crossed_interval, grouped
from tlkit.study.source import Source, Sources
from tlkit.study.task import Task
from tlkit.study.trial import TaskSummary
from tlkit.study.verdicts import verdict
from tlkit.system import progress


class Duel(NamedTuple):
    """What came of it: "better", "worse", "practically equal" or "no evidence", and a sentence of numbers."""

    word: str
    said: str


def duel(
    strategy: Any, reference: str, source: Source | Sources, task: Task, budget: int, draws: Sequence[int]
) -> Duel:
    """Fit two strategies on the same draws, and judge the first by the paired interval.

    Parameters
    ----------
    strategy : str or estimator
        The learner's.
    reference : str
        The name of what it is held against.
    source : Source or Sources
        What both transfer.
    task : Task
        Best one that the lesson does not use.
    budget : int
        In the task's unit.
    draws : sequence of int
        Three or more.

    Raises
    ------
    BadInput
        If one is no strategy of this task.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.lessons.unseen import duel
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits")
    >>> duel("probe", "probe", source, task, budget=1, draws=[7, 8, 9]).word
    'practically equal'
    """
    pairs = [
        [transfer(each, source, task.budget(budget, draw), seed=draw) for each in (strategy, reference)]
        for draw in progress.bar(draws, unit="draw")
    ]
    summary = TaskSummary.of(task)
    sign = 1 if summary.greater_is_better else -1
    ours, theirs = (np.stack([trial.per_example for trial in side]) for side in zip(*pairs, strict=True))
    gain = _interval(sign * (ours - theirs), summary, budget)
    low, high = sorted(sign * end for end in (gain.low, gain.high))
    scores = [score_text(float(each.mean()), summary.percent) for each in (ours, theirs)]
    apart = difference(sign * gain.mean, summary.percent)
    said = (
        f"On {len(draws)} draws that you have not seen, {metric_words(summary.metric)} is {scores[0]} "
        f"against {scores[1]} for {summary.display(reference)}, {apart} "
        f"(95 % interval {interval_words(low, high, summary.percent)})."
    )
    return Duel(verdict(gain, len(draws), transfers=False), said)


def scored(
    strategy: Any, source: Source | Sources, task: Task, budget: int, draws: Sequence[int]
) -> Interval:
    """Fit a strategy on draws, and return its mean score with the 95 % interval.

    Parameters
    ----------
    strategy : str or estimator
        The learner's.
    source : Source or Sources
        What it transfers.
    task : Task
        What it learns.
    budget : int
        In the task's unit.
    draws : sequence of int
        Two or more.

    Raises
    ------
    BadInput
        If it is no strategy of this task.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.lessons.unseen import scored
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits")
    >>> found = scored("nearest", source, task, budget=1, draws=[7, 8, 9])
    >>> bool(found.low < found.mean < found.high)
    True
    """
    trials = [
        transfer(strategy, source, task.budget(budget, draw), seed=draw)
        for draw in progress.bar(draws, unit="draw")
    ]
    return _interval(np.stack([trial.per_example for trial in trials]), TaskSummary.of(task), budget)


def _interval(values: np.ndarray, summary: TaskSummary, budget: int) -> Interval:
    groups = None if summary.groups is None else np.array(summary.groups)
    return crossed_interval(grouped(values, groups), drawn=summary.drawn_share(budget))
