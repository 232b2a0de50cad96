"""Where names lead: the tasks, sources and builders that the modalities offer, looked up only when asked for.

A modality is a package with the modules ``tasks`` (its `Task`), ``loaders`` (``TASKS``, ``names``,
``can_load``, ``load_task``), ``sources`` (``names``, ``load_source``) and, where something is built,
``build`` (``BUILDERS``).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tlkit.errors import BadInput, require_known
from tlkit.study.source import Source
from tlkit.study.strategy import Strategy
from tlkit.study.task import Task

MODALITIES = ("vision", "recsys")
SAVED = (".safetensors", ".json")


def _rooms(name: str) -> list[Any]:
    """The module of that name in each modality."""
    return [importlib.import_module(f"tlkit.{modality}.{name}") for modality in MODALITIES]


def load_task(name: str | Path, **params: Any) -> Task:
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
        If no modality can load it.
    BadInput
        If it is neither a name nor a path.
    """
    if not isinstance(name, str | Path):
        makers = " or ".join(f"{room.__name__}.{_task_kind(room).__name__}" for room in _rooms("tasks"))
        raise _no_name("task", name, f"Of data that you hold already, make it with {makers}.")
    rooms = _rooms("loaders")
    # A name that one modality knows is no folder of another's, whatever lies in TLKIT_DATA.
    named = [room for room in rooms if str(name) in room.TASKS]
    room = next(iter(named), None) or next((room for room in rooms if room.can_load(name)), None)
    if room is None:
        require_known("task", str(name), [known for each in rooms for known in each.names()])
    return room.load_task(name, **params)


def load_source(name: str | Path, **params: Any) -> Source:
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
    """
    if not isinstance(name, str | Path):
        raise _no_name("source", name, "Of what you have fitted already, make it with Source.from_fitted.")
    if str(name).endswith(SAVED):
        if params:
            raise BadInput(f"A saved source is what its card says: {name} takes no {', '.join(params)}.")
        return Source.load(name)
    rooms = _rooms("sources")
    require_known("source", str(name), [known for room in rooms for known in room.names()])
    room = next(room for room in rooms if str(name) in room.names())
    return room.load_source(str(name), **params)


def _no_name(kind: str, got: object, otherwise: str) -> BadInput:
    return BadInput(f"A {kind} is loaded by its name or a path; got {type(got).__name__}. {otherwise}")


def strategies() -> dict[str, dict[str, type[Strategy]]]:
    """Return every strategy, by modality and name."""
    rooms = dict(zip(MODALITIES, _rooms("tasks"), strict=True))
    return {modality: _task_kind(room).strategies() for modality, room in rooms.items()}


def _task_kind(room: Any) -> type[Task]:
    kinds = [kind for kind in vars(room).values() if isinstance(kind, type) and issubclass(kind, Task)]
    return next(kind for kind in kinds if kind is not Task)


def builders() -> dict[str, Callable[[], object]]:
    """What ``tlkit build`` can make again, by name."""
    places = [f"tlkit.{modality}.build" for modality in MODALITIES]
    rooms = [importlib.import_module(place) for place in places if importlib.util.find_spec(place)]
    return {name: build for room in rooms for name, build in room.BUILDERS.items()}
