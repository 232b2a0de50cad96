"""`tlkit doctor`: what this machine has for tlkit, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from tlkit import __version__
from tlkit.course.publish import find_chromium
from tlkit.errors import FileProblem, TlkitError
from tlkit.system import files

OPTIONAL = ("lab", "test")
GIGABYTE = 2**30


def facts() -> dict[str, str]:
    """Return what this machine has, by name, in words."""
    import psutil

    memory = psutil.virtual_memory()
    return {
        "tlkit": __version__,
        "system": platform.platform(),
        **_computing(),
        "cores": f"{os.cpu_count()}",
        "memory": f"{memory.total / GIGABYTE:.1f} GB, {memory.available / GIGABYTE:.1f} GB free",
        "cache folder": _cache(),
        "TLKIT_DATA": os.pathsep.join(map(str, files.data_dirs())) or "not set, or no such folder",
        "Chromium": find_chromium() or "not found",
        "shipped files": _shipped(),
        **{name: version(name) for name in [*_required(), *_required("lab")] if _installed(name)},
    }


def advice() -> list[str]:
    """Return what is missing and how to get it, one sentence each."""
    return [*_missing_packages(), *_missing_programs(), *damaged_files()]


def report() -> str:
    """Return all of it, ready to print."""
    found = facts()
    width = max(map(len, found))
    lines = [f"{name:{width}}  {value}" for name, value in found.items()]
    missing = advice() or ["Nothing is missing."]
    return "\n".join([*lines, "", *missing])


def damaged_files() -> list[str]:
    """Return a message for each shipped source that is not what its card says."""
    problems = []
    for card in _cards():
        try:
            files.verify(
                card.with_suffix(".safetensors"), json.loads(card.read_text(encoding="utf-8"))["sha256"]
            )
        except (FileProblem, FileNotFoundError) as problem:
            problems.append(f"{card.stem}: {problem}")
    return problems


def _computing() -> dict[str, str]:
    from tlkit.system import compute

    try:
        return compute.describe()
    except TlkitError as problem:
        return {"device": str(problem)}


def _cards() -> list[Path]:
    try:
        folder = files.shipped("")
    except FileProblem:
        return []
    return sorted(folder.glob("sources/*.json"))


def _shipped() -> str:
    total, damaged = len(_cards()), len(damaged_files())
    return f"{total - damaged} of {total} sources verified"


def _cache() -> str:
    try:
        folder = files.cache_dir()
    except FileProblem as problem:
        return str(problem)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{folder} ({size / 2**20:.0f} MB, writable)"


def _required(extra: str = "") -> Iterator[str]:
    """The packages that tlkit itself needs, or those of an extra."""
    for requirement in requires("tlkit") or ():
        name, _, condition = requirement.partition(";")
        if (f'"{extra}"' in condition.replace("'", '"')) if extra else not condition:
            yield re.split(r"[^\w.-]", name, maxsplit=1)[0]


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _missing_packages() -> Iterator[str]:
    for extra in OPTIONAL:
        missing = [name for name in _required(extra) if not _installed(name)]
        if missing:
            yield f'Missing for {extra}: {", ".join(missing)}. python -m pip install -e ".[{extra}]"'


def _missing_programs() -> Iterator[str]:
    if find_chromium() is None:
        yield (
            "No Chromium, for browser tests and for `tlkit build notebooks`: install it "
            "(Debian: apt-get install chromium), or set BROWSER_PATH."
        )
    if not files.data_dirs():
        yield "TLKIT_DATA names no folder: set it to one with copies of data and weights, to save downloads."
