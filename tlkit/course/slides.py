"""`tlkit build slides`: a notebook as reveal.js slides, through nbconvert."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlkit.course.contents import predictions_of
from tlkit.course.notebooks import Notebook, choose, need
from tlkit.course.publish import METADATA, WIDTH
from tlkit.system.files import atomic_write

STYLE = """<style>
.reveal .slides { text-align: left; }
.reveal .slides section { font-size: 20px; }
.reveal h1 { font-size: 2.2em; text-transform: none; } .reveal h2 { font-size: 1.6em; text-transform: none; }
.reveal img { max-height: 560px; margin: 0 auto; display: block; }
.reveal p.section { color: #59636e; font-size: 16px; margin: 0 0 .5em; }
.reveal pre { white-space: pre-wrap; word-break: normal; width: auto; box-shadow: none; font-size: 18px; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
</style></head>"""
_NEW_PART = re.compile(r"(?=^#{1,3} |^<details>)|(?<=</details>)\n", re.MULTILINE)
_DETAILS = re.compile(r"</?details>|<summary>.*?</summary>")
_BADGES = re.compile(r"^\[!\[.*\n?", re.MULTILINE)
_NOTHING_TO_SHOW = re.compile(r"\s*(recorded |\[interactive|\*\*Not attempted|<IPython|Figure\()")


def build_slides(names: Sequence[str] = (), into: Path = Path("build", "slides")) -> list[Path]:
    """Write a deck of slides a notebook, from the notebooks as they are committed.

    A section is a column of slides: its text, then its results. Code is left out; what is folded in the
    notebook is in the speaker's notes (key S). To show the slides takes a network, from which reveal.js and
    MathJax come; without one the page reads from top to bottom.

    Parameters
    ----------
    names : sequence of str
        As in `tlkit.course.notebooks.choose`; all notebooks where empty.
    into : Path
        The folder to write into.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UnknownName
        For a name that no notebook has.
    TlkitError
        When nbconvert is not installed.
    """
    need("nbconvert", "lab", "Making slides")
    from nbconvert import SlidesExporter

    exporter = SlidesExporter(exclude_input=True, exclude_output_prompt=True, reveal_scroll=True)
    exporter.reveal_theme = "white"
    written = []
    for book in choose(names):
        page, _ = exporter.from_notebook_node(deck(book), {"metadata": {"name": book.title}})
        written.append(atomic_write(into / f"{book.name}.slides.html", page.replace("</head>", STYLE, 1)))
        print(f"Slides: {written[-1]}")
    return written


def deck(book: Notebook) -> Any:
    """Return a notebook whose cells are parts of slides, as their metadata says."""
    from nbformat import v4

    cells, section = [], book.title
    for kind, part in _parts(book):
        if kind == "slide":
            section = part["source"].partition("\n")[0].lstrip("# ")
        if kind == "subslide":
            cells.append(_placed(_reminder(section), kind))
            kind = "-"
        cells.append(_placed(part, kind))
    return v4.new_notebook(cells=cells, metadata=METADATA)


def _parts(book: Notebook) -> Iterator[tuple[str, Any]]:
    """Yield what is shown, with the kind of slide that it starts or goes on."""
    import nbformat

    asked = predictions_of(book)
    in_section = False  # before the first one stands the machine
    for cell in nbformat.read(book.path, as_version=4).cells:
        if cell.cell_type == "markdown":
            in_section = in_section or "## " in cell.source
            yield from _prose(cell.source)
        elif prediction := asked.get(cell.source.strip().removeprefix("exercises.")):
            yield "subslide", nbformat.v4.new_markdown_cell(f"**Predict.** {prediction.question}")
        elif in_section and (outputs := [_still(output) for output in cell.outputs if _is_shown(output)]):
            yield "subslide", nbformat.v4.new_code_cell(outputs=outputs)


def _prose(text: str) -> Iterator[tuple[str, Any]]:
    from nbformat.v4 import new_markdown_cell

    for part in filter(str.strip, _NEW_PART.split(_BADGES.sub("", text))):
        folded = part.lstrip().startswith("<details>")
        kind = "notes" if folded else "slide" if part.startswith(("# ", "## ")) else "subslide"
        yield kind, new_markdown_cell((_DETAILS.sub("", part) if folded else part).strip())


def _reminder(section: str) -> Any:
    """A line that says in which section a slide stands."""
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(f'<p class="section">{html.escape(section)}</p>')


def _placed(cell: Any, kind: str) -> Any:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _is_shown(output: Mapping[str, Any]) -> bool:
    data = output.get("data", {})
    if "This figure in words" in data.get("text/html", ""):
        return False  # the picture has it
    text = output.get("text") or data.get("text/markdown") or data.get("text/plain", "")
    return output.get("name") != "stderr" and ("image/png" in data or not _NOTHING_TO_SHOW.match(text))


def _still(output: Any) -> Any:
    """Return an output; where it has a picture, that is all, with its description."""
    if "image/png" not in output.get("data", {}):
        return output
    from nbformat.v4 import new_output

    alt = html.escape(output.metadata.get("image/png", {}).get("alt", "A figure."))
    picture = "".join(output.data["image/png"].split())
    image = f'<img src="data:image/png;base64,{picture}" alt="{alt}" width="{WIDTH}">'
    return new_output("display_data", data={"text/html": image})
