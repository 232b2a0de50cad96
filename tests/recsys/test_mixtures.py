"""Pairs of members by their errors, and a fusion beside its parts, each against an independent reckoning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tlkit
from tlkit.recsys.evaluation import mixtures
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.content import ContentBased
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.tasks import RatingsTask
from tlkit.recsys.worlds.shops import two_shops

STARS = {"factors": MatrixFactorization(random_state=0), "content": ContentBased(reg=3.0, random_state=0)}
LISTS = {"linear": EASE(regularization=50), "popular": Popularity()}


@pytest.fixture(scope="module")
def films():
    return two_shops(n_users=120, n_items=100, seed=3).target


@pytest.fixture(scope="module")
def stars(films):
    return RatingsTask.split(films.ratings, films.items, metric="rmse", scale=(1, 5), seed=0)


@pytest.fixture(scope="module")
def fusions(stars):
    fusion = stars.strategy("fusion", members=STARS, folds=2)
    return [tlkit.transfer(fusion, None, stars.budget(5, seed), seed=seed) for seed in range(2)]


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    chance = rng.standard_normal(500)
    own = {"good": 0.4, "other": 0.5, "bad": 3.0}
    found = {label: chance + size * rng.standard_normal(500) for label, size in own.items()}
    return pd.DataFrame(found).assign(echo=lambda table: 1.5 * table["good"])


def test_the_best_share_is_the_lowest_point_of_all_shares(errors):
    found = mixtures.pairs(errors)
    assert len(found) == 6
    for pair, row in found.iterrows():
        better, worse = (errors[label] for label in pair.split(" + "))
        assert (better**2).mean() <= (worse**2).mean()
        tried = [(((1 - w) * better + w * worse) ** 2).mean() ** 0.5 for w in np.linspace(0, 1, 1001)]
        assert row["best share"] == pytest.approx(np.argmin(tried) / 1000, abs=0.001)
        assert row["rmse"] == pytest.approx(min(tried), abs=1e-6)
        assert row["gain"] == pytest.approx((better**2).mean() ** 0.5 - row["rmse"])
    assert found["gain"].is_monotonic_decreasing


def test_a_worse_member_helps_where_the_correlation_is_below_the_ratio(errors):
    found = mixtures.pairs(errors)
    assert (found["helps"] == (found["correlation"] < found["ratio"])).all()
    assert found.loc["good + other", "helps"]
    assert not found.loc["good + echo", "helps"]


def test_correlations_are_named_as_pairs_are(errors):
    found = mixtures.pairs(errors)["correlation"]
    named = ["good + bad", "bad + good"]
    assert mixtures.correlations(errors, found.index).to_numpy() == pytest.approx(found.to_numpy())
    assert mixtures.correlations(errors, named).tolist() == pytest.approx([found["good + bad"]] * 2)


def test_two_that_are_the_same_gain_nothing():
    [row] = mixtures.pairs(pd.DataFrame({"a": [1.0, -1.0], "b": [1.0, -1.0]})).to_dict("records")
    assert (row["best share"], row["gain"], row["helps"]) == (0, 0, False)


def test_shares_begin_at_the_best_member_and_end_at_the_partner(errors):
    table = mixtures.shares(errors, 3)
    own = (errors**2).mean() ** 0.5
    assert list(table["partner"].unique()) == list(own.drop("good").sort_values().index)
    for partner, rows in table.groupby("partner"):
        assert rows["share"].tolist() == [0, 0.5, 1]
        assert rows["rmse"].iloc[[0, -1]].tolist() == pytest.approx([own["good"], own[partner]])


def test_rivals_are_the_members_and_mixtures_on_the_same_draws(stars, fusions):
    found = {(each.strategy, each.seed): each for each in mixtures.rivals(fusions, stars)}
    assert {name for name, _ in found} == {*STARS, "chosen inside", "best member", "equal parts"}
    for trial in fusions:
        own = {label: found[label, trial.seed].metrics["rmse"] for label in STARS}
        alone = stars.budget(5, trial.seed)
        content = alone.score(alone.fit(ContentBased(reg=3.0, random_state=0)))
        assert own["content"] == pytest.approx(content.metrics["rmse"])
        inside = trial.fitted.weights_["rmse"].idxmin()
        assert found["chosen inside", trial.seed].metrics["rmse"] == own[inside]
        where = stars.test["user"], stars.test["item"]
        said = [member.predict(*where).clip(1, 5) for member in trial.fitted.members_.values()]
        error = np.sqrt(np.mean((np.mean(said, axis=0) - stars.test["rating"].to_numpy(float)) ** 2))
        assert found["equal parts", trial.seed].metrics["rmse"] == pytest.approx(error, rel=1e-5)


def test_the_best_member_is_one_over_all_draws(stars, fusions):
    found = pd.DataFrame([(t.strategy, t.seed, t.metrics["rmse"]) for t in mixtures.rivals(fusions, stars)])
    means = found.groupby(0)[2].mean()
    assert means["best member"] == means[list(STARS)].min()


def test_the_study_is_against_the_best_member(stars, fusions):
    trials = [*fusions, *mixtures.rivals(fusions, stars)]
    assert mixtures.study(trials, stars).baseline == "best member"
    few = mixtures.study(trials, stars, only=["fusion"])
    assert set(few.table["strategy"]) == {"fusion", "best member"}
    [verdict] = few.verdicts().to_dict("records")
    means = mixtures.study(trials, stars).table.groupby("strategy")["rmse"].mean()
    assert verdict["gain"] * (means["best member"] - means["fusion"]) > 0


def test_of_lists_the_best_member_has_the_highest_score(films):
    task = RatingsTask.split(films.ratings, films.items, seed=0)
    trial = tlkit.transfer(task.strategy("fusion", members=LISTS), None, task, seed=0)
    scores = {each.strategy: each.metrics["ndcg@10"] for each in mixtures.rivals([trial], task)}
    assert scores["best member"] == max(scores[label] for label in LISTS)
    assert scores["equal parts"] not in (scores["linear"], trial.metrics["ndcg@10"])


def test_equal_parts_leave_the_fusion_as_it_was(fusions):
    fusion = fusions[0].fitted
    before = fusion.weights_.copy()
    assert mixtures.in_equal_parts(fusion).weights_["weight"].tolist() == [0.5, 0.5]
    pd.testing.assert_frame_equal(fusion.weights_, before)


def test_newcomers_are_judged_by_what_they_have_rated(films):
    task = RatingsTask.split(films.ratings, films.items, by="cold", metric="rmse", scale=(1, 5), seed=0)
    none = task.budget(0)
    fusion = none.fit(none.strategy("fusion", members={"biases": Biases(), **STARS}, folds=2))
    table = mixtures.newcomers(fusion, task, [0, 3, 10_000]).set_index(["member", "ratings"])["rmse"]
    assert table.index.get_level_values("ratings").unique().tolist() == [0, 3]
    assert table.index[0][0] == "fusion"
    # Nobody's ratings are known at 0: content is then nothing but the biases.
    assert table["content", 0] == pytest.approx(table["biases", 0], rel=1e-3)
    assert table["factors", 3] < table["factors", 0]
