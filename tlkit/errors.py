"""Errors a learner can act on: each message says what was wrong, what is valid, and what to do."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable


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


def require_params(owner: str, params: Iterable[str], function: Callable[..., object]) -> None:
    """Refuse parameters that a function does not take; one that takes any checks them itself.

    Raises
    ------
    UnknownName
        With the closest match and the full list.
    """
    valid = inspect.signature(function).parameters
    if not any(each.kind is each.VAR_KEYWORD for each in valid.values()):
        for param in params:
            require_known(f"parameter of {owner}", param, valid)
