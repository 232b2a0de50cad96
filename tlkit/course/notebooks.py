"""The course: the list of its notebooks, their typed parameters, and running them into a report."""

from __future__ import annotations

import importlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tlkit.course.execution import kernel, let_papermill_write_tuples
from tlkit.course.parameters import assign, defaults
from tlkit.course.records import errors_of, plain, record, records_of
from tlkit.errors import FileProblem, TlkitError, require_known

__all__ = ["Notebook", "Result", "choose", "notebooks", "record", "run"]


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course, read when asked."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending, such as ``01_why_transfer``."""
        return self.path.stem

    @cached_property
    def content(self) -> dict[str, Any]:
        """The notebook as its JSON says."""
        return json.loads(self.path.read_text(encoding="utf-8"))

    @cached_property
    def title(self) -> str:
        """The first heading, or the name where there is none."""
        prose = ["".join(cell["source"]) for cell in self.content["cells"] if cell["cell_type"] == "markdown"]
        headings = (line for text in prose for line in text.splitlines() if line.startswith("# "))
        return next(headings, f"# {self.name}").removeprefix("# ").strip()

    @property
    def cells(self) -> list[str]:
        """The source of each code cell that runs."""
        sources = ("".join(cell["source"]) for cell in self.content["cells"] if cell["cell_type"] == "code")
        return [source for source in sources if source.strip()]

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Each name that the cell tagged ``parameters`` assigns, with its default.

        Raises
        ------
        BadInput
            When a default is not a literal, so that its type could not be known.
        """
        tagged = [
            "".join(cell["source"])
            for cell in self.content["cells"]
            if "parameters" in cell.get("metadata", {}).get("tags", ())
        ]
        return {name: value for source in tagged for name, value in defaults(self.name, source)}


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


def notebooks() -> list[Notebook]:
    """Return the course's notebooks in their order.

    Raises
    ------
    FileProblem
        When there are none where they should be.
    """
    found = [Notebook(path) for path in sorted(folder().glob("[0-9][0-9]_*.ipynb"))]
    if not found:
        raise FileProblem(f"There are no notebooks in {folder()}: install tlkit again, or clone it.")
    return found


def folder() -> Path:
    """Return the folder of the notebooks: inside an installed package, else beside it in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def choose(names: Sequence[str] = ()) -> list[Notebook]:
    """Return the notebooks of these names in the course's order; all of them where no name is given.

    Parameters
    ----------
    names : sequence of str
        A number (``01``), a topic (``why_transfer``) or both (``01_why_transfer``).

    Raises
    ------
    UnknownName
        For a name that no notebook has.
    """
    known = notebooks()
    called = {alias: book for book in known for alias in (book.name, *book.name.split("_", 1))}
    for name in names:
        if name not in called:
            require_known("notebook", name, [book.name for book in known])
    wanted = {called[name].name for name in names}
    return [book for book in known if not names or book.name in wanted]


def run(names: Sequence[str] = (), parameters: Iterable[tuple[str, str]] = ()) -> tuple[Path, list[Result]]:
    """Run notebooks one after the other into ``runs/<timestamp>``, with ``results.json`` and ``index.html``.

    A notebook that fails does not stop the others; an interrupt leaves the report of what is done.

    Parameters
    ----------
    names : sequence of str
        As in `choose`.
    parameters : iterable of (str, str)
        Names and values as typed on a command line.

    Returns
    -------
    (Path, list of Result)
        The folder of the run, and one result a notebook.

    Raises
    ------
    UnknownName, BadInput
        Before anything runs.
    """
    need("papermill", "lab", "Running notebooks")
    from tqdm import tqdm

    from tlkit.course import report

    books = choose(names)
    values = assign(books, parameters)
    pairs = list(zip(books, values, strict=True))
    results = [Result(book.name, book.title, {**book.parameters, **own}) for book, own in pairs]
    into = _new_folder(Path("runs"))
    began, clock = time.strftime("%Y-%m-%d %H:%M:%S"), time.perf_counter()
    try:
        with tqdm(total=sum(len(book.cells) + bool(own) for book, own in pairs), unit="cell") as bar:
            for (book, own), result in zip(pairs, results, strict=True):
                bar.set_description(book.name)
                before = bar.n
                _run_one(book, own, result, into, bar.update)
                bar.update(before + len(book.cells) + bool(own) - bar.n)
    except KeyboardInterrupt:
        print("\nInterrupted: the report has what is done.")
    finally:
        seconds = round(time.perf_counter() - clock, 1)
        everything = {"began": began, "seconds": seconds, "notebooks": [asdict(result) for result in results]}
        report.write(into, everything)
    return into, results


def need(module: str, extra: str, purpose: str) -> Any:
    """Return the imported module, or say which extra to install.

    Raises
    ------
    TlkitError
        When it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise TlkitError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed. "
            f'In a clone: python -m pip install -e ".[{extra}]"; '
            f'elsewhere: python -m pip install "tlkit[{extra}]".'
        ) from None


def _run_one(book: Notebook, own: dict, result: Result, into: Path, step: Callable[[int], Any]) -> None:
    from papermill import execute_notebook

    let_papermill_write_tuples()
    output = into.resolve() / book.path.name
    running: dict[str, Any] = {}
    began = time.perf_counter()
    result.status = "interrupted"
    try:
        execute_notebook(
            book.path,
            output,
            own,
            language="python",
            cwd=into.resolve(),
            progress_bar=False,
            **kernel(),
            on_cell_execute=lambda cell, cell_index: running.update(cell),
            on_cell_executed=lambda cell, cell_index, execute_reply: step(1),
        )
        result.status = "passed"
    except Exception as error:
        result.status, result.error = "failed", _explained(error, running)
    finally:
        result.seconds = round(time.perf_counter() - began, 1)
        _collect(result, output)


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
