"""Five questions at the end of a lesson: what is recalled stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tlkit.errors import BadInput
from tlkit.lessons import asking, kept
from tlkit.lessons.notes import Note, Outcome, name_of, right, show, wrong


@dataclass(frozen=True)
class Question:
    """A question with options, one of which is right.

    Parameters
    ----------
    text : str
        The question.
    options : sequence of str
        What can be answered.
    answer : str
        The right one of the options.
    why : str
        The reason, shown after any answer.

    Raises
    ------
    BadInput
        If the answer is not one of the options.
    """

    text: str
    options: Sequence[str]
    answer: str
    why: str

    def __post_init__(self) -> None:
        if self.answer not in self.options:
            raise BadInput(f"The answer {self.answer!r} is not an option: {', '.join(self.options)}.")

    def judge(self, answer: str | None) -> Outcome:
        """Return whether an option is right, with the reason."""
        if answer is None:
            return Outcome("**No answer yet.**", "not attempted")
        return (right if answer == self.answer else wrong)(self.why)


class Quiz:
    """Questions that are answered in a widget, or by code.

    Parameters
    ----------
    *questions : Question
        In their order.

    Examples
    --------
    >>> from tlkit.lessons import Question, Quiz
    >>> quiz = Quiz(Question("What moves?", ["the head", "the backbone"], "the backbone", "The head is new."))
    >>> quiz.check(["the backbone"])
    **1 of 1 right.**
    <BLANKLINE>
    1. **Right.** The head is new.
    """

    def __init__(self, *questions: Question):
        self.questions = questions

    @property
    def name(self) -> str:
        """``lesson.NAME``, or nothing outside the course."""
        return name_of(self)

    def check(self, answers: Sequence[Any]) -> Note:
        """Show for each answer whether it is right, and why.

        Parameters
        ----------
        answers : sequence
            For each question the option, its number from 1, or None.

        Raises
        ------
        BadInput
            If there is not one for each question, or one is no option.
        """
        outcomes = self.judged(answers)
        score = sum(outcome.status == "right" for outcome in outcomes)
        lines = "\n".join(f"{i}. {outcome.text}" for i, outcome in enumerate(outcomes, start=1))
        facts = {"kind": "quiz", "name": self.name, "right": score, "of": len(outcomes)}
        return show(Note(f"**{score} of {len(outcomes)} right.**\n\n{lines}"), facts)

    def judged(self, answers: Sequence[Any]) -> list[Outcome]:
        """Return an outcome for each question, and keep the score."""
        if isinstance(answers, str) or len(answers) != len(self.questions):
            raise BadInput(f"This quiz takes {len(self.questions)} answers, one for each question.")
        outcomes = [
            question.judge(_option(question, answer))
            for question, answer in zip(self.questions, answers, strict=True)
        ]
        score = sum(outcome.status == "right" for outcome in outcomes)
        kept.keep("quizzes", self.name, {"right": score, "of": len(outcomes)})
        return outcomes

    def __repr__(self) -> str:
        return "\n\n".join(
            "\n".join(
                [
                    f"{i}. {question.text}",
                    *(f"   {j}) {option}" for j, option in enumerate(question.options, 1)),
                ]
            )
            for i, question in enumerate(self.questions, start=1)
        )

    def _show_so_far(self) -> None:
        """Show an earlier score: a click leaves nothing in the notebook, and a teacher reads only that."""
        score = kept.read()["quizzes"].get(self.name)
        if score:
            right, of = score.get("right"), score.get("of")
            facts = {"kind": "quiz", "name": self.name, "right": right, "of": of}
            show(Note(f"Earlier you had {right} of {of} right."), facts)

    def _ipython_display_(self) -> None:
        if asking.available():
            asking.ask_all({question.text: question.options for question in self.questions}, self.judged)
            self._show_so_far()
        else:
            show(Note(f"{self!r}\n\nTo answer by code: `.check([...])`."))


def _option(question: Question, answer: Any) -> str | None:
    if answer is None or answer is ...:
        return None
    if isinstance(answer, int) and 1 <= answer <= len(question.options):
        return question.options[answer - 1]
    if answer in question.options:
        return answer
    raise BadInput(f"{answer!r} is no option of {question.text!r}: {', '.join(question.options)}.")
