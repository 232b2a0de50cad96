"""`tlkit build syllabus`: what the course asks and gives, made from the notebooks' own cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tlkit.course import pages
from tlkit.course.contents import exercises_of, predictions_of, quiz_of
from tlkit.course.notebooks import Notebook, companions, notebooks
from tlkit.system.files import atomic_write

_LEARN = re.compile(r"^\W*What you will learn\W*\n+((?:[-*] .*\n?(?: {2,}.*\n?)*)+)", re.MULTILINE)
_TIME = re.compile(r"^\W*Time\W{1,4}(.+?)(?=\W+Hardware\b|\n\n|\Z)", re.MULTILINE | re.DOTALL)
_BEFORE = re.compile(r"^\W*What you need to know before\W{1,4}(.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
HEAD = "| lesson | time | predictions | exercises | of these, studies | quiz |\n|---|---|---|---|---|---|"


def build_syllabus(into: Path = Path("build", "syllabus.html")) -> Path:
    """Write the syllabus as a page.

    Parameters
    ----------
    into : Path
        The file to write.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    TlkitError
        When the extra ``lab`` is not installed.
    """
    page = pages.from_markdown("Syllabus", syllabus(notebooks(), companions()))
    print(f"Syllabus: {atomic_write(into, page)}")
    return into


def syllabus(books: Sequence[Notebook], beside: Iterable[Notebook] = (), place: str = "") -> str:
    """Return the syllabus as Markdown: a table of all lessons, then what each of them teaches.

    Parameters
    ----------
    books, beside : sequence of Notebook
        The lessons in their order, and what belongs to no lesson.
    place : str
        What goes before a notebook's file name in a link; without it there are none.
    """
    parts = ["# Syllabus", "\n".join([HEAD, *map(_row, books)])]
    parts += [_lesson(book, place) for book in books]
    if listed := [f"- {_linked(book, place)}" for book in beside]:
        parts += ["## Beside the lessons", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def learned(book: Notebook) -> str:
    """Return the list of what a lesson teaches, as its first cell has it."""
    return _found(_LEARN, book)


def time(book: Notebook) -> str:
    """Return the time that a lesson takes, as its first cell has it."""
    return " ".join(_found(_TIME, book).split()).rstrip(".")


def before(book: Notebook) -> str:
    """Return what a lesson asks for, as its first cell has it; empty where it says nothing."""
    return " ".join(_found(_BEFORE, book).split())


def _found(pattern: re.Pattern, book: Notebook) -> str:
    match = pattern.search("".join(book.content["cells"][0]["source"]))
    return match[1].strip() if match else ""


def _row(book: Notebook) -> str:
    exercises = exercises_of(book)
    studies = sum(exercise.runs_study for exercise in exercises.values())
    number = book.name.partition("_")[0]
    counts = (len(predictions_of(book)), len(exercises), studies, "yes" if quiz_of(book) else "no")
    return f"| {number} {book.title} | {time(book).partition(';')[0]} | {' | '.join(map(str, counts))} |"


def _lesson(book: Notebook, place: str) -> str:
    studies = [name for name, exercise in exercises_of(book).items() if exercise.runs_study]
    lines = [f"## {_linked(book, place)}", f"Time: {time(book)}."]
    asked = _LINK.sub(lambda link: f"]({place}{link[1]}", before(book)) if place else _unlinked(before(book))
    lines += [f"Before: {asked}"] if asked else []
    lines += ["What you will learn:", learned(book)]
    lines += [f"A study of your own: {', '.join(f'`{name}`' for name in studies)}."] if studies else []
    return "\n\n".join(lines)


def _linked(book: Notebook, place: str) -> str:
    number = book.name.partition("_")[0]
    title = f"{number} {book.title}" if number.isdigit() else book.title
    return f"[{title}]({place}{book.path.name})" if place else title


def _unlinked(text: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
