"""What counts as a like: dislikes and zeros teach no ranking, counts weigh, repeats add up."""

import warnings

import numpy as np
import pandas as pd
import pytest

from tlkit import Source, load_task
from tlkit.errors import BadInput, UnknownName
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.models import (
    BPR,
    EASE,
    ImplicitALS,
    ItemNeighbours,
    MatrixFactorization,
    MultiDAE,
    Popularity,
)
from tlkit.recsys.tasks import RatingsTask, cold_start_task

RANKERS = [
    ImplicitALS(factors=3, random_state=0),
    EASE(regularization=5.0),
    ItemNeighbours(),
    Popularity(),
    MultiDAE(hidden=4, random_state=0),
    BPR(factors=3, random_state=0),
]


def table(*rows):
    return pd.DataFrame(rows, columns=["user", "item", "rating"])


def disliked(rating, liked=1.0):
    """Forty people gave item 0 one rating and others another; user 99 has liked item 1 alone."""
    rows = [(user, 0, rating) for user in range(40)]
    rows += [(user, 1 + (user + step) % 5, liked) for user in range(40) for step in range(3)]
    return table(*rows, (99, 1, liked))


@pytest.mark.parametrize("rating", [-1.0, 0.0])
@pytest.mark.parametrize("model", RANKERS, ids=lambda model: type(model).__name__)
def test_what_is_rated_0_or_below_is_no_like(model, rating):
    with pytest.warns(UserWarning, match=r"40 of 161 ratings are 0 or below: no likes, so a ranking is not"):
        model.fit(disliked(rating))
    assert model.matrix_.nnz == 121 and model.rated_.nnz == 161
    assert model.recommend(99, 2)["item"].isin([2, 3, 4, 5]).all()
    assert 0 not in model.recommend(3, 3)["item"].tolist()  # who rated it is not shown it again


def test_dislikes_teach_a_ranker_what_their_absence_does():
    with pytest.warns(UserWarning, match="0 or below"):
        told = EASE(regularization=5.0).fit(disliked(-1.0))
    spared = EASE(regularization=5.0).fit(disliked(-1.0).query("rating > 0"))
    np.testing.assert_allclose(told.weights_[1:, 1:], spared.weights_, atol=1e-6)


def test_new_users_are_known_by_what_they_like():
    model = ItemNeighbours().fit(disliked(1.0, 5.0), relevant=4)
    new = table(("a", 1, 5.0), ("a", 2, 1.0))
    liked = model.recommend_to(new.query("item == 1"), 3)
    found = model.recommend_to(new, 3)
    assert 2 not in found["item"].tolist()
    expected = liked.query("item != 2")["item"].tolist()
    assert found["item"].tolist()[: len(expected)] == expected


def test_stars_are_predicted_from_all_ratings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MatrixFactorization(factors=2, random_state=0).fit(disliked(-1.0))
    assert model.matrix_.nnz == 161


def test_a_table_without_likes_is_refused():
    with pytest.raises(BadInput, match="No rating is above 0, so there is no like .* the highest is -1"):
        Popularity().fit(disliked(-1.0, -2.0))
    with pytest.raises(BadInput, match="No rating is of 6 or more"):
        Popularity().fit(disliked(1.0, 5.0), relevant=6)


# Of tasks


def stars_task(**settings):
    test = table(*((user, 7, 5.0) for user in range(40)))
    return RatingsTask(disliked(1.0, 5.0), test, metric="ndcg@5", **settings)


def test_a_ranking_is_learned_from_what_is_relevant_unless_asked_otherwise():
    model = ImplicitALS(factors=3, random_state=0)
    task = stars_task(relevant=4)
    assert task.like == 4 and task.fit(model).matrix_.nnz == 121
    assert task.fit(model).recommend(99, 1)["item"].item() != 0
    every = stars_task(relevant=4, train_on="rated")
    assert every.like is None and every.fit(model).matrix_.nnz == 161
    assert every.fingerprint != task.fingerprint
    with pytest.raises(UnknownName, match="no train_on 'relevent'. Did you mean 'relevant'"):
        stars_task(train_on="relevent")


def test_a_held_out_dislike_is_not_worth_recommending():
    train = table(*((user, item, 1.0) for user in range(3) for item in range(3)))
    task = RatingsTask(train, table((0, 4, -1.0), (1, 4, 1.0), (1, 5, 0.0)), metric="ndcg@2")
    assert task.evaluated_users.tolist() == [1] and task.left_out == 2
    with pytest.raises(BadInput, match="No held-out rating is above 0: the highest of the test is 0"):
        RatingsTask(train, table((1, 5, 0.0)), metric="ndcg@2")


def test_a_scale_with_likes_below_0_says_where_they_begin():
    task = stars_task(relevant=-2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = task.strategy("target_only", model=Popularity()).fit(disliked(-1.0, 3.0), relevant=-2)
    assert model.matrix_.nnz == 161
    assert task.like == -2


def test_a_source_gives_its_likes_alone():
    theirs = disliked(1.0, 5.0).assign(item=lambda each: each["item"] + 100)
    held_out = table(*((user, 107, 5.0) for user in range(9)))
    books = RatingsTask(theirs, held_out, metric="ndcg@5", relevant=4)
    source = Source.from_fitted(books.fit(ImplicitALS(factors=3, random_state=0)), "books", task=books)
    target = table(*((user, item, 1.0) for user in range(40) for item in range(6)))
    task = cold_start_task(target, theirs, share=0.5, pool=2, metric="ndcg@5")
    fitted = task.fit(task.strategy("joined", source=source, model=Popularity()))
    assert fitted.other_.nnz == 121


# Counts and repeats


def counts(times=1.0):
    draw = np.random.default_rng(0)
    pairs = np.argwhere(draw.random((30, 20)) < 0.3)
    return pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=times)


@pytest.mark.parametrize("regularization", [None, 2.0])
def test_a_count_multiplies_the_weight(regularization):
    settings = {"factors": 3, "regularization": regularization, "random_state": 0}
    counted = ImplicitALS(alpha=2.0, counts=True, **settings).fit(counts(3.0))
    heavier = ImplicitALS(alpha=6.0, **settings).fit(counts())
    np.testing.assert_allclose(counted.penalty_, heavier.penalty_, rtol=1e-6)
    np.testing.assert_allclose(counted.scores([0, 5]), heavier.scores([0, 5]), atol=1e-5)


def test_factors_of_counts_solve_the_weighed_equations():
    table_ = counts().assign(rating=lambda each: 1.0 + np.arange(len(each)) % 4)
    model = ImplicitALS(factors=3, alpha=2.0, regularization=1.5, counts=True, random_state=0).fit(table_)
    items, matrix = model.item_factors.astype(float), model.matrix_.toarray()
    for user, factors in enumerate(model.fold_in(model.matrix_)):
        confidence = 1 + 2.0 * matrix[user]
        left = items.T @ (confidence[:, None] * items) + 1.5 * np.eye(3)
        right = items.T @ (confidence * (matrix[user] > 0))
        np.testing.assert_allclose(factors, np.linalg.solve(left, right), atol=1e-4)


def test_counts_are_above_0():
    with pytest.raises(BadInput, match="Counts are above 0; the lowest is -1. Leave `counts` out"):
        ImplicitALS(counts=True).fit(disliked(-1.0), relevant=-1)


def test_repeats_are_added_up_by_choice():
    rows = table(("a", "x", 1.0), ("b", "y", 2.0), ("a", "x", 3.0)).assign(timestamp=[5, 6, 4])
    with pytest.warns(UserWarning, match=r"latest of each stays. To add them up: as_ratings\(table, repeats"):
        assert as_ratings(rows)["rating"].tolist() == [1.0, 2.0]
    summed = as_ratings(rows, repeats="sum").set_index(["user", "item"])
    assert summed["rating"].to_dict() == {("a", "x"): 4.0, ("b", "y"): 2.0}
    assert summed["timestamp"].to_dict() == {("a", "x"): 5, ("b", "y"): 6}
    assert summed["rating"].dtype == np.float32
    with pytest.raises(UnknownName, match="no way with repeats 'mean'"):
        as_ratings(rows, repeats="mean")


def test_plays_of_a_file_are_added_up(tmp_path):
    rows = [(user, item, 2) for user in range(6) for item in range(4)]
    path = tmp_path / "plays.csv"
    table(*rows, *rows).to_csv(path, index=False)
    task = load_task(path, repeats="sum", metric="ndcg@2")
    assert len(task.train) + len(task.test) == 24
    assert set(task.train["rating"]) == {4.0}
