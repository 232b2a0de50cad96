"""The committed notebooks are fit to read without running."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import sys
import tomllib
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from tlkit.course import clean, notebooks, opening, publish
from tlkit.course.records import errors_of
from tlkit.errors import FileProblem, TlkitError

ROOT = Path(__file__).parents[2]
BOOKS = notebooks.notebooks()
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
MACHINE_PATH = re.compile(r"(^|[\"'`= (>])(/(home|root|Users|work|opt|tmp|usr)/|[A-Z]:\\)\w")

each_notebook = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
each_page = pytest.mark.parametrize("book", [*BOOKS, *notebooks.companions()], ids=lambda book: book.name)


def code_cells(book):
    return [cell for cell in book.content["cells"] if cell["cell_type"] == "code"]


def text(cell):
    return "".join(cell["source"])


def lines(content):
    """Every line of every string in JSON data."""
    if isinstance(content, str):
        return content.splitlines()
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [line for part in inner for line in lines(part)]


def outputs(book):
    return [output for cell in code_cells(book) for output in cell["outputs"]]


@each_page
def test_it_is_a_valid_notebook_under_500_kb(book):
    nbformat.validate(nbformat.read(book.path, as_version=4))
    assert book.path.stat().st_size < publish.LIMIT


@each_page
def test_it_is_committed_executed_from_top_to_bottom(book):
    counts = [cell["execution_count"] for cell in code_cells(book) if text(cell).strip()]
    assert counts == list(range(1, len(counts) + 1))


@each_page
def test_it_shows_no_error_and_carries_no_state_of_a_kernel(book):
    assert errors_of(book.content) == []
    assert set(book.content["metadata"]) == set(publish.METADATA)
    assert not any("execution" in cell["metadata"] for cell in book.content["cells"])
    assert not any(clean.WIDGET in output.get("data", {}) for output in outputs(book))


@each_page
def test_each_figure_has_a_picture_with_a_description(book):
    for output in outputs(book):
        if publish.PLOTLY in output.get("data", {}):
            picture = Image.open(io.BytesIO(base64.b64decode("".join(output["data"]["image/png"]))))
            assert picture.width >= publish.WIDTH
            assert len(output["metadata"]["image/png"]["alt"]) > 20


@each_notebook
def test_it_has_the_size_of_a_lesson(book):
    assert 20 <= len(book.content["cells"]) <= 80


@each_notebook
def test_it_has_one_parameters_cell_with_seeds(book):
    tags = Counter(tag for cell in code_cells(book) for tag in cell["metadata"].get("tags", ()))
    assert tags["parameters"] == 1
    assert isinstance(book.parameters["seeds"], int)


@each_page
def test_cells_whose_output_is_checked_have_one_that_can_be(book):
    for cell in code_cells(book):
        if "NBVAL_CHECK_OUTPUT" in text(cell):
            assert cell["outputs"], f"nothing to check under {text(cell)!r}"
            kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
            assert kinds <= {"text/plain", "text/html", "text/markdown"}, (
                "a figure differs with every drawing"
            )


@each_page
def test_it_names_no_path_of_a_machine(book):
    assert [line for line in lines(book.content) if MACHINE_PATH.search(line)] == []


@each_notebook
def test_badges_lead_to_the_clean_copy_in_the_repository(book):
    repository = ADDRESS.removeprefix("https://github.com/")
    assert repository == opening.REPOSITORY
    place = f"notebooks/clean/{book.path.name}"
    assert (ROOT / place).is_file()
    first = text(book.content["cells"][0])
    assert opening.badges(book.path.name) in first
    assert f"(https://mybinder.org/v2/gh/{repository}/main?labpath={place})" in first
    assert f"(https://colab.research.google.com/github/{repository}/blob/main/{place})" in first
    addresses = set(
        re.findall(r"github(?:\.com)?/(\w[\w.-]*/tlkit)\b", book.path.read_text(encoding="utf-8"))
    )
    assert addresses <= {repository}


@each_page
def test_its_clean_copy_is_the_same_without_results(book):
    copy = nbformat.read(book.path.parent / clean.FOLDER / book.path.name, as_version=4)
    nbformat.validate(copy)
    committed = nbformat.read(book.path, as_version=4)
    for cell in committed.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    assert copy == committed, f"tlkit build notebooks {book.name} makes it again"


def test_there_is_a_clean_copy_of_each_page_and_of_nothing_else():
    folder = notebooks.folder()
    assert {path.name for path in (folder / clean.FOLDER).iterdir()} == {
        path.name for path in [*folder.glob("*.ipynb"), *folder.glob("*.md")]
    }
    for page in folder.glob("*.md"):
        assert (folder / clean.FOLDER / page.name).read_bytes() == page.read_bytes()


@each_page
def test_links_between_notebooks_lead_somewhere_from_each_copy(book):
    prose = "".join(text(cell) for cell in book.content["cells"] if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", prose):
        assert (book.path.parent / clean.FOLDER / target).is_file(), target


@each_notebook
def test_it_opens_with_the_cell_that_installs_tlkit_or_says_how(book):
    assert text(book.content["cells"][1]) == opening.INSTALL


def test_the_first_cell_is_short_and_does_nothing_where_tlkit_is(capsys):
    assert len(opening.INSTALL.splitlines()) <= 10
    run_opening(colab=None)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("on_colab", [False, True])
def test_where_tlkit_cannot_be_had_the_first_cell_says_how_to_install_it(monkeypatch, on_colab):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    asked = []
    with pytest.raises(RuntimeError, match=r"tlkit is missing. Run %pip install 'tlkit\[lab\] @ git") as told:
        run_opening(colab=asked if on_colab else None)
    assert "offline: 'FOLDER[lab]'" in str(told.value)
    assert ADDRESS in str(told.value)
    assert asked == (["installed", "widgets"] if on_colab else [])


def run_opening(colab):
    """Run the first cell, its installation as a stand-in that brings nothing, on Colab perhaps."""
    source = re.sub(r"%pip install .*", "colab.append('installed')", opening.INSTALL, count=1)
    output = SimpleNamespace(enable_custom_widget_manager=lambda: colab.append("widgets"))
    modules = {} if colab is None else {"google": ModuleType("google"), "google.colab": ModuleType("colab")}
    if colab is not None:
        modules["google.colab"].output = output
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        exec(source, {"colab": colab})


SHOWS_EVERYTHING = """
import ipywidgets, plotly.graph_objects as go
from tlkit.course.notebooks import record
from tlkit.lessons import conclude
record("x", 1)
conclude("Short.")
display(ipywidgets.IntSlider())
go.Figure(go.Scatter(y=[1, 3, 2])).update_layout(meta={"alt": "Three points."})
"""


def write(path, *sources):
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    return path


@pytest.fixture
def draw():
    return lambda figure: f"drawn {figure['data'][0]['type']}".encode()


def test_a_built_notebook_keeps_what_can_be_read_without_running(tmp_path, draw):
    path = write(tmp_path / "00_all.ipynb", "1 + 1", SHOWS_EVERYTHING)
    built = nbformat.reads(publish.finished(publish.execute(path), draw, "00_all"), as_version=4)
    assert built.metadata == publish.METADATA
    assert [cell.execution_count for cell in built.cells] == [1, 2]
    recorded, concluded, slider, figure = built.cells[1].outputs
    assert set(concluded.data) <= {"text/plain", "text/markdown", "text/html"}
    assert recorded.data == {"text/plain": "recorded x: 1"}
    assert slider.data == {"text/plain": "[interactive: run this cell to see it]"}
    assert set(figure.data) == {publish.PLOTLY, "image/png"} | ({"text/plain"} & set(figure.data))
    assert base64.b64decode(figure.data["image/png"]) == b"drawn scatter"
    assert figure.metadata["image/png"] == {"alt": "Three points.", "width": publish.WIDTH}


def test_building_a_notebook_makes_its_clean_copy_too(tmp_path, monkeypatch, draw):
    path = write(tmp_path / "00_all.ipynb", "1 + 1")
    (tmp_path / "project.md").write_text("# Project")
    monkeypatch.setattr(notebooks, "folder", lambda: tmp_path)
    monkeypatch.setattr(publish, "drawing", lambda: nullcontext(draw))
    publish.build_notebooks(["00"])
    assert nbformat.read(path, as_version=4).cells[0].outputs
    copy = nbformat.read(tmp_path / "clean" / "00_all.ipynb", as_version=4)
    assert (copy.cells[0].source, copy.cells[0].outputs) == ("1 + 1", [])
    assert copy.metadata == publish.METADATA
    assert (tmp_path / "clean" / "project.md").read_text() == "# Project"


def test_a_notebook_that_fails_is_left_as_it_was(tmp_path, monkeypatch, draw):
    path = write(tmp_path / "00_bad.ipynb", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(
        TlkitError, match=r"00_bad.ipynb failed and is left as it was.\n(.|\n)*ZeroDivisionError"
    ):
        publish.execute(path)
    assert path.read_bytes() == before


def test_a_notebook_too_large_to_commit_is_refused(draw):
    output = new_output("stream", text="x" * publish.LIMIT)
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[output])])
    with pytest.raises(TlkitError, match=r"00_big would have \d+ bytes, more than 500000"):
        publish.finished(notebook, draw, "00_big")


def test_a_browser_that_is_named_and_absent_is_not_replaced(monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "no-such-browser")
    assert publish.find_chromium() is None
    with pytest.raises(FileProblem, match=r"none was found: install it .*BROWSER_PATH"), publish.drawing():
        pass


@pytest.mark.browser
def test_figures_are_drawn_small_in_a_real_browser():
    figure = {"data": [{"type": "scatter", "y": [1, 3, 2]}], "layout": {"height": 300}}
    with publish.drawing() as draw_in_browser:
        png = draw_in_browser(figure)
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (700, 300)
    assert len(picture.convert("RGB").getcolors(picture.width * picture.height)) > 5
    assert len(png) < 40_000
