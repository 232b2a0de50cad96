"""The table of a grading: in the terminal, as CSV, and as a page."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlkit.course import pages
from tlkit.course.handed_in import CUT_SHORT, TABLE
from tlkit.course.records import plain
from tlkit.system.files import atomic_write

COLUMNS = (
    "learner", "file", "lesson", "status", "right", "wrong", "open", "which wrong", "which open",
    "predictions", "quiz", "seconds", "problem",
)  # fmt: skip
LONGEST = 200  # characters of a problem
FORMULA = ("=", "+", "-", "@")  # how a spreadsheet knows what it is to compute


@dataclass
class Graded:
    """What became of one learner's notebook.

    `status` is graded, no answers, failed, timed out, not a lesson, not a notebook, interrupted or not run.
    `predictions` holds two texts a name: what was predicted, and the result; empty where there is none.
    """

    learner: str
    file: str
    lesson: str = ""
    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    predictions: dict[str, tuple[str, str]] = field(default_factory=dict)
    quiz: str = ""
    status: str = "not run"
    seconds: float = 0.0
    problem: str = ""

    def add_problem(self, problem: str) -> None:
        """Say one more thing that is not as it should be."""
        self.problem = "; ".join(filter(None, [self.problem, problem]))


def write(into: Path, rows: Sequence[Graded]) -> None:
    """Write ``grades.csv`` and ``index.html``."""
    atomic_write(into / TABLE, as_csv(rows))
    shown_rows = [(row, predictions(row)) for row in rows]
    page = pages.render("grades.html", title="Grades", summary=in_a_sentence(rows), rows=shown_rows)
    atomic_write(into / "index.html", page)


def entry_of(row: Graded) -> dict[str, Any]:
    """Return a row of the table, by `COLUMNS`."""
    values = (
        row.learner, row.file, row.lesson, row.status, len(row.right), len(row.wrong), len(row.open),
        ", ".join(row.wrong), ", ".join(row.open), "; ".join(predictions(row)), one_line(row.quiz),
        row.seconds, row.problem,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def as_csv(rows: Iterable[Graded]) -> str:
    """Return the table as CSV, in which no text of a learner's is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(value) for value in entry_of(row).values()] for row in rows)
    return text.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def predictions(row: Graded) -> list[str]:
    """Return each prediction beside its result."""
    return [
        one_line(f"{name}: {predicted or 'no prediction'}, result {result or 'unknown'}")
        for name, (predicted, result) in row.predictions.items()
    ]


def summary(rows: Sequence[Graded]) -> str:
    """Return the table that a grading ends with in the terminal."""
    who = max(len("learner"), *(len(row.learner) for row in rows))
    what = max(len("lesson"), *(len(row.lesson) for row in rows))
    lines = [f"{'learner':{who}}  {'lesson':{what}}  {'status':14}  right  wrong  open  seconds"]
    for row in rows:
        counts = f"{len(row.right):5}  {len(row.wrong):5}  {len(row.open):4}"
        lines.append(
            f"{row.learner:{who}}  {row.lesson:{what}}  {row.status:14}  {counts}  {row.seconds:7.1f}"
        )
        lines += [f"    {row.file}: {row.problem}"] if row.problem else []
    return "\n".join([*lines, "", in_a_sentence(rows)])


def in_a_sentence(rows: Iterable[Graded]) -> str:
    """Return how many notebooks ended how."""
    counts = Counter(row.status for row in rows)
    return f"{counts.total()} notebooks: " + ", ".join(f"{n} {status}" for status, n in counts.items()) + "."


def one_line(text: str) -> str:
    """Return text as one line without colour codes or control characters, cut where it is long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in plain(text)).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def was_cut_short(executed: Mapping[str, Any]) -> bool:
    """Whether a cell put out more than is kept."""
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", ())]
    return any(CUT_SHORT in "".join(output.get("text", "")) for output in outputs)
