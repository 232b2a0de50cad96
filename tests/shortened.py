"""The course's notebooks with fewer seeds and settings, whose trials a full run has stored."""

from __future__ import annotations

from pathlib import Path

import nbformat

from tlkit.course.notebooks import Notebook

FEWEST_SEEDS = 2  # an interval needs two


def fewer(book: Notebook) -> dict[str, object]:
    """The fewest seeds, and the ends of each list that has more."""
    lists = {name: value for name, value in book.parameters.items() if isinstance(value, list)}
    ends = {name: [value[0], value[-1]] for name, value in lists.items() if len(value) > 2}
    return {**ends, "seeds": FEWEST_SEEDS}


def shorten(path: Path) -> None:
    """Give a notebook fewer seeds and settings, in place."""
    content = nbformat.read(path, as_version=4)
    [cell] = [cell for cell in content.cells if "parameters" in cell.metadata.get("tags", ())]
    cell.source += "".join(f"\n{name} = {value!r}" for name, value in fewer(Notebook(path)).items())
    nbformat.write(content, path)
