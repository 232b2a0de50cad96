"""``tlkit lab``, ``run`` and ``progress``: the course as learners and teachers start it."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tlkit.cli.statuses import FAILED, INTERRUPTED
from tlkit.errors import BadInput

if TYPE_CHECKING:
    from tlkit.course.running import Result

LEFT = ("interrupted", "not run")  # what an interrupt leaves to do


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on the first notebook, with its token, on this machine only."""
    from tlkit.course import clean, notebooks

    notebooks.need("jupyterlab", "lab", "`tlkit lab`")
    place, said = clean.workplace()
    for line in said:
        print(line)
    start = place / notebooks.notebooks()[0].path.name
    return subprocess.call([sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", str(start), *options.rest])


def progress(options: argparse.Namespace) -> None:
    """Print what the learner has predicted and answered so far."""
    from tlkit import exercises
    from tlkit.lessons import kept

    print(kept.summary(exercises.names()))


def run(options: argparse.Namespace) -> int:
    """Run notebooks and print the summary of their report."""
    from tlkit.course import report, running

    if options.grade:
        return grade(options)
    into, results = running.run(
        options.notebooks, options.parameters, options.jobs, options.execution_timeout
    )
    print(report.summary(map(asdict, results)))
    print(f"Report: {into / 'index.html'}")
    statuses = {result.status for result in results}
    if statuses & set(LEFT):
        print(_how_to_go_on(results, options.parameters))
        return INTERRUPTED
    return FAILED if "failed" in statuses else 0


def _how_to_go_on(results: Sequence[Result], parameters: Sequence[tuple[str, str]]) -> str:
    left = [result for result in results if result.status in LEFT]
    takes = {name for result in left for name in result.parameters}
    words = [word for name, value in parameters if name in takes for word in ("-p", name, value)]
    command = shlex.join(["tlkit", "run", *(result.name.partition("_")[0] for result in left), *words])
    return f"Not finished: {', '.join(result.name for result in left)}. To run what is left: {command}"


def grade(options: argparse.Namespace) -> int:
    """Run learners' notebooks again and print the table of what they answered."""
    from tlkit.course import gradebook, grading

    if options.notebooks or options.parameters:
        raise BadInput("--grade takes a folder and no notebooks or parameters: it finds out which is which.")
    limits = grading.Limits(options.execution_timeout, options.notebook_timeout)
    into, rows = grading.grade(options.grade, options.into, options.jobs, limits)
    print(gradebook.summary(rows))
    print(f"Table: {into / 'grades.csv'}\nPage: {into / 'index.html'}")
    return INTERRUPTED if {row.status for row in rows} & set(LEFT) else 0
