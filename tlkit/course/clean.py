"""Clean copies: the notebooks before their results are there, for whoever is to predict them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tlkit.course import notebooks
from tlkit.course.notebooks import Notebook
from tlkit.errors import FileProblem
from tlkit.system.files import atomic_write

FOLDER = "clean"  # inside the folder of the notebooks: what Binder and Colab open
WIDGET = "application/vnd.jupyter.widget-view+json"
INTERACTIVE = "[interactive: run this cell to see it]"


def cleaned(notebook: dict[str, Any]) -> str:
    """Return the text of a notebook without outputs and execution counts."""
    content = copy.deepcopy(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write_clean(books: Iterable[Notebook]) -> None:
    """Write the clean copies of notebooks, with the pages that they link to, into the folder beside them."""
    texts = {book.path.name: cleaned(json.loads(book.path.read_text("utf-8"))) for book in books}
    for name, text in (texts | _pages()).items():
        atomic_write(notebooks.folder() / FOLDER / name, text)


def workplace(place: Path = Path("tlkit-notebooks")) -> tuple[Path, list[str]]:
    """Copy the clean notebooks to where a learner works on them, never over what they have changed.

    Parameters
    ----------
    place : Path
        The folder to copy to.

    Returns
    -------
    (Path, list of str)
        The folder, and a sentence for each file that is kept though its lesson is new; it is said once.

    Raises
    ------
    FileProblem
        When the folder cannot be written.
    """
    ledger, kept = place / ".copied.json", []
    try:
        place.mkdir(exist_ok=True)
        copied = json.loads(ledger.read_text("utf-8")) if ledger.exists() else {}
    except ValueError:
        copied = {}
    except OSError as error:
        reason = f"Cannot create {place} here ({error.strerror}): run from a folder you own."
        raise FileProblem(reason) from None
    for name, text in _course().items():
        own, lesson = place / name, _digest(text.encode())
        found = _digest(own.read_bytes()) if own.exists() else None
        if found in (None, copied.get(name)):
            atomic_write(own, text)
        elif lesson not in (found, copied.get(name)):
            kept.append(
                f"{own} is kept as you have it, and the lesson is a new one: rename yours, and `tlkit lab` "
                "copies the new one too."
            )
        copied[name] = lesson
    atomic_write(ledger, json.dumps(copied, indent=1))
    return place, kept


def without_widgets(notebook: dict[str, Any]) -> dict[str, Any]:
    """Take the state of widgets out of an executed notebook: megabytes, most of them a script of plotly's."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if WIDGET in output.get("data", {}):
                output["data"] = {"text/plain": INTERACTIVE}
    return notebook


def _course() -> dict[str, str]:
    """Return the text of every clean notebook and page, by its file's name."""
    books = [*notebooks.notebooks(), *notebooks.companions()]
    return {**{book.path.name: cleaned(book.content) for book in books}, **_pages()}


def _pages() -> dict[str, str]:
    return {page.name: page.read_text("utf-8") for page in sorted(notebooks.folder().glob("*.md"))}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
