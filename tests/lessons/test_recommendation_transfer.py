"""What lesson 12 says of its numbers stays true whatever they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tlkit
from tlkit.errors import BadInput
from tlkit.exercises import recommendation_transfer as asked
from tlkit.findings import recommendation_transfer as lesson
from tlkit.recsys.sources import placebo

UNIT = "ratings a user"


def test_one_draw_is_ranked_and_called_one():
    said = lesson.ranking(pd.Series({"target_only": 0.38, "joined": 0.41, "prior": 0.46}))
    assert said.startswith(
        "On this draw `prior` is the first with 0.460, and `target_only` the last, 8.0 points"
    )


@pytest.mark.parametrize(("vector", "option"), [([1.0, 0.1], 0), ([0.1, 0.9], 1), ([0.0, 0.1], 2)])
def test_a_far_pull_is_nearest_to_one_of_three(vector, option):
    source, alone = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert lesson.far_pull(np.array(vector), source, alone) == asked.FAR.options[option]
    assert "has gone 100 %" in lesson.ends_of_the_pull(source, source, alone)
    assert "has gone 50 %" in lesson.ends_of_the_pull((source + alone) / 2, source, alone)


def curve(few, many):
    rows = [(budget, weight, score) for budget, at in ((0, few), (10, many)) for weight, score in at.items()]
    return pd.DataFrame(rows, columns=["budget", "weight", "score"])


@pytest.mark.parametrize(
    ("few", "many", "option"),
    [
        ({3: 0.1, 100: 0.4}, {3: 0.6, 100: 0.5}, 0),
        ({3: 0.1, 100: 0.4}, {3: 0.5, 100: 0.6}, 1),
        ({3: 0.4, 100: 0.1}, {3: 0.5, 100: 0.6}, 2),
    ],
)
def test_the_best_weight_moves_or_stays(few, many, option):
    best = lesson.best_weights(curve(few, many))
    assert lesson.moved(best) == asked.MOVES.options[option]


def test_what_the_weight_of_few_ratings_costs_with_many():
    said = lesson.pull(curve({3: 0.1, 100: 0.4}, {3: 0.6, 100: 0.5}), UNIT)
    assert said == (
        "With 0 ratings a user the best weight is 100, with 10 ratings a user it is 3. "
        "There, the first of these would cost 10.0 points."
    )
    one = curve({3: 0.1, 100: 0.4}, {}).query("budget == 0")
    assert lesson.pull(one, UNIT) == "With 0 ratings a user the best weight is 100."


def test_gains_are_told_at_both_ends():
    rows = {"strategy": ["frozen", "frozen", "gated", "gated"], "budget": [0, 10] * 2}
    said = lesson.gains_at_ends(
        pd.DataFrame({**rows, "gain": [0.07, -0.1, 0.1, 0.02]}), ["gated", "frozen"], UNIT
    )
    assert said == (
        "From 0 ratings a user to 10 ratings a user, the gain goes: `gated` from +10.0 to +2.0, "
        "`frozen` from +7.0 to \N{MINUS SIGN}10.0 points."
    )


def test_who_leads_the_gate():
    weights = pd.DataFrame({"prior": [0.6, 0.2], "joined": [0.4, 0.8]}, index=[0, 20])
    assert lesson.leaders(weights).endswith("With 20 ratings it is *joined*, 0.80.")
    assert "with 20 ratings as well" in lesson.leaders(weights[["prior"]])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hurts", "hurts"), "At 0, `joined` and `prior` clearly hurt."),
        (("hurts", "no evidence"), "At 0, `joined` clearly hurts."),
        (("no evidence", "helps"), "At 0, no strategy clearly hurts."),
    ],
)
def test_who_hurts_at_the_lowest_level(words, said):
    rows = [("joined", 0.0, words[0]), ("prior", 0.0, words[1]), ("gated", 0.0, "no evidence")]
    gains = pd.DataFrame([*rows, ("joined", 0.6, "hurts")], columns=["strategy", "level", "verdict"])
    gains = gains.assign(gain=-0.01, low=-0.02, high=0.005)
    found = lesson.turns(gains)
    assert found.startswith(said)
    assert "`gated` gains \N{MINUS SIGN}1.0 (\N{MINUS SIGN}2.0 to +0.5) points there." in found


def test_a_placebo_mixes_up_the_people_and_nothing_else():
    source = tlkit.load_source("two_shops", n_users=60, n_items=100)
    mixed = placebo(source)
    true, given = (each.task.train for each in (source, mixed))
    assert mixed.name == "books, 0% true"
    # One rating each of a fifth of the people is held out anew; the items stay what they are.
    assert abs(len(given) - len(true)) < 20
    histories = [table.groupby("user", observed=True)["item"].agg(set) for table in (true, given)]
    people = histories[0].index.intersection(histories[1].index)
    alike = [len(histories[0][who] & histories[1][who]) / len(histories[0][who]) for who in people]
    assert np.mean(alike) < 0.5
    half = placebo(source, 0.5).task.train.groupby("user", observed=True)["item"].agg(set)
    kept = sum(len(half[who] & histories[0][who]) >= 0.9 * len(half[who]) for who in people if who in half)
    assert 0.35 * len(people) < kept < 0.65 * len(people)
    with pytest.raises(BadInput, match="share is a number from 0 to 1; got 2"):
        placebo(source, 2)


def test_what_is_owed_to_the_people_is_a_difference_of_pairs():
    source = tlkit.load_source("two_shops", n_users=60, n_items=100)
    task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    studies = [
        tlkit.compare(["frozen"], each, task, [2], 3, callbacks=[]) for each in (source, placebo(source))
    ]
    row = lesson.owed(*studies, ["frozen"]).loc["frozen"]
    assert row["owed to the people"] == pytest.approx(row["gain"] - row["with strangers"])
    assert row["low"] < row["owed to the people"] < row["high"]
    assert "`frozen` gains" in lesson.owed_to_people(lesson.owed(*studies, ["frozen"]), "frozen")
