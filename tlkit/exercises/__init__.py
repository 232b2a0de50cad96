"""Exercises that answer back: check a value, ask for hints one by one, see the solution.

One module a notebook, of the same name (``tlkit.exercises.why_transfer``), holds that notebook's exercises.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """Words for the learner: Markdown in a notebook, plain text elsewhere."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class Outcome(Note):
    """What a check found: `status` is ``right``, ``wrong`` or ``not attempted``."""

    status: str


def right(why: str) -> Outcome:
    """Return the outcome of a right answer, with the insight it shows."""
    return Outcome(f"**Right.** {why}", "right")


def wrong(why: str) -> Outcome:
    """Return the outcome of a wrong answer, with the reason it is wrong."""
    return Outcome(f"**Not yet.** {why}", "wrong")


@dataclass(repr=False)
class Exercise:
    """A question with a judge of its answers.

    Parameters
    ----------
    question : str
        Markdown.
    expects : str
        What an answer is, such as "a number" or "a list of strategy names".
    judge : callable
        From an answer to `right(why)` or `wrong(why)`. What it raises on means: not such an answer.
    hints : sequence of str
        From the first nudge to nearly the answer.
    answer : str
        The solution with its reason, in Markdown.
    right, wrong : sequence
        Examples of answers that the judge must tell apart; the tests try them all.
    """

    question: str
    expects: str
    judge: Callable[[Any], Outcome]
    hints: Sequence[str]
    answer: str
    right: Sequence[Any]
    wrong: Sequence[Any]
    _shown: int = field(default=0, init=False)

    def check(self, value: Any = ...) -> Outcome:
        """Return whether `value` is right, wrong (and why), or not attempted (``...`` or None)."""
        if value is ... or value is None:
            return Outcome(f"**Not attempted yet.** Put {self.expects} in place of `...`.", "not attempted")
        try:
            return self.judge(value)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if callable(value):
                return wrong(f"The answer should be {self.expects}. Yours was tried and ended with {said}.")
            return wrong(f"The answer should be {self.expects}; {value!r} cannot be read as that ({said}).")

    def hint(self) -> Note:
        """Return the next hint, one a call."""
        if self._shown == len(self.hints):
            return Note(f"There are no more than these {len(self.hints)} hints: try `.solution()`.")
        self._shown += 1
        return Note(f"**Hint {self._shown} of {len(self.hints)}.** {self.hints[self._shown - 1]}")

    def solution(self) -> Note:
        """Return the answer with its reason."""
        return Note(f"**Solution.** {self.answer}")

    def __repr__(self) -> str:
        return self.question

    def _repr_markdown_(self) -> str:
        return f"**Exercise.** {self.question}"


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise of every notebook's module, by ``module.NAME``."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {
        f"{module}.{name}": value
        for module, content in modules.items()
        for name, value in vars(content).items()
        if isinstance(value, Exercise)
    }
