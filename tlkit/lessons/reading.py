"""Reads what a learner typed: a number as text is a number, and letters are a list of letters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tlkit.errors import did_you_mean


def number(value: Any) -> float:
    """Return a finite number, given as one or as text.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> from tlkit.lessons.reading import number
    >>> number("650"), number(0.5)
    (650.0, 0.5)
    """
    if isinstance(value, bool | list | tuple | dict | set):
        raise ValueError("one number is asked for")
    if isinstance(value, str) and value.strip().endswith("%"):
        raise ValueError("give the number without the percent sign")
    read = float(value.item() if hasattr(value, "item") else value)
    if not math.isfinite(read):
        raise ValueError("it is not finite")
    return read


def words(valid: Iterable[str]) -> Callable[[Any], list[str]]:
    """Return a reader of several of some words: a list, or one text with commas or spaces between them.

    Parameters
    ----------
    valid : iterable of str
        The words there are; capital letters make no difference. Where each is one letter, they may stand
        side by side.

    Examples
    --------
    >>> from tlkit.lessons.reading import words
    >>> words("ABCD")(["b", "D"]), words("ABCD")("B, D"), words("ABCD")("bd")
    (['B', 'D'], ['B', 'D'], ['B', 'D'])
    """
    known = {word.lower(): word for word in valid}

    def read(value: Any) -> list[str]:
        return [_known(word, known) for word in _parts(value, known)]

    return read


def _parts(value: Any, known: dict[str, str]) -> Sequence[Any]:
    if not isinstance(value, str):
        return list(value)
    text = value.strip().strip("[]()").lower()
    if text in known:
        return [text]
    if "," in text or ";" in text:
        return [part.strip(" '\"") for part in text.replace(";", ",").split(",")]
    letters = all(len(word) == 1 for word in known)
    return list(text.replace(" ", "")) if letters else text.split()


def _known(word: Any, known: dict[str, str]) -> str:
    found = known.get(str(word).strip().lower())
    if found is None:
        close = did_you_mean(str(word), known.values())
        raise ValueError(f"there is no {word!r}.{close} Valid: {', '.join(known.values())}")
    return found
