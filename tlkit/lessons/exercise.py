"""Exercises that answer back: check a value, ask for hints one by one, see the solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlkit.lessons import kept
from tlkit.lessons.notes import Note, Outcome, name_of, show, wrong


def _as_it_is(answer: Any) -> Any:
    return answer


@dataclass(repr=False, eq=False)
class Exercise:
    """A question with a judge of its answers.

    Its check, hints and solution show themselves, wherever in a cell they stand.

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
    reads : callable, optional
        Makes of what was typed what the judge takes (`tlkit.lessons.reading`).
    runs_study : bool
        Whether the judge runs a study on draws that the learner does not see.
    """

    question: str
    expects: str
    judge: Callable[[Any], Outcome]
    hints: Sequence[str]
    answer: str
    right: Sequence[Any]
    wrong: Sequence[Any]
    reads: Callable[[Any], Any] = _as_it_is
    runs_study: bool = False
    _hints_shown: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """``lesson.NAME``, or nothing outside the course."""
        return name_of(self)

    def check(self, value: Any = ...) -> Outcome:
        """Show and return whether `value` is right, wrong (and why), or not attempted (``...`` or None)."""
        outcome = self.judged(value)
        if outcome.status != "not attempted":
            kept.keep("exercises", self.name, {"status": outcome.status})
        return show(outcome, {"kind": "exercise", "name": self.name, "status": outcome.status})

    def hint(self) -> Note:
        """Show the next hint, one a call."""
        if self._hints_shown == len(self.hints):
            return show(Note(f"There are no more than these {len(self.hints)} hints: try `.solution()`."))
        self._hints_shown += 1
        said = self.hints[self._hints_shown - 1]
        return show(Note(f"**Hint {self._hints_shown} of {len(self.hints)}.** {said}"))

    def solution(self) -> Note:
        """Show the answer with its reason."""
        return show(Note(f"**Solution.** {self.answer}"))

    def __repr__(self) -> str:
        return self.question

    def _repr_markdown_(self) -> str:
        return f"**Exercise.** {self.question}"

    def judged(self, value: Any) -> Outcome:
        """Return what `check` would, and neither show nor keep it."""
        if value is ... or value is None:
            return Outcome(f"**Not attempted yet.** Put {self.expects} in place of `...`.", "not attempted")
        try:
            answer = self.reads(value)
        except (TypeError, ValueError) as error:
            return wrong(f"The answer should be {self.expects}; got {value!r}: {error}.")
        try:
            return self.judge(answer)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if callable(value):
                return wrong(f"The answer should be {self.expects}. Yours was tried and ended with {said}.")
            return wrong(f"The answer should be {self.expects}; {value!r} cannot be read as that ({said}).")
