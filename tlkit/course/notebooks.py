"""The course: the list of its notebooks and their typed parameters."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tlkit.course.parameters import defaults
from tlkit.course.records import record
from tlkit.errors import FileProblem, TlkitError, by_beginning

__all__ = ["Notebook", "choose", "notebooks", "record"]


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course, read when asked."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending, such as ``01_why_transfer``."""
        return self.path.stem

    @property
    def topic(self) -> str:
        """The name without its number, such as ``why_transfer``: the name of its exercises' module."""
        return self.name.split("_", 1)[-1]

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


def companions() -> list[Notebook]:
    """Return the notebooks beside the course's, which have no number, such as ``background``."""
    return [Notebook(path) for path in sorted(folder().glob("[a-z]*.ipynb"))]


def folder() -> Path:
    """Return the folder of the notebooks: inside an installed package, else beside it in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def choose(names: Sequence[str] = ()) -> list[Notebook]:
    """Return the notebooks of these names in the course's order; every lesson where no name is given.

    Parameters
    ----------
    names : sequence of str
        A number (``01``), a topic (``why_transfer``) or both (``01_why_transfer``), or the beginning of one.

    Raises
    ------
    UnknownName
        For a name that no notebook has, or that several begin with.
    """
    known = [*notebooks(), *companions()] if names else notebooks()
    called = {alias: book.name for book in known for alias in (book.name, *book.name.split("_", 1))}
    wanted = {by_beginning("notebook", name, called) for name in names}
    return [book for book in known if not names or book.name in wanted]


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
