"""Learners' notebooks are graded into one right table, whatever is in them."""

from __future__ import annotations

import csv
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tlkit import cli
from tlkit.course import capped, gradebook, grading, handed_in, notebooks, running
from tlkit.course.grading import Graded, Limits, grade
from tlkit.errors import BadInput
from tlkit.lessons import Choice, Number

IMPORT = "from tlkit.exercises import start_here as exercises"

REST = "GAIN, HELPS, LARGER, PROBE, QUIZ, SCRATCH, SPREAD, VERDICTS"


def check(name, answer):
    """A cell as a lesson has it, with a learner's answer."""
    return f"answer = {answer}\nexercises.{name}.check(answer)\n# exercises.{name}.hint()"


def foretold(name, predicted, result):
    """The output that a prediction leaves beside its result."""
    entry = {"kind": "prediction", "name": f"start_here.{name}", "predicted": predicted, "result": result}
    return new_output("display_data", data={handed_in.LESSON: entry, "text/plain": "You predicted."})


SCORE = new_output(
    "display_data",
    data={handed_in.LESSON: {"kind": "quiz", "name": "start_here.QUIZ", "right": 4, "of": 5}},
)


def judged(name, status):
    entry = {"kind": "exercise", "name": f"start_here.{name}", "status": status}
    return new_output("display_data", data={handed_in.LESSON: entry})


def hand_in(path, *sources, title="# Start here", outputs=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    prose = [new_markdown_cell(title)] if title else []
    cells = [*prose, new_code_cell(IMPORT), *map(new_code_cell, sources)]
    cells[-1]["outputs"] = list(outputs)
    nbformat.write(new_notebook(cells=cells), path)
    return path


OTHERS = "exercises.SCRATCH.reveal(47.5)\n" + "\n".join(
    f"exercises.{name}" for name in ("PROBE", "SPREAD", "LARGER", "QUIZ")
)
ALL_RIGHT = (
    check("HEAD", 1690),
    check("GAIN", 15),
    check("VERDICTS", ["helps", "no evidence", "hurts", "no verdict"]),
    check("HELPS", ("nearest", 1)),
)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of three: one all right, one with a cell that fails, one renamed that never ends."""
    place = tmp_path_factory.mktemp("class")
    folder = place / "handed in"
    predicted = [foretold("SCRATCH", 60, 99), SCORE]
    hand_in(folder / "ann" / "00_start_here.ipynb", *ALL_RIGHT, OTHERS, outputs=predicted)
    hand_in(
        folder / "ben" / "00_start_here.ipynb",
        check("HEAD", 1690),
        check("GAIN", 45),
        "raise ValueError('my \\x1b[31mred\\x1b[0m\\nmistake')",
        check("VERDICTS", ["helps", "no evidence", "hurts", "no verdict"]),
        check("HELPS", "..."),
        OTHERS,
    )
    hand_in(folder / "cleo" / "my homework (2).ipynb", check("HEAD", 640), "while True: pass", title="")
    before = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
    into, rows = grade(folder, place / "grades", limits=Limits(cell=15))
    assert before == {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
    return into, rows


@pytest.mark.slow
def test_a_class_of_three_is_graded_into_one_right_table(graded):
    into, _ = graded
    with open(into / "grades.csv", newline="", encoding="utf-8") as file:
        table = [{**row, "seconds": float(row["seconds"]) > 0} for row in csv.DictReader(file)]
    lesson, good, rest = "00_start_here", "00_start_here.ipynb", "VERDICTS, HELPS"
    nothing = "; ".join(f"{name}: no prediction, result unknown" for name in ("PROBE", "SPREAD", "LARGER"))
    seen = f"SCRATCH: 60 of 100, result 47.5 of 100; {nothing}"
    unseen = f"SCRATCH: no prediction, result unknown; {nothing}"
    renamed, mistake = "my homework (2).ipynb", "cell [4] failed: ValueError: my red mistake"
    shortened = f"cells are missing: {REST}; cell [3] ran for more than 15 s"
    expected = [
        ("ann", good, "graded", "4", "0", "0", "", "", seen, "4 of 5", ""),
        ("ben", good, "failed", "1", "1", "2", "GAIN", rest, unseen, "", mistake),
        ("cleo", renamed, "timed out", "0", "1", "3", "HEAD", f"GAIN, {rest}", unseen, "", shortened),
    ]
    expected = [(who, f"{who}/{file}", lesson, *found, True, told) for who, file, *found, told in expected]
    assert [tuple(row.values()) for row in table] == expected
    assert tuple(table[0]) == gradebook.COLUMNS


@pytest.mark.slow
def test_the_page_and_the_terminal_say_the_same(graded):
    into, rows = graded
    page = (into / "index.html").read_text(encoding="utf-8")
    said = gradebook.summary(rows)
    for text in (
        "3 notebooks: 1 graded, 1 failed, 1 timed out.",
        "cell [4] failed: ValueError: my red mistake",
    ):
        assert text in page and text in said
    assert nbformat.read(into / "executed" / "ben" / "00_start_here.ipynb", as_version=4).cells


@pytest.mark.slow
def test_predictions_are_those_handed_in_and_verdicts_and_results_those_of_the_new_run(tmp_path, monkeypatch):
    asked = {"AHEAD": Number("How far?", unit="points"), "WHICH": Choice("Which?", ["probe", "finetune"])}
    monkeypatch.setattr(grading.contents, "predictions_of", lambda book: asked)
    outputs = [judged("HEAD", "right"), foretold("AHEAD", 20, 99), foretold("WHICH", {"a": 1}, None), SCORE]
    again = (
        "from tlkit.lessons import Number\n"
        "exercises.AHEAD = Number('How far?', unit='points')\n"
        "exercises.AHEAD.reveal(9.2)"
    )
    hand_in(tmp_path / "in" / "dan.ipynb", check("HEAD", 640), again, outputs=outputs)
    _, (row,) = grade(tmp_path / "in", tmp_path / "out")
    assert (row.right, row.wrong, row.quiz) == ([], ["HEAD"], "4 of 5")
    assert gradebook.predictions(row) == [
        "AHEAD: 20 points, result 9.2 points",
        "WHICH: {'a': 1}, result unknown",
    ]


@pytest.mark.slow
def test_a_kernel_has_a_folder_and_kept_answers_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_PROGRESS", str(tmp_path / "teachers.json"))
    look = (
        "import os, sys, pathlib\n"
        f"assert sys.executable == {sys.executable!r}\n"
        "assert list(pathlib.Path().iterdir()) == []\n"
        "pathlib.Path('mine.txt').write_text('x')\n"
        "pathlib.Path(os.environ['TLKIT_PROGRESS']).write_text('{}')"
    )
    for name in ("eve", "fay"):
        hand_in(tmp_path / "in" / f"{name}.ipynb", look, check("HEAD", 1690))
    _, rows = grade(tmp_path / "in", tmp_path / "out")
    assert [(row.learner, row.status, row.problem) for row in rows] == [
        ("eve", "graded", f"cells are missing: {REST}"),
        ("fay", "graded", f"cells are missing: {REST}"),
    ]
    assert not (tmp_path / "teachers.json").exists()


@pytest.mark.slow
def test_megabytes_of_output_are_cut_short_and_an_endless_flood_ends(tmp_path):
    prints = "for _ in range(60): print('x' * 99_999)"
    hand_in(tmp_path / "in" / "gus" / "a.ipynb", prints, check("HEAD", 1690))
    hand_in(
        tmp_path / "in" / "hal" / "b.ipynb",
        check("HEAD", 1690),
        "while True: print('x' * 99_999, flush=True)",
    )
    into, (long, endless) = grade(tmp_path / "in", tmp_path / "out", limits=Limits(notebook=12))
    told = "a cell puts out more than a million characters, and the rest was left out"
    assert (long.status, long.right) == ("graded", ["HEAD"])
    assert told in long.problem and told in endless.problem
    assert (endless.status, endless.right) == ("timed out", ["HEAD"])
    assert "cell [3] was running when the notebook's 12 s were over" in endless.problem
    sizes = [path.stat().st_size for path in (into / "executed").rglob("*.ipynb")]
    assert len(sizes) == 2 and max(sizes) < 2 * capped.LIMIT


@pytest.mark.slow
def test_what_holds_no_answers_says_so_and_a_lesson_handed_in_twice_too(tmp_path):
    for name in ("one", "two"):
        hand_in(
            tmp_path / "in" / "ida" / f"{name}.ipynb",
            *(check(n, "...") for n in ("HEAD", "GAIN", "VERDICTS", "HELPS")),
            OTHERS,
        )
    _, rows = grade(tmp_path / "in", tmp_path / "out")
    asked = ["HEAD", "GAIN", "VERDICTS", "HELPS"]
    assert [(row.status, row.open, row.problem) for row in rows] == [
        ("no answers", asked, "ida handed in 2 notebooks of this lesson")
    ] * 2


def test_the_last_attempt_counts_and_what_is_no_verdict_does_not():
    lesson = notebooks.choose(["00"])[0]
    said = [("HEAD", "wrong"), ("HEAD", "right"), ("HEAD", "not attempted")]
    said += [("GAIN", "right"), ("GAIN", "wrong")]
    forged = [("VERDICTS", ["right"]), ("NO_SUCH", "right"), (None, None)]
    cell = new_code_cell(outputs=[judged(*entry) for entry in said + forged])
    row = Graded("ann", "a.ipynb", status="graded")
    grading._judge(row, lesson, new_notebook(), new_notebook(cells=[cell]))
    assert (row.right, row.wrong, row.open) == (["HEAD"], ["GAIN"], ["VERDICTS", "HELPS"])


def test_an_interrupt_leaves_the_table_of_what_is_done(tmp_path, monkeypatch, capsys):
    def interrupted(jobs, tasks, end):
        raise KeyboardInterrupt

    hand_in(tmp_path / "in" / "ann.ipynb")
    monkeypatch.setattr(running, "side_by_side", interrupted)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "--grade", "in"]) == 130
    assert "Interrupted: the table has what is done." in capsys.readouterr().out
    (table,) = (tmp_path / "runs").rglob("grades.csv")
    assert "ann,ann.ipynb,,not run" in table.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The file is damaged, or is no notebook: Notebook does not appear to be JSON"),
        ('{"cells": [{"cell_type": "co', "The file is damaged, or is no notebook: Notebook does not appear"),
        ("[1, 2]", "The file is damaged, or is no notebook: "),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}',
            "is no notebook",
        ),
        ("\N{SNOWMAN}".encode("utf-16"), "The file is damaged, or is no notebook: "),
    ],
)
def test_what_is_no_notebook_is_told_and_stops_nothing(tmp_path, text, problem):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "jo.ipynb").write_bytes(text if isinstance(text, bytes) else text.encode())
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("# My diary"), new_code_cell("1/0")]),
        tmp_path / "in" / "k.ipynb",
    )
    _, (damaged, other) = grade(tmp_path / "in", tmp_path / "out")
    assert damaged.status == "not a notebook" and problem in damaged.problem
    assert (other.status, other.lesson) == ("not a lesson", "")
    assert other.problem == "no lesson has its title or its exercises, so it was not run"


def test_a_lesson_is_known_by_what_is_in_it():
    books = notebooks.notebooks()
    for book in books:
        assert handed_in.lesson_of(book.content, books) == book
        without_title = {"cells": [cell for cell in book.content["cells"] if cell["cell_type"] == "code"]}
        assert handed_in.lesson_of(without_title, books) == book
    assert handed_in.lesson_of({"cells": []}, books) is None


def test_copies_of_jupyter_and_of_an_earlier_grading_are_not_handed_in(tmp_path):
    kept = hand_in(tmp_path / "ann" / "a.ipynb")
    hand_in(tmp_path / "ann" / ".ipynb_checkpoints" / "a-checkpoint.ipynb")
    hand_in(tmp_path / "runs" / "today" / "executed" / "ann" / "a.ipynb")
    (tmp_path / "runs" / "today" / "grades.csv").touch()
    assert handed_in.find(tmp_path) == [kept]


def test_a_table_is_not_written_among_what_is_graded(tmp_path):
    hand_in(tmp_path / "in" / "executed" / "a.ipynb")
    with pytest.raises(BadInput, match=r"--into takes a folder of its own; .*in holds learners' notebooks"):
        grade(tmp_path / "in", tmp_path / "in")


def test_a_folder_without_notebooks_is_refused_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"there is no folder .*absent"):
        grade(tmp_path / "absent")
    with pytest.raises(BadInput, match=r"There is no notebook \(\*.ipynb\) in .* or in a folder below it"):
        grade(tmp_path)
    with pytest.raises(BadInput, match="notebook_timeout is a whole number, 1 or more; got 0"):
        grade(tmp_path, limits=Limits(notebook=0))
    assert list(tmp_path.iterdir()) == []
    assert cli.main(["run", "00", "--grade", str(tmp_path)]) == 2
    assert "--grade takes a folder and no notebooks or parameters" in capsys.readouterr().err


def test_what_a_learner_writes_is_neither_markup_nor_a_formula_nor_a_second_line(tmp_path):
    row = Graded(
        "=HYPERLINK(1)", "<b>.ipynb", status="failed", problem=gradebook.one_line("<i>\n\x07\x1b[31mred")
    )
    assert gradebook.as_csv([row]).splitlines()[1].startswith("'=HYPERLINK(1),<b>.ipynb")
    gradebook.write(tmp_path, [row])
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<b>" not in page and "&lt;i&gt; red" in page
    assert len(gradebook.one_line("long " * 1000)) == gradebook.LONGEST


def test_the_help_warns_that_grading_runs_their_code(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    assert "executes their code with your rights" in " ".join(capsys.readouterr().out.split())
