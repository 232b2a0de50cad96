"""Finished trials on disk, keyed by everything that decides their outcome."""

from __future__ import annotations

import functools
import inspect
import json
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

import joblib
from sklearn.base import BaseEstimator

from tlkit.study import register
from tlkit.study.source import Source, Sources
from tlkit.study.strategy import Strategy
from tlkit.study.task import Task
from tlkit.study.trial import Trial
from tlkit.system import compute, files, provenance

OWN = __name__.split(".")[0]
# Code that changes with a version only, which the key has.
LIBRARIES = {"numpy", "pandas", "scipy", "sklearn", "torch", "torchvision", *sys.stdlib_module_names}
# They draw, seed, fit and score; what they import besides makes tables and figures of the outcome.
RUNNERS = tuple(f"tlkit.study.{name}" for name in ("attempt", "forgetting", "planning", "recording"))


def key(estimator: BaseEstimator, task: Task, budget: int | None, seed: int, curves: bool = False) -> str:
    """Return the name under which a trial is stored.

    It covers the strategy's code and parameters, the source's weights, the task's data, the draw, and
    the modules, libraries and device that compute it. Code that cannot be read gets a name of its own
    each time: such a trial is never mistaken for another.
    """
    return files.digest(
        identity(estimator),
        task.fingerprint,
        "all" if budget is None else budget,
        seed,
        provenance.code(_modules(estimator, task), alone=RUNNERS),
        compute.choose_device().type,
        compute.training_threads(),
        *(["curves"] if curves else []),
    )


def load(name: str) -> Trial | None:
    """Return the stored trial of that name, or None; a file that is not as it was stored counts as none."""
    try:
        content = json.loads(path(name).read_text(encoding="utf-8"))
        whole = isinstance(content, dict) and content.pop("digest", None) == _digest(name, content)
        return Trial.from_dict(content) if whole else None
    except (OSError, ValueError, RecursionError):
        return None


def store(name: str, trial: Trial) -> None:
    """Store a trial under its name.

    Raises
    ------
    FileProblem
        If the disk is full or the cache folder cannot be written.
    """
    files.cache_dir()
    content = trial.to_dict()
    files.atomic_write(path(name), json.dumps(content | {"digest": _digest(name, content)}))


def path(name: str) -> Path:
    """Return where a trial of that name is stored."""
    return files.cache_place() / "trials" / name[:2] / f"{name}.json"


def _digest(name: str, content: dict[str, Any]) -> str:
    """What tells a damaged file, or another's, from the one that was stored."""
    return files.digest(name, json.dumps(content))


def identity(value: Any) -> Any:
    """Describe an estimator or a parameter by what decides its effect."""
    if isinstance(value, Source | Sources | Task):
        return value.fingerprint
    if isinstance(value, BaseEstimator):
        params = value.identity() if isinstance(value, Strategy) else value.get_params(deep=False)
        params = {name: identity(each) for name, each in params.items() if name != "random_state"}
        return [type(value).__qualname__, _class_code(type(value)), params]
    if isinstance(value, functools.partial):
        return [identity(value.func), identity(value.args), identity(value.keywords)]
    if isinstance(value, FunctionType):
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        return [value.__qualname__, _source_text(value), identity([value.__defaults__, held])]
    if isinstance(value, dict):
        return {str(name): identity(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [identity(each) for each in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else joblib.hash(value)


def _modules(*values: Any) -> frozenset[str]:
    """The modules that wrote values and what they hold; every one where a user's code takes part."""
    homes, seen, todo = set(), set(), list(values)
    while todo:
        value = todo.pop()
        if id(value) not in seen:
            seen.add(id(value))
            homes |= {str(kind.__module__) for kind in _written(value)}
            todo += _held(value)
    homes = {home for home in homes if home.split(".")[0] not in LIBRARIES}
    own = all(home.split(".")[0] == OWN for home in homes)
    return frozenset(homes) if own else provenance.everything()


def _written(value: Any) -> Iterable[Any]:
    """A function itself, or the classes of a value."""
    if isinstance(value, type):
        return value.__mro__
    return [value] if hasattr(value, "__qualname__") else type(value).__mro__


def _held(value: Any) -> list[Any]:
    if isinstance(value, Source) and value.card.task:
        return [*value.__getstate__().values(), register.tasks.loader(value.card.task["name"])]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, BaseEstimator):
        return list(value.get_params(deep=False).values())
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple)):
        return list(value)
    ours = type(value).__module__.split(".")[0] == OWN
    return list(getattr(value, "__dict__", {}).values()) if ours else []


def _class_code(kind: type) -> list[str]:
    """The code that a user wrote for a class and its bases; libraries go by version."""
    own = [
        each
        for each in kind.__mro__
        if each.__module__.split(".")[0] not in {OWN, "sklearn", "builtins", "abc"}
    ]
    return [kind.__module__, *map(_source_text, own)]


def _source_text(written: Any) -> str:
    module = inspect.getmodule(written)
    try:
        return inspect.getsource(module if module and getattr(module, "__file__", None) else written)
    except (OSError, TypeError):
        return uuid.uuid4().hex
