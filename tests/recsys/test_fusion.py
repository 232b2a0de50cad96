"""Fusion: weights learned inside the training ratings, sound for stars and for lists."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from tlkit.errors import BadInput
from tlkit.recsys.models.base import Recommender
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.neighbours import ItemNeighbours
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.strategies.fusion import Fusion, has_features, hold_out, select
from tlkit.recsys.tasks import RatingsTask
from tlkit.study.strategy import hyperparameters

SEEDS = (0, 1, 2)


def ratings(seed: int, n_users: int = 80, n_items: int = 50) -> pd.DataFrame:
    """Stars of two tastes and of biases; what is liked is rated more often."""
    rng = np.random.default_rng(seed)
    stars = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items)) + 0.6 * rng.normal(size=n_items)
    stars = 3 + stars + 0.5 * rng.normal(size=(n_users, 1)) + 0.4 * rng.normal(size=stars.shape)
    rated = rng.random(stars.shape) < 0.5 / (1 + np.exp(3 - stars))
    user, item = np.nonzero(rated)
    return pd.DataFrame({"user": user, "item": item, "rating": stars.clip(1, 5).round()[user, item]})


def stars_task(seed: int) -> RatingsTask:
    return RatingsTask.split(ratings(seed), metric="rmse", seed=seed)


def lists_task(seed: int) -> RatingsTask:
    return RatingsTask.split(ratings(seed), metric="ndcg@10", seed=seed)


def star_members() -> dict[str, Recommender]:
    return {
        "biases": Biases(),
        "neighbours": ItemNeighbours(),
        "factorization": MatrixFactorization(factors=3, spectral=8),
    }


def list_members() -> dict[str, Recommender]:
    return {
        "linear": EASE(regularization=100.0),
        "factorization": ImplicitALS(factors=8),
        "popularity": Popularity(),
    }


def test_what_is_held_out_is_a_fifth_of_each_user_and_nothing_is_lost():
    matrix = Popularity().fit(ratings(0)).matrix_
    kept, held = hold_out(matrix, np.random.default_rng(0))
    np.testing.assert_array_equal((kept + held).toarray(), matrix.toarray())
    np.testing.assert_array_equal(np.diff(held.indptr), np.diff(matrix.indptr) // 5)


@hyperparameters
class Oracle(Recommender):
    """Knows all stars, and notes on what it was fitted."""

    objectives: ClassVar[tuple[str, ...]] = ("rating",)
    fitted_on: ClassVar[list[csr_array]] = []

    truth: np.ndarray | None = None

    def learn(self, matrix, generator):
        self.fitted_on.append(matrix)

    def score_profiles(self, profiles):
        return np.tile(self.truth, (profiles.shape[0], 1))

    def score_rows(self, rows):
        return self.truth[rows]


def test_what_predicts_unseen_stars_gets_the_weight_and_noise_gets_none(rng):
    Oracle.fitted_on.clear()
    table = ratings(0)
    truth, noise = rng.uniform(1, 5, size=(2, table["user"].nunique(), table["item"].nunique())).astype(
        np.float32
    )
    user, item = (pd.Categorical(table[name]).codes for name in ("user", "item"))
    table["rating"] = truth[user, item]
    members = {"truth": Oracle(truth=truth), "noise": Oracle(truth=noise)}
    fusion = Fusion(members=members, folds=4, random_state=0).fit(table, objective="rating")
    assert fusion.weights_.loc["truth", "weight"] == pytest.approx(1, abs=0.01)
    assert fusion.weights_.loc["noise", "weight"] == pytest.approx(0, abs=0.01)
    assert fusion.weights_.loc["truth", "rmse"] == pytest.approx(0, abs=1e-6)
    assert fusion.weights_.index.name == "member"


def test_no_member_is_judged_on_ratings_it_was_fitted_on():
    Oracle.fitted_on.clear()
    table = ratings(0)
    truth = np.full((table["user"].nunique(), table["item"].nunique()), 3, dtype=np.float32)
    Fusion(members={"only": Oracle(truth=truth)}, folds=4, random_state=0).fit(table, objective="rating")
    *inner, whole = Oracle.fitted_on
    assert len(inner) == 4
    assert whole.nnz == len(table)
    held = [whole.nnz - part.nnz for part in inner]
    assert sum(held) == whole.nnz
    assert max(held) - min(held) <= 1
    left_out = sum((whole != 0).astype(int) - (part != 0).astype(int) for part in inner)
    assert (left_out.toarray() == (whole.toarray() != 0)).all()


@pytest.mark.parametrize("make", [stars_task, lists_task])
def test_test_ratings_change_nothing(make):
    task = make(0)
    members = star_members() if make is stars_task else list_members()
    other = RatingsTask(task.train, task.test.assign(rating=6 - task.test["rating"]), metric=task.metric)
    fits = [each.fit(Fusion(members=members, random_state=0)) for each in (task, other)]
    pd.testing.assert_frame_equal(fits[0].weights_, fits[1].weights_)
    np.testing.assert_array_equal(fits[0].scores(task.users), fits[1].scores(task.users))


def test_stars_are_predicted_about_as_well_as_by_the_best_member():
    differences = []
    for seed in SEEDS:
        task = stars_task(seed)
        fusion = task.fit(Fusion(members=star_members(), random_state=0))
        alone = [task.score(member).metrics["rmse"] for member in fusion.members_.values()]
        differences.append(task.score(fusion).metrics["rmse"] - min(alone))
    assert np.mean(differences) < 0.01
    assert max(differences) < 0.02


def test_lists_are_about_as_good_as_the_best_members():
    differences = []
    for seed in SEEDS:
        task = lists_task(seed)
        fusion = task.fit(Fusion(members=list_members(), random_state=0))
        alone = [task.score(member).metrics["ndcg@10"] for member in fusion.members_.values()]
        differences.append(task.score(fusion).metrics["ndcg@10"] - max(alone))
        assert fusion.weights_["weight"].sum() == pytest.approx(1)
    assert np.mean(differences) > -0.02


def test_selection_is_never_worse_than_the_best_member_where_it_is_made(rng):
    for _ in range(10):
        scores = rng.normal(size=(3, 20, 30))
        seen = rng.random((20, 30)) < 0.2
        wanted = (rng.random((20, 30)) < 0.2) & ~seen
        wanted[:, 0], seen[:, 0] = True, False
        weights, alone = select(scores, seen, wanted)
        _, (mixed, *_) = select(np.stack([np.tensordot(weights, scores, 1)]), seen, wanted)
        assert mixed >= max(alone) - 1e-12
        assert weights.sum() == pytest.approx(1)
    scores[1] = 5 * wanted
    weights, alone = select(scores, seen, wanted)
    assert weights.tolist() == [0, 1, 0]
    assert alone[1] == pytest.approx(1)


def test_scores_of_known_users_and_of_the_same_profiles_as_new_agree():
    task = stars_task(0)
    fusion = task.fit(
        Fusion(members={"biases": Biases(), "mf": MatrixFactorization(factors=3)}, random_state=0)
    )
    rows = np.arange(5)
    folded = fusion.score_profiles(fusion.matrix_[rows])
    np.testing.assert_allclose(folded, fusion.score_rows(rows), atol=1e-3)
    pairs = fusion.predict(fusion.users_[rows], fusion.items_[rows])
    np.testing.assert_allclose(pairs, fusion.score_rows(rows)[rows, rows].clip(*fusion.scale_), atol=1e-3)


@pytest.mark.parametrize("metric", ["rmse", "ndcg@10"])
def test_the_default_members_are_of_every_kind(metric):
    table = ratings(0, n_users=40, n_items=30)
    items = pd.DataFrame({"category": np.where(np.arange(30) % 2, "odd", "even")}, index=range(30))
    fusion = RatingsTask.split(table, items, metric=metric).fit(Fusion(folds=2, random_state=0))
    kinds = {"item neighbours", "user neighbours", "factorization", "autoencoder", "content"}
    assert kinds <= set(fusion.weights_.index)
    assert np.isfinite(fusion.weights_.to_numpy()).all()


def test_content_needs_more_than_titles():
    titles = pd.DataFrame({"title": ["a", "b"]})
    assert not has_features(None)
    assert not has_features(titles)
    assert has_features(titles.assign(year=[1990, 2000]))


def test_nobody_with_enough_ratings_for_lists_means_equal_weights():
    table = pd.DataFrame({"user": [0, 0, 1, 1], "item": [0, 1, 1, 2], "rating": 1.0})
    fusion = Fusion(members=list_members(), random_state=0).fit(table)
    np.testing.assert_allclose(fusion.weights_["weight"], 1 / 3)


def test_bad_members_and_folds():
    table = ratings(0)
    with pytest.raises(BadInput, match="EASE ranks items and predicts no stars"):
        Fusion(members={"biases": Biases(), "linear": EASE()}).fit(table, objective="rating")
    for members in ({}, [Biases()], {"biases": "Biases"}):
        with pytest.raises(BadInput, match="members maps labels to Recommender objects, one or more"):
            Fusion(members=members).fit(table)
    with pytest.raises(BadInput, match="folds is 2 or more; got 1"):
        Fusion(folds=1).fit(table)
    with pytest.raises(BadInput, match="3 ratings cannot be parted into 5 folds"):
        Fusion(members=star_members()).fit(table[:3], objective="rating")
