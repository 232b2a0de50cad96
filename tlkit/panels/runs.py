"""What a panel remembers of its runs: the trials, by the similarity at which they ran."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tlkit.study.study import Study
from tlkit.study.task import Task
from tlkit.study.trial import TaskSummary, Trial


class Runs:
    """The trials of every run.

    Parameters
    ----------
    task : Task
        Where it has a similarity dial, the tables say at which setting.
    """

    def __init__(self, task: Task):
        self._summary, self._over_similarity = TaskSummary.of(task), task.similarity is not None
        self._trials: dict[float | None, dict[tuple, Trial]] = {}

    def at(self, similarity: float | None) -> dict[tuple, Trial]:
        """Return the trials at one setting, to be added to."""
        return self._trials.setdefault(similarity, {})

    def study(self, similarity: float | None) -> Study:
        """Return the study that the trials at one setting make."""
        return Study(self.at(similarity).values(), self._summary)

    def seconds(self, budget: int | None) -> dict[str, list[float]]:
        """Return how long trials took, by strategy: those at the budget that is nearest to one."""
        trials = [trial for kept in self._trials.values() for trial in kept.values()]
        by_budget: dict[str, dict[int, list[float]]] = {}
        for trial in trials:
            by_budget.setdefault(trial.strategy, {}).setdefault(trial.budget or 0, []).append(trial.seconds)
        return {
            strategy: took[min(took, key=lambda known: abs(known - (budget or 0)))]
            for strategy, took in by_budget.items()
        }

    def clear(self) -> None:
        """Forget every run."""
        self._trials.clear()

    def gather(self, read: Callable[[Study], pd.DataFrame]) -> pd.DataFrame:
        """Put together what `read` makes of the study at each setting."""
        runs = {dial: trials for dial, trials in self._trials.items() if trials} or {None: {}}
        tables = [
            read(Study(trials.values(), self._summary)).assign(similarity=dial)
            for dial, trials in runs.items()
        ]
        table = pd.concat([each for each in tables if len(each)] or tables[:1], ignore_index=True)
        return table if self._over_similarity else table.drop(columns="similarity")
