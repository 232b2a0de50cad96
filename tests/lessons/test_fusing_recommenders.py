"""What lesson 13 says of its numbers stays true whatever they are."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from tlkit.exercises import fusing_recommenders as asked
from tlkit.figures import charts
from tlkit.findings import fusing_recommenders as lesson

DIFFERENT = "With 4 and 32 ratings a user, there is no clear difference."
TRIED = pd.DataFrame({1.0: [0.90, 0.89], 3.0: [0.80, 0.81]}, index=["raw", "rbf"])


def test_descriptions_and_penalties_are_held_against_each_other():
    assert lesson.swings(TRIED) == (pytest.approx(0.01), pytest.approx(0.09))
    assert lesson.what_moves_more(TRIED) == asked.PENALTY.options[1]
    assert lesson.what_moves_more(TRIED.T) == asked.PENALTY.options[0]
    said = lesson.content_settings(TRIED)
    assert "RMSE rises by 0.010 on average; from the best penalty to the worst, by 0.090." in said
    assert said.endswith("*raw* with a penalty of 3 has the lowest error.")


def test_opinions_lie_apart():
    said = pd.DataFrame({"a": [3.0, 4.0], "b": [3.5, 3.5], "c": [2.5, 4.0]})
    assert lesson.opinions(pd.Series({"a": 0.9, "b": 0.8, "c": 1.0}), said) == (
        "*b* has an RMSE of 0.800, *c* has an RMSE of 1.000. On an average rating, the highest and the "
        "lowest prediction are 0.75 stars apart."
    )


def pairs(*helps):
    rows = [
        {"helps": each, "best share": 0.41, "rmse": 0.858, "gain": 0.005 if each else 0} for each in helps
    ]
    return pd.DataFrame(rows, index=[f"a + b{i}" for i in range(len(helps))])


def test_pairs_that_gain_are_counted():
    assert lesson.worth_mixing(pairs(False, False)).endswith("better one.")
    said = lesson.worth_mixing(pairs(True, False, False))
    assert said.startswith("In 1 of 3 pairs, some of the worse member helps the better one.")
    assert said.endswith("with a share of 0.41 of the worse member, RMSE is 0.858, 0.005 lower.")


@pytest.mark.parametrize(
    ("best", "error", "place", "said"),
    [
        (0.75, 0.74, 0, "0.010 below the best"),
        (0.75, 0.76, 1, "0.010 above the best"),
        (0.75, 0.75, 1, "is the same as the best"),
        (0.75, 0.81, 2, "above the best"),
    ],
)
def test_the_average_has_its_place(best, error, place, said):
    assert lesson.place_of_average(best, error, 0.8) == asked.AVERAGE.options[place]
    assert said in lesson.average(best, error, 0.8)
    assert lesson.average(0.75, 0.76, 0.8).startswith("Disagreement takes 5.0 % off the mean squared error.")


def test_claims_are_held_against_the_test():
    rows = pd.DataFrame({"claimed": [0.62, 0.87], "test": [0.88, 0.86]}, index=["in-fold", "out-of-fold"])
    assert lesson.stacking(rows) == (
        "The RMSE that in-fold weights claim is 0.260 too low. The claim of out-of-fold weights is 0.010 too "
        "high. On the test, the RMSE of out-of-fold weights is 0.020 lower."
    )
    rows["test"] = [0.86, 0.88]
    assert lesson.stacking(rows).endswith("out-of-fold weights is 0.020 higher.")
    rows["test"] = 0.88
    assert lesson.stacking(rows).endswith("out-of-fold weights is the same.")


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (
            ["practically equal", "better", "no evidence"],
            [
                "With 16 ratings a user, the fusion is clearly better than its best member, by 0.006.",
                DIFFERENT,
            ],
        ),
        (["no verdict"] * 3, ["With 4, 16 and 32 ratings a user, there is no clear difference."]),
        (["no evidence", "worse", "practically equal"], ["clearly worse than its best member, by 0.006."]),
    ],
)
def test_where_a_fusion_pays(verdicts, said):
    table = pd.DataFrame({"budget": [4, 16, 32], "gain": [0.001, 0.006, -0.002], "verdict": verdicts})
    told = lesson.where_it_pays(table, "ratings a user")
    assert all(each in told for each in said)
    assert told.count("With") == len(set(verdicts) - {"practically equal"})


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("better", "are clearly better than"),
        ("worse", "are clearly worse than"),
        ("no evidence", "are not clearly different from"),
    ],
)
def test_a_weak_member_has_its_share(verdict, said):
    weights = pd.DataFrame({"weight": [0.75, 0.25], "ndcg@10": [0.4, 0.1]}, index=["linear", "content"])
    told = lesson.lists(weights, pd.Series({"verdict": verdict}))
    assert told.startswith("Alone, *content* has 25 % of the NDCG@10 of the best member")
    assert "It gets 25 % of the weight." in told
    assert told.endswith(f"{said} those of the best member.")


def newcomers(fusion):
    errors = {"fusion": fusion, "factors": [1.1, 0.9, 0.8], "content": [1.0, 0.95, 0.9]}
    rows = [(label, n, each) for label, of in errors.items() for n, each in zip([0, 2, 10], of, strict=True)]
    return pd.DataFrame(rows, columns=["member", "ratings", "rmse"])


def test_who_is_best_for_newcomers_depends_on_what_they_have_rated():
    table = newcomers([1.05, 0.92, 0.79])
    assert [lesson.best_with(table, n) for n in (0, 2, 3, 50)] == ["content", "factors", "factors", "factors"]
    assert list(lesson.by_amount(table).columns) == ["fusion", "factors", "content"]


@pytest.mark.parametrize(
    ("fusion", "said"),
    [
        (
            [1.05, 0.92, 0.79],
            "furthest behind the best member: by 0.050. From 10 ratings on, it is ahead of all",
        ),
        (
            [1.05, 0.89, 0.85],
            "With 0 ratings, the fusion is furthest behind the best member: by 0.050. With 10",
        ),
        ([0.90, 0.88, 0.79], "The fusion is never behind a member."),
    ],
)
def test_where_a_fusion_leaves_newcomers_behind(fusion, said):
    assert said in lesson.left_behind(newcomers(fusion))


def test_a_fusion_with_a_source_stands_beside_its_best_member_and_its_twin():
    scores = {"fusion": 0.80, "both shops": 0.82, "content": 0.87, "fusion without source": 0.85}
    said = lesson.from_elsewhere(pd.Series({**scores, "both shops without source": 0.81}))
    assert "0.800. Its best member, *both shops*, has 0.820." in said
    assert said.endswith("without the bookshop has 0.850.")


def test_the_figure_has_both_comparisons_of_the_fusion():
    ends = {"budget": 10, "low": 0.05, "high": 0.5, "verdict": "helps", "source": "books"}
    verdicts = pd.DataFrame({"strategy": ["content", "fusion"], "gain": [0.0, 0.1]}).assign(**ends)
    credit = pd.DataFrame({"strategy": ["both shops", "fusion"], "gain": [0.2, 0.3]}).assign(**ends)
    summary = SimpleNamespace(budget_unit="ratings a user")
    study = SimpleNamespace(verdicts=lambda: verdicts, credit=lambda: credit, metric="rmse", summary=summary)
    said = charts.describe(lesson.beside_both(study))
    assert "over a member, 10 ratings a user: +0.100" in said
    assert "over its twin, 10 ratings a user: +0.300" in said
    assert "content" not in said
