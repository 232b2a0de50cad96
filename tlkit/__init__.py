"""Transfer learning, strategy by strategy: what a source buys on a target, with an honest error bar."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlkit.catalogue import load_source, load_task
    from tlkit.comparing import compare, transfer
    from tlkit.panels import panel
    from tlkit.records import record
    from tlkit.source import Source
    from tlkit.study import Study
    from tlkit.task import Callback, Stop, Strategy, Task
    from tlkit.trial import Trial

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
    "compare": "comparing",
    "transfer": "comparing",
    "panel": "panels",
    "record": "records",
    "Source": "source",
    "Study": "study",
    "Trial": "trial",
    "Callback": "task",
    "Stop": "task",
    "Strategy": "task",
    "Task": "task",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, so that importing the package is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tlkit' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"tlkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
