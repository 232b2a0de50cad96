"""What lesson 00 says of its numbers stays true whatever they are."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from tlkit.exercises import start_here as asked
from tlkit.findings import start_here as lesson


def trial(strategy, accuracy, seconds):
    return SimpleNamespace(strategy=strategy, metrics={"accuracy": accuracy}, seconds=seconds)


@pytest.mark.parametrize(
    ("probe", "seconds", "said"),
    [
        (0.92, 0.05, "`probe` is 45 points ahead of `scratch`. It trained for less than 0.1 s, `scratch`"),
        (0.42, 0.31, "`probe` is 5 points behind `scratch`. It trained for 0.3 s, `scratch` for 2.5 s."),
        (0.472, 0.31, "`probe` is level with `scratch`."),
    ],
)
def test_two_trials_are_held_side_by_side(probe, seconds, said):
    two = [trial("scratch", 0.47, 2.5), trial("probe", probe, seconds)]
    assert said in lesson.ahead(two, "accuracy", 10)
    assert lesson.ahead(two, "accuracy", 10).startswith("On the same 10 pictures")


def table(**scores):
    rows = [
        (strategy, budget, score)
        for strategy, at in scores.items()
        for budget, found in at.items()
        for score in found
    ]
    return pd.DataFrame(rows, columns=["strategy", "budget", "accuracy"])


def test_the_spread_of_draws_is_that_of_best_and_worst():
    found = lesson.spreads(
        table(
            scratch={1: [0.5, 0.6, 0.58], 5: [0.7, 0.9], 20: [0.9, 0.92]}, probe={1: [0.9, 0.93], 20: [0.99]}
        ),
        "accuracy",
    )
    assert found.round(3).to_dict() == {
        "scratch with the smaller budget": 0.1,
        "probe with the smaller budget": 0.03,
        "scratch with the larger budget": 0.02,
    }
    assert list(found.index)[1] == "probe with the smaller budget"
    said = lesson.draws_differ(found)
    assert "*scratch with the smaller budget*: its best draw lies 10 points above its worst" in said
    assert said.endswith("*scratch with the larger budget* changes by 2.")


@pytest.mark.parametrize(("gains", "said"), [((0.4, 0.1), asked.FEWER), ((0.1, 0.4), asked.MORE)])
def test_the_larger_gain_has_its_budget(gains, said):
    verdicts = pd.DataFrame({"strategy": "finetune", "budget": [5, 1], "gain": gains[::-1]})
    assert lesson.larger(verdicts) == said
    assert said in asked.LARGER.options


def test_what_a_strategy_got_is_told_for_the_ends():
    rows = {"strategy": "finetune", "budget": [1, 5, 20], "score": [0.9, 0.95, 0.98]}
    verdicts = pd.DataFrame({**rows, "baseline": [0.5, 0.9, 0.97]})
    unit = "labels a class"
    assert lesson.worth(verdicts, unit) == (
        "With 1 label a class, `finetune` got 90.0 % and `scratch` 50.0 %. "
        "With 20 labels a class, `finetune` got 98.0 % and `scratch` 97.0 %."
    )
    assert lesson.worth(verdicts[:1], unit).count("With") == 1
