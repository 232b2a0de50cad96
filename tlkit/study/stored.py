"""The one way from a file to what a study is made of: whatever is not as it should be is refused."""

from __future__ import annotations

from typing import Any

from tlkit.errors import BadInput, require_number, whole
from tlkit.study.trial import FailedTrial, TaskSummary, Trial


def read(content: dict[str, Any]) -> tuple[list[Trial], TaskSummary, int, list[FailedTrial]]:
    """Return the trials, the summary of their task, how many are missing, and those that failed.

    Raises
    ------
    BadInput, KeyError, TypeError
        If that is not what `content` holds.
    """
    summary = TaskSummary.from_dict(content["summary"])
    trials = [Trial.from_dict(each) for each in content["trials"]]
    failures = [FailedTrial.from_dict(each) for each in content.get("failures", [])]
    require_number("missing", content["missing"], whole(0))
    for trial in trials:
        summary.require_fit(trial)
    cells = [(each.strategy, each.source, each.budget, each.seed) for each in [*trials, *failures]]
    if len(set(cells)) < len(cells):
        raise BadInput("A trial comes twice.")
    if len({len(trial.per_example) for trial in trials}) > 1:
        raise BadInput("Trials differ in the number of their test examples.")
    return trials, summary, content["missing"], failures
