"""Each lesson follows the anatomy that CONTRIBUTING describes: predict, see, conclude; practise; recall."""

from __future__ import annotations

import ast
import re

import pytest

from tlkit.course import notebooks
from tlkit.course.contents import exercises_of, predictions_of, quiz_of
from tlkit.lessons import Curve, Order

CELL_LINES = 10
WALLS = re.compile(r"^## ", re.MULTILINE)


class Lesson:
    """A notebook's cells by number, and what its exercises module holds."""

    def __init__(self, book):
        self.book = book
        self.prose = self._cells("markdown")
        self.code = self._cells("code")
        self.predictions, self.exercises = predictions_of(book), exercises_of(book)

    def _cells(self, kind):
        cells = enumerate(self.book.content["cells"])
        return {number: "".join(cell["source"]) for number, cell in cells if cell["cell_type"] == kind}

    def showing(self, name):
        """The cells whose only line shows something of the exercises module."""
        return [number for number, source in self.code.items() if source.strip() == f"exercises.{name}"]

    def revealing(self, name):
        return [number for number, source in self.code.items() if f"exercises.{name}.reveal(" in source]

    def sections(self):
        """The code cells of each section, which a heading of the second level opens."""
        walls = [number for number, text in self.prose.items() if WALLS.search(text)]
        ends = [*walls[1:], len(self.book.content["cells"])]
        return [[n for n in self.code if start < n < end] for start, end in zip(walls, ends, strict=True)]

    def calls(self, name):
        """Every call of a function, as its cell and its arguments."""
        for number, source in self.code.items():
            tree = ast.parse(source if f"{name}(" in source else "")
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    yield number, node.args


@pytest.fixture(params=notebooks.notebooks(), ids=lambda book: book.name)
def lesson(request):
    return Lesson(request.param)


def test_it_opens_with_what_one_needs_and_learns_and_how_long_it_takes(lesson):
    first = lesson.prose[0]
    order = ["What you need to know before: ", "What you will learn:", "Time: ", "Hardware: "]
    places = [first.find(words) for words in order]
    assert -1 not in places
    assert places == sorted(places)
    before = first[places[0] : places[1]]
    assert "](background.ipynb)" in before
    assert len(re.findall(r"^- ", first[places[1] : places[2]], re.MULTILINE)) == 3


def test_it_asks_for_predictions_of_three_kinds_and_one_that_is_more_than_a_number(lesson):
    assert len(lesson.predictions) >= 4
    kinds = {type(prediction) for prediction in lesson.predictions.values()}
    assert len(kinds) >= 3
    assert kinds & {Curve, Order}


def test_each_prediction_is_asked_for_once_and_stands_beside_its_result_once(lesson):
    for name in lesson.predictions:
        [asked], [answered] = lesson.showing(name), lesson.revealing(name)
        assert asked < answered
        [section] = [cells for cells in lesson.sections() if asked in cells]
        assert answered in section, f"{name} is answered in another section"


def test_a_curve_is_drawn_into_the_figure(lesson):
    for name, prediction in lesson.predictions.items():
        if isinstance(prediction, Curve):
            assert any(f"exercises.{name}.draw_on(" in source for source in lesson.code.values()), name


def test_each_section_with_a_result_ends_in_one_conclusion(lesson):
    revealed = {number for name in lesson.predictions for number in lesson.revealing(name)}
    concluded = [number for number, _ in lesson.calls("conclude")]
    for cells in lesson.sections():
        told = [number for number in concluded if number in cells]
        assert len(told) == 1 or (not told and not revealed & set(cells)), [lesson.code[n] for n in cells]
    assert len(concluded) >= 3


def test_a_conclusion_is_made_from_numbers_and_committed(lesson):
    for number, [said] in lesson.calls("conclude"):
        assert any(isinstance(node, ast.FormattedValue | ast.Call) for node in ast.walk(said)), (
            f"cell {number} concludes whatever the numbers are"
        )
        cell = lesson.book.content["cells"][number]
        texts = ["".join(output.get("data", {}).get("text/markdown", "")) for output in cell["outputs"]]
        assert any(text.startswith("**In short:** ") for text in texts)


def test_its_exercises_have_check_hint_and_solution_in_one_cell_and_one_runs_a_study(lesson):
    for name in lesson.exercises:
        assert len(lesson.showing(name)) == 1
        [cell] = [source for source in lesson.code.values() if f"exercises.{name}.check(" in source]
        assert f"\n# exercises.{name}.hint()" in cell
        assert cell.endswith(f"\n# exercises.{name}.solution()")
        assert cell.split(" = ")[1].startswith("...\n"), "a learner's answer takes the place of ..."
    assert any(exercise.runs_study for exercise in lesson.exercises.values())


def test_it_ends_in_five_questions_with_a_reason_each(lesson):
    questions = quiz_of(lesson.book).questions
    assert len(questions) == 5
    assert all(len(question.options) >= 3 and question.why for question in questions)
    places = {options.index(each.answer) for each in questions for options in [list(each.options)]}
    assert len(places) > 1, "the right option always has the same place"
    [shown] = lesson.showing("QUIZ")
    assert shown > max(lesson.showing(name)[0] for name in lesson.exercises)


def test_its_cells_can_be_read_by_a_beginner(lesson):
    for source in lesson.code.values():
        assert len(source.splitlines()) <= CELL_LINES, source


def test_it_has_a_panel_with_things_to_try(lesson):
    [panel] = [number for number, source in lesson.code.items() if "tlkit.panel(" in source]
    before = max(number for number in lesson.prose if number < panel)
    heading = max(number for number, text in lesson.prose.items() if number < panel and WALLS.search(text))
    tries = "".join(lesson.prose[number] for number in range(heading, before + 1) if number in lesson.prose)
    assert len(re.findall(r"^\d\. ", tries, re.MULTILINE)) >= 2


def test_what_to_look_at_is_folded_away_until_one_asks(lesson):
    text = "\n".join(lesson.prose.values())
    assert text.count("<details><summary>What to look at</summary>") >= 3
    assert text.count("<details>") == text.count("</details>")
    assert "Predict first" not in text, "predictions are widgets"
