"""What the benchmarks share: contestants measured in turns, and tables for the README."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
import torch

from tlkit.system import compute

PACKAGES = (
    "torch", "torchvision", "scikit-learn", "numpy", "skorch", "fastai", "implicit", "scikit-surprise"
)  # fmt: skip


class ProcessorWatch:
    """Context manager whose `seconds` is the time that the processor spent on this process inside."""

    def __enter__(self) -> ProcessorWatch:
        self._start = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.process_time() - self._start


def in_turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int, of_processor: bool = False
) -> pd.DataFrame:
    """Time contestants in turns, so that what else the machine does meets them all alike.

    Parameters
    ----------
    contestants : mapping of str to callable
        What to time.
    rounds : int
        How often each runs, after a run untimed; every round starts with another one.
    of_processor : bool
        Count the processor's seconds and not the clock's: for one thread, on a machine that does other work.

    Returns
    -------
    DataFrame
        Seconds, one row a round and one column a contestant.
    """
    watch = ProcessorWatch if of_processor else compute.Stopwatch
    names = list(contestants)
    for name in names:
        contestants[name]()
    rows = []
    for turn in range(rounds):
        shift = turn % len(names)
        rows.append({name: _seconds(contestants[name], watch) for name in names[shift:] + names[:shift]})
    return pd.DataFrame(rows)[names]


def _seconds(work: Callable[[], object], watch: type[compute.Stopwatch | ProcessorWatch]) -> float:
    with watch() as spent:
        work()
    return spent.seconds


def speed_against(seconds: pd.DataFrame, ours: str, rival: str) -> str:
    """Write the ratio of the medians, in brackets that of the smallest and of the largest round."""
    rounds = seconds[rival] / seconds[ours]
    ratio = seconds[rival].median() / seconds[ours].median()
    return f"{ratio:.2f} ({rounds.min():.2f} to {rounds.max():.2f})"


def speeds(seconds: pd.DataFrame, reference: str, of: str) -> pd.DataFrame:
    """Tabulate median seconds and the speed of `reference` as a multiple of each contestant's.

    The multiple is taken within each round; its median is shown with the smallest and largest round.
    """
    multiples = seconds.div(seconds[reference], axis=0)
    ends = zip(multiples.min(), multiples.max(), strict=True)
    return pd.DataFrame(
        {
            of: seconds.columns,
            "seconds": [f"{value:.2f}" for value in seconds.median()],
            f"speed of {reference} against it": [f"{value:.2f}" for value in multiples.median()],
            "rounds": [f"{low:.2f} to {high:.2f}" for low, high in ends],
        }
    )


def markdown(table: pd.DataFrame) -> str:
    """Write a table as Markdown."""
    rows = [table.columns.astype(str), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def show(title: str, table: pd.DataFrame, *notes: str) -> None:
    """Print a table ready for the README: title, machine, rows, notes."""
    print("\n".join([f"### {title}", machine(), "", markdown(table), "", *notes]), flush=True)


def machine() -> str:
    """Name processor, cores, card and versions in a line."""
    card = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    cores = f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} torch threads{card}"
    return f"{cores}; Python {platform.python_version()}, {', '.join(filter(None, map(_version, PACKAGES)))}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _version(package: str) -> str | None:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None


@contextmanager
def cold_cache() -> Iterator[None]:
    """Give tlkit an empty cache folder inside the block."""
    before = os.environ.get("TLKIT_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TLKIT_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("TLKIT_CACHE")
            if before is not None:
                os.environ["TLKIT_CACHE"] = before
