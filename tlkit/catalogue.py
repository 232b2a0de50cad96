"""Where names lead: the tasks, sources, strategies and builders that the modalities offer."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tlkit.errors import BadInput
from tlkit.study import register
from tlkit.study.source import SUFFIXES, Source
from tlkit.study.strategy import Strategy
from tlkit.study.task import Task


def load_task(name: str | Path, /, **params: Any) -> Task:
    """Load a target task by name or path.

    Parameters
    ----------
    name : str or path
        A name that a modality knows, a data set in the folder ``TLKIT_DATA``, or the path of your own data.
    **params
        Of the loader, such as ``size=64`` or ``factor="shape", similarity=0.8``.

    Raises
    ------
    UnknownName
        If no modality can load it, or its loader has no such parameter.
    BadInput
        If it is neither a name nor a path.

    Examples
    --------
    >>> import tlkit
    >>> tlkit.load_task("digits")
    ImageTask('digits': 10 classes, 900 training and 897 test pictures, 32x32x1)
    >>> tlkit.load_task("two_shops", similarity=0.5, n_users=60, n_items=100).name
    'films at similarity 0.5'
    """
    if not isinstance(name, str | Path):
        makers = " or ".join(f"{kind.__module__}.{kind.__name__}" for kind in task_kinds())
        raise _no_name("task", name, f"Of data that you hold already, make it with {makers}.")
    return register.load_task(name, **params)


def load_source(name: str | Path, /, **params: Any) -> Source:
    """Load a source by name, or from a file that ``Source.save`` wrote.

    Parameters
    ----------
    name : str or path
        Such as ``"glyphs"`` or ``"resnet18"``. A file says itself what it is: no modality is asked.
    **params
        Such as ``weights="path/to/weights.pth"``; a file takes none.

    Raises
    ------
    UnknownName
        If no modality can load it.
    BadInput
        If parameters come with a file, or it is neither a name nor a path.

    Examples
    --------
    >>> import tlkit
    >>> tlkit.load_source("glyphs")
    Source('glyphs', convnet, 62 classes)
    """
    if not isinstance(name, str | Path):
        raise _no_name("source", name, "Of what you have fitted already, make it with Source.from_fitted.")
    if str(name).endswith(SUFFIXES):
        if params:
            raise BadInput(f"A saved source is what its card says: {name} takes no {', '.join(params)}.")
        return Source.load(name)
    return register.sources.load(name, **params)


def _no_name(kind: str, got: object, otherwise: str) -> BadInput:
    return BadInput(f"A {kind} is loaded by its name or a path; got {type(got).__name__}. {otherwise}")


def task_name(name: str) -> str:
    """Return the task's name of which this is the beginning; a whole one, or a path, as it is.

    Raises
    ------
    UnknownName
        If no task is called so, or several begin so.
    """
    return register.tasks.completed(name)


def source_name(name: str) -> str:
    """Return the source's name of which this is the beginning; a whole one, or a file, as it is.

    Raises
    ------
    UnknownName
        If no source is called so, or several begin so.
    """
    return name if name.endswith(SUFFIXES) else register.sources.completed(name)


def modality_of(module: str) -> str:
    """Return the modality that a module of tlkit's, or of another package's, belongs to."""
    rooms = [room.__name__ for room in register.modalities()]
    return next((room.rpartition(".")[2] for room in rooms if f"{module}.".startswith(f"{room}.")), module)


def strategies() -> dict[str, dict[str, type[Strategy]]]:
    """Return every strategy, by modality and name."""
    return {kind.strategy_base.modality: kind.strategies() for kind in task_kinds()}


def task_kinds() -> list[Any]:
    """Return the `Task` of each modality: whatever class names strategies that have a modality."""
    register.modalities()
    kinds = (kind for kind in register.descendants(Task) if "strategy_base" in vars(kind))
    return [kind for kind in kinds if kind.strategy_base.modality]


def builders() -> dict[str, Callable[[], object]]:
    """What ``tlkit build`` can make again, by name."""
    places = [f"{room.__name__}.build" for room in register.modalities()]
    rooms = [importlib.import_module(place) for place in places if _exists(place)]
    return {name: build for room in rooms for name, build in room.BUILDERS.items()}


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a modality of a single file has nothing below it
        return False
