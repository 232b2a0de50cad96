"""Running notebooks into a report, some of them side by side."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import joblib

from tlkit.course import report
from tlkit.course.execution import Kernels, let_papermill_write_tuples
from tlkit.course.notebooks import Notebook, choose, need
from tlkit.course.parameters import assign
from tlkit.course.records import errors_of, plain, records_of
from tlkit.errors import FileProblem, require_number, whole

SIDE_BY_SIDE = 2  # a notebook fills a gigabyte of memory
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
    names: Sequence[str] = (), parameters: Iterable[tuple[str, str]] = (), jobs: int | None = None
) -> tuple[Path, list[Result]]:
    """Run notebooks into ``runs/<timestamp>``, with ``results.json`` and ``index.html``.

    A notebook that fails does not stop the others; an interrupt leaves the report of what is done.

    Parameters
    ----------
    names : sequence of str
        As in `tlkit.course.notebooks.choose`.
    parameters : iterable of (str, str)
        Names and values as typed on a command line.
    jobs : int, optional
        How many run side by side, each with its share of the cores; by default two where there are two cores.

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
    cores = joblib.cpu_count()
    jobs = min(SIDE_BY_SIDE, cores) if jobs is None else jobs
    require_number("jobs", jobs, whole(1))
    books = choose(names)
    values = assign(books, parameters)
    pairs = list(zip(books, values, strict=True))
    results = [Result(book.name, book.title, {**book.parameters, **own}) for book, own in pairs]
    into = _new_folder(Path("runs"))
    began, clock = time.strftime("%Y-%m-%d %H:%M:%S"), time.perf_counter()
    jobs = min(jobs, len(books))
    kernels = Kernels(threads=max(1, cores // jobs))
    try:
        with _Progress(sum(map(_steps, books, values))) as progress:
            tasks = [
                partial(_run_one, book, own, result, into.resolve(), kernels, progress)
                for (book, own), result in zip(pairs, results, strict=True)
            ]
            _side_by_side(jobs, kernels, tasks)
    except KeyboardInterrupt:
        print("\nInterrupted: the report has what is done.")
    finally:
        seconds = round(time.perf_counter() - clock, 1)
        everything = {"began": began, "seconds": seconds, "notebooks": [asdict(result) for result in results]}
        report.write(into, everything)
    return into, results


def _side_by_side(jobs: int, kernels: Kernels, tasks: Iterable[Callable[[], None]]) -> None:
    """Run tasks in threads, for the work is done in kernels; an interrupt ends these."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures = [pool.submit(task) for task in tasks]
            while wait(futures, PATIENCE).not_done:
                pass
        except KeyboardInterrupt:
            kernels.end()
            pool.shutdown(cancel_futures=True)
            raise
    for future in futures:
        future.result()


def _steps(book: Notebook, own: dict) -> int:
    """How many cells will run: a notebook's own, and one that sets parameters."""
    return len(book.cells) + bool(own)


class _Progress:
    """A bar over the cells of all notebooks, which names those that are running."""

    def __init__(self, total: int):
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit="cell")
        self._lock = threading.Lock()
        self._running: list[str] = []

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    @contextmanager
    def of(self, name: str, steps: int) -> Iterator[Callable[[], None]]:
        """Count a notebook's steps; those that it did not come to count as made when it is over."""
        left = steps

        def step() -> None:
            nonlocal left
            left -= 1
            self._show(1)

        self._running.append(name)
        self._show(0)
        yield step
        self._running.remove(name)
        self._show(left)

    def _show(self, steps: int) -> None:
        with self._lock:
            self._bar.set_description(", ".join(self._running), refresh=False)
            self._bar.update(steps)


def _run_one(
    book: Notebook, own: dict, result: Result, into: Path, kernels: Kernels, progress: _Progress
) -> None:
    began = time.perf_counter()
    output = into / book.path.name
    try:
        with progress.of(book.name, _steps(book, own)) as step:
            _execute(book, own, result, output, kernels, step)
    finally:
        result.seconds = round(time.perf_counter() - began, 1)
        _collect(result, output)


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
            **kernels.options(),
            on_cell_execute=lambda cell, cell_index: running.update(cell),
            on_cell_executed=lambda cell, cell_index, execute_reply: step(),
        )
        result.status = "passed"
    except Exception as error:
        if not kernels.ended:
            result.status, result.error = "failed", _explained(error, running)


def _explained(error: Exception, cell: dict[str, Any]) -> dict[str, Any]:
    # A kernel that died raises an error of another type, which names no cell: hence the last one seen.
    number = getattr(error, "exec_count", None)
    return {
        "where": f"cell [{number}]" if number else "a cell",
        "source": getattr(error, "source", cell.get("source", "")),
        "name": getattr(error, "ename", type(error).__name__),
        "message": plain(getattr(error, "evalue", str(error))),
        "traceback": plain("\n".join(getattr(error, "traceback", []))),
    }


def _collect(result: Result, output: Path) -> None:
    if not output.exists():
        return
    executed = json.loads(output.read_text(encoding="utf-8"))
    result.records = records_of(executed)
    swallowed = errors_of(executed)
    if result.status == "passed" and swallowed:
        result.status, result.error = "failed", {"where": "a widget's callback", "source": "", **swallowed[0]}


def _new_folder(parent: Path) -> Path:
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
