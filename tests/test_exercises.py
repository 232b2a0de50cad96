"""Exercises tell right from wrong from not attempted, and every one of the course is tried."""

from __future__ import annotations

import importlib

import pytest

from tlkit.course import notebooks
from tlkit.exercises import all_of
from tlkit.lessons import Exercise, Outcome, right, wrong

EXERCISES = all_of(Exercise)


@pytest.fixture
def exercise():
    return Exercise(
        question="How much is 2 + 2?",
        expects="a number",
        judge=lambda value: (
            right("Two and two.") if abs(value - 4) < 0.1 else wrong(f"{value} is not the sum.")
        ),
        hints=["Count.", "It is even."],
        answer="`4`",
        right=[4, 4.0],
        wrong=[5],
    )


def test_a_check_has_three_outcomes_with_their_reasons(exercise):
    assert exercise.check(4) == Outcome("**Right.** Two and two.", "right")
    assert exercise.check(5) == Outcome("**Not yet.** 5 is not the sum.", "wrong")
    for nothing in (..., None):
        assert exercise.check(nothing).status == "not attempted"
        assert "Put a number in place of `...`" in repr(exercise.check(nothing))
    assert exercise.check().status == "not attempted"


def test_an_answer_of_another_kind_is_wrong_and_says_what_is_expected(exercise):
    outcome = exercise.check("four")
    assert outcome.status == "wrong"
    assert "should be a number; 'four' cannot be read as that" in outcome.text


def test_a_function_that_breaks_is_told_with_what():
    tried = Exercise(
        "Add one.", "a function", lambda add: right("") if add(1) == 2 else wrong(""), (), "", (), ()
    )
    text = tried.check(lambda number: number + "1").text
    assert "should be a function. Yours was tried and ended with TypeError: unsupported operand" in text


def test_hints_come_one_by_one_and_end(exercise):
    said = [repr(exercise.hint()) for _ in range(4)]
    assert said[:2] == ["**Hint 1 of 2.** Count.", "**Hint 2 of 2.** It is even."]
    assert said[2] == said[3] == "There are no more than these 2 hints: try `.solution()`."


def test_everything_shows_as_markdown_in_a_notebook_and_as_text_elsewhere(exercise):
    assert exercise._repr_markdown_() == "**Exercise.** How much is 2 + 2?"
    assert repr(exercise) == "How much is 2 + 2?"
    assert exercise.solution()._repr_markdown_() == repr(exercise.solution()) == "**Solution.** `4`"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if exercise.runs_study else name
        for name, exercise in EXERCISES.items()
    ],
)
def test_every_exercise_of_the_course_judges_its_examples(name):
    exercise = EXERCISES[name]
    assert exercise.hints
    assert exercise.right
    assert exercise.wrong
    for answer in exercise.right:
        assert exercise.check(answer).status == "right", exercise.check(answer)
    for answer in exercise.wrong:
        outcome = exercise.check(answer)
        assert outcome.status == "wrong", f"{answer!r} passes for right"
        assert "cannot be read" not in outcome.text or not isinstance(answer, type(exercise.right[0]))
    assert exercise.check(...).status == "not attempted"


@pytest.mark.parametrize("book", notebooks.notebooks(), ids=lambda book: book.name)
def test_every_notebook_has_exercises_of_its_own_and_uses_them(book):
    topic = book.name.partition("_")[2]
    module = importlib.import_module(f"tlkit.exercises.{topic}")
    own = [name for name, value in vars(module).items() if isinstance(value, Exercise)]
    code = "\n".join(book.cells)
    assert len(own) >= 2
    for name in own:
        for use in ("check(", "hint(", "solution("):
            assert f"{name}.{use}" in code
