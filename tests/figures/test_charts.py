"""Figures say in words and in a table what they draw, and never by colour alone."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from tlkit.errors import BadInput
from tlkit.figures import charts, dark, style
from tlkit.figures.described import words_html
from tlkit.figures.style import marks
from tlkit.figures.wording import gain_text


@pytest.fixture
def curve():
    rows = [
        (name, "toy", budget, score, score - 0.1, score + 0.1)
        for name, scores in {"scratch": (0.4, 0.9), "finetune": (0.7, 0.91)}.items()
        for budget, score in zip((1, 50), scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=["strategy", "source", "budget", "score", "low", "high"])


@pytest.fixture
def verdicts():
    rows = [
        ("finetune", "toy", 1, 0.3, 0.25, 0.35, "helps", "..."),
        ("probe", "toy", 1, -0.05, -0.08, -0.02, "hurts", "..."),
        ("nearest", "toy", 1, 0.01, np.nan, np.nan, "no verdict", "..."),
    ]
    return pd.DataFrame(
        rows, columns=["strategy", "source", "budget", "gain", "low", "high", "verdict", "sentence"]
    )


def lines(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_label_efficiency_draws_the_scores_at_the_real_budgets(curve):
    figure = charts.label_efficiency(curve, metric="accuracy", budget_unit="labels a class", chance=0.1)
    drawn = lines(figure)
    assert list(drawn["finetune"].y) == [0.7, 0.91]
    assert list(figure.layout.xaxis.tickvals) == list(drawn["finetune"].x) == [1, np.log2(51)]
    assert list(figure.layout.xaxis.ticktext) == ["1", "50"]
    assert figure.layout.xaxis.title.text == "labels a class (log(1 + n) scale)"
    assert list(drawn["finetune"].text) == ["1 label a class: 70.0 %", "50 labels a class: 91.0 %"]
    assert charts.describe(figure) == (
        "Line chart of accuracy against labels a class, with 95 % bands. "
        "scratch: 40.0 % at 1 to 90.0 % at 50. finetune: 70.0 % at 1 to 91.0 % at 50. Chance is 10.0 %."
    )
    pd.testing.assert_frame_equal(charts.table_twin(figure), curve)


def test_a_budget_of_nothing_has_its_place(curve):
    curve["budget"] = curve["budget"].replace({1: 0, 50: 2})
    figure = charts.label_efficiency(curve[::-1], budget_unit="ratings a user")
    drawn = lines(figure)["scratch"]
    assert list(drawn.x) == [0, np.log2(3)]
    assert list(drawn.y) == [0.4, 0.9]
    assert drawn.text[0] == "0 ratings a user: 40.0 %"
    assert "scratch: 40.0 % at 0 to 90.0 % at 2." in charts.describe(figure)
    assert charts.table_twin(figure)["budget"].tolist() == [2, 0, 2, 0]


def test_lines_differ_in_colour_shape_and_dash():
    drawn = marks(f"strategy {i}" for i in range(70))
    assert len({(mark.symbol, mark.dash) for mark in drawn.values()}) == 70
    first = list(drawn.values())
    assert len({mark.colour for mark in first[:13]}) == len({mark.symbol for mark in first[:13]}) == 13
    assert len({mark.dash for mark in first[:5]}) == 5


def test_an_error_says_that_lower_is_better(curve, verdicts):
    said = charts.describe(
        charts.label_efficiency(curve, percent=False, metric="rmse", greater_is_better=False)
    )
    assert said.startswith("Line chart of RMSE (lower is better) against labels")
    forest = charts.gains(verdicts, percent=False, metric="rmse", greater_is_better=False)
    assert forest.layout.xaxis.title.text == "fall in RMSE"
    assert list(lines(forest)["helps"].x) == [0.3]


def test_several_sources_are_lines_of_their_own(curve):
    both = pd.concat([curve, curve.assign(source="other")])
    names = set(lines(charts.label_efficiency(both)))
    assert names == {"scratch from toy", "finetune from toy", "scratch from other", "finetune from other"}


def test_all_the_data_is_a_budget_too(curve):
    curve["budget"] = curve["budget"].astype(object).replace(50, "all")
    figure = charts.label_efficiency(curve)
    assert figure.layout.xaxis.type == "category"
    assert list(lines(figure)["scratch"].x) == ["1", "all"]


def test_one_budget_and_a_missing_interval_are_drawn(curve):
    single = curve[curve["budget"] == 1].assign(low=np.nan, high=np.nan)
    figure = charts.label_efficiency(single, percent=False)
    assert "scratch: 0.400 at 1." in charts.describe(figure)


def test_gains_are_drawn_in_points_with_their_intervals(verdicts):
    figure = charts.gains(verdicts, metric="accuracy", budget_unit="labels a class")
    helps = lines(figure)["helps"]
    assert list(helps.x) == pytest.approx([30])
    assert list(helps.error_x.array) == pytest.approx([5])
    assert {trace.marker.symbol for trace in figure.data} == {"triangle-up", "triangle-down", "x-open"}
    assert "finetune, 1 label a class: +30.0 (+25.0 to +35.0), helps" in charts.describe(figure)
    assert "nearest, 1 label a class: +1.0, no verdict" in charts.describe(figure)
    assert charts.table_twin(figure)["gain"].tolist() == verdicts["gain"].tolist()


def test_gains_of_another_metric_keep_its_unit(verdicts):
    helps = lines(charts.gains(verdicts, percent=False))["helps"]
    assert list(helps.x) == [0.3]
    assert gain_text(-0.0512, -0.1, 0.0, percent=False) == "−0.051 (−0.100 to +0.000)"


def test_learning_curves_take_history_as_it_is():
    history = [{"step": s, "steps": 3, "loss": 1 / s} for s in (1, 2, 3)]
    history[-1]["valid_score"] = 0.8
    figure = charts.learning_curves(history)
    assert list(lines(figure)["training loss"].y) == [1, 1 / 2, 1 / 3]
    assert list(lines(figure)["validation score"].x) == [3]
    assert "training loss goes from 1 to 0.333" in charts.describe(figure)


def test_confusion_shades_shares_and_names_the_worst_mistake():
    names = ["ant", "bee"]
    matrix = pd.DataFrame([[8, 2], [1, 19]], index=names, columns=names)
    figure = charts.confusion(matrix)
    assert np.allclose(figure.data[0].z, [[0.8, 0.2], [0.05, 0.95]])
    assert charts.describe(figure) == (
        "Confusion matrix of 2 classes: 27 of 30 examples are right; "
        "the most common mistake is ant taken for bee, 2 times."
    )
    assert charts.table_twin(figure)["bee"].tolist() == [2, 19]


def test_words_and_numbers_survive_json(curve):
    figure = charts.label_efficiency(curve)
    again = go.Figure(json.loads(figure.to_json()))
    assert charts.describe(again) == charts.describe(figure)
    assert charts.table_twin(again)["score"].tolist() == curve["score"].tolist()


def test_type_is_large_enough_to_read(curve):
    template = charts.label_efficiency(curve).layout.template.layout
    assert template.font.size >= 13
    assert template.xaxis.title.font.size >= 13


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda curve: charts.label_efficiency(curve.drop(columns="low")),
            "The table lacks low; it has strategy",
        ),
        (
            lambda curve: charts.label_efficiency(curve[:0]),
            "There is nothing to draw: the table has no rows.",
        ),
        (lambda curve: charts.gains(curve), "The table lacks gain, verdict"),
        (lambda curve: charts.learning_curves([]), "There is nothing to draw"),
        (lambda curve: charts.confusion(curve), "same class names, in the same order"),
        (lambda curve: charts.describe(go.Figure()), "This figure carries no description"),
        (lambda curve: charts.table_twin(go.Figure()), "This figure carries no description"),
    ],
)
def test_what_cannot_be_drawn_is_refused(curve, call, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        call(curve)


def test_lines_tell_every_name_apart_and_carry_intervals():
    table = pd.DataFrame({"x": ["few", "many"] * 2, "y": [0.1, -0.2, 0.3, 0.4], "who": list("aabb")})
    drawn = charts.lines(
        table.assign(low=table["y"] - 0.1, high=table["y"] + 0.3), "x", "y", "who", zero=True
    )
    first, second = drawn.data
    assert list(first.x) == ["few", "many"] and list(second.y) == [0.3, 0.4]
    assert list(first.error_y.array) == pytest.approx([0.3, 0.3])
    assert (first.line.dash, first.marker.symbol) != (second.line.dash, second.marker.symbol)
    assert "a: 0.1 at few to −0.2 at many." in charts.describe(drawn)
    assert drawn.layout.shapes[0].y0 == 0


def test_a_figure_shows_its_words_and_numbers_below_itself(curve, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setattr(go.Figure, "_ipython_display_", lambda self: shown.append("the chart"))
    figure = charts.label_efficiency(curve)
    figure.update_layout(height=500)._ipython_display_()
    assert shown[0] == "the chart"
    said = shown[1].data
    assert f'<details aria-label="{charts.describe(figure)}">' in said
    assert "<td>finetune</td>" in said
    many = charts.lines(pd.DataFrame({"x": range(40), "y": 1, "by": "a"}), "x", "y", "by")
    assert "The first 30 of 40 rows." in words_html(many)


def test_a_forest_plot_holds_its_numbers_in_labels_that_are_never_cut(verdicts):
    figure = charts.gains(verdicts.assign(strategy=lambda table: table["strategy"] + " of a long name" * 3))
    axis = figure.layout.yaxis
    assert axis.automargin or figure.layout.template.layout.yaxis.automargin
    assert [text.rpartition("<br>")[2] for text in axis.ticktext] == [
        "+30.0 (+25.0 to +35.0)",
        "−5.0 (−8.0 to −2.0)",
        "+1.0",
    ]
    assert max(len(line) for text in axis.ticktext for line in text.split("<br>")) <= style.ROW_WIDTH


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_the_guidelines_say():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("ground", ["#111111", "#1f2328"])
def test_every_colour_is_seen_on_dark_ground(ground):
    for colour in (*style.COLOURS, *(mark.colour for mark in style.VERDICT_MARKS.values())):
        assert contrast(dark.LIGHTER.get(colour, colour), ground) >= 3, colour


def test_text_and_verdicts_are_legible_on_white():
    assert contrast(style.INK, "#ffffff") >= 7
    assert contrast(style.MUTED, "#ffffff") >= 4.5


def test_names_that_look_like_numbers_stay_names_and_a_log_axis_is_marked_where_its_points_are():
    table = pd.DataFrame({"weight": ["0", "3", "1000"], "score": [1.0, 2.0, 3.0], "line": "a"})
    assert charts.lines(table, "weight", "score", by="line").layout.xaxis.type == "category"
    numbers = table.assign(weight=[2, 16, 64])
    axis = charts.lines(numbers, "weight", "score", by="line", log=True).layout.xaxis
    assert (axis.type, list(axis.tickvals)) == ("log", [2, 16, 64])
