"""Syllabus, answer sheets, slides, background and project are made from what the course holds."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tlkit import cli
from tlkit.course import answers, background, contents, notebooks, pages, slides, syllabus
from tlkit.errors import BadInput, UnknownName

BOOKS = notebooks.notebooks()
each_notebook = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)


@each_notebook
def test_the_syllabus_finds_what_each_lesson_says_of_itself(book):
    assert len(re.findall(r"^- ", syllabus.learned(book), re.MULTILINE)) >= 3
    assert re.match(r"\d+ minutes", syllabus.time(book))
    assert contents.exercises_of(book)


def test_the_syllabus_counts_what_the_exercises_hold_and_links_only_where_it_has_a_place(tmp_path):
    text = syllabus.syllabus(BOOKS, notebooks.companions(), place="notebooks/")
    number = len(contents.exercises_of(BOOKS[0]))
    assert re.search(rf"^\| 00 Start here \| \d+ minutes \| \d+ \| {number} \| ", text, re.MULTILINE)
    for book in [*BOOKS, *notebooks.companions()]:
        assert f"](notebooks/{book.path.name})" in text
    page = syllabus.build_syllabus(tmp_path / "syllabus.html").read_text(encoding="utf-8")
    assert "<h1" in page and ".ipynb" not in page


@pytest.mark.slow
@each_notebook
def test_an_answer_sheet_has_every_exercise_with_what_the_judge_says(book):
    text = answers.sheet(book)
    for name, exercise in contents.exercises_of(book).items():
        part = text.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert exercise.question in part and exercise.answer in part
        assert part.count("> **Right.**") == len(exercise.right)
        assert part.count("> **Not yet.**") == len(exercise.wrong)
        assert "<function" not in part and "<lambda>" not in part


def test_an_answer_sheet_shows_an_example_as_the_module_writes_it(tmp_path):
    (path,) = answers.build_answers(["00"], tmp_path)
    page = path.read_text(encoding="utf-8")
    assert "Those are the weights. A class also has a bias" in page
    assert list(tmp_path.iterdir()) == [path]


def test_slides_start_at_headings_hide_code_and_describe_their_pictures(tmp_path):
    book = BOOKS[0]
    cells = slides.deck(book).cells
    kinds = [cell.metadata.slideshow.slide_type for cell in cells]
    headings = re.findall(r"^##? (.+)", "\n".join(map(_prose, book.content["cells"])), re.MULTILINE)
    started = [cell.source for cell, kind in zip(cells, kinds, strict=True) if kind == "slide"]
    assert [text.partition("\n")[0].lstrip("# ") for text in started] == headings
    assert set(kinds) <= {"slide", "subslide", "-", "notes"} and "notes" in kinds
    (path,) = slides.build_slides(["00"], tmp_path)
    page = path.read_text(encoding="utf-8")
    pictures = re.findall(r"<img [^>]*>", page)
    assert pictures and all(re.search(r'alt="[^"]{9,}"', picture) for picture in pictures)
    assert "tlkit.compare(" not in page and "recorded glyphs" not in page and "<details>" not in page


def _prose(cell):
    return "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""


def test_formulas_of_a_page_are_drawn_without_a_network():
    page = pages.from_markdown("x", "The sum $\\sum_j r_j$, and $\\nonsense$.\n\n$$a < b$$")
    assert page.count("<math") == 2 and r"<code>\nonsense</code>" in page
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page)


def test_a_page_is_named_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build", "answers", "00"]) == 0
    assert cli.main(["build", "syllabus"]) == 0
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.html")}
    assert made == {"build/answers/00_start_here.html", "build/syllabus.html"}
    assert cli.main(["build", "slides", "99"]) == 2
    assert "There is no notebook '99'" in capsys.readouterr().err


def test_a_step_down_the_gradient_is_what_calculus_says():
    path = background.gradient_descent(rate=0.1, steps=3, start=5.0).layout.meta["table"]
    assert np.allclose(path["weight"], [1 + 4 * 0.8**k for k in range(4)])
    assert np.allclose(path["loss"], (np.array(path["weight"]) - 1) ** 2)
    with pytest.raises(BadInput, match="rate is a number above 0; got 0"):
        background.gradient_descent(rate=0)


def test_a_factorization_with_enough_factors_gives_back_what_is_known():
    stars = np.array(background.STARS, dtype=float)
    known = ~np.isnan(stars)
    for factors, error in ((1, 0.5), (5, 0.1)):
        found = background._completed(stars, factors)
        assert np.sqrt(np.mean((found - stars)[known] ** 2)) < error
    one = background.matrix_factorization(factors=1).layout.meta["table"]
    assert one["Romance"][0] < 2 and one["Rockets"][1] > 3  # Ada likes robots, and so does Ben


def test_an_embedding_of_an_unknown_source_says_what_there_is():
    with pytest.raises(UnknownName, match="Did you mean 'glyphs'"):
        background.embedding(source="glyph")


def test_background_and_project_can_be_reached_from_the_readme():
    readme = (notebooks.folder().parent / "README.md").read_text(encoding="utf-8")
    for page in ("notebooks/background.ipynb", "notebooks/project.md"):
        assert f"]({page})" in readme
    assert [book.name for book in notebooks.choose(["background"])] == ["background"]
    assert "background" not in [book.name for book in notebooks.choose()]


def test_the_rubric_has_four_levels_and_the_points_that_it_says():
    text = (notebooks.folder() / "project.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*\*.+\*\* \|(.+)\|$", text, re.MULTILINE)
    assert all(len(row.split(" | ")) == 4 for row in rows)
    assert f"of {3 * len(rows)} points pass" in text
