"""The commands as data: what each is called, takes, is for, and runs."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlkit import __version__
from tlkit.cli import course, listing, machine, studies

WIDTH = 78
SAME_AGAIN = "Run the same command again."


@dataclass(frozen=True)
class Command:
    """One command of ``tlkit``.

    Parameters
    ----------
    function : callable
        From the options to an exit status, or None for 0.
    idea, more : str
        One line for the overview, and what its help says besides.
    examples : sequence of str
        For its help; the first one is for the overview.
    takes : callable
        Adds its arguments to its parser.
    go_on : str
        What to do after an interrupt.
    hands_on : bool
        Whether arguments that it does not know are for another program, as ``rest``.
    """

    function: Callable[[argparse.Namespace], int | None]
    idea: str
    examples: Sequence[str]
    takes: Callable[[argparse.ArgumentParser], object] = lambda parser: None
    more: str = ""
    go_on: str = SAME_AGAIN
    hands_on: bool = False

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the options that were typed; ``--help`` and what is none of them end the program."""
        parser = self.parser()
        if not self.hands_on:
            return parser.parse_args(arguments)
        options, rest = parser.parse_known_args(arguments)
        options.rest = rest
        return options

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of its arguments."""
        name = next(name for name, each in COMMANDS.items() if each is self)
        parser = argparse.ArgumentParser(
            f"tlkit {name}",
            description=textwrap.fill(f"{self.idea}. {self.more}".strip(), WIDTH),
            epilog="\n  ".join(["Examples:", *self.examples]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.takes(parser)
        return parser


def overview() -> str:
    """Return what ``tlkit`` alone says: every command, and how to begin."""
    width = max(map(len, COMMANDS))
    listed = [f"  {name:{width}}  {command.idea}" for name, command in COMMANDS.items()]
    begin = ["lab", "run", "compare", "tasks"]
    return "\n".join(
        [
            f"tlkit {__version__}: switch transfer learning on and off, and see what it buys.",
            *["", "Usage: tlkit COMMAND ...", "", "Commands:", *listed],
            *["", "To begin:", *(f"  {COMMANDS[name].examples[0]}" for name in begin)],
            "",
            "tlkit COMMAND --help says more. The beginning of a name is enough where no",
            "other name begins so: tlkit run why.",
        ]
    )


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "notebooks", nargs="*", help="numbers or names, or how these begin, such as 01 or why; all by default"
    )
    parser.add_argument(
        "-p",
        **_SETTING,
        dest="parameters",
        help="set a parameter, typed as the notebook's default is (a list is written 1,5,20). It goes to "
        "each chosen notebook that has it; one that none has is refused before anything runs. Repeatable.",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="notebooks side by side; by default two where there are two cores",
    )
    parser.add_argument(
        "--execution-timeout",
        type=int,
        default=3600,
        metavar="SECONDS",
        help="how long a cell may take before its notebook counts as failed; an hour by default",
    )
    group = parser.add_argument_group(
        "grading",
        textwrap.fill(
            "Learners' notebooks are run again, each in a scratch folder, and their answers judged. This "
            "executes their code with your rights: grade in a container, or in an account of its own.",
            WIDTH,
        ),
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


def _compare(parser: argparse.ArgumentParser) -> None:
    told = "read as Python reads it, or as text. Repeatable."
    parser.add_argument("task", help="the target: a task's name or path")
    names: dict[str, Any] = {"nargs": "+", "required": True, "metavar": "NAME"}
    parser.add_argument("--source", **names, help="what is transferred, as `tlkit sources` lists them")
    parser.add_argument("--strategies", **names, help="as `tlkit strategies` lists them")
    parser.add_argument(
        "--budgets", nargs="+", type=int, metavar="N", help="labels a class or ratings a user; all by default"
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="draws and trainings a budget; 5 by default"
    )
    parser.add_argument(
        "--baseline", metavar="NAME", help="what to measure gains against; the task's own by default"
    )
    parser.add_argument(
        "--adjust", metavar="NAME", help="allow for the number of verdicts: holm, bonferroni, fdr_bh"
    )
    parser.add_argument(
        "--curves", action="store_true", help="score as training goes on, and say who is faster to a score"
    )
    parser.add_argument("-p", **_SETTING, dest="parameters", help=f"set a parameter of the task, {told}")
    parser.add_argument("-s", **_SETTING, dest="of_source", help=f"set a parameter of the sources, {told}")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes; 1 by default")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the study as JSON")


def _build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", help="what to build; everything by default")
    parser.add_argument("names", nargs="*", help="with notebooks, answers or slides: of which")


def _of_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "task", nargs="?", help="a task's name or path; by default every modality's are listed"
    )


_SETTING: dict[str, Any] = {"nargs": 2, "action": "append", "default": [], "metavar": ("NAME", "VALUE")}

COMMANDS: dict[str, Command] = {
    "lab": Command(
        course.lab,
        "Open the course in JupyterLab",
        ["tlkit lab", "tlkit lab --no-browser --port 9000"],
        more="You work on copies in ./tlkit-notebooks, in which no results are yet; what you have changed "
        "there stays as it is. Further arguments are JupyterLab's.",
        go_on="Your notebooks are in ./tlkit-notebooks: tlkit lab opens them again.",
        hands_on=True,
    ),
    "notebooks": Command(
        listing.notebooks, "List the notebooks, with the time that each takes", ["tlkit notebooks"]
    ),
    "progress": Command(
        course.progress, "Sum up your predictions, exercises and quizzes so far", ["tlkit progress"]
    ),
    "run": Command(
        course.run,
        "Run notebooks, and leave a report in runs/<time>/",
        [
            "tlkit run 01",
            "tlkit run why -p seeds 5 -p budgets 1,5,20",
            "tlkit run --jobs 1",
            "tlkit run --grade handed-in/ --into grades/",
        ],
        takes=_run,
    ),
    "tasks": Command(listing.tasks, "List the tasks that you can load by name", ["tlkit tasks"]),
    "sources": Command(listing.sources, "List the sources that you can load by name", ["tlkit sources"]),
    "strategies": Command(
        listing.strategies,
        "List the strategies, with the idea of each",
        ["tlkit strategies", "tlkit strategies digits"],
        takes=_of_task,
    ),
    "compare": Command(
        studies.compare,
        "Compare strategies on the same draws, and print the verdicts",
        [
            "tlkit compare digits --source glyphs --strategies probe --budgets 1 5",
            "tlkit compare two_shops --source two_shops --strategies gated --budgets 0 2",
            "tlkit compare worlds --source shape --strategies finetune -p similarity 0.4",
            "tlkit compare my/folder --source resnet18 --strategies probe --save it.json",
        ],
        takes=_compare,
        go_on="Finished trials are stored: run the same command again, and it goes on.",
    ),
    "doctor": Command(
        machine.doctor, "Say what this machine has and lacks, and how to get it", ["tlkit doctor"]
    ),
    "build": Command(
        machine.build,
        "Make again what tlkit ships, its site, and teachers' pages",
        ["tlkit build docs", "tlkit build notebooks 01 02", "tlkit build slides 02"],
        takes=_build,
        more="Data, sources and executed notebooks, with clean copies of these, go where they are shipped. "
        "Into build/ go the site, the syllabus, teachers' answer sheets, and slides, which need a network to "
        "be shown.",
        go_on="What was built before is whole. Run the same command again.",
    ),
}
