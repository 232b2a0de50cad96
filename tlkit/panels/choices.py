"""What can be switched on in a panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tlkit.errors import BadInput, require_known
from tlkit.study.task import Task

Strategies = Iterable[Any] | Mapping[str, Any] | None


@dataclass(frozen=True)
class Choice:
    """A strategy with what the panel says of it.

    Parameters
    ----------
    strategy : str or estimator
        As `compare` takes it.
    title, idea : str
        A few words, and a sentence.
    """

    strategy: Any
    title: str
    idea: str


def choices(task: Task, strategies: Strategies) -> dict[str, Choice]:
    """Label what can be chosen, the baseline first.

    Parameters
    ----------
    task : Task
        Whose strategies are meant by name.
    strategies : names, estimators, or a mapping of labels to either, optional
        All of the task's by default.

    Raises
    ------
    UnknownName
        If a name is not one of the task's.
    BadInput
        If names come as one string, or there is nothing but the baseline.
    """
    refuse_string(strategies)
    given = list(task.strategies()) if strategies is None else strategies
    labelled = given if isinstance(given, Mapping) else {_label(strategy): strategy for strategy in given}
    labelled = {task.baseline: labelled.get(task.baseline, task.baseline)} | dict(labelled)
    if len(labelled) < 2:
        raise BadInput(f"A panel needs a strategy to compare with the baseline {task.baseline!r}.")
    return {label: _choice(task, label, strategy) for label, strategy in labelled.items()}


def refuse_string(strategies: Any) -> None:
    """Raise BadInput for one name where a list of names is meant."""
    if isinstance(strategies, str):
        raise BadInput(f"Strategies come as a list: [{strategies!r}].")


def _label(strategy: Any) -> str:
    return strategy if isinstance(strategy, str) else getattr(strategy, "name", type(strategy).__name__)


def _choice(task: Task, label: str, strategy: Any) -> Choice:
    kind = strategy
    if isinstance(strategy, str):
        kind = task.strategies()[require_known("strategy", strategy, task.strategies())]
    # A label of one's own says more than the title of the strategy behind it.
    title = getattr(kind, "title", label) if label == getattr(kind, "name", label) else label
    return Choice(strategy, title, getattr(kind, "idea", ""))
