"""Transfer learning, strategy by strategy: what a source buys on a target, with an honest error bar."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlkit.catalogue import load_source, load_task
    from tlkit.course.records import record
    from tlkit.panels.panel import panel
    from tlkit.study.callbacks import Callback, Stop
    from tlkit.study.comparing import compare, transfer
    from tlkit.study.source import Source
    from tlkit.study.strategy import Strategy
    from tlkit.study.study import Study
    from tlkit.study.task import Task
    from tlkit.study.trial import Trial

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "Source",
    "Stop",
    "Strategy",
    "Study",
    "Task",
    "Trial",
    "compare",
    "load_source",
    "load_task",
    "panel",
    "record",
    "transfer",
]

_HOMES = {
    "load_source": "catalogue",
    "load_task": "catalogue",
    "compare": "study.comparing",
    "transfer": "study.comparing",
    "panel": "panels.panel",
    "record": "course.records",
    "Source": "study.source",
    "Study": "study.study",
    "Trial": "study.trial",
    "Callback": "study.callbacks",
    "Stop": "study.callbacks",
    "Strategy": "study.strategy",
    "Task": "study.task",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, so that importing the package is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tlkit' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"tlkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
