"""What a gain is put down to: a source, a mixture, another baseline, or nothing but chance."""

import numpy as np
import pytest
from toys import Alone, Helper, Mixture, Numbers, toy_source

import tlkit
from tlkit.errors import BadInput, UnknownName
from tlkit.study.study import Study


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))


def compare(strategies, budgets=(5,), seeds=3, source=None, task=None, **options):
    return tlkit.compare(
        strategies, source or toy_source(), task or Numbers(), budgets, seeds, callbacks=[], **options
    )


def test_what_a_mixture_gains_by_itself_is_not_put_down_to_its_source():
    study = compare(["mixture", "helper"])
    mixture, helper = study.sentences()
    assert mixture.startswith("With 5 labels a class, mixture helps: accuracy ")
    assert (
        "Against the same without a source, toy itself adds practically nothing: the same (0 to 0)."
        in mixture
    )
    assert helper.startswith("With 5 labels a class, helper from toy helps: accuracy ")
    credit = study.credit().set_index("strategy")
    assert credit["twin"].to_dict() == {"helper": "alone", "mixture": "mixture without source"}
    assert credit["verdict"].to_dict() == {"helper": "helps", "mixture": "practically equal"}
    assert credit.loc["mixture", "twin_score"] == pytest.approx(credit.loc["mixture", "score"])


def test_a_twin_stands_beside_and_is_not_judged_itself():
    study = compare(["mixture"])
    assert set(study.table["strategy"]) == {"alone", "mixture", "mixture without source"}
    assert study.table.set_index("strategy")["source"].to_dict() == {
        "alone": "",
        "mixture": "toy",
        "mixture without source": "",
    }
    assert set(study.curve()["strategy"]) == {"alone", "mixture"}
    assert set(study.verdicts()["strategy"]) == {"mixture"}


def test_a_twin_that_was_asked_for_is_not_run_twice():
    study = compare({"mixture": Mixture(), "plain": Mixture(source=None, pause=0.0)}, source=toy_source())
    assert study.credit()["twin"].tolist() == ["mixture without source"] * 2  # both got the source
    alone = tlkit.compare({"plain": Mixture()}, None, Numbers(), [5], 3, callbacks=[])
    assert alone.sentences()[0].startswith("With 5 labels a class, plain scored better than alone: accuracy ")
    assert alone.credit().empty and len(alone.trials) == 6


def test_what_uses_no_source_is_never_from_one():
    study = compare({"lucky": Alone(pause=0.0), "helper": Helper()})
    lucky = study.sentences()[0]
    assert "lucky and alone are practically equal" in lucky and "toy" not in lucky


def test_another_baseline_can_be_chosen_and_credit_stays_with_what_has_no_source():
    study = compare(["mixture", "helper"], baseline="mixture")
    assert study.baseline == "mixture"
    (said,) = study.sentences()
    assert "helper and mixture are practically equal" in said
    assert "Against the same without a source, toy itself helps: " in said
    credit = study.credit().set_index("strategy")
    assert credit["twin"].to_dict() == {"mixture": "mixture without source", "helper": "alone"}


@pytest.mark.parametrize(
    ("baseline", "message"),
    [("helpr", "no baseline 'helpr'. Did you mean 'helper'"), ("nobody", "no baseline 'nobody'")],
)
def test_an_unknown_baseline_is_refused(baseline, message):
    with pytest.raises(UnknownName, match=message):
        compare(["helper"], baseline=baseline)


def test_a_baseline_that_cannot_run_at_a_budget_is_refused():
    digits, glyphs = tlkit.load_task("digits"), tlkit.load_source("glyphs")
    zero = type("Zero", (type(digits.strategy("nearest")),), {"needs_labels": False, "name": "zero shot"})
    with pytest.raises(
        BadInput, match="'probe' has no twin to be compared with at a budget of 0, as it needs"
    ):
        tlkit.compare([zero(), "probe"], glyphs, digits, [0, 1], 3, callbacks=[], baseline="probe")


def test_an_unknown_adjustment_and_a_negative_region_are_refused():
    study = compare(["helper"])
    with pytest.raises(UnknownName, match="no adjustment 'hollm'. Did you mean 'holm'"):
        study.verdicts(adjust="hollm")
    with pytest.raises(BadInput, match="equivalence is a number, 0 or more; got -0.01"):
        study.verdicts(equivalence=-0.01)


def test_adjusted_sentences_say_so_and_both_verdicts_are_in_the_table():
    study = compare(["helper", "misleader"], budgets=[1, 5])
    table = study.verdicts(adjust="holm")
    assert {"verdict", "adjusted", "p_adjusted", "sentence"} <= set(table)
    assert all("; verdict adjusted by holm)" in each for each in table["sentence"])
    assert "adjusted" not in study.verdicts() and "holm" not in study.sentences()[0]
    assert study.multiplicity().startswith("4 verdicts: if nothing helped or hurt, about 0.2 of them")
    assert study.multiplicity("holm") == "4 verdicts, adjusted for their number by holm."
    assert compare(["helper"]).multiplicity() == ""


def test_a_wider_region_makes_more_of_it_equal():
    study = compare({"lucky": Helper()}, baseline="alone")
    assert study.verdicts(equivalence=0.5)["verdict"].tolist() == ["helps"]  # shown is shown
    near = compare({"same": Alone(pause=0.0)})
    assert near.verdicts()["verdict"].tolist() == ["practically equal"]


def test_a_plan_says_how_many_seeds_a_gain_takes():
    plan = compare(["helper"], seeds=4).plan(points=10)
    assert plan[["strategy", "seeds"]].values.tolist() == [["helper", 4]]
    assert 3 <= plan["needed"][0] < 30
    assert compare(["helper"]).plan(points=0.1)["needed"][0] == np.inf
    with pytest.raises(BadInput, match="points is a number above 0; got 0"):
        compare(["helper"]).plan(points=0)
    with pytest.raises(BadInput, match="two seeds or more"):
        compare(["helper"], seeds=1).plan()


def test_one_fit_is_not_called_five():
    class Alike(Numbers):
        """Every seed draws the same test answers, as where all the data are used."""

        def budget(self, n, seed=0):
            return super().budget(n, 0)

    study = compare(["helper"], seeds=5, task=Alike())
    assert "1 distinct fit of 5 draws)" in study.sentences()[0]
    whole = tlkit.compare(["helper"], toy_source(), Numbers(), seeds=5, callbacks=[])
    assert "given these training data, 1 distinct fit of 5 trainings)" in whole.sentences()[0]


def test_intervals_take_groups_for_what_is_drawn(tmp_path):
    plain, bursts = Numbers(), Numbers()
    bursts.groups = bursts.grouped(np.repeat(np.arange(60), 5))
    narrow, wide = (compare(["helper"], task=task, seeds=5) for task in (plain, bursts))
    assert narrow.verdicts()["gain"][0] == pytest.approx(wide.verdicts()["gain"][0])
    again = Study.load(wide.save(tmp_path / "study.json"))
    assert again.verdicts().equals(wide.verdicts())
    assert again.verdicts()["low"][0] != narrow.verdicts()["low"][0]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(10), "groups= has 10 entries and there are 300 test examples"),
        (["one patient"] * 300, "puts all 300 test examples into one group, 'one patient'"),
    ],
)
def test_groups_that_cannot_be_used_are_refused(groups, message):
    with pytest.raises(BadInput, match=message):
        Numbers().grouped(groups)


def test_a_score_whose_interval_holds_chance_is_said_to_be_at_chance():
    task = Numbers()
    task.chance = 0.15
    said = compare(["misleader"], task=task).sentences()[0]
    assert said.endswith("This is at chance, 15.0 %.")
    assert "chance" not in compare(["helper"], task=task).sentences()[0]
    figure = compare(["helper"], budgets=[1, 5], task=task).figure()
    assert "Chance is 15.0 %." in figure.layout.meta["alt"]


def test_without_evidence_a_source_is_not_named_with_what_is_the_strategys():
    """A mixture that gains nothing over the baseline is not said of as from a source that adds nothing."""
    said = compare({"idle": Mixture(skill=0.0)}).sentences()[0]
    assert "idle and alone are practically equal" in said and "idle from toy" not in said
    assert "toy itself adds practically nothing" in said
