"""What lesson 02 says of its numbers stays true whatever they are."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from tlkit.findings import features_and_fine_tuning as lesson


def study(**rows):
    """A study of (accuracy, seconds) by strategy, scratch being its baseline."""
    table = pd.DataFrame(
        [(name.replace("_", " "), *row) for name, row in rows.items()],
        columns=["strategy", "accuracy", "seconds"],
    )
    return SimpleNamespace(
        table=table, metric="accuracy", baseline="scratch", summary=SimpleNamespace(percent=True)
    )


def test_the_quickest_is_held_against_the_most_accurate():
    said = lesson.cheapest(study(scratch=(0.99, 0.01), probe=(0.90, 0.1), all_stages=(0.92, 0.4)))
    assert said == (
        "*all stages* had the highest mean accuracy, 92.0 %. *probe* had 2.0 points less, "
        "and took 25 % of the time."
    )
    said = lesson.cheapest(study(scratch=(0.5, 1), probe=(0.93, 0.1), all_stages=(0.92, 0.4)))
    assert said == "*probe* had the highest mean accuracy, 93.0 %, and was the quickest."


@pytest.mark.parametrize(
    ("head", "last", "stages", "said"),
    [
        (-0.2, -0.05, -0.1, "points below training from scratch, *last stage* 5.0: this repaired 75 %"),
        (-0.2, 0.01, 0.02, "*all stages* repaired all of that"),
        (-0.2, -0.3, -0.25, "repaired none of it"),
        (0.1, 0.2, 0.3, "There was no harm to repair"),
    ],
)
def test_the_share_of_the_harm_that_was_repaired(head, last, stages, said):
    names = ["head only", "last stage", "all stages"]
    assert said in lesson.repaired(pd.DataFrame({"strategy": names, "gain": [head, last, stages]}))


def test_what_a_training_was_worth_has_a_direction():
    assert lesson.worth_of_training(0.3, 0.5, "shape").endswith("frozen features 20.0 points worse.")
    assert lesson.worth_of_training(0.5, 0.3, "shape").endswith("frozen features 20.0 points better.")
    assert "made no difference" in lesson.worth_of_training(0.5, 0.5, "shape")


def test_the_effect_of_protection_is_told_source_by_source():
    changes = pd.DataFrame({"source": ["a", "a", "b", "b"], "gain": [0.02, 0.01, -0.08, 0.03]})
    said = lesson.effect_of_protection(changes)
    assert "from a by +1.0 to +2.0 points and from b by −8.0 to +3.0 points" in said
