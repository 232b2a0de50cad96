"""The parameters of a notebook: read from its tagged cell, and typed as the defaults there are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from tlkit.errors import BadInput, require_known


class Parametrised(Protocol):
    """Anything with parameters and their defaults."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The defaults by name."""


def defaults(where: str, source: str) -> Iterator[tuple[str, Any]]:
    """Yield each name that `source` assigns, with its value.

    Raises
    ------
    BadInput
        When a value is not a literal, so that its type could not be known; `where` is named.
    """
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        try:
            yield ast.unparse(target), ast.literal_eval(node.value)
        except ValueError:
            raise BadInput(
                f"In {where} the parameter {ast.unparse(target)!r} is {ast.unparse(node.value)!r}: "
                "a default has to be a literal such as 5, 'digits' or [1, 5]."
            ) from None


def assign(books: Sequence[Parametrised], given: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return, for each notebook, the given parameters it has, typed as their defaults are.

    Raises
    ------
    UnknownName
        For a parameter that none of the notebooks has.
    BadInput
        For a value that cannot be read as its default's type.
    """
    values = dict(given)
    known = dict.fromkeys(name for book in books for name in book.parameters)
    for name in values:
        require_known("parameter", name, known)
    return [
        {
            name: typed(name, values[name], default)
            for name, default in book.parameters.items()
            if name in values
        }
        for book in books
    ]


def typed(name: str, text: str, default: Any) -> Any:
    """Return `text` as the type of `default`; a list or tuple is written ``1,5,20`` or ``[1, 5, 20]``.

    Raises
    ------
    BadInput
        When it cannot be read so.
    """
    try:
        return _READERS.get(type(default), _any)(text, default)
    except (ValueError, KeyError, SyntaxError):
        raise BadInput(
            f"Parameter {name!r} takes a value of type {type(default).__name__}, such as {default!r}: "
            f"{text!r} is not one."
        ) from None


def _yes_or_no(text: str, default: bool) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _sequence(text: str, default: list | tuple) -> list | tuple:
    items = [item.strip().strip("'\"") for item in text.strip().strip("[]()").split(",")]
    like = default[0] if default else None
    return type(default)(_READERS.get(type(like), _any)(item, like) for item in items if item)


def _any(text: str, default: Any) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


_READERS: dict[type, Callable[[str, Any], Any]] = {
    bool: _yes_or_no,
    int: lambda text, default: int(text),
    float: lambda text, default: float(text),
    str: lambda text, default: text,
    list: _sequence,
    tuple: _sequence,
}
