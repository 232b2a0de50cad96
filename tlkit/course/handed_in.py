"""A learner's notebook as it was handed in: whether it can be read, which lesson it is, what it says."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tlkit.course.notebooks import Notebook
from tlkit.errors import BadInput, FileProblem
from tlkit.lessons import MIME as LESSON

TABLE, EXECUTED = "grades.csv", "executed"  # what a grading leaves in its folder
CUT_SHORT = "[tlkit: what this cell put out after its first million characters was left out.]\n"
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_IMPORT = re.compile(r"\bfrom tlkit\.exercises import \w+|\bimport tlkit\.exercises\.\w+")
_NAMED = re.compile(r"\bexercises\.[A-Z][A-Z0-9_]*\b")


def find(folder: Path) -> list[Path]:
    """Return the notebooks in a folder and those below it.

    The copies that Jupyter keeps, and those that an earlier grading left, are not among them.

    Raises
    ------
    BadInput
        When there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise BadInput(f"--grade takes a folder of learners' notebooks; there is no folder {folder}.")
    left = [table.parent / EXECUTED for table in folder.rglob(TABLE)]
    found = [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not any(path.is_relative_to(place) for place in left)
    ]
    if not found:
        raise BadInput(f"There is no notebook (*.ipynb) in {folder} or in a folder below it.")
    return found


def read(path: Path) -> dict[str, Any]:
    """Return a notebook as the newest format has it.

    Raises
    ------
    FileProblem
        When the file cannot be read, or is no notebook.
    """
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an older notebook's cells have no ids
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
    except OSError as error:
        raise FileProblem(f"The file cannot be read: {error.strerror}.") from None
    # Whatever else is in the file: nbformat has no one error for what is no notebook.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:80] or type(error).__name__
        raise FileProblem(f"The file is damaged, or is no notebook: {reason}.") from None
    return notebook


def without_outputs(notebook: Mapping[str, Any]) -> Any:
    """Return a copy that has yet to be run, with nothing of a former run or of widgets."""
    import nbformat

    copy = nbformat.from_dict({**notebook, "metadata": {}})
    cells = [nbformat.from_dict(cell) for cell in notebook["cells"]]
    copy["cells"] = [
        {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in cells
    ]
    return nbformat.from_dict(copy)


def lesson_of(notebook: Mapping[str, Any], books: Iterable[Notebook]) -> Notebook | None:
    """Return the lesson that a notebook is made from, whatever its file is called.

    Its title, the exercises that it imports and those that it names tell, unless lessons share them.
    """
    known = {book.name: (book, marks(book.content)) for book in books}
    shared = Counter(mark for _, its in known.values() for mark in its)
    own = {mark for mark in marks(notebook) if shared[mark] == 1}
    evidence = {name: len(own & its) for name, (_, its) in known.items()}
    best = max(evidence, key=lambda name: evidence[name])
    return known[best][0] if evidence[best] else None


def marks(notebook: Mapping[str, Any]) -> set[str]:
    """Return what tells a lesson: its title, its import of exercises, and each ``exercises.NAME``."""
    found = set(_TITLE.findall(_texts(notebook, "markdown"))[:1])
    code = _texts(notebook, "code")
    return found | set(_IMPORT.findall(code)) | named(notebook)


def named(notebook: Mapping[str, Any]) -> set[str]:
    """Return each ``exercises.NAME`` that the code names."""
    return set(_NAMED.findall(_texts(notebook, "code")))


def told(notebook: Mapping[str, Any], kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return what a lesson's outputs of one kind say, in order, by the name without its module."""
    said: dict[str, list[dict[str, Any]]] = {}
    for output in _outputs(notebook):
        entry = output.get("data", {}).get(LESSON)
        if isinstance(entry, Mapping) and entry.get("kind") == kind:
            said.setdefault(str(entry.get("name")).rpartition(".")[2], []).append(dict(entry))
    return said


def last(entries: Iterable[Mapping[str, Any]], key: str) -> Any:
    """Return the last value under a key that is there; None if there is none."""
    return next((entry[key] for entry in reversed(list(entries)) if entry.get(key) is not None), None)


def _texts(notebook: Mapping[str, Any], kind: str) -> str:
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == kind)
    return "\n".join("".join(cell["source"]) for cell in cells)


def _outputs(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for cell in notebook["cells"]:
        yield from cell.get("outputs", ())
