"""Laying out the trials of a study before any is run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone

from tlkit.errors import BadInput
from tlkit.study.source import Source, Sources
from tlkit.study.strategy import innermost
from tlkit.study.task import Task


class PlannedTrial(NamedTuple):
    """One trial to run: an unfitted estimator under its label; a budget of None is all the data."""

    label: str
    estimator: BaseEstimator
    source: Source | Sources | None
    budget: int | None
    seed: int


def lay_out(
    strategies: Any,
    source: Any,
    task: Task,
    budgets: int | Sequence[int] | None,
    seeds: int | Sequence[int],
) -> list[PlannedTrial]:
    """Plan every trial of `tlkit.compare`, seeds outermost so that an interrupted study is balanced.

    Raises
    ------
    BadInput
        If a name is unknown, a budget is larger than the data allow, or a list is empty.
    """
    draws = list(range(seeds)) if isinstance(seeds, int | np.integer) else [int(seed) for seed in seeds]
    asked = budgets if isinstance(budgets, Iterable) else [budgets]
    sizes = [size if size is None else int(size) for size in asked]
    sources = list(source) if isinstance(source, (list, tuple)) else [source]
    if not (draws and sizes and sources):
        raise BadInput(
            "compare() needs at least one source (or None), one budget and one seed; a list is empty."
        )
    _refuse_repeats("seed", draws)
    _refuse_repeats("budget", sizes)
    _refuse_repeats("source name", [origin.name if origin else None for origin in sources])
    for size in sizes:
        if size is not None:
            task.budget(size, draws[0])
    pairs = [(origin, pair) for origin in sources for pair in _with_baseline(strategies, origin, task)]
    plans = [
        PlannedTrial(label, estimator, origin, size, draw)
        for draw, size, (origin, (label, estimator)) in itertools.product(draws, sizes, pairs)
    ]
    return _able(plans, task)


def _able(plans: list[PlannedTrial], task: Task) -> list[PlannedTrial]:
    """Leave out, at a budget of 0 where that is below the least, the strategies that need labels."""
    if task.min_budget == 0:
        return plans
    able = [
        plan
        for plan in plans
        if plan.budget != 0 or not getattr(innermost(plan.estimator), "needs_labels", True)
    ]
    if any(plan.budget == 0 for plan in plans) and not any(plan.budget == 0 for plan in able):
        asked = ", ".join(dict.fromkeys(plan.label for plan in plans))
        raise BadInput(f"A budget of 0 {task.budget_unit} is for strategies that need none; got {asked}.")
    return able


def _refuse_repeats(what: str, given: Sequence[Any]) -> None:
    if len(set(given)) < len(given):
        raise BadInput(f"A {what} comes twice in {given}; the same trial must not count twice.")


def _with_baseline(
    strategies: Any, source: Source | Sources | None, task: Task
) -> list[tuple[str, BaseEstimator]]:
    """Give every strategy its label and source, the task's baseline first if it was not asked for."""
    if isinstance(strategies, str):
        raise BadInput(f"Strategies come as a list: [{strategies!r}].")
    items = strategies.items() if isinstance(strategies, Mapping) else ((None, each) for each in strategies)
    pairs = [labelled(None if label is None else str(label), each, source, task) for label, each in items]
    if task.baseline not in dict(pairs):
        pairs.insert(0, labelled(None, task.baseline, source, task))
    if len(dict(pairs)) < len(pairs):
        raise BadInput(
            f"Two strategies share a label among {[label for label, _ in pairs]}; "
            "pass a mapping of labels to estimators."
        )
    return pairs


def labelled(
    label: str | None,
    strategy: str | BaseEstimator,
    source: Source | Sources | None,
    task: Task,
    **params: Any,
) -> tuple[str, BaseEstimator]:
    """Return a strategy's label and the strategy itself, unfitted, with the source where it has none.

    Parameters
    ----------
    label : str or None
        None takes the strategy's name.
    strategy : str or estimator
        A name is looked up in the task.
    **params
        For a strategy given by name.

    Raises
    ------
    BadInput
        If it is neither a name nor an estimator.
    """
    if isinstance(strategy, str):
        return label or strategy, task.strategy(strategy, source=source, **params)
    if not hasattr(strategy, "fit"):
        raise BadInput(f"A strategy is a name or an estimator with fit(); got {strategy!r}.")
    own = strategy.get_params().get("source")
    if isinstance(own, Source | Sources) and source is not None and own is not source:
        raise BadInput(
            f"{strategy!r} has a source of its own, {own!r}, and is to be compared on {source!r}: "
            "leave one out."
        )
    empty = [name for name, value in strategy.get_params().items() if value is None and _is(name, "source")]
    filled = clone(strategy).set_params(**dict.fromkeys(empty, source))
    return label or str(getattr(strategy, "name", type(strategy).__name__)), filled


def with_seed(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """Return an unfitted copy whose every ``random_state``, nested ones included, is `seed`."""
    seeded = [name for name in estimator.get_params() if _is(name, "random_state")]
    return clone(estimator).set_params(**dict.fromkeys(seeded, seed))


def _is(name: str, parameter: str) -> bool:
    """Whether a parameter's name, of a nested estimator perhaps, is the one meant."""
    return name.split("__")[-1] == parameter
