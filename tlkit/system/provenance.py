"""What computed a result: the modules of this package that it needed, and the versions of the libraries."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from tlkit.system.digests import digest

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("torch", "torchvision", "scikit-learn", "numpy")


def code(modules: Iterable[str], alone: Iterable[str] = ()) -> str:
    """Digest modules of this package with all they import of it, and the libraries' versions.

    Parameters
    ----------
    modules : iterable of str
        Dotted names; each counts with whatever it imports, directly or not.
    alone : iterable of str
        Dotted names of modules that count without what they import.
    """
    return _code(closure(modules) | frozenset(alone))


@functools.cache
def _code(modules: frozenset[str]) -> str:
    texts = {name: path.read_bytes() for name in modules if (path := _file(name))}
    return digest(texts, *(version(name) for name in LIBRARIES))


def closure(modules: Iterable[str]) -> frozenset[str]:
    """Return modules of this package and those that they import, directly or not.

    Found by reading, not by running: what a module imports by a name made up at run time is not seen, so
    that a package which finds its strategies itself does not tie each of them to all the others.
    """
    found, new = set(), set(modules)
    while new:
        found |= new
        new = set().union(*map(imported, new)) - found
    return frozenset(found)


def everything() -> frozenset[str]:
    """Return every module of this package."""
    paths = (path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return frozenset(".".join(path.parts).removesuffix(".__init__") for path in paths)


@functools.cache
def imported(module: str) -> frozenset[str]:
    """Return the modules of this package that a module imports, at its top or inside a function."""
    path = _file(module)
    tree = ast.parse(path.read_text(encoding="utf-8") if path else "")
    return frozenset(name for node in _running(tree) for name in _names(node))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below this one but for what only type checkers read."""
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING":
        children = iter(node.orelse)
    for child in children:
        yield child
        yield from _running(child)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from filter(_file, (alias.name for alias in node.names))
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield from filter(_file, [inner if _file(inner) else node.module])


def _file(module: str) -> Path | None:
    """The file of a module of this package; None for any other."""
    root, *parts = module.split(".")
    if root != PACKAGE.name:
        return None
    place = PACKAGE.joinpath(*parts)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)
