"""`tlkit build notebooks`: the course executed, and made fit to be committed and read without running it."""

from __future__ import annotations

import base64
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tlkit.course.clean import without_widgets, write_clean
from tlkit.course.execution import Kernels
from tlkit.course.notebooks import choose, companions, need, notebooks
from tlkit.course.records import MIME, errors_of, figure_alt
from tlkit.errors import FileProblem, TlkitError
from tlkit.lessons import MIME as LESSON
from tlkit.system.files import atomic_write

PLOTLY = "application/vnd.plotly.v1+json"
WIDTH = 700  # pixels of a fallback picture
LIMIT = 500_000  # bytes of a committed notebook
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def build_notebooks(names: Sequence[str] = ()) -> list[Path]:
    """Execute notebooks from top to bottom and write them back, ready to commit, with clean copies beside.

    Widget state, times and recorded results are left out; each plotly figure gets a PNG beside it.

    Parameters
    ----------
    names : sequence of str
        As in `tlkit.course.notebooks.choose`; all notebooks where empty.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    TlkitError
        When no Chromium is found, a cell fails, or a notebook would be too large.
    """
    books = choose(names or [book.name for book in [*notebooks(), *companions()]])
    with drawing() as draw:
        for book in books:
            print(f"{book.name} ...", flush=True)
            executed = execute(book.path)
            atomic_write(book.path, finished(executed, draw, book.name))
            write_clean([book])
    return [book.path for book in books]


def execute(path: Path) -> dict[str, Any]:
    """Return a notebook executed without its former outputs.

    Raises
    ------
    TlkitError
        When a cell shows an error.
    """
    need("nbclient", "lab", "Executing notebooks")
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with tempfile.TemporaryDirectory() as scratch:
        NotebookClient(
            notebook,
            allow_errors=True,
            coalesce_streams=True,
            **Kernels().options(),
            record_timing=False,
            resources={"metadata": {"path": scratch}},
            timeout=300,
        ).execute()
    for error in errors_of(notebook):
        raise TlkitError(f"{path.name} failed and is left as it was.\n{error['traceback']}")
    return notebook


def finished(notebook: dict[str, Any], draw: Callable[[dict], bytes], name: str) -> str:
    """Return the text of an executed notebook made ready to commit.

    Parameters
    ----------
    notebook : mapping
        As nbformat reads it; changed in place.
    draw : callable
        From a plotly figure as data to the bytes of a PNG.
    name : str
        For the message.

    Raises
    ------
    TlkitError
        When the notebook would be larger than `LIMIT` bytes.
    """
    import nbformat

    without_widgets(notebook)["metadata"] = METADATA
    for cell in notebook["cells"]:
        for moment in ("execution", "papermill"):
            cell["metadata"].pop(moment, None)
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if not _is_blank(output)]
        for output in cell.get("outputs", ()):
            if "data" in output:
                _still(output, draw)
    text = nbformat.writes(nbformat.from_dict(notebook)) + "\n"
    if len(text.encode()) > LIMIT:
        size = f"{len(text.encode())} bytes, more than {LIMIT}"
        raise TlkitError(f"{name} would have {size}, and is left as it was: show less in its cells.")
    return text


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome: what BROWSER_PATH names, else the first on the search path."""
    named = os.environ.get("BROWSER_PATH")
    return next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)


@contextmanager
def drawing() -> Iterator[Callable[[dict], bytes]]:
    """Open a browser and yield a function from a plotly figure (as data) to the bytes of a PNG.

    Raises
    ------
    FileProblem
        When there is no Chromium.
    """
    chromium = find_chromium()
    if chromium is None:
        raise FileProblem(
            "Figures are drawn as PNG in Chromium, and none was found: install it "
            "(Debian: apt-get install chromium), or set BROWSER_PATH to a Chrome or Chromium."
        )
    playwright = need("playwright.sync_api", "test", "Drawing figures as PNG")
    from plotly.offline import get_plotlyjs

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        page = browser.new_page()
        page.add_script_tag(content=get_plotlyjs())
        yield lambda figure: _draw(page, figure)
        browser.close()


def _draw(page: Any, figure: dict) -> bytes:
    from PIL import Image

    height = figure["layout"].get("height", 430)
    url = page.evaluate(
        "([figure, size]) => Plotly.toImage(figure, size)",
        [figure, {"format": "png", "width": WIDTH, "height": height}],
    )
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    small = io.BytesIO()
    picture.convert("RGB").save(small, "PNG", optimize=True)
    return small.getvalue()


def _is_blank(output: dict) -> bool:
    """Whether an output is what a progress bar that has gone leaves behind."""
    return output["output_type"] == "stream" and not "".join(output["text"]).strip()


def _still(output: dict, draw: Callable[[dict], bytes]) -> None:
    """Leave in an output what can be seen without a kernel."""
    data = output["data"]
    for for_machines in (MIME, LESSON):
        data.pop(for_machines, None)
    if PLOTLY in data:
        data.pop("text/html", None)  # a second copy of the figure, with all of plotly.js
        data["image/png"] = base64.b64encode(draw(data[PLOTLY])).decode()
        alt = figure_alt(data[PLOTLY], otherwise="A figure.")
        output["metadata"]["image/png"] = {"alt": alt, "width": WIDTH}
