"""Figures of speed and of labels saved say in words and numbers what they draw."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from tlkit.errors import BadInput
from tlkit.figures import charts, efficiency

RATIOS = ["ratio", "low", "high", "seconds_ratio", "seconds_low", "seconds_high"]


@pytest.fixture
def speed():
    nothing = [np.nan] * 3
    rows = [
        ("finetune", "toy", 5, 2.7, 1.9, 3.8, 2.5, 1.8, 3.4, False, "faster"),
        ("probe", "toy", 5, *nothing, 12.0, 8.0, 19.0, True, "faster"),
        ("late", "toy", 5, *nothing, *nothing, False, "no verdict"),
    ]
    return pd.DataFrame(rows, columns=["strategy", "source", "budget", *RATIOS, "at_least", "verdict"])


@pytest.fixture
def table():
    rows = [
        ("finetune", "toy", 1, 7.0, 3.0, np.inf, "cheaper"),
        ("finetune", "toy", 20, np.inf, 16.0, np.inf, "no evidence"),
        ("probe", "toy", 1, 0.0, 0.0, 1.5, "no evidence"),
    ]
    return pd.DataFrame(rows, columns=["strategy", "source", "budget", "worth", "low", "high", "verdict"])


def lines(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_what_takes_no_steps_is_drawn_by_its_seconds(speed):
    figure = efficiency.time_to_score(speed, "scratch", "labels a class")
    assert list(lines(figure)["faster"].x) == [2.7, 12.0]
    assert list(lines(figure)["faster"].error_x.array) == pytest.approx([1.1, 7.0])
    assert figure.layout.xaxis.type == "log"
    assert charts.describe(figure) == (
        "Forest plot of how many times as fast as scratch a score is reached, with 95 % intervals. "
        "finetune, 5 labels a class: 2.7 (1.9 to 3.8) in steps, faster; "
        "probe, 5 labels a class: at least 12 (8 to 19) in seconds, faster; "
        "late, 5 labels a class: not reached on every draw, no verdict."
    )
    twin = charts.table_twin(figure)
    assert twin["ratio"].tolist()[:2] == [2.7, 12.0] and twin["unit"].tolist()[:2] == ["steps", "seconds"]


def test_labels_are_drawn_against_their_worth_and_what_lies_beyond_is_open(table):
    figure = efficiency.worth(table, "scratch", "labels a class")
    drawn = lines(figure)["finetune"]
    assert drawn.y[0] == 3 and drawn.y[1] > np.log2(21)
    assert list(drawn.marker.symbol) == ["square", "square-open"]
    assert drawn.error_y.array[0] == pytest.approx(drawn.y[1] - 3)  # up to where "more than 20" is drawn
    assert drawn.error_y.arrayminus[0] == pytest.approx(1)
    assert charts.describe(figure) == (
        "What labels a class are worth in those of scratch, with 95 % intervals. "
        "finetune: 7 (3 to more than 20) at 1, cheaper; "
        "more than 20 (16 to more than 20) at 20, no evidence. "
        "probe: fewer than 1 (fewer than 1 to 1.5) at 1, no evidence."
    )
    copied = go.Figure(json.loads(figure.to_json()))
    assert charts.table_twin(copied)["text"].tolist() == charts.table_twin(figure)["text"].tolist()


@pytest.mark.parametrize("draw", [efficiency.time_to_score, efficiency.worth])
def test_a_table_that_cannot_be_drawn_is_refused(draw, speed, table):
    with pytest.raises(BadInput, match="no rows"):
        draw(table[:0])
    with pytest.raises(BadInput, match="The table lacks"):
        draw(speed.drop(columns="low"))
