"""Errors a learner can act on: each message says what was wrong, what is valid, and what to do."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple


class TlkitError(Exception):
    """Base of every error that tlkit raises on purpose."""


class BadInput(TlkitError, ValueError):
    """Data or an argument that cannot be used."""


class UnknownName(BadInput):
    """A name that is not among the valid ones."""


class FileProblem(TlkitError, OSError):
    """A file that is missing, damaged, or cannot be written or downloaded."""


class DeviceProblem(TlkitError, RuntimeError):
    """A device that was asked for and is absent, or is out of memory."""


class TrainingProblem(TlkitError, RuntimeError):
    """Training that cannot go on, such as a loss that is not a number."""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest valid name, or an empty string.

    Parameters
    ----------
    name : str
        What was asked for.
    valid : iterable of str
        What could have been.
    """
    lowered = {candidate.lower(): candidate for candidate in valid}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    return f" Did you mean {lowered[close[0]]!r}?" if close else ""


def first_few(values: Collection[object], most: int) -> str:
    """List the first of some values for a message, with dots where there are more."""
    return ", ".join(map(str, list(values)[:most])) + (", ..." if len(values) > most else "")


def require_known(kind: str, name: str, valid: Iterable[str]) -> str:
    """Return `name` if it is valid.

    Raises
    ------
    UnknownName
        Otherwise, with the closest match and the full list.
    """
    names = [str(candidate) for candidate in valid]
    if name in names:
        return name
    raise UnknownName(f"There is no {kind} {name!r}.{did_you_mean(name, names)} Valid: {', '.join(names)}.")


def by_beginning(kind: str, name: str, valid: Iterable[str] | Mapping[str, str]) -> str:
    """Return the valid name of which `name` is the beginning; a whole one wins over longer ones.

    Parameters
    ----------
    kind, name : str
        As for `require_known`.
    valid : iterable of str, or mapping of str to str
        What may be said; a mapping says what is meant by it.

    Raises
    ------
    UnknownName
        If none begins so, or several, which are named.

    Examples
    --------
    >>> from tlkit.errors import by_beginning
    >>> by_beginning("task", "digi", ["digits", "glyphs"])
    'digits'
    """
    meant = valid if isinstance(valid, Mapping) else {each: each for each in valid}
    if name in meant:
        return meant[name]
    begun = list(dict.fromkeys(full for said, full in meant.items() if name and said.startswith(name)))
    if len(begun) > 1:
        raise UnknownName(f"Several names begin with {name!r}: {', '.join(begun)}. Write more of the one.")
    return begun[0] if begun else require_known(kind, name, dict.fromkeys(meant.values()))


def require_params(owner: str, params: Iterable[str], function: Callable[..., object]) -> None:
    """Refuse parameters that a function does not take, or that a `functools.partial` has settled.

    Of a function that takes any, what is not settled is its own to check.

    Raises
    ------
    UnknownName
        With the closest match and the full list.
    """
    settled = getattr(function, "keywords", {})
    valid = inspect.signature(function).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in valid.values())
    for param in params:
        if param in settled:
            raise UnknownName(f"The {param} of {owner} is always {settled[param]!r}: leave it out.")
        free = [name for name in valid if name not in settled]
        if not free:
            raise UnknownName(f"There are no parameters of {owner}: leave {param!r} out.")
        if not takes_any:
            require_known(f"parameter of {owner}", param, free)


class Limit(NamedTuple):
    """What a number may be.

    Parameters
    ----------
    words : str
        For the message.
    holds : callable
        Tells of a finite number whether it may be so.
    """

    words: str
    holds: Callable[[Any], bool]


def whole(least: int, most: float = math.inf) -> Limit:
    """Limit to whole numbers from `least` to `most`."""
    end = " or more" if most == math.inf else f" to {most:,}"
    return Limit(
        f"a whole number, {least}{end}", lambda n: isinstance(n, Integral) and least <= int(n) <= most
    )


def at_least(least: float) -> Limit:
    """Limit to numbers from `least` on."""
    return Limit(f"a number, {least:g} or more", lambda x: x >= least)


ABOVE_0 = Limit("a number above 0", lambda x: x > 0)
BELOW_1 = Limit("a number from 0 to below 1", lambda x: 0 <= x < 1)


def require_number(name: str, value: object, limit: Limit) -> None:
    """Refuse what is no finite number within a limit.

    Raises
    ------
    BadInput
        With what the value may be.
    """
    # A whole number beyond the floats has no math.isfinite.
    number = isinstance(value, Integral) or (isinstance(value, Real) and math.isfinite(value))
    if isinstance(value, bool) or not number or not limit.holds(value):
        raise BadInput(f"{name} is {limit.words}; got {value!r}.")
