"""Running, storing and judging trials, on a toy domain without pictures."""

import json

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from toys import Alone, Errors, Helper, Numbers, toy_source

import tlkit
from tlkit.errors import BadInput, FileProblem, UnknownName
from tlkit.figures.charts import describe
from tlkit.figures.wording import budget_in_words
from tlkit.study.study import Study


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def fits(monkeypatch):
    """Which trials were really fitted: (strategy, rows)."""
    seen = []
    original = Numbers.fit

    def counted(task, estimator, callbacks=()):
        seen.append((type(estimator).name, task.rows))
        return original(task, estimator, callbacks)

    monkeypatch.setattr(Numbers, "fit", counted)
    return seen


def compare(strategies=("helper",), source=None, task=None, budgets=(1, 5), seeds=3, **options):
    return tlkit.compare(
        strategies, source or toy_source(), task or Numbers(), budgets, seeds, callbacks=[], **options
    )


def test_the_baseline_is_always_run_and_gains_are_paired_with_it():
    study = compare()
    table = study.table
    assert set(table["strategy"]) == {"alone", "helper"}
    assert len(table) == 2 * 2 * 3
    wide = table.pivot(index=["budget", "seed"], columns="strategy", values=["accuracy", "gain"])
    assert np.allclose(wide["gain"]["helper"], wide["accuracy"]["helper"] - wide["accuracy"]["alone"])
    assert (wide["gain"]["alone"] == 0).all()
    assert {"strategy", "source", "budget", "seed", "accuracy", "gain", "seconds", "trainable"} == set(table)


def test_verdicts_say_what_helps_and_what_hurts():
    study = compare(["helper", "misleader"])
    words = study.verdicts().set_index(["strategy", "budget"])["verdict"]
    assert (words["helper"] == "helps").all()
    assert (words["misleader"] == "hurts").all()
    sentence = study.sentences()[0]
    assert sentence.startswith("With 1 label a class, helper from toy helps: accuracy ")
    assert sentence.endswith("3 draws).")


def test_nothing_at_all_is_a_budget_too():
    study = compare(budgets=[0, 2])
    assert study.table["budget"].unique().tolist() == [0, 2]
    assert study.sentences()[0].startswith("With 0 labels a class, helper from toy helps: accuracy ")


def test_amounts_in_words():
    assert [budget_in_words(n, "ratings a user") for n in (0, 1, 2, None)] == [
        "0 ratings a user",
        "1 rating a user",
        "2 ratings a user",
        "all the ratings",
    ]


def test_an_error_that_falls_is_a_gain():
    study = compare(["helper", "misleader"], task=Errors(), budgets=[5])
    rows = study.verdicts().set_index("strategy")
    assert rows["verdict"].to_dict() == {"helper": "helps", "misleader": "hurts"}
    assert np.allclose(rows["gain"], rows["baseline"] - rows["score"])
    ours, theirs, gain = rows.loc["helper", ["score", "baseline", "gain"]]
    said = f"helps: mean error {ours:.3f} against {theirs:.3f} for alone, {gain:.3f} lower (95 % interval "
    assert said in study.sentences()[0]
    assert describe(study.figure()).startswith("Forest plot of the fall in mean error, with 95 %")
    both = compare(task=Errors())
    assert describe(both.figure()).startswith("Line chart of mean error (lower is better) against labels")


def test_two_seeds_get_no_verdict():
    assert set(compare(seeds=2).verdicts()["verdict"]) == {"no verdict"}


def test_a_second_call_runs_nothing(fits):
    first = compare()
    ran = len(fits)
    second = compare()
    assert len(fits) == ran == 12
    assert second.table.equals(first.table)
    compare(cache=False)
    assert len(fits) == 2 * ran


@pytest.mark.parametrize(
    "change",
    [
        {"strategies": [Helper(pause=0.001)]},
        {"task": Numbers(seed=1)},
        {"seeds": [7, 8, 9]},
        {"budgets": [2, 6]},
    ],
)
def test_whatever_matters_makes_a_new_trial(fits, change):
    compare()
    fits.clear()
    compare(**change)
    assert len(fits) >= 6


def test_an_edited_strategy_is_run_again(fits, tmp_path, monkeypatch):
    import importlib

    monkeypatch.syspath_prepend(tmp_path)
    code = "from toys import Guess\nclass Edited(Guess):\n    name = title = idea = 'new'\n    skill = {}\n"
    (tmp_path / "edited_strategy.py").write_text(code.format(0.1))
    module = importlib.import_module("edited_strategy")
    compare([module.Edited()])
    fits.clear()
    (tmp_path / "edited_strategy.py").write_text(code.format(0.25) + "    # changed\n")
    importlib.invalidate_caches()
    compare([importlib.reload(module).Edited()])
    assert [name for name, _ in fits] == ["new"] * 6


def test_an_interrupt_keeps_what_is_done_and_the_next_call_goes_on(fits):
    class Impatient(tlkit.Callback):
        def on_trial(self, trial, done, total):
            if done == 5:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Interrupted: 5 of 12 trials are done and kept"):
        partial = tlkit.compare(["helper"], toy_source(), Numbers(), [1, 5], 3, callbacks=[Impatient()])
    assert (len(partial.trials), partial.missing) == (5, 7)
    fits.clear()
    assert compare().missing == 0
    assert len(fits) == 7


@pytest.mark.slow
def test_several_processes_give_the_same_study():
    alone, many = compare(cache=False), compare(cache=False, n_jobs=2)
    drop = ["seconds"]
    assert many.table.drop(columns=drop).equals(alone.table.drop(columns=drop))


def test_a_backend_chosen_through_joblib_is_used(fits):
    with joblib.parallel_config("threading", n_jobs=2):
        assert len(compare(cache=False).trials) == 12
    assert len(fits) == 12


def test_callbacks_hear_of_trials_and_steps():
    heard = {"begin": 0, "trial": [], "step": 0, "end": 0}

    class Ear(tlkit.Callback):
        def on_begin(self, total):
            heard["begin"] = total

        def on_step(self, record):
            heard["step"] += 1

        def on_trial(self, trial, done, total):
            heard["trial"].append((done, total))

        def on_end(self):
            heard["end"] += 1

    tlkit.compare(["helper"], toy_source(), Numbers(), [1], 3, callbacks=[Ear()])
    assert heard == {"begin": 6, "trial": [(i, 6) for i in range(1, 7)], "step": 30, "end": 1}


def test_several_sources_are_compared_each_with_its_baseline():
    other = tlkit.Source(toy_source().card.__class__("other", "Other", {"name": "none"}, {}, ("a",)), {})
    study = compare(source=[toy_source(), other])
    assert set(study.table["source"]) == {"", "toy", "other"}
    assert len(study.verdicts()) == 4
    assert (study.table["strategy"] == "alone").sum() == 6  # once for both sources, and from none


def test_any_estimator_with_a_label_can_enter():
    study = compare({"patient": Helper(pause=0.0), "eager": Helper()})
    assert set(study.table["strategy"]) == {"alone", "patient", "eager"}


def test_labels_may_be_numbers(tmp_path):
    study = compare({0.1: Helper(pause=0.0), 1: Helper()})
    assert Study.load(study.save(tmp_path / "study.json")).sentences() == study.sentences()
    assert set(study.table["strategy"]) == {"alone", "0.1", "1"}


def test_all_the_training_data_without_a_budget():
    study = tlkit.compare(["helper"], toy_source(), Numbers(), seeds=3, callbacks=[])
    assert set(study.table["budget"]) == {"all"}
    assert study.sentences()[0].startswith("With all the labels, helper")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategies": ["helpr"]}, "no strategy 'helpr'. Did you mean 'helper'"),
        ({"strategies": "helper"}, r"Strategies come as a list: \['helper'\]"),
        ({"strategies": [3]}, "A strategy is a name or an estimator"),
        ({"strategies": [Helper(), Helper(pause=0.1)]}, "Two strategies share a label"),
        ({"budgets": []}, "a list is empty"),
        ({"seeds": 0}, "a list is empty"),
        ({"seeds": [0, 0, 1]}, "A seed comes twice"),
        ({"budgets": [5, 5]}, "A budget comes twice"),
        ({"source": [toy_source(), toy_source()]}, "A source name comes twice"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(fits, arguments, message):
    with pytest.raises(BadInput, match=message):
        compare(**arguments)
    assert not fits


def test_a_strategy_with_another_source_of_its_own_is_refused():
    with pytest.raises(BadInput, match="has a source of its own"):
        compare([Helper(source=toy_source())])


def test_budgets_and_seeds_may_be_numpys():
    study = compare(budgets=np.array([1, 5]), seeds=np.arange(3))
    assert study.table.equals(compare().table)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(UnknownName, match="'helper' 'puase'. Did you mean 'pause'"):
        tlkit.transfer("helper", toy_source(), Numbers(), puase=1)


def test_transfer_returns_the_trial_with_what_was_fitted():
    trial = tlkit.transfer("helper", toy_source(), Numbers().budget(5), seed=2)
    assert trial.fitted.random_state == 2
    assert trial.metrics["accuracy"] == pytest.approx(trial.per_example.mean())


def test_a_study_comes_back_from_its_file(tmp_path):
    study = compare()
    back = Study.load(study.save(tmp_path / "study.json"))
    assert back.table.equals(study.table)
    assert back.sentences() == study.sentences()


def test_a_study_of_another_version_or_kind_is_refused(tmp_path):
    path = compare().save(tmp_path / "study.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(FileProblem, match="is a study of format 99, this tlkit reads format 3"):
        Study.load(path)
    path.write_text("[]")
    with pytest.raises(FileProblem, match="is not a study"):
        Study.load(path)
    with pytest.raises(FileProblem, match="cannot be read as a study"):
        Study.load(tmp_path / "nothing.json")


def test_the_study_draws_itself():
    study = compare()
    assert len(study.figure().data) >= 2
    assert len(compare(budgets=[5]).figure().data) >= 1


def test_the_baseline_comes_first_however_trials_are_ordered():
    study = compare(["helper", "misleader"])
    turned = Study(study.trials[::-1], study.summary)
    assert list(dict.fromkeys(turned.table["strategy"])) == ["alone", "misleader", "helper"]
    assert turned.figure().data[0].name == study.figure().data[0].name


def test_strategies_are_found_with_the_baseline_first():
    names = list(Numbers.strategies())
    assert names[0] == "alone"
    assert {"helper", "misleader"} <= set(names)
    assert isinstance(Numbers.strategy("alone"), Alone)
    assert GridSearchCV(Helper(), {"pause": [0.0]}).get_params()["estimator__source"] is None


def test_a_study_that_takes_no_second_shows_no_bar(capsys):
    tlkit.compare(["helper"], toy_source(), Numbers(), [5], 3, cache=False)
    assert capsys.readouterr() == ("", "")


class Weighed(Helper):
    """Without a name of its own, so that no other test finds it among the toys."""

    def costs(self):
        return {"size_mb": 1.5}


def test_a_strategy_says_what_it_costs_and_studies_without_costs_are_read(tmp_path):
    study = tlkit.compare([Weighed()], toy_source(), Numbers(), [2], 2, cache=False, callbacks=[])
    table = study.table.set_index("strategy")
    assert table.loc["helper", "size_mb"].tolist() == [1.5, 1.5]
    assert table.loc["alone", "size_mb"].isna().all()
    path = study.save(tmp_path / "study.json")
    assert Study.load(path).table.equals(study.table)
    stored = json.loads(path.read_text())
    for trial in stored["trials"]:
        del trial["costs"]
    path.write_text(json.dumps(stored))
    assert Study.load(path).sentences() == study.sentences()
