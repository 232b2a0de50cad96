"""Predict, see, conclude, recall: what is asked, what is kept, and what is said of both."""

from __future__ import annotations

import json
import warnings

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tlkit.errors import BadInput, UnknownName
from tlkit.exercises import names
from tlkit.figures import charts, style
from tlkit.lessons import MIME, Choice, Curve, Exercise, Number, Order, Question, Quiz, conclude, kept, right
from tlkit.lessons import wrong as not_yet
from tlkit.lessons.reading import number, words


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_PROGRESS", str(tmp_path / "own" / "predictions.json"))
    return tmp_path / "own" / "predictions.json"


@pytest.fixture
def shell():
    """An IPython session, in which outputs are shown as a notebook shows them."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def number_question():
    return Number("How far?", low=-20, high=60, unit="points")


def named(monkeypatch, thing, name="start_here.THING"):
    """Let a thing be one of a lesson's."""
    lesson, _, own = name.partition(".")
    module = __import__(f"tlkit.exercises.{lesson}", fromlist=[lesson])
    monkeypatch.setattr(module, own, thing, raising=False)
    return thing


@pytest.mark.parametrize(
    ("prediction", "answer", "result", "said"),
    [
        (number_question(), 20, 9.2, "you were 10.8 points too high."),
        (number_question(), "5", 9.25, "you were 4.2 points too low."),
        (number_question(), 9, 9.0, "you were right."),
        (Choice("Which?", ["a", "b"]), "B", "b", "you were right."),
        (Choice("Which?", ["a", "b"]), "a", "b", "not what you expected."),
        (Order("Order?", list("abc")), list("CBA"), list("abc"), "0 of 3 pairs are in the right order."),
        (Curve("Curve?", at=[1, 5], unit="%"), [50, 90], {1: 52, 5: 80}, "most at 5 (10 % too high)."),
    ],
)
def test_a_prediction_stands_beside_the_result_in_words(prediction, answer, result, said):
    prediction.keep(answer)
    assert prediction.reveal(result).text.endswith(said)


def test_without_a_prediction_the_result_is_told_all_the_same():
    assert number_question().reveal(12).text == "You made no prediction. The result is 12 points."


def test_a_result_may_lie_beyond_what_could_be_predicted():
    prediction = number_question()
    prediction.keep(60)
    assert "you were 10 points too low" in prediction.reveal(70).text


@pytest.mark.parametrize(
    ("prediction", "answer", "message"),
    [
        (number_question(), 61, "lies between -20 and 60; got 61"),
        (number_question(), "many", "A number is asked for; got 'many'"),
        (number_question(), float("nan"), "it is not finite"),
        (number_question(), True, "one number is asked for"),
        (Choice("Which?", ["probe", "finetune"]), "prob", "Did you mean 'probe'"),
        (Order("Order?", list("abc")), ["a", "b"], "Choose each of the 3 once; not chosen: c"),
        (Order("Order?", list("abc")), "abc", "An order is a list of all of a, b, c"),
        (Curve("Curve?", at=[1, 5]), [1], "A curve has 2 numbers, at 1, 5"),
        (Curve("Curve?", at=[1, 5]), {1: 2}, "lacks a number at 5"),
        (Curve("Curve?", at=[1, 5]), [1, 101], "lies between 0 and 100; got 101"),
    ],
)
def test_a_prediction_of_the_wrong_kind_or_out_of_range_is_refused(prediction, answer, message):
    with pytest.raises((BadInput, UnknownName), match=message):
        prediction.keep(answer)
    assert prediction.predicted is None


def test_a_result_of_the_wrong_kind_is_refused():
    with pytest.raises(BadInput, match="A number is asked for"):
        number_question().reveal("much")


def test_a_prediction_is_kept_for_the_next_session(monkeypatch, own_file):
    named(monkeypatch, number_question()).keep(7)
    assert named(monkeypatch, number_question()).predicted == 7
    assert json.loads(own_file.read_text())["predictions"]["start_here.THING"] == {"predicted": 7.0}


def test_a_kept_prediction_that_no_longer_fits_the_question_is_left_out(monkeypatch):
    named(monkeypatch, number_question()).keep(50)
    assert named(monkeypatch, Number("How far?", low=0, high=10)).predicted is None


def test_what_else_is_kept_of_a_prediction_survives_its_result(monkeypatch):
    prediction = named(monkeypatch, number_question())
    prediction.keep(7)
    prediction.reveal(9)
    assert kept.read()["predictions"]["start_here.THING"] == {"predicted": 7.0, "result": 9.0}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"format": "another"}', '{"format": "tlkit progress 1", "quizzes": 3}']
)
def test_a_damaged_or_foreign_file_is_kept_aside_and_told_of(own_file, content, monkeypatch):
    own_file.parent.mkdir()
    own_file.write_text(content)
    with pytest.warns(UserWarning, match=r"is damaged or not a file of tlkit's: it is kept as .*aside"):
        named(monkeypatch, number_question()).keep(1)
    (aside,) = own_file.parent.glob("*.aside.json")
    assert aside.read_text() == content
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kept.read()["predictions"]["start_here.THING"]["predicted"] == 1


def test_a_file_that_cannot_be_written_stops_no_lesson(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLKIT_PROGRESS", str(tmp_path / "file" / "predictions.json"))
    prediction = named(monkeypatch, number_question())
    with pytest.warns(UserWarning, match="Your answers are not kept"):
        prediction.keep(1)
    assert prediction.predicted == 1


def test_a_curve_is_compared_where_the_result_has_a_number():
    curve = Curve("Accuracy?", at=[1, 5, 20], low=0, high=100, unit="%")
    curve.keep([50, 70, 90])
    said = curve.reveal(pd.Series({1: 60.0, 20: 95.0})).text
    assert said.endswith("60 % at 1, 95 % at 20: you were off by 7.5 % on average, most at 1 (10 % too low).")
    assert curve.reveal({2: 50.0}).text == "This run has no result at 1, 5, 20."


def test_the_predicted_curve_is_drawn_in_the_figure_where_there_is_one():
    prediction = Curve("Curve?", at=[1, 3], unit="%")
    rows = {
        "strategy": ["a", "a"],
        "budget": [1, 3],
        "score": [0.5, 0.6],
        "low": [0.4, 0.5],
        "high": [0.6, 0.7],
    }
    table = __import__("pandas").DataFrame(rows)
    before = len(charts.label_efficiency(table).data)
    assert len(prediction.draw_on(charts.label_efficiency(table)).data) == before
    prediction.keep([50, 75])
    drawn = prediction.draw_on(charts.label_efficiency(table), scale=0.01).data[-1]
    assert drawn.name == "your prediction"
    assert list(drawn.x) == [style.place(1), style.place(3)]
    assert list(drawn.y) == [0.5, 0.75]


def quiz():
    return Quiz(Question("What moves?", ["the head", "the backbone"], "the backbone", "The head is new."))


def test_a_quiz_says_of_each_answer_whether_it_is_right_and_why(monkeypatch):
    asked = named(monkeypatch, quiz())
    assert asked.check([1]).text == "**0 of 1 right.**\n\n1. **Not yet.** The head is new."
    assert asked.check([2]).text == "**1 of 1 right.**\n\n1. **Right.** The head is new."
    assert kept.read()["quizzes"]["start_here.THING"] == {"right": 1, "of": 1}
    assert asked.check([None]).text.endswith("**No answer yet.**")


@pytest.mark.parametrize(("answers", "message"), [([], "takes 1 answers"), (["the tail"], "is no option of")])
def test_answers_that_do_not_fit_a_quiz_are_refused(answers, message):
    with pytest.raises(BadInput, match=message):
        quiz().check(answers)


def test_a_question_without_its_answer_among_the_options_is_refused():
    with pytest.raises(BadInput, match="is not an option: a, b"):
        Question("?", ["a", "b"], "c", "")


@pytest.mark.parametrize("given", [650, "650", 650.0, " 650 "])
def test_a_number_may_be_given_as_text(given):
    assert number(given) == 650


@pytest.mark.parametrize(
    "given", ["BD", "B, D", ["b", "D"], ("B", "D"), "['B', 'D']", "b d", {"B": 1, "D": 2}]
)
def test_letters_may_be_given_in_any_usual_way(given):
    assert words("ABCDEF")(given) == ["B", "D"]


def test_words_of_several_letters_are_parted_by_commas_or_spaces():
    assert words(["no evidence", "helps"])("Helps, no evidence") == ["helps", "no evidence"]
    assert words(["neighbours", "content"])("neighbours") == ["neighbours"]
    with pytest.raises(ValueError, match="there is no 'neighbors'. Did you mean 'neighbours'"):
        words(["neighbours", "content"])("neighbors")


def exercise():
    return Exercise(
        "2 + 2?",
        "a number",
        lambda n: right("Yes.") if n == 4 else not_yet("No."),
        ["Count."],
        "`4`",
        [4],
        [5],
    )


def test_check_hint_and_solution_of_one_cell_all_show_and_once(shell):
    shell.user_ns["asked"] = exercise()
    with capture_output() as shown:
        shell.run_cell("asked.check(5)\nasked.hint()\nasked.solution()")
    texts = [output.data["text/markdown"] for output in shown.outputs]
    assert texts == ["**Not yet.** No.", "**Hint 1 of 1.** Count.", "**Solution.** `4`"]


def test_outputs_say_to_a_program_what_came_of_it(shell, monkeypatch):
    shell.user_ns["asked"] = named(monkeypatch, exercise())
    with capture_output() as shown:
        shell.run_cell("asked.check(4)")
    assert shown.outputs[0].data[MIME] == {"kind": "exercise", "name": "start_here.THING", "status": "right"}
    assert kept.read()["exercises"]["start_here.THING"] == {"status": "right"}


def test_a_conclusion_shows_wherever_in_a_cell_it_stands(shell):
    shell.user_ns["conclude"] = conclude
    with capture_output() as shown:
        shell.run_cell("conclude('Three of four help.')\nx = 1")
    assert shown.outputs[0].data["text/markdown"] == "**In short:** Three of four help."


def test_a_summary_counts_what_is_done_lesson_by_lesson(monkeypatch):
    assert "Nothing is kept yet" in kept.summary(names())
    named(monkeypatch, number_question()).keep(7)
    named(monkeypatch, exercise(), "start_here.OTHER").check(4)
    named(monkeypatch, quiz(), "start_here.QUIZ").check([2])
    all_names = {"predictions": ["start_here.THING"], "exercises": ["start_here.OTHER", "start_here.MORE"]}
    row = kept.summary({**all_names, "quizzes": ["start_here.QUIZ"]}).splitlines()[1].split()
    assert row == ["start_here", "1", "of", "1", "1", "0", "1", "1", "of", "1"]


def test_a_prediction_is_asked_in_a_widget_that_keeps_it(shell, monkeypatch):
    asked = {
        "number": (number_question(), 20),
        "choice": (Choice("Which *one*?", ["a", "b"]), None),
        "order": (Order("Order?", list("abc")), ["a", "b", "c"]),
        "curve": (Curve("Curve?", at=[1, 5]), [50, 50]),
    }
    for name, (prediction, first) in asked.items():
        boxes = []
        monkeypatch.setattr("IPython.display.display", boxes.append)
        named(monkeypatch, prediction, f"start_here.{name.upper()}")._ipython_display_()
        _style, question, _control, button, status = boxes[0].children
        assert prediction.question.replace("*one*", "<i>one</i>") in question.value
        button.click()
        if first is None:
            assert "There is no option" in status.value
        else:
            assert prediction.predicted == first
            assert "Your prediction is kept: " in status.value


def test_a_quiz_is_answered_by_radio_buttons(shell, monkeypatch):
    boxes = []
    monkeypatch.setattr("IPython.display.display", boxes.append)
    quiz()._ipython_display_()
    _style, _text, radio, result, button, score = boxes[0].children
    radio.value = "the backbone"
    button.click()
    assert "The head is new." in result.value
    assert "1 of 1 right." in score.value


def test_a_quiz_shown_again_says_the_earlier_score_to_whoever_reads_the_notebook(shell, monkeypatch):
    asked = named(monkeypatch, quiz())
    for expected in ([], [{"kind": "quiz", "name": "start_here.THING", "right": 1, "of": 1}]):
        with capture_output() as shown:
            asked._ipython_display_()
        assert [output.data[MIME] for output in shown.outputs if MIME in output.data] == expected
        asked.judged([2])
