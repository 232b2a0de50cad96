"""One learner's notebook run again: in a scratch folder, under limits, and never the file itself."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlkit.course import handed_in, running
from tlkit.course.execution import Kernels
from tlkit.course.gradebook import one_line
from tlkit.system.files import atomic_write

TEN_MINUTES = 600  # seconds: a lesson takes one


@dataclass(frozen=True)
class Limits:
    """Seconds that a cell and a notebook may take."""

    cell: int = running.AN_HOUR
    notebook: int = TEN_MINUTES


@dataclass(frozen=True)
class Rerun:
    """How a notebook ended: `status` is graded, failed, timed out or interrupted; `problem` is one line."""

    notebook: dict[str, Any]
    status: str
    problem: str


class LearnersKernels(Kernels):
    """Kernels that find nothing kept of the teacher's, and know whether time ended them."""

    def __init__(self, threads: int, limits: Limits):
        super().__init__(threads, limits.cell)
        self.late = False

    def end_late(self) -> None:
        """End every kernel, as time is over."""
        self.late = True
        self.end()


def rerun(notebook: dict[str, Any], kernels: LearnersKernels, limits: Limits, kept: Path) -> Rerun:
    """Run a copy of a notebook, and write it to `kept` as far as it came."""
    import nbformat

    with tempfile.TemporaryDirectory(prefix="tlkit-grade-", ignore_cleanup_errors=True) as scratch:
        given, executed = Path(scratch, "given.ipynb"), Path(scratch, "executed.ipynb")
        place = Path(scratch, "place")
        place.mkdir()
        kernels.environment["TLKIT_PROGRESS"] = str(Path(scratch, "progress.json"))
        nbformat.write(handed_in.without_outputs(notebook), given)
        status, problem = _execute(given, executed, place, kernels, limits)
        if not executed.exists():
            return Rerun({"cells": []}, status, problem)
        atomic_write(kept, executed.read_bytes())
        return Rerun(nbformat.read(executed, as_version=4), status, problem)


def _execute(
    given: Path, executed: Path, place: Path, kernels: LearnersKernels, limits: Limits
) -> tuple[str, str]:
    from papermill import execute_notebook

    from tlkit.course import capped

    started: list[Any] = []
    # A cell's own limit is held by an event loop that a flood of output keeps busy; this one is not.
    watch = threading.Timer(limits.notebook, kernels.end_late)
    watch.daemon = True
    watch.start()
    try:
        execute_notebook(
            given,
            executed,
            language="python",
            progress_bar=False,
            engine_name=capped.ENGINE,
            resources={"metadata": {"path": str(place)}},
            execution_timeout=limits.cell,
            store_widget_state=False,
            **kernels.options(),
            on_cell_execute=lambda cell, cell_index: started.append(cell),
        )
    except Exception as error:
        return _ending(error, f"cell [{len(started)}]", kernels, limits)
    finally:
        watch.cancel()
    return "graded", ""


def _ending(error: Exception, where: str, kernels: LearnersKernels, limits: Limits) -> tuple[str, str]:
    from nbclient.exceptions import CellTimeoutError

    if kernels.late:
        return "timed out", f"{where} was running when the notebook's {limits.notebook} s were over"
    if kernels.ended:
        return "interrupted", ""
    if isinstance(error, CellTimeoutError):
        return "timed out", f"{where} ran for more than {limits.cell} s"
    told = running.explained(error, {})
    return "failed", one_line(f"{where} failed: {told['name']}: {told['message']}")
