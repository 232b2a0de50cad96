"""Where names lead: the tasks, sources and builders that the domains offer, looked up only when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tlkit.errors import require_known
from tlkit.source import Source
from tlkit.task import Task

DOMAINS = ("vision",)


def _rooms(name: str) -> list[Any]:
    """The module of that name in each domain."""
    return [importlib.import_module(f"tlkit.{domain}.{name}") for domain in DOMAINS]


def load_task(name: str | Path, **params: Any) -> Task:
    """Load a target task by name or path.

    Parameters
    ----------
    name : str or path
        A name that a domain knows, a data set in the folder ``TLKIT_DATA``, or the path of your own data.
    **params
        Of the loader, such as ``size=64`` or ``factor="shape", similarity=0.8``.

    Raises
    ------
    UnknownName
        If no domain can load it.
    """
    rooms = _rooms("loaders")
    room = next((room for room in rooms if room.can_load(name)), None)
    if room is None:
        require_known("task", str(name), [known for each in rooms for known in each.names()])
    return room.load_task(name, **params)


def load_source(name: str | Path, **params: Any) -> Source:
    """Load a source by name, or from a file that ``Source.save`` wrote.

    Parameters
    ----------
    name : str or path
        Such as ``"glyphs"`` or ``"resnet18"``.
    **params
        Such as ``weights="path/to/weights.pth"``.

    Raises
    ------
    UnknownName
        If no domain can load it.
    """
    rooms = _rooms("sources")
    if not str(name).endswith(".safetensors"):
        require_known("source", str(name), [known for room in rooms for known in room.names()])
    room = next(room for room in rooms if str(name).endswith(".safetensors") or name in room.names())
    return room.load_source(str(name), **params)


def builders() -> dict[str, Callable[[], object]]:
    """What ``tlkit build`` can make again, by name."""
    return {name: build for room in _rooms("build") for name, build in room.BUILDERS.items()}
