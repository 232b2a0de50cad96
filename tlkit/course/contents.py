"""What the exercises module of a lesson holds, found by the notebook's topic."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import TypeVar

from tlkit.course.notebooks import Notebook
from tlkit.lessons import Exercise, Prediction, Quiz

T = TypeVar("T")


def exercises_of(book: Notebook) -> dict[str, Exercise]:
    """Return a lesson's exercises by name, in their order; none for a notebook without a module of them."""
    return _held(book, Exercise)


def predictions_of(book: Notebook) -> dict[str, Prediction]:
    """Return a lesson's predictions by name, in their order."""
    return _held(book, Prediction)


def quiz_of(book: Notebook) -> Quiz | None:
    """Return a lesson's recall quiz, or None."""
    return next(iter(_held(book, Quiz).values()), None)


def module_of(book: Notebook) -> ModuleType | None:
    """Return the module of a notebook's exercises, or None."""
    name = f"tlkit.exercises.{book.topic}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def _held(book: Notebook, kind: type[T]) -> dict[str, T]:
    content = vars(module_of(book) or object)
    return {name: value for name, value in content.items() if isinstance(value, kind)}
