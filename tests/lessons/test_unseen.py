"""A learner's strategy is judged on draws and pictures that the lesson does not show."""

from __future__ import annotations

import pytest
from toys import Helper, Numbers, toy_source

from tlkit.errors import BadInput
from tlkit.lessons.unseen import duel, scored
from tlkit.study.comparing import transfer

DRAWS = [7, 8, 9]


def test_the_better_of_two_strategies_wins_and_the_other_loses():
    won = duel("helper", "misleader", toy_source(), Numbers(), 5, DRAWS)
    lost = duel("misleader", "helper", toy_source(), Numbers(), 5, DRAWS)
    assert (won.word, lost.word) == ("better", "worse")
    assert "On 3 draws that you have not seen, accuracy is" in won.said
    assert "points higher (95 % interval" in won.said
    assert "points lower (95 % interval" in lost.said


def test_a_strategy_beside_itself_neither_wins_nor_loses():
    found = duel(Helper(), "helper", toy_source(), Numbers(), 5, DRAWS)
    assert found.word == "practically equal"
    assert "the same" in found.said


def test_what_is_no_strategy_is_refused():
    with pytest.raises(BadInput, match="A strategy is a name or an estimator"):
        duel(3, "helper", toy_source(), Numbers(), 5, DRAWS)


def test_a_score_alone_is_the_mean_over_draws_within_its_interval():
    source, task = toy_source(), Numbers()
    found = scored("helper", source, task, 5, DRAWS)
    trials = [transfer("helper", source, task.budget(5, draw), seed=draw) for draw in DRAWS]
    assert found.mean == pytest.approx(sum(trial.per_example.mean() for trial in trials) / len(DRAWS))
    assert found.low < found.mean < found.high
