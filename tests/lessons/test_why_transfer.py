"""What lesson 01 says of its numbers stays true whatever they are."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tlkit.exercises import why_transfer as asked
from tlkit.findings import why_transfer as lesson
from tlkit.vision.strategies.frozen import Probe

UNIT = "labels a class"


def verdicts(*gains, word="helps"):
    words = [word if gain > 0.05 else "no evidence" for gain in gains]
    rows = {"strategy": "finetune", "budget": [1, 2, 5, 20][: len(gains)], "gain": gains, "verdict": words}
    return pd.DataFrame(rows)


def worth(*labels):
    return pd.DataFrame({"strategy": "finetune", "budget": [1, 2, 5, 20][: len(labels)], "worth": labels})


def test_the_gap_is_told_at_both_ends():
    assert lesson.gap(verdicts(0.38, 0.2, 0.1, -0.014), "finetune", UNIT) == (
        "With 1 label a class `finetune` is 38.0 points above `scratch`. "
        "With 20 labels a class it is 1.4 points below."
    )


def test_what_the_smallest_budget_is_worth_has_an_end():
    assert lesson.labels_worth(worth(5.2, 12.0)) == 2
    assert lesson.labels_worth(worth(5.2, 12.0, 18.0, 30.0)) == 5.2
    assert lesson.labels_worth(worth(np.inf, np.inf, np.inf, np.inf)) == 20


def test_where_a_gain_ends_is_told_by_verdicts_and_in_labels():
    said = lesson.gain_ends(verdicts(0.38, 0.2, 0.1, 0.014), worth(5.2, 12, 18, np.inf), UNIT)
    assert said == (
        "With 1, 2 and 5 labels a class `finetune` clearly helps. "
        "Its accuracy with 1 label a class is worth 5.2 labels a class of `scratch`."
    )
    said = lesson.gain_ends(verdicts(0.38, 0.03), worth(1.5, np.inf), UNIT)
    assert said.startswith("With 1 label a class `finetune` clearly helps. ")
    said = lesson.gain_ends(verdicts(0.04, 0.03), worth(np.inf, np.inf), UNIT)
    assert said.startswith("With no budget `finetune` clearly helps. ")
    assert said.endswith("is worth more than 2 labels a class of `scratch`.")


def study(rng, shared):
    """Scores of two strategies on thirty draws whose luck they share, or not."""
    luck = rng.normal(0, 0.05, 30)
    own = rng.normal(0, 0.01, (2, 30))
    scores = {"probe": 0.8 + luck + own[0], "finetune": 0.9 + (luck if shared else luck[::-1]) + own[1]}
    return pd.concat(
        pd.DataFrame({"budget": 1, "seed": range(30), "strategy": name, "accuracy": values})
        for name, values in scores.items()
    )


@pytest.mark.parametrize(("shared", "option"), [(True, 0), (False, 1)])
def test_pairs_win_where_luck_is_shared(shared, option):
    table = study(np.random.default_rng(3), shared)
    spread = lesson.spreads(table, "accuracy", "probe", "finetune")
    found = table.pivot(index="seed", columns="strategy", values="accuracy")
    assert spread["on the same draws"].iloc[0] == pytest.approx(
        100 * np.std(found["finetune"] - found["probe"], ddof=1)
    )
    assert spread["on different draws"].iloc[0] == pytest.approx(100 * np.sqrt(found.var().sum()))
    assert lesson.move(spread) == asked.TOGETHER.options[option]
    assert f"With {1 - option} of 1 budget, the difference varies less" in lesson.worth_of_pairs(spread)


def test_what_tuning_won_is_against_the_setting_of_the_study():
    scores = pd.Series({"scratch": 0.70, "lower rate": 0.66, "longer": 0.74, "finetune": 0.93})
    assert lesson.won_back(scores) == pytest.approx(4)
    assert lesson.honesty(scores) == (
        "The best setting, *longer*, won 4.0 points: `finetune` is 19.0 points ahead of it."
    )
    assert lesson.won_back(scores.drop("longer")) == 0
    assert lesson.honesty(scores.drop("longer")).startswith("No other setting was better")
    assert "5.0 points behind it" in lesson.honesty(scores.replace(0.93, 0.69))


def test_the_most_honest_has_the_smallest_error():
    errors = pd.Series({"scratch": 0.2, "probe": 0.01, "finetune": 0.05})
    said = lesson.most_honest(errors, pd.Series({"scratch": 0.9, "probe": 0.95, "finetune": 0.96}))
    assert said.startswith("`probe` has the smallest calibration error, 0.010, and is right on 95.0 %. ")
    assert "`scratch` has the largest calibration error, 0.200, and is right on 90.0 %." in said


@pytest.mark.parametrize(
    ("low", "mean", "status"), [(0.951, 0.96, "right"), (0.949, 0.96, "wrong"), (0.8, 0.85, "wrong")]
)
def test_a_goal_is_reached_where_all_of_the_interval_is_above_it(monkeypatch, low, mean, status):
    found = SimpleNamespace(mean=mean, low=low, high=2 * mean - low)
    monkeypatch.setattr("tlkit.lessons.unseen.scored", lambda *args: found)
    outcome = asked.REACHES.judged("probe")
    assert outcome.status == status
    assert f"accuracy is {100 * mean:.1f} % (interval {100 * low:.1f} % to" in outcome.text


def test_a_class_of_strategies_is_as_good_as_what_it_makes(monkeypatch):
    tried = []
    found = SimpleNamespace(mean=0.97, low=0.96, high=0.98)
    monkeypatch.setattr(
        "tlkit.lessons.unseen.scored", lambda strategy, *args: tried.append(strategy) or found
    )
    asked.REACHES.judged(Probe)
    assert isinstance(tried[0], Probe)
