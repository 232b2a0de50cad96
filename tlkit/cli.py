"""The command line: ``tlkit run | lab | doctor | strategies | compare | build``."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tlkit.errors import BadInput, TlkitError, require_known

NOTEBOOKS = "notebooks"
FAILED, REFUSED, INTERRUPTED, TERMINATED = 1, 2, 130, 143


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error of tlkit's is one line on stderr and status 2.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those this program was started with.
    """
    options, rest = parser().parse_known_args(arguments)
    if rest and options.command is not lab:
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    with _terminable() as terminated:
        status = _status(options)
    return TERMINATED if terminated else status


def _status(options: argparse.Namespace) -> int:
    try:
        return options.command(options) or 0
    except TlkitError as error:
        print(f"tlkit: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """Take SIGTERM, which schedulers send, for an interrupt, and say whether it came."""
    came: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # nothing else may handle signals
        yield came
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


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
    return INTERRUPTED if "interrupted" in statuses else FAILED if "failed" in statuses else 0


def grade(options: argparse.Namespace) -> int:
    """Run learners' notebooks again and print the table of what they answered."""
    from tlkit.course import gradebook, grading

    if options.notebooks or options.parameters:
        raise BadInput("--grade takes a folder and no notebooks or parameters: it finds out which is which.")
    limits = grading.Limits(options.execution_timeout, options.notebook_timeout)
    into, rows = grading.grade(options.grade, options.into, options.jobs, limits)
    print(gradebook.summary(rows))
    print(f"Table: {into / 'grades.csv'}\nPage: {into / 'index.html'}")
    return INTERRUPTED if {"interrupted", "not run"} & {row.status for row in rows} else 0


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on the first notebook, with its token, on this machine only."""
    from tlkit.course import notebooks

    notebooks.need("jupyterlab", "lab", "`tlkit lab`")
    start = _workplace(notebooks.folder()) / notebooks.notebooks()[0].path.name
    return subprocess.call([sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", str(start), *options.rest])


def doctor(options: argparse.Namespace) -> int:
    """Say what this machine has and what is missing."""
    from tlkit import doctor

    print(doctor.report())
    return FAILED if doctor.damaged_files() else 0


def strategies(options: argparse.Namespace) -> None:
    """List the strategies of a task, or those of every modality."""
    from tlkit import catalogue

    task = catalogue.load_task(options.task) if options.task else None
    groups = {task.name: task.strategies()} if task else catalogue.strategies()
    for number, (title, kinds) in enumerate(groups.items()):
        print("\n" * (number > 0) + f"For {title}:")
        for name, kind in kinds.items():
            print(f"{name}: {kind.title}\n    {kind.idea}")


def compare(options: argparse.Namespace) -> int:
    """Compare strategies, and print scores, verdicts of gains and labels and speed, and what failed."""
    from tlkit import catalogue
    from tlkit.study import comparing

    task = catalogue.load_task(options.task, **_literals(options.parameters))
    chosen = [require_known("strategy", name, task.strategies()) for name in options.strategies]
    sources = [catalogue.load_source(name, **_literals(options.of_source)) for name in options.source]
    study = comparing.compare(
        chosen,
        sources,
        task,
        options.budgets,
        options.seeds,
        baseline=options.baseline,
        n_jobs=options.jobs,
        curves=options.curves,
    )
    print(study.curve().to_string(index=False, float_format="{:.3f}".format))
    print("\n".join(["", *study.sentences(options.adjust)]))
    print(study.multiplicity(options.adjust))
    with suppress(BadInput):  # without two budgets, or a score that both reach, there is none
        print("\n".join(["", *study.worth()["sentence"]]))
    if options.curves:
        speed = study.speed()
        print("\n" + speed.drop(columns="sentence").to_string(index=False, float_format="{:.3g}".format))
        print("\n".join(["", *speed["sentence"]]))
    if options.save:
        print(f"Saved: {study.save(options.save)}")
    for failed in study.failures:
        print(f"Failed: {failed}")
    return FAILED if study.failures else 0


def _literals(given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Read a loader's parameters as Python does (0.4, True, [1, 5]), and what is no literal as text."""
    from tlkit.course.parameters import typed

    return {name: typed(name, text, None) for name, text in given}


def build(options: argparse.Namespace) -> None:
    """Make again what tlkit ships, and the site that shows it."""
    from tlkit import catalogue
    from tlkit.course import answers, docs, publish, slides, syllabus

    of_notebooks = {
        NOTEBOOKS: publish.build_notebooks,
        "answers": answers.build_answers,
        "slides": slides.build_slides,
    }
    builders: dict[str, Callable[[], object]] = {
        **catalogue.builders(),
        **{name: partial(builder, options.names) for name, builder in of_notebooks.items()},
        "syllabus": syllabus.build_syllabus,
        "docs": docs.build_docs,
    }
    wanted = [require_known("thing to build", options.what, builders)] if options.what else list(builders)
    if options.names and options.what not in of_notebooks:
        raise BadInput(f"Names are of notebooks: tlkit build {NOTEBOOKS} {' '.join(options.names)}")
    for name in wanted:
        print(f"Building {name}")
        builders[name]()


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="tlkit", description="Switch transfer learning on and off, and see what it buys."
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, function: object, description: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=description, description=description)
        sub.set_defaults(command=function)
        return sub

    sub = command("run", run, "Run the course's notebooks, and leave a report in runs/<timestamp>/.")
    sub.add_argument(
        "notebooks", nargs="*", help="numbers or names, such as 01 or 01_why_transfer; all by default"
    )
    settings: dict[str, Any] = {"nargs": 2, "action": "append", "default": [], "metavar": ("NAME", "VALUE")}
    sub.add_argument(
        "-p",
        **settings,
        dest="parameters",
        help="set a parameter, typed as the notebook's default is (a list is written 1,5,20). It goes to "
        "each chosen notebook that has it; one that none has is refused before anything runs. Repeatable.",
    )
    sub.add_argument(
        "--jobs", type=int, help="notebooks side by side; by default two where there are two cores"
    )
    sub.add_argument(
        "--execution-timeout",
        type=int,
        default=3600,
        metavar="SECONDS",
        help="how long a cell may take before its notebook counts as failed; an hour by default",
    )
    _add_grading(sub)
    command("lab", lab, "Open JupyterLab on the first notebook; further arguments are JupyterLab's.")
    command("doctor", doctor, "Say what this machine has, what is missing, and how to get it.")
    sub = command("strategies", strategies, "List the strategies, with the idea of each.")
    sub.add_argument("task", nargs="?", help="a task's name or path; without it, every modality's are listed")
    sub = command("compare", compare, "Compare strategies on identical draws, and print the verdicts.")
    sub.add_argument("task", help="the target: a task's name or path")
    sub.add_argument("--source", nargs="+", required=True, help="what is transferred: names of sources")
    told = "read as Python reads it, or as text. Repeatable."
    sub.add_argument("-p", **settings, dest="parameters", help=f"set a parameter of the task, {told}")
    sub.add_argument("-s", **settings, dest="of_source", help=f"set a parameter of the sources, {told}")
    sub.add_argument("--strategies", nargs="+", required=True, help="names, as `tlkit strategies` lists them")
    sub.add_argument(
        "--budgets", nargs="+", type=int, help="labels a class or ratings a user; all by default"
    )
    sub.add_argument("--seeds", type=int, default=5, help="draws and trainings a budget; 5 by default")
    sub.add_argument(
        "--baseline", metavar="NAME", help="what to measure gains against; the task's own by default"
    )
    sub.add_argument(
        "--adjust", metavar="NAME", help="allow for the number of verdicts: holm, bonferroni, fdr_bh"
    )
    sub.add_argument(
        "--curves", action="store_true", help="score as training goes on, and say who is faster to a score"
    )
    sub.add_argument("--jobs", type=int, help="processes; 1 by default")
    sub.add_argument("--save", type=Path, metavar="FILE", help="write the study as JSON")
    sub = command(
        "build",
        build,
        "Make again what tlkit ships: its data, sources and executed notebooks; and in build/ the site, the "
        "syllabus, teachers' answer sheets, and slides, which need a network to be shown.",
    )
    sub.add_argument("what", nargs="?", help="what to build; everything by default")
    sub.add_argument("names", nargs="*", help="with notebooks, answers or slides: of which")
    return top


def _add_grading(run_parser: argparse.ArgumentParser) -> None:
    group = run_parser.add_argument_group(
        "grading",
        "Learners' notebooks are run again, each in a scratch folder, and their answers judged. This "
        "executes their code with your rights: grade in a container, or in an account of its own.",
    )
    group.add_argument(
        "--grade",
        type=Path,
        metavar="FOLDER",
        help="grade the notebooks in a folder, of any name; a subfolder a learner, or all in one",
    )
    group.add_argument(
        "--into", type=Path, metavar="FOLDER", help="where the table goes; runs/<timestamp>/ by default"
    )
    group.add_argument(
        "--notebook-timeout",
        type=int,
        default=600,
        metavar="SECONDS",
        help="how long a learner's notebook may take as a whole; ten minutes by default",
    )


def _workplace(folder: Path) -> Path:
    """A folder of notebooks to write in: the clone's own, or a copy of an installed package's."""
    if folder.parent != Path(__file__).parent:
        return folder
    copy = Path("tlkit-notebooks")
    copy.mkdir(exist_ok=True)
    for notebook in folder.glob("*.ipynb"):
        if not (copy / notebook.name).exists():
            shutil.copy(notebook, copy)
    return copy


if __name__ == "__main__":
    raise SystemExit(main())
