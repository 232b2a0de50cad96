"""Names of tasks and sources: each is declared where it is made, and found because its module is imported."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from tlkit.errors import BadInput, by_beginning, require_known, require_params

Loader = Callable[..., Any]
Finder = Callable[[str], Loader | None]
Declared = TypeVar("Declared", bound=Loader)

PLUGINS = "tlkit.modalities"  # entry points of other packages that bring a modality
DECLARING = ("loaders", "sources")  # a modality's modules that declare names

# How what a name stands for comes here.
SHIPPED, GENERATED, DOWNLOADED = "shipped", "generated", "downloaded once"
YOURS = "your own copy, in TLKIT_DATA"  # of what may not be passed on, or is nowhere to be had


class Listed(NamedTuple):
    """What is known of names without loading what they stand for.

    Parameters
    ----------
    names : sequence of str
        One, or several of a kind.
    words, comes : str
        What it is, and how it comes here; empty where nobody said.
    module : str
        Where it is declared.
    """

    names: Sequence[str]
    words: str
    comes: str
    module: str


class Register:
    """Loaders by name, and ways to find more of them.

    Parameters
    ----------
    kind : str
        What is loaded, for errors: task, source.

    Examples
    --------
    >>> from tlkit.study.register import Register
    >>> tasks = Register("task")
    >>> @tasks.named("coins", sides=2)
    ... def toss(n, sides=6):
    ...     return f"{n} tosses of {sides} sides"
    >>> tasks.load("coins", n=3)
    '3 tosses of 2 sides'
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._loaders: dict[str, Loader] = {}
        self._finders: list[tuple[Finder, Callable[[], Iterable[str]]]] = []
        self._told: dict[Any, tuple[str, str]] = {}

    def named(
        self, name: str, words: str = "", comes: str = "", /, **settled: Any
    ) -> Callable[[Declared], Declared]:
        """Declare a function as the loader of a name, some of its parameters settled perhaps.

        Parameters
        ----------
        name : str
            What it is asked for by.
        words, comes : str
            For lists: what it is, in a few words, and how it comes here.
        **settled
            Parameters of the loader that are always so.

        Raises
        ------
        BadInput
            If another function has taken the name.
        """

        def declare(loader: Declared) -> Declared:
            owners = [_origin(each) for each in (self._loaders.get(name), loader) if each is not None]
            if len(set(owners)) > 1:
                raise BadInput(f"The {self.kind} name {name!r} is taken twice: by {' and '.join(owners)}.")
            self._loaders[name] = partial(loader, **settled) if settled else loader
            self._told[name] = words, comes
            return loader

        return declare

    def finder(
        self, names: Callable[[], Iterable[str]] = tuple, words: str = "", comes: str = ""
    ) -> Callable[[Finder], Finder]:
        """Declare a function that gives the loader of a path or of one of many names, or None.

        Parameters
        ----------
        names : callable
            Lists names that it finds, for the error that an unknown one gets.
        words, comes : str
            Of all of them, as for `named`.
        """

        def declare(find: Finder) -> Finder:
            self._finders.append((find, names))
            self._told[find] = words, comes
            return find

        return declare

    def names(self) -> list[str]:
        """Return every name there is, those that finders list last."""
        modalities()
        return [*self._loaders, *(name for _, names in self._finders for name in names())]

    def listed(self) -> list[Listed]:
        """Return what is known of every name; those that one finder lists stand together, last."""
        modalities()
        single = [
            Listed([name], *self._told.get(name, ("", "")), _module(loader))
            for name, loader in self._loaders.items()
        ]
        many = [Listed([*names()], *self._told[find], find.__module__) for find, names in self._finders]
        return [*single, *(each for each in many if each.names)]

    def completed(self, name: str | Path) -> str:
        """Return the name of which this is the beginning; a whole name, or a path, as it is.

        Raises
        ------
        UnknownName
            If nothing is called so, or several names begin so.
        """
        return str(name) if self.loader(name) else by_beginning(self.kind, str(name), self.names())

    def loader(self, name: str | Path) -> Loader | None:
        """Return what loads a name or path, or None."""
        modalities()
        # A name that one modality knows is no file of another's, whatever lies in TLKIT_DATA.
        return self._loaders.get(str(name)) or self._found(str(name))

    def load(self, name: str | Path, /, **params: Any) -> Any:
        """Load what a name or path stands for.

        Raises
        ------
        UnknownName
            If nothing is called so, or its loader has no such parameter.
        """
        loader = self.loader(name)
        if loader is None:
            require_known(self.kind, str(name), self.names())
            raise AssertionError("a finder lists a name that it does not find")
        require_params(f"{self.kind} {str(name)!r}", params, loader)
        return loader(**params)

    def _found(self, name: str) -> Loader | None:
        return next((loader for find, _ in self._finders if (loader := find(name)) is not None), None)


tasks = Register("task")
sources = Register("source")


def load_task(name: str | Path, /, budget: Sequence[int] = (), **params: Any) -> Any:
    """Load a task, which remembers how; `budget` is a number and a seed, if it was drawn."""
    task = tasks.load(name, **params)
    task.loaded_by = {"name": str(name), "params": params}
    return task.budget(*budget) if budget else task


@cache
def modalities() -> tuple[ModuleType, ...]:
    """Import every modality, so that what it declares is known.

    A modality is a package of tlkit that has a module `loaders`, or what an entry point of the group
    ``tlkit.modalities`` names in another installed package.
    """
    import tlkit

    inside = [f"tlkit.{room.name}" for room in pkgutil.iter_modules(tlkit.__path__) if room.ispkg]
    found = [name for name in inside if importlib.util.find_spec(f"{name}.loaders")]
    for name in found:
        for part in DECLARING:
            importlib.import_module(f"{name}.{part}")
    plugins = [entry.load() for entry in entry_points(group=PLUGINS)]
    return (*map(importlib.import_module, found), *plugins)


def of_modality(kind: str, part: str) -> ModuleType | None:
    """Return a modality's module of a name, such as its `sources`; None where there is none."""
    for modality in modalities():
        if modality.__name__.endswith(f".{kind}"):
            return importlib.import_module(f"{modality.__name__}.{part}")
    return None


def descendants(kind: Any) -> list[Any]:
    """Return the subclasses of a class and all of theirs: what is found because its module is imported."""
    return [found for child in kind.__subclasses__() for found in (child, *descendants(child))]


def _origin(loader: Loader) -> str:
    function = getattr(loader, "func", loader)
    return f"{function.__module__}.{function.__qualname__}"


def _module(loader: Loader) -> str:
    return getattr(loader, "func", loader).__module__
