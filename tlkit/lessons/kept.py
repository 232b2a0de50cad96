"""What a learner predicted and answered: one small file of their own, and its summary."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from tlkit.errors import FileProblem
from tlkit.system.files import atomic_write

FORMAT = "tlkit progress 1"
SECTIONS = ("predictions", "exercises", "quizzes")


def place() -> Path:
    """Return where the file is: what ``TLKIT_PROGRESS`` names, else in the user's own data folder."""
    named = os.environ.get("TLKIT_PROGRESS")
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_path("tlkit", appauthor=False), "predictions.json")


def keep(section: str, name: str, facts: Mapping[str, Any]) -> None:
    """Keep facts of one prediction, exercise or quiz; what else is known of it stays.

    A file that cannot be written is told of, and stops no lesson.

    Parameters
    ----------
    section : str
        One of `SECTIONS`.
    name : str
        ``lesson.NAME``; what has none is not kept.
    facts : mapping
        Plain data.
    """
    if not name:
        return
    path = place()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            content = read()
            content[section][name] = {**content[section].get(name, {}), **facts}
            atomic_write(path, json.dumps(content, indent=1))
    except (OSError, FileProblem) as error:
        warnings.warn(f"Your answers are not kept: {error}", stacklevel=2)


def read() -> dict[str, Any]:
    """Return what is kept; a file that is damaged or not one of tlkit's is renamed, and told of."""
    path = place()
    empty: dict[str, Any] = {"format": FORMAT, **{section: {} for section in SECTIONS}}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return empty
    except ValueError:
        found = None
    if _is_ours(found):
        return {**empty, **found}
    aside = path.with_name(f"{path.stem}.{time.strftime('%Y-%m-%d_%H-%M-%S')}.aside{path.suffix}")
    os.replace(path, aside)
    warnings.warn(
        f"{path} is damaged or not a file of tlkit's: it is kept as {aside.name}, and a new one begins.",
        stacklevel=2,
    )
    return empty


def _is_ours(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and found.get("format") == FORMAT
        and all(_is_section(found.get(section, {})) for section in SECTIONS)
    )


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def summary(names: Mapping[str, Iterable[str]]) -> str:
    """Return what a learner has done so far, lesson by lesson.

    Parameters
    ----------
    names : mapping
        By section, the names of all there is in the course: ``lesson.NAME``.
    """
    content = read()
    lessons = list(dict.fromkeys(name.partition(".")[0] for each in names.values() for name in each))
    if not any(content[section] for section in SECTIONS):
        return "Nothing is kept yet: open a notebook with `tlkit lab`, and predict before you run a cell."
    rows: list[tuple[str, ...]] = [("lesson", "predictions", "exercises right", "wrong", "open", "quiz")]
    for lesson in lessons:
        own = {part: [n for n in names[part] if n.startswith(f"{lesson}.")] for part in SECTIONS}
        rows.append(_row(lesson, own, content))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, "", f"Kept in {place()}"])


def _row(lesson: str, own: Mapping[str, list[str]], content: Mapping[str, Any]) -> tuple[str, ...]:
    made = sum("predicted" in content["predictions"].get(name, {}) for name in own["predictions"])
    found = [content["exercises"].get(name, {}).get("status", "open") for name in own["exercises"]]
    quizzes = [content["quizzes"][name] for name in own["quizzes"] if name in content["quizzes"]]
    return (
        lesson,
        f"{made} of {len(own['predictions'])}",
        *(str(found.count(status)) for status in ("right", "wrong", "open")),
        ", ".join(f"{quiz['right']} of {quiz['of']}" for quiz in quizzes) or "–",
    )
