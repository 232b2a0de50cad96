"""What each lesson asks: predictions, exercises and a quiz, one module a notebook."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, TypeVar

from tlkit.lessons import Exercise, Prediction, Quiz

T = TypeVar("T")
SECTIONS = {"predictions": Prediction, "exercises": Exercise, "quizzes": Quiz}


def all_of(kind: type[T]) -> dict[str, T]:
    """Return every exercise, prediction or quiz of the course, by ``lesson.NAME``.

    Parameters
    ----------
    kind : type
        `Exercise`, `Prediction` or `Quiz`.
    """
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(__path__):
        content = vars(importlib.import_module(f"{__name__}.{module.name}"))
        found |= {
            f"{module.name}.{name}": value for name, value in content.items() if isinstance(value, kind)
        }
    return found


def names() -> dict[str, list[str]]:
    """Return the names of all there is, by the section of `tlkit.lessons.kept` it is kept in."""
    return {section: list(all_of(kind)) for section, kind in SECTIONS.items()}
