"""What goes wrong while trials run: one fails, its worker is killed, the disk is full, two processes meet."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest
from toys import Helper, Numbers, toy_source

import tlkit
from tlkit.errors import FileProblem, TrainingProblem
from tlkit.study import stores, trial_cache
from tlkit.study.study import Study
from tlkit.study.task import Score
from tlkit.system import files


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))


def compare(strategies, seeds=3, budgets=(2,), **options):
    return tlkit.compare(strategies, toy_source(), Numbers(), budgets, seeds, **{"callbacks": []} | options)


class Unlucky(Helper):
    """Fails at the seeds it is told; without a name of its own, so that no other test finds it."""

    def __init__(self, source=None, random_state=0, pause=0.0, bad=(1,), how="raise"):
        super().__init__(source, random_state, pause)
        self.bad, self.how = bad, how

    def fit(self, X, y=None, callbacks=()):
        if self.random_state in self.bad:
            HOW[self.how](self)
        return super().fit(X, y, callbacks)


def broken(strategy):
    raise ValueError("no such luck")


def killed(strategy):
    os._exit(9)


class Own(Exception):
    """One that does not come back from another process."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def own(strategy):
    raise Own("this", "that")


HOW = {"raise": broken, "exit": killed, "own": own}


def test_a_failing_trial_is_told_with_its_reason_and_the_study_goes_on(tmp_path):
    with pytest.warns(
        UserWarning,
        match=r"1 of 10 trials failed.*helper from toy, budget 2, seed 1 \(ValueError: no such luck",
    ):
        study = compare([Unlucky()], seeds=5)
    assert repr(study) == "Study(9 trials on numbers, 1 failed)"
    row = ["helper", "toy", 2, 1, "ValueError", "no such luck"]
    assert study.failed.values.tolist() == [row]
    assert "HOW[self.how](self)" in study.failures[0].traceback
    assert study.verdicts()["seeds"].tolist() == [4]
    whole = compare([Helper()], seeds=[0, 2, 3, 4])
    assert study.sentences() == whole.sentences()
    back = Study.load(study.save(tmp_path / "study.json"))
    assert back.failed.equals(study.failed) and repr(back) == repr(study)


@pytest.mark.parametrize("who", ["alone", "mixture", "mixture without source"])
@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)], ids=["once", "always"])
def test_whichever_fails_the_rest_can_be_read(who, seeds, monkeypatch):
    fit = Numbers.fit

    def failing(task, estimator, callbacks=()):
        free = estimator.name != "alone" and estimator.source is None
        if f"{estimator.name}{' without source' * free}" == who and estimator.random_state in seeds:
            raise ValueError("no such luck")
        return fit(task, estimator, callbacks)

    monkeypatch.setattr(Numbers, "fit", failing)
    with pytest.warns(UserWarning, match=f"{len(seeds) * 2} of 24 trials failed.*{who}"):
        study = compare(["mixture", "helper"], budgets=[2, 5])
    assert set(study.failed["strategy"]) == {who}
    assert len(study.table) == 24 - 2 * len(seeds)
    for read in (study.curve, study.credit, study.multiplicity, study.sentences, study.figure):
        read()
    judged = study.verdicts().set_index("strategy")["seeds"].to_dict()
    left = 3 - len(seeds)
    expected = {"alone": {"helper": left, "mixture": left}, "mixture": {"helper": 3, "mixture": left}}
    assert judged == {name: n for name, n in expected.get(who, {"helper": 3, "mixture": 3}).items() if n}


def test_a_failed_trial_is_not_stored_and_runs_again():
    with pytest.warns(UserWarning, match="failed"):
        compare([Unlucky()])
    ran = []

    class Ear(tlkit.Callback):
        def on_step(self, record):
            ran.append(record)

        def on_failed(self, failed, done, total):
            ran.append((failed.seed, done, total))

    with pytest.warns(UserWarning, match="failed"):
        compare([Unlucky()], callbacks=[Ear()])
    assert ran == [(1, 6, 6)]


def test_where_every_trial_fails_its_error_is_raised():
    with pytest.raises(ValueError, match="no such luck") as raised:
        compare({"alone": Unlucky(bad=range(3))})
    assert "HOW[self.how](self)" in raised.value.__notes__[0], "where it was raised"
    with pytest.raises(TrainingProblem, match="Own: this and that"):
        compare({"alone": Unlucky(bad=range(3), how="own")})


@pytest.mark.parametrize(
    ("score", "units", "reason"),
    [
        ({"accuracy": np.nan}, 300, r"metrics\['accuracy'\] is a finite number; got nan"),
        ({"accuracy": 1.5}, 300, "is a share from 0 to 1; got 1.5"),
        ({"accuracy": 1.0}, 299, "scores 299 test examples; there are 300"),
        ({"precision": 0.5}, 300, "has no accuracy; it has precision"),
    ],
)
def test_a_score_that_is_none_fails_the_trial(monkeypatch, score, units, reason):
    monkeypatch.setattr(Numbers, "score", lambda task, estimator: Score(score, np.ones(units)))
    with pytest.raises(tlkit.errors.BadInput, match=reason):
        compare(["helper"])


@pytest.mark.slow
@pytest.mark.parametrize("how", ["raise", "exit", "own"])
def test_a_worker_that_is_killed_is_replaced_and_only_its_trial_fails(how):
    with pytest.warns(UserWarning, match=r"1 of 12 trials failed"):
        study = compare([Unlucky(how=how)], seeds=6, n_jobs=2)
    assert study.failed[["strategy", "seed"]].values.tolist() == [["helper", 1]]
    error = {"raise": "ValueError", "exit": "TerminatedWorkerError", "own": "Own"}[how]
    assert study.failures[0].error == error
    assert (
        study.verdicts()["gain"].tolist()
        == compare([Helper()], seeds=[0, 2, 3, 4, 5]).verdicts()["gain"].tolist()
    )


def test_an_interrupt_within_a_trial_is_no_failure(monkeypatch):
    def interrupted(strategy):
        raise KeyboardInterrupt

    monkeypatch.setitem(HOW, "raise", interrupted)
    with pytest.warns(UserWarning, match="Interrupted: 3 of 6 trials"):
        study = compare([Unlucky()])
    assert repr(study) == "Study(3 trials on numbers, 3 missing)"


# The store
def stored():
    return sorted((files.cache_place() / "trials").rglob("*.json"))


DAMAGE = {
    "null": lambda text: "null",
    "number": lambda text: "3",
    "empty": lambda text: "",
    "half": lambda text: text[: len(text) // 2],
    "nested": lambda text: "[" * 100_000,
    "nested within": lambda text: text.replace('"costs": {}', '"costs": ' + "[" * 100_000),
    "not a number": lambda text: text.replace("1.0", "NaN", 1),
    "infinite": lambda text: text.replace("1.0", "1e999", 1),
    "out of range": lambda text: text.replace("1.0", "7.0", 1),
    "another value": lambda text: text.replace("1.0", "0.0", 1),
    "a whole number beyond the floats": lambda text: text.replace("1.0", "9" * 400, 1),
    "text": lambda text: text.replace("1.0", '"1.0"', 1),
    "shorter": lambda text: text.replace("1.0, ", "", 1),
    "ragged": lambda text: text.replace("1.0", "[1.0]", 1),
    "NaN seconds": lambda text: json.dumps(json.loads(text) | {"seconds": float("nan")}),
    "no units": lambda text: json.dumps(json.loads(text) | {"per_example": []}),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_stored_trial_is_run_again(damage):
    whole = compare(["helper"], seeds=2)
    for path in stored():
        text = path.read_text(encoding="utf-8")
        path.write_text(DAMAGE[damage](text), encoding="utf-8")
        assert path.read_text(encoding="utf-8") != text
        assert trial_cache.load(path.stem) is None
    assert without_seconds(compare(["helper"], seeds=2)).equals(without_seconds(whole))
    assert all(trial_cache.load(path.stem) for path in stored()), "stored anew"


def without_seconds(study):
    return study.table.drop(columns="seconds")


def test_a_stored_trial_under_anothers_name_is_not_taken_for_it():
    compare(["helper"], seeds=2)
    one, two, *_ = stored()
    two.write_bytes(one.read_bytes())
    assert trial_cache.load(one.stem) is not None
    assert trial_cache.load(two.stem) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"summary": 3}, "A stored TaskSummary has the fields int"),
        ({"summary": {"metric": {}}}, "metric is of type str; got dict"),
        ({"summary": {"percent": "no"}}, "percent is of type bool"),
        ({"summary": {"chance": "high"}}, "chance is a finite number"),
        ({"summary": {"pool": -1}}, "pool is a whole number, 0 or more"),
        ({"summary": {"groups": 3}}, "groups are a list; got int"),
        ({"summary": {"groups": [0, 1]}}, "300 test examples, and 2 have a group"),
        ({"summary": {"groups": [0, -1]}}, "A group is a whole number, 0 to 1; got -1"),
        ({"trials": None}, "NoneType"),
        ({"trials": [3]}, "per_example as a list of numbers"),
        ({"failures": [{}]}, "A stored FailedTrial has the fields"),
        ({"missing": -1}, "missing is a whole number, 0 or more; got -1"),
        ({"trial": {"per_example": []}}, "one finite number a test example"),
        ({"trial": {"per_example": [[1], 2]}}, "list of numbers"),
        ({"trial": {"per_example": ["1"]}}, "list of numbers"),
        ({"trial": {"per_example": [True]}}, "list of numbers"),
        ({"trial": {"per_example": [10**400]}}, "one finite number a test example"),
        ({"trial": {"per_example": [float("inf")]}}, "one finite number a test example"),
        ({"trial": {"per_example": [1.0]}}, "differ in the number of their test examples"),
        ({"trial": {"metrics": {}}}, "has no accuracy"),
        ({"trial": {"metrics": {"accuracy": 10**400}}}, "is a finite number"),
        ({"trial": {"metrics": {"accuracy": -3}}}, "is a share from 0 to 1; got -3"),
        ({"trial": {"metrics": [1]}}, "metrics is of type dict; got list"),
        ({"trial": {"twin": 3}}, "twin is of type str"),
        ({"trial": {"transfers": "no"}}, "transfers is of type bool"),
        ({"trial": {"strategy": ["x"]}}, "strategy is of type str"),
        ({"trial": {"budget": "5"}}, "budget is a whole number"),
        ({"trial": {"seed": 0.5}}, "seed is a whole number"),
        ({"trial": {"seconds": float("nan")}}, "seconds is a number, 0 or more"),
        ({"trial": {"costs": {"size_mb": "much"}}}, "is a finite number; got 'much'"),
        ({"trial": {"seed": 1}}, "A trial comes twice"),
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_study_is_one_clear_error(tmp_path, change, reason):
    path = compare(["helper"], seeds=2).save(tmp_path / "study.json")
    content = json.loads(path.read_text())
    content["trials"][0] |= change.pop("trial", {})
    for name, value in change.items():
        content[name] = content[name] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(content))
    with pytest.raises(FileProblem, match="is a damaged study") as refused:
        Study.load(path)
    assert reason in str(refused.value)


def test_a_study_of_brackets_is_one_clear_error(tmp_path):
    (tmp_path / "study.json").write_text("[" * 100_000)
    with pytest.raises(FileProblem, match="cannot be read as a study"):
        Study.load(tmp_path / "study.json")


def full(path, content):
    raise FileProblem(f"The disk is full: {path} could not be written.")


def test_a_full_disk_is_said_once_and_the_study_goes_on_in_memory(monkeypatch):
    monkeypatch.setattr(files, "atomic_write", full)
    with pytest.warns(UserWarning, match="cannot be stored.*disk is full.*TLKIT_CACHE") as told:
        study = compare(["helper"])
    assert len(told) == 1
    assert len(study.trials) == 6


def test_a_folder_that_cannot_be_written_is_said_once_and_read_all_the_same(monkeypatch):
    whole = compare(["helper"], seeds=2)
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    monkeypatch.setattr(stores, "FileLock", no_lock)
    with pytest.warns(UserWarning, match="cannot be stored.*not writable.*TLKIT_CACHE") as told:
        study = compare(["helper"], seeds=3)
    assert len(told) == 1
    kept = study.table[study.table["seed"] < 2]
    assert sorted(kept["seconds"]) == sorted(whole.table["seconds"]), "read, not run again"


def no_lock(*_, **__):
    raise PermissionError("read-only")


@pytest.mark.skipif(os.name == "nt", reason="guesses the home of any user")
def test_a_cache_in_nobodys_home_is_said_once(monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", "~nobodyhere/x")
    with pytest.warns(UserWarning, match="~nobodyhere.*no such home folder.*TLKIT_CACHE") as told:
        assert len(compare(["helper"]).trials) == 6
    assert len(told) == 1


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path):
    young, old, folder = (tmp_path / f".tlkit-{name}-x.json" for name in ("young", "old", "folder"))
    young.touch()
    old.touch()
    folder.mkdir()
    (folder / "inside").touch()
    yesterday = time.time() - 25 * 60 * 60
    for path in (old, folder):
        os.utime(path, (yesterday, yesterday))
    files.atomic_write(tmp_path / "x.json", "{}")
    assert sorted(os.listdir(tmp_path)) == [".tlkit-young-x.json", "x.json"]


# Two at work on one store
def test_a_trial_whose_owner_hangs_is_run_all_the_same(monkeypatch):
    monkeypatch.setattr(stores, "PATIENCE", 0.3)
    hanging = stores.Disk()
    assert hanging.claim(trial_cache.key(Helper(source=toy_source()), Numbers(), 2, 0))
    assert len(compare(["helper"], seeds=2).trials) == 4


def test_a_claimed_trial_comes_last_and_is_run_if_its_owner_gives_it_back():
    task, ran = Numbers(), []
    key = trial_cache.key(Helper(source=toy_source()), task, 2, 0)
    other = stores.Disk()
    assert other.claim(key)

    class Ear(tlkit.Callback):
        def on_trial(self, trial, done, total):
            ran.append((trial.strategy, trial.seed))
            if done == total - 1:
                other.let_go(key)

    compare(["helper"], seeds=2, callbacks=[Ear()])
    assert ran == [("alone", 0), ("alone", 1), ("helper", 1), ("helper", 0)]
