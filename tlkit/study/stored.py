"""Studies as files: the one way in refuses whatever is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tlkit.errors import BadInput, FileProblem, require_number, whole
from tlkit.study.trial import FailedTrial, TaskSummary, Trial
from tlkit.system import files

FORMAT = 3
Parts = tuple[list[Trial], TaskSummary, int, list[FailedTrial]]


def write(
    path: Path, trials: Iterable[Trial], summary: TaskSummary, missing: int, failures: Iterable[FailedTrial]
) -> Path:
    """Write what a study is made of as one JSON file."""
    content = {
        "format": FORMAT,
        "summary": summary.to_dict(),
        "missing": missing,
        "trials": [trial.to_dict() for trial in trials],
        "failures": [trial.to_dict() for trial in failures],
    }
    files.atomic_write(path, json.dumps(content))
    return path


def read(path: Path) -> Parts:
    """Return the trials, the summary of their task, how many are missing, and those that failed.

    Raises
    ------
    FileProblem
        If the file is not a study, is damaged, or is one that another version of tlkit wrote.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileProblem(
            f"{path} cannot be read as a study: {error}. A study is what Study.save() writes."
        ) from error
    if not isinstance(content, dict) or "format" not in content:
        raise FileProblem(f"{path} is not a study. A study is what Study.save() writes.")
    if content["format"] != FORMAT:
        raise FileProblem(
            f"{path} is a study of format {content['format']}, this tlkit reads format {FORMAT}. "
            "Open it with the tlkit that wrote it, or run the study again."
        )
    try:
        return _parts(content)
    except (KeyError, TypeError, BadInput) as error:
        raise FileProblem(f"{path} is a damaged study ({error!r}): run the study again.") from error


def _parts(content: dict[str, Any]) -> Parts:
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
