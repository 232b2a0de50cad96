"""A stable fingerprint of nested values, for cache keys."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable

import numpy as np

from tlkit.errors import BadInput

Chunk = bytes | memoryview


def digest(*parts: object) -> str:
    """Return a SHA-256 (hexadecimal) of nested text, numbers, bytes, arrays, lists, dicts, fingerprints.

    The same on every machine and in every process; the order of a dict's or set's entries does not matter.

    Raises
    ------
    BadInput
        If a part is of a type without a stable content.
    """
    hasher = hashlib.sha256()
    for chunk in _encode(list(parts)):
        hasher.update(chunk)
    return hasher.hexdigest()


def _framed(tag: str, payload: bytes) -> bytes:
    """Tag and length keep ("a", "bc") apart from ("ab", "c"), and 1 from "1"."""
    return f"{tag}{len(payload)}:".encode() + payload


@functools.singledispatch
def _encode(value: object) -> Iterable[Chunk]:
    if isinstance(known := getattr(value, "fingerprint", None), str):
        return _encode(["fingerprint", known])
    raise BadInput(f"A {type(value).__name__} has no stable content to make a cache key from.")


@_encode.register(type(None))
@_encode.register(bool)
@_encode.register(int)
@_encode.register(float)
def _(value: object) -> Iterable[Chunk]:
    yield _framed(type(value).__name__, repr(value).encode())


@_encode.register(str)
@_encode.register(os.PathLike)
def _(value: object) -> Iterable[Chunk]:
    yield _framed("str", str(value).encode())


@_encode.register(bytes)
def _(value: bytes) -> Iterable[Chunk]:
    yield _framed("bytes", value)


@_encode.register(np.generic)
def _(value: np.generic) -> Iterable[Chunk]:
    return _encode(value.item())


@_encode.register(np.ndarray)
def _(value: np.ndarray) -> Iterable[Chunk]:
    if value.dtype.hasobject:
        yield from _encode(value.tolist())
        return
    yield _framed("array", f"{value.dtype.str}{value.shape}".encode())
    yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data


@_encode.register(list)
@_encode.register(tuple)
def _(value: list | tuple) -> Iterable[Chunk]:
    yield _framed("list", str(len(value)).encode())
    for item in value:
        yield from _encode(item)


@_encode.register(dict)
def _(value: dict) -> Iterable[Chunk]:
    yield _framed("dict", str(len(value)).encode())
    for key in sorted(value, key=str):
        yield from _encode([key, value[key]])


@_encode.register(set)
@_encode.register(frozenset)
def _(value: set | frozenset) -> Iterable[Chunk]:
    return _encode(["set", *sorted(value, key=str)])
