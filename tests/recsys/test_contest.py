"""The right and the wrong ways to judge a pool of recommenders, each against an independent reckoning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tlkit.recsys.evaluation.contest import Contest
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.tasks import RatingsTask
from tlkit.recsys.worlds.shops import two_shops

POOL = {"popularity": Popularity(), "by heart": EASE(regularization=1), "EASE": EASE(regularization=100)}


@pytest.fixture(scope="module")
def task():
    films = two_shops(n_users=120, n_items=100, seed=3).target
    return RatingsTask.split(films.ratings, films.items, seed=0)


@pytest.fixture(scope="module")
def contest(task):
    return Contest(task, POOL)


def test_the_honest_score_is_that_of_the_task(task, contest):
    for label, model in POOL.items():
        score = task.score(task.fit(model))
        assert contest.honest[label] == pytest.approx(score.metrics["ndcg@10"])
        assert contest.units[label].to_numpy() == pytest.approx(score.per_example)


def ranks(task, model, negatives=None, rng=None):
    """The rank of each held-out item alone, among all unrated items or a few that are drawn."""
    fitted, found = task.fit(model), []
    for user, held_out in task.test.groupby("user", observed=True)["item"]:
        scores = pd.Series(fitted.scores(pd.Index([user]))[0], task.catalogue)
        rated = task.train.loc[task.train["user"] == user, "item"]
        unrated = scores.drop([*rated, *held_out]).to_numpy()
        for item in held_out:
            others = unrated if negatives is None else rng.choice(unrated, negatives)
            found.append(1 + (others > scores[item]).sum() + (others == scores[item]).sum() / 2)
    return np.array(found)


def gained(found):
    return np.where(found <= 10, 1 / np.log2(1 + found), 0).mean()


def test_one_by_one_is_what_each_held_out_item_gains_alone(task, contest):
    assert contest.one_by_one()["EASE"] == pytest.approx(gained(ranks(task, POOL["EASE"])), abs=0.003)


def test_sampled_negatives_are_the_mean_over_draws_of_them(task, contest):
    rng = np.random.default_rng(0)
    drawn = [gained(ranks(task, POOL["EASE"], 5, rng)) for _ in range(5)]
    assert contest.one_by_one(5)["EASE"] == pytest.approx(np.mean(drawn), abs=0.01)
    assert contest.one_by_one(5)["EASE"] > 2 * contest.one_by_one()["EASE"]


def test_a_swapped_pair_stands_in_the_wrong_order_and_its_lead_comes_back(contest):
    few, honest = contest.one_by_one(1), contest.honest
    for row in contest.swapped(1).itertuples():
        assert row.lead == pytest.approx(100 * (honest[row.better] - honest[row.worse]))
        assert row.lead >= 0.5 and row.lead_sampled < 0
        assert few[row.better] < few[row.worse]
    pair = contest.pairs()[0]
    leads = contest.leads([pair], [1, 50]).set_index("negatives")["lead"]
    assert leads[1] == pytest.approx(100 * (few[pair[0]] - few[pair[1]]))
    assert set(contest.leads([pair], [1])["pair"]) == {f"{pair[0]} over {pair[1]}"}


def test_a_leak_pays_what_learns_by_heart_and_seen_items_take_places(contest):
    bonus = contest.leaked() - contest.honest
    assert bonus.idxmax() == "by heart"
    assert bonus["by heart"] > 0.3
    assert (contest.seen_left_in() < contest.honest).all()


def test_a_choice_on_few_users_reports_too_much(contest):
    few, many = contest.chosen_on(2, draws=200), contest.chosen_on(80, draws=200)
    assert few["reported"] - few["worth"] > 5 * abs(many["reported"] - many["worth"])
    assert many["worth"] == pytest.approx(contest.honest.max(), abs=0.01)


def test_the_cost_of_a_mistake_is_against_the_sound_choice(contest):
    found = contest.cost(pd.Series({"popularity": 0.9, "EASE": 0.1}), "EASE")
    assert (found["chosen"], found["reported"]) == ("popularity", 0.9)
    assert found["worth"] == contest.honest["popularity"]
    assert found["lost"] == pytest.approx(100 * (contest.honest["EASE"] - contest.honest["popularity"]))
