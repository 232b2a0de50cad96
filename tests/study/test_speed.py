"""Who is faster to a score: curves of training, first crossings, and ratios with intervals."""

from __future__ import annotations

import numpy as np
import pytest
from toys import AtOnce, Climber, Errors, Numbers, toy_source

import tlkit
from tlkit.errors import BadInput
from tlkit.study.speed import log_ratio
from tlkit.study.study import Study
from tlkit.study.trial import TaskSummary, Trial


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))


def climb(rate=1.0, least=0.3, **more):
    """A strategy whose score climbs with its steps: a known curve."""
    return Climber(rate=rate, least=least, **more)


def compare(strategies, seeds=3, task=None, **options):
    options = {"curves": True, "budgets": [5], "callbacks": []} | options
    return tlkit.compare(strategies, toy_source(), task or Numbers(), seeds=seeds, **options)


def race(quick, slow=None, **options):
    return compare({"alone": slow or climb(), "quick": quick}, **options)


def test_a_curve_is_the_score_at_each_report():
    trial = race(climb(2.0)).trials[-1]
    assert [point["step"] for point in trial.curve] == [1, 2, 3, 4, 5]
    scores = np.array([point["score"] for point in trial.curve])
    assert scores == pytest.approx(0.35 + 0.12 * np.arange(1, 6), abs=0.08)
    assert trial.curve[-1]["score"] == trial.metrics["accuracy"]


def test_what_cannot_predict_in_training_has_its_last_point_alone():
    study = compare({"alone": AtOnce(), "helper": "helper"})
    assert {trial.strategy: [point["step"] for point in trial.curve] for trial in study.trials} == {
        "alone": [0],
        "helper": [5],
    }
    assert study.trials[0].curve[0]["seconds"] == study.trials[0].seconds


def test_scoring_is_left_out_of_the_seconds(monkeypatch):
    clock, score = [0.0], Numbers.score
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def slowly(task, estimator):
        clock[0] += 100
        return score(task, estimator)

    monkeypatch.setattr(Numbers, "score", slowly)
    monkeypatch.setattr(Climber, "tick", lambda self: clock.__setitem__(0, clock[0] + 1))
    trial = race(climb(2.0), seeds=1).trials[-1]
    assert [point["seconds"] for point in trial.curve] == [1, 2, 3, 4, 5]
    assert trial.seconds == 5


def test_the_steps_of_a_strategy_that_trains_twice_add_up():
    trial = compare({"alone": climb(), "twice": climb(rounds=2)}, seeds=1).trials[-1]
    assert [point["step"] for point in trial.curve] == list(range(1, 11))


def test_stored_trials_and_saved_studies_keep_curves(tmp_path):
    first = race(climb(2.0))
    again = race(climb(2.0), callbacks=[tlkit.Callback()])
    assert [t.curve for t in again.trials] == [
        t.curve for t in first.trials
    ]  # with the seconds: not run again
    loaded = Study.load(first.save(tmp_path / "study.json"))
    assert loaded.speed().equals(first.speed())
    assert [t.history for t in loaded.trials] == [t.history for t in first.trials]


def test_trials_with_and_without_curves_are_stored_apart():
    assert all(trial.curve == [] for trial in race(climb(2.0), curves=False).trials)
    assert all(len(trial.curve) == 5 for trial in race(climb(2.0)).trials)
    assert all(trial.curve == [] for trial in race(climb(2.0), curves=False).trials)


def test_a_strategy_that_climbs_faster_is_faster():
    study = race(climb(2.0), seeds=4)
    [row] = study.speed(score=0.5).to_dict("records")
    firsts = {name: [] for name in ("alone", "quick")}
    for trial in study.trials:
        firsts[trial.strategy].append(next(p["step"] for p in trial.curve if p["score"] >= 0.5))
    by_hand = log_ratio(np.array(firsts["quick"]), np.array(firsts["alone"]))
    assert (row["ratio"], row["low"], row["high"]) == (by_hand.mean, by_hand.low, by_hand.high)
    assert row["ratio"] == pytest.approx(row["baseline_steps"] / row["steps"])
    assert (row["reached"], row["seeds"], row["verdict"]) == (4, 4, "faster")
    assert row["sentence"].startswith(
        "With 5 labels a class, quick from toy is faster: it first reaches accuracy "
    )
    assert "95 % interval" in row["sentence"]
    slow = race(climb(), slow=climb(2.0)).speed(score=0.5)
    assert slow["verdict"].tolist() == ["slower"]


def test_what_is_the_same_gives_no_evidence():
    [row] = race(climb()).speed(score=0.5).to_dict("records")
    assert (row["ratio"], row["verdict"]) == (1.0, "no evidence")
    assert "it is open whether quick from toy is faster or slower" in row["sentence"]


def test_the_interval_is_students_of_the_logarithm():
    found = log_ratio(np.array([10.0, 20.0, 40.0]), np.array([40.0, 40.0, 40.0]))
    half = 4.302653 * np.log(2) / np.sqrt(3)  # t of 97.5 % at two degrees of freedom
    assert np.log([found.mean, found.low, found.high]) == pytest.approx(
        np.log(2) + half * np.array([0, -1, 1])
    )
    wider = log_ratio(np.array([10.0, 20.0, 40.0]), np.array([40.0, 40.0, 40.0]), drawn=0.75)
    assert np.log(wider.high / 2) == pytest.approx(2 * half)


def test_by_default_the_score_is_the_baselines_own_mean():
    study = race(climb(2.0))
    finals = [trial.metrics["accuracy"] for trial in study.trials if trial.strategy == "alone"]
    [row] = study.speed().to_dict("records")
    assert row["score"] == pytest.approx(np.mean(finals))
    assert min(finals) < row["score"]
    assert row["at_least"]
    missed = sum(final < row["score"] for final in finals)
    assert f"alone does not reach it on {missed} of 3 draws, where its last step counts" in row["sentence"]
    assert "at least" in row["sentence"]


@pytest.mark.parametrize(("third", "word"), [(0.7, "slower"), (0.6, "no evidence")])
def test_a_lower_bound_is_never_called_slower(third, word):
    """The baseline comes to 0.7 early, on the third draw late or not at all; the strategy later still."""

    def trial(strategy, seed, step, score):
        curve = [{"step": step, "seconds": step / 10, "score": score}]
        return Trial(strategy, "toy", 5, seed, {}, np.zeros(2), 1.0, 1, curve=curve)

    ends = [(2, 0.7), (2, 0.7), (10, third)]
    trials = [trial("alone", seed, *end) for seed, end in enumerate(ends)]
    trials += [trial("quick", seed, 40, 0.7) for seed in range(3)]
    [row] = Study(trials, TaskSummary.of(Numbers())).speed(score=0.7).to_dict("records")
    assert row["high"] < 1
    assert (row["at_least"], row["verdict"]) == (word == "no evidence", word)


def test_there_is_no_verdict_where_the_strategy_does_not_arrive_or_seeds_are_few():
    [row] = race(climb(0.2)).speed(score=0.6).to_dict("records")
    assert (row["verdict"], row["reached"]) == ("no verdict", 0)
    assert np.isnan([row["ratio"], row["seconds_ratio"], row["steps"]]).all()
    assert row["sentence"].endswith(
        "quick from toy gets no verdict: it reaches accuracy 60.0 % on 0 of 3 draws."
    )
    [row] = race(climb(2.0), seeds=2).speed(score=0.5).to_dict("records")
    assert row["verdict"] == "no verdict" and "(that takes 3 draws)" in row["sentence"]


def test_what_takes_no_step_is_judged_by_its_seconds():
    study = compare({"alone": climb(), "solved": AtOnce()})
    [row] = study.speed(score=0.25).to_dict("records")
    assert np.isnan(row["ratio"]) and row["steps"] == 0 and row["seconds_ratio"] > 0
    assert "counted in seconds" in row["sentence"]


def test_of_an_error_less_is_sooner():
    assert race(climb(2.0), task=Errors()).speed(score=0.5)["verdict"].tolist() == ["faster"]


def test_a_budget_at_which_the_baseline_never_arrives_gets_no_verdict():
    study = race(climb(2.0), budgets=[0, 10])
    rows = study.speed(score=0.72).set_index("budget")
    assert rows.loc[10, "verdict"] != "no verdict"
    assert rows.loc[0, "sentence"].endswith("gets no verdict: alone reaches accuracy 72.0 % on no draw.")


def test_speed_without_curves_or_beyond_the_baseline_is_refused():
    with pytest.raises(BadInput, match=r"have no curve: run tlkit.compare\(..., curves=True\)"):
        race(climb(2.0), curves=False).speed()
    study = race(climb(2.0))
    best = max(p["score"] for t in study.trials if t.strategy == "alone" for p in t.curve)
    with pytest.raises(BadInput, match=f"'alone' reaches 0.95 on no draw; its best accuracy is {best:.3f}"):
        study.speed(score=0.95)
    with pytest.raises(BadInput, match="score is a number, 0 or more; got 'high'"):
        study.speed(score="high")
