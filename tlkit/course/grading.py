"""`tlkit run --grade`: learners' notebooks run again, and what they answered in one table.

Learners' code is executed. A kernel gets a folder of its own, time limits and a limit to what it puts out,
and no other protection: grade in a container, or in an account of its own.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tlkit.course import contents, gradebook, handed_in, running
from tlkit.course.gradebook import Graded
from tlkit.course.handed_in import EXECUTED
from tlkit.course.notebooks import Notebook, need, notebooks
from tlkit.course.progress import Progress
from tlkit.course.rerun import LearnersKernels, Limits, rerun
from tlkit.errors import BadInput, FileProblem, require_number, whole
from tlkit.lessons import Prediction


def grade(
    folder: Path,
    into: Path | None = None,
    jobs: int | None = None,
    limits: Limits | None = None,
) -> tuple[Path, list[Graded]]:
    """Run each notebook in a folder of learners' again, and write what they answered as one table.

    The files may have any name; subfolders, one a learner, name the learners, and otherwise the files do.
    They are read and never written. Answers are judged again; predictions are read from what was handed in.

    Parameters
    ----------
    folder : Path
        Where the notebooks are, also in folders below.
    into : Path, optional
        Where ``grades.csv``, ``index.html`` and the executed notebooks go; by default ``runs/<timestamp>``.
    jobs : int, optional
        How many run side by side; by default two where there are two cores.
    limits : Limits, optional
        An hour a cell and ten minutes a notebook by default.

    Returns
    -------
    (Path, list of Graded)
        The folder of the table, and its rows in the order of the files.

    Raises
    ------
    BadInput
        Before anything runs: no such folder, no notebook in it, a number that cannot be, or an `into` that
        holds what is to be graded.
    """
    need("papermill", "lab", "Grading notebooks")
    limits = limits or Limits()
    require_number("execution_timeout", limits.cell, whole(1))
    require_number("notebook_timeout", limits.notebook, whole(1))
    paths = handed_in.find(folder)
    jobs = min(running.jobs_side_by_side(jobs), len(paths))
    if into is not None and any(path.resolve().is_relative_to(into.resolve()) for path in paths):
        raise BadInput(f"--into takes a folder of its own; {into} holds learners' notebooks.")
    into = running.new_folder(Path("runs")) if into is None else into
    rows = [Graded(_learner(path, folder), path.relative_to(folder).as_posix()) for path in paths]
    grader = _Grader(into, rows, limits, jobs)
    try:
        grader.write()
        with Progress(len(rows), unit="notebook") as progress:
            tasks = [partial(grader.row, row, path, progress) for row, path in zip(rows, paths, strict=True)]
            running.side_by_side(jobs, tasks, grader.end)
    except KeyboardInterrupt:
        print("\nInterrupted: the table has what is done.")
    finally:
        _tell_twice_handed_in(rows)
        grader.write()
    return into, rows


def _learner(path: Path, folder: Path) -> str:
    """The first folder's name, or the file's where all lie in one."""
    inside = path.relative_to(folder)
    return inside.parts[0] if len(inside.parts) > 1 else path.stem


class _Grader:
    """What the rows of one table have in common."""

    def __init__(self, into: Path, rows: Sequence[Graded], limits: Limits, jobs: int):
        self._into, self._rows, self._limits = into, rows, limits
        self._threads = running.threads_each(jobs)
        self._lessons = notebooks()
        self._running: list[LearnersKernels] = []
        self._ended = False
        self._lock = threading.Lock()

    def write(self) -> None:
        with self._lock:
            gradebook.write(self._into, self._rows)

    def end(self) -> None:
        self._ended = True
        for kernels in list(self._running):
            kernels.end()

    def row(self, row: Graded, path: Path, progress: Progress) -> None:
        """Fill one row; whatever is wrong with its file stays in it."""
        began = time.perf_counter()
        with progress.of(row.file, 1):
            try:
                notebook = handed_in.read(path)
            except FileProblem as error:
                row.status, row.problem = "not a notebook", str(error)
            else:
                self._grade(row, notebook)
        row.seconds = round(time.perf_counter() - began, 1)
        self.write()

    def _grade(self, row: Graded, notebook: dict[str, Any]) -> None:
        lesson = handed_in.lesson_of(notebook, self._lessons)
        if lesson is None:
            row.status = "not a lesson"
            row.problem = "no lesson has its title or its exercises, so it was not run"
            return
        row.lesson = lesson.name
        missing = handed_in.named(lesson.content) - handed_in.named(notebook)
        if missing:
            names = sorted(name.removeprefix("exercises.") for name in missing)
            row.add_problem(f"cells are missing: {', '.join(names)}")
        kernels = LearnersKernels(self._threads, self._limits)
        self._running.append(kernels)
        if self._ended:  # while this one was being read
            kernels.end()
        ran = rerun(notebook, kernels, self._limits, self._into / EXECUTED / row.file)
        row.status = ran.status
        row.add_problem(ran.problem)
        _judge(row, lesson, notebook, ran.notebook)


def _judge(row: Graded, lesson: Notebook, given: dict[str, Any], executed: dict[str, Any]) -> None:
    """Fill a row with what the exercises said now, and what was predicted then."""
    judged = handed_in.told(executed, "exercise")
    verdicts = {"right": row.right, "wrong": row.wrong}
    for name in contents.exercises_of(lesson):
        attempts = [entry for entry in judged.get(name, ()) if str(entry.get("status")) in verdicts]
        verdicts.get(handed_in.last(attempts, "status"), row.open).append(name)
    then, now = handed_in.told(given, "prediction"), handed_in.told(executed, "prediction")
    for name, prediction in contents.predictions_of(lesson).items():
        predicted = handed_in.last(then.get(name, ()), "predicted")
        result = handed_in.last(now.get(name, ()), "result")
        row.predictions[name] = (_said(prediction, predicted), _said(prediction, result))
    scores = [score for notebook in (given, executed) for score in _scores(notebook)]
    row.quiz = scores[-1] if scores else ""
    if row.status == "graded" and not row.right + row.wrong:
        row.status = "no answers"
    if gradebook.was_cut_short(executed):
        row.add_problem("a cell puts out more than a million characters, and the rest was left out")


def _said(prediction: Prediction, value: Any) -> str:
    """Say a value as its prediction does; a learner's code can have put anything there."""
    if value is None:
        return ""
    try:
        return prediction.say(value)
    except Exception:
        return str(value)


def _scores(notebook: dict[str, Any]) -> list[str]:
    told = handed_in.told(notebook, "quiz").values()
    return [f"{entry.get('right')} of {entry.get('of')}" for entries in told for entry in entries]


def _tell_twice_handed_in(rows: Sequence[Graded]) -> None:
    """Say so in the rows of a learner who handed in a lesson twice: which counts is the teacher's choice."""
    times = Counter((row.learner, row.lesson) for row in rows if row.lesson)
    for row in rows:
        if (number := times[row.learner, row.lesson]) > 1:
            row.add_problem(f"{row.learner} handed in {number} notebooks of this lesson")
