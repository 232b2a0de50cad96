"""Running notebooks into a report, some of them side by side."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import joblib

from tlkit.course import report
from tlkit.course.clean import without_widgets
from tlkit.course.execution import Kernels, let_papermill_write_tuples
from tlkit.course.notebooks import Notebook, choose, need
from tlkit.course.parameters import assign
from tlkit.course.progress import Progress
from tlkit.course.records import errors_of, plain, records_of
from tlkit.errors import FileProblem, require_number, whole
from tlkit.system.files import atomic_write

SIDE_BY_SIDE = 2  # a notebook fills a gigabyte of memory
AN_HOUR = 3600  # seconds: what takes longer is taken for endless
PATIENCE = 0.5  # seconds: on Windows, a wait without an end cannot be interrupted


@dataclass
class Result:
    """What became of one notebook in a run: `status` is passed, failed, interrupted or not run."""

    name: str
    title: str
    parameters: dict[str, Any]
    status: str = "not run"
    seconds: float = 0.0
    records: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None


def run(
    names: Sequence[str] = (),
    parameters: Iterable[tuple[str, str]] = (),
    jobs: int | None = None,
    execution_timeout: int | None = AN_HOUR,
) -> tuple[Path, list[Result]]:
    """Run notebooks into ``runs/<timestamp>``, with ``results.json`` and ``index.html``.

    A notebook that fails does not stop the others. The report is written whenever one has ended, so that an
    interrupt, or a kill, leaves that of what is done.

    Parameters
    ----------
    names : sequence of str
        As in `tlkit.course.notebooks.choose`.
    parameters : iterable of (str, str)
        Names and values as typed on a command line.
    jobs : int, optional
        How many run side by side, each with its share of the cores; by default two where there are two cores.
    execution_timeout : int, optional
        Seconds that a cell may take before its notebook counts as failed; None waits for ever.

    Returns
    -------
    (Path, list of Result)
        The folder of the run, and one result a notebook, in the course's order.

    Raises
    ------
    UnknownName, BadInput
        Before anything runs.
    """
    need("papermill", "lab", "Running notebooks")
    jobs = jobs_side_by_side(jobs)
    if execution_timeout is not None:
        require_number("execution_timeout", execution_timeout, whole(1))
    books = choose(names)
    values = assign(books, parameters)
    pairs = list(zip(books, values, strict=True))
    results = [Result(book.name, book.title, {**book.parameters, **own}) for book, own in pairs]
    into = new_folder(Path("runs"))
    so_far = _Report(into, results)
    jobs = min(jobs, len(books))
    kernels = Kernels(threads_each(jobs), execution_timeout)
    try:
        so_far.write()
        with Progress(sum(map(_steps, books, values))) as progress:
            tasks = [
                partial(_run_one, book, own, result, into.resolve(), kernels, progress, so_far)
                for (book, own), result in zip(pairs, results, strict=True)
            ]
            side_by_side(jobs, tasks, kernels.end)
    except KeyboardInterrupt:
        print("\nInterrupted: the report has what is done.")
    finally:
        so_far.write()
    return into, results


def jobs_side_by_side(jobs: int | None) -> int:
    """Return how many notebooks run at once: by default two, where there are two cores."""
    jobs = min(SIDE_BY_SIDE, joblib.cpu_count()) if jobs is None else jobs
    require_number("jobs", jobs, whole(1))
    return jobs


def threads_each(jobs: int) -> int:
    """Return the share of the cores that each of `jobs` kernels has."""
    return max(1, joblib.cpu_count() // jobs)


class _Report:
    """The report of a run, as far as that has come."""

    def __init__(self, into: Path, results: list[Result]):
        self._into, self._results, self._lock = into, results, threading.Lock()
        self._began, self._clock = time.strftime("%Y-%m-%d %H:%M:%S"), time.perf_counter()

    def write(self) -> None:
        with self._lock:
            seconds = round(time.perf_counter() - self._clock, 1)
            notebooks = [asdict(result) for result in self._results]
            report.write(self._into, {"began": self._began, "seconds": seconds, "notebooks": notebooks})


def side_by_side(jobs: int, tasks: Iterable[Callable[[], None]], end: Callable[[], None]) -> None:
    """Run tasks in threads, for the work is done in kernels; after an interrupt, `end` ends these."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures = [pool.submit(task) for task in tasks]
            while wait(futures, PATIENCE).not_done:
                pass
        except KeyboardInterrupt:
            end()
            pool.shutdown(cancel_futures=True)
            raise
    for future in futures:
        future.result()


def _steps(book: Notebook, own: dict) -> int:
    """How many cells will run: a notebook's own, and one that sets parameters."""
    return len(book.cells) + bool(own)


def _run_one(
    book: Notebook,
    own: dict,
    result: Result,
    into: Path,
    kernels: Kernels,
    progress: Progress,
    so_far: _Report,
) -> None:
    began = time.perf_counter()
    output = into / book.path.name
    try:
        with progress.of(book.name, _steps(book, own)) as step:
            _execute(book, own, result, output, kernels, step)
    finally:
        result.seconds = round(time.perf_counter() - began, 1)
        _collect(result, output)
        so_far.write()


def _execute(
    book: Notebook, own: dict, result: Result, output: Path, kernels: Kernels, step: Callable[[], None]
) -> None:
    from papermill import execute_notebook

    let_papermill_write_tuples()
    running: dict[str, Any] = {}
    result.status = "interrupted"
    try:
        execute_notebook(
            book.path,
            output,
            own,
            language="python",
            progress_bar=False,
            # Not papermill's `cwd`, which would change the folder of this process, and of all its threads.
            resources={"metadata": {"path": str(output.parent)}},
            execution_timeout=kernels.execution_timeout,
            **kernels.options(),
            on_cell_execute=lambda cell, cell_index: running.update(cell),
            on_cell_executed=lambda cell, cell_index, execute_reply: step(),
        )
        result.status = "passed"
    except Exception as error:
        if not kernels.ended:
            result.status, result.error = "failed", explained(error, running)


def explained(error: Exception, cell: dict[str, Any]) -> dict[str, Any]:
    """Return where a notebook failed and with what; `cell` is the one that ran last."""
    # A kernel that died raises an error of another type, which names no cell: hence the last one seen.
    number = getattr(error, "exec_count", None)
    return {
        "where": f"cell [{number}]" if number else "a cell",
        "source": getattr(error, "source", cell.get("source", "")),
        "name": getattr(error, "ename", type(error).__name__),
        "message": plain(getattr(error, "evalue", _first_line(error))),
        "traceback": plain("\n".join(getattr(error, "traceback", []))),
    }


def _first_line(error: Exception) -> str:
    """What a cell that took too long says before it shows the cell."""
    return str(error).partition("\n")[0]


def _collect(result: Result, output: Path) -> None:
    if not output.exists():
        return
    executed = json.loads(output.read_text(encoding="utf-8"))
    result.records = records_of(executed)
    swallowed = errors_of(executed)  # some of them stand in the state of widgets
    atomic_write(output, json.dumps(without_widgets(executed), indent=1, ensure_ascii=False) + "\n")
    if result.status == "passed" and swallowed:
        result.status, result.error = "failed", swallowed[0]


def new_folder(parent: Path) -> Path:
    """Make a folder named after this moment."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    for name in itertools.chain([stamp], (f"{stamp}_{n}" for n in itertools.count(2))):
        try:
            (parent / name).mkdir(parents=True)
            return parent / name
        except FileExistsError:
            continue
        except OSError as error:
            reason = f"Cannot create {parent / name} here ({error.strerror}): run from a folder you own."
            raise FileProblem(reason) from None
    raise AssertionError("the names never end")
