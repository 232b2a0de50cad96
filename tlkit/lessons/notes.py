"""Words for the learner, which show themselves wherever in a cell they are made."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

MIME = "application/vnd.tlkit.lesson+json"
LESSONS = "tlkit.exercises."

N = TypeVar("N", bound="Note")


@dataclass(repr=False)
class Note:
    """Words for the learner: Markdown in a notebook, plain text elsewhere."""

    text: str
    shown: bool = field(default=False, compare=False, kw_only=True)

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text

    def _ipython_display_(self) -> None:
        """As the last expression of a cell, show only what has not been shown."""
        if not self.shown:
            show(self)


@dataclass(repr=False)
class Outcome(Note):
    """What a check found: `status` is ``right``, ``wrong`` or ``not attempted``."""

    status: str


def right(why: str) -> Outcome:
    """Return the outcome of a right answer, with the insight it shows."""
    return Outcome(f"**Right.** {why}", "right")


def wrong(why: str) -> Outcome:
    """Return the outcome of a wrong answer, with the reason it is wrong."""
    return Outcome(f"**Not yet.** {why}", "wrong")


def conclude(text: str) -> Note:
    """Show one line made from the numbers above it.

    Parameters
    ----------
    text : str
        A sentence or two; what it claims must follow from the numbers, whatever they are.

    Examples
    --------
    >>> from tlkit.lessons import conclude
    >>> conclude(f"Fine-tuning repaired {0.34:.0%} of the harm.")
    **In short:** Fine-tuning repaired 34% of the harm.
    """
    return show(Note(f"**In short:** {text}"))


def show(note: N, facts: Mapping[str, Any] | None = None) -> N:
    """Show a note in a notebook at once, with facts for a program to read; elsewhere its text is its repr.

    Parameters
    ----------
    note : Note
        What to show.
    facts : mapping, optional
        Plain data under `MIME`: what it is about, and what came of it.
    """
    if _in_notebook():
        from IPython.display import display

        data: dict[str, Any] = {"text/markdown": note.text, "text/plain": note.text}
        display({**data, **({MIME: dict(facts)} if facts else {})}, raw=True)
        note.shown = True
    return note


def name_of(thing: Any) -> str:
    """Return ``lesson.NAME`` of what a lesson's module holds, or nothing for what is not in one."""
    for module, content in list(sys.modules.items()):
        if module.startswith(LESSONS):
            for name, value in vars(content).items():
                if value is thing:
                    return f"{module.removeprefix(LESSONS)}.{name}"
    return ""


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")  # where nobody has imported it, there is no notebook
    return shell is not None and shell.get_ipython() is not None
