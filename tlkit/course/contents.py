"""What the exercises module of a lesson holds, found by the notebook's topic."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

from tlkit.course.notebooks import Notebook

_PREDICTIONS = ("Number", "Choice", "Order", "Curve")


def exercises_of(book: Notebook) -> dict[str, Any]:
    """Return a lesson's exercises by name, in their order; none for a notebook without a module of them."""
    return _held(book, ("Exercise",))


def predictions_of(book: Notebook) -> dict[str, Any]:
    """Return a lesson's predictions by name, in their order."""
    return _held(book, _PREDICTIONS)


def quiz_of(book: Notebook) -> Any | None:
    """Return a lesson's recall quiz, or None."""
    return next(iter(_held(book, ("Quiz",)).values()), None)


def runs_a_study(exercise: Any) -> bool:
    """Whether an answer to an exercise is tried in a study on draws that the learner does not see."""
    return False


def module_of(book: Notebook) -> ModuleType | None:
    """Return the module of a notebook's exercises, or None."""
    name = f"tlkit.exercises.{book.topic}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def _held(book: Notebook, kinds: tuple[str, ...]) -> dict[str, Any]:
    content = vars(module_of(book) or object)
    return {name: value for name, value in content.items() if type(value).__name__ in kinds}
