"""Recommenders in closed form: against references in numpy, and cases worked by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from references import ease_reference
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from tlkit.errors import BadInput, TrainingProblem
from tlkit.recsys.data.movielens import movielens
from tlkit.recsys.evaluation import splits
from tlkit.recsys.models import base, ease, shrinkage
from tlkit.recsys.models.biases import Biases, fit_baseline
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.neighbours import BASELINE_WEIGHT, ItemNeighbours, UserNeighbours
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.models.shrinkage import Shrinkage
from tlkit.recsys.solvers.rows import Rows, dense, times
from tlkit.recsys.tasks import RatingsTask
from tlkit.system import compute

CPU = torch.device("cpu")
NEIGHBOURS = [ItemNeighbours, UserNeighbours]


def some_ratings(n_users=30, n_items=20, share=0.4, seed=0):
    draw = np.random.default_rng(seed)
    pairs = np.argwhere(draw.random((n_users, n_items)) < share)
    table = pd.DataFrame(pairs, columns=["user", "item"])
    return table.assign(rating=draw.integers(1, 6, len(table)).astype(float))


def binary_of(table):
    return csr_array(pd.crosstab(table["user"], table["item"]).clip(upper=1).to_numpy(np.float32))


def taken(*rows):
    """Ratings of 1, from one string of items a user."""
    pairs = [(f"u{number}", item) for number, row in enumerate(rows) for item in row]
    return pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=1.0)


# Sparse rows on the device


def test_rows_are_what_scipy_says():
    draw = np.random.default_rng(0)
    whole = np.where(draw.random((7, 5)) < 0.5, draw.normal(size=(7, 5)), 0).astype(np.float32)
    whole[3] = 0
    matrix, table = csr_array(whole), draw.normal(size=(5, 3)).astype(np.float32)
    rows, chosen = Rows(matrix, CPU), torch.tensor([4, 3, 0, 4])
    np.testing.assert_array_equal(dense(matrix, CPU), whole)
    np.testing.assert_array_equal(rows.dense(chosen), whole[chosen])
    np.testing.assert_array_equal(rows.dense(chosen, power=0), whole[chosen] != 0)
    np.testing.assert_allclose(times(matrix, torch.from_numpy(table)), whole @ table, atol=1e-6)
    np.testing.assert_allclose(rows.times(torch.from_numpy(table), power=2), whole**2 @ table, atol=1e-5)
    columns, values, marks = rows.padded(chosen)
    assert marks.sum(1).tolist() == (whole[chosen] != 0).sum(1).tolist()
    again = torch.zeros(4, 5).scatter_add_(1, columns, values * marks)
    np.testing.assert_array_equal(again, whole[chosen])


# Popularity and biases


def test_popularity_counts_users_and_is_the_same_for_everybody():
    model = Popularity().fit(taken("abc", "ab", "a", "c"))
    np.testing.assert_array_equal(model.scores(["u0", "u3"]), [[3, 2, 2], [3, 2, 2]])
    assert model.recommend("u3", n=2)["item"].tolist() == ["a", "b"]


def test_biases_solve_their_normal_equations():
    ratings = some_ratings()
    matrix = Biases().fit(ratings).matrix_
    found = fit_baseline(matrix, user_reg=3, item_reg=7, epochs=200)
    rows, items = matrix.nonzero()
    n_users, n_items = matrix.shape
    design = np.zeros((len(rows), n_users + n_items))
    design[np.arange(len(rows)), rows] = design[np.arange(len(rows)), n_users + items] = 1
    penalty = np.diag([3.0] * n_users + [7.0] * n_items)
    wanted = np.linalg.solve(design.T @ design + penalty, design.T @ (matrix.data - found.mean))
    assert found.mean == pytest.approx(ratings["rating"].mean())
    np.testing.assert_allclose(found.user_biases(matrix), wanted[:n_users], atol=1e-5)
    np.testing.assert_allclose(found.item_biases, wanted[n_users:], atol=1e-5)


def test_without_a_penalty_an_item_nobody_rated_has_no_bias():
    ratings = taken("ab", "b").assign(item=lambda table: pd.Categorical(table["item"], ["a", "b", "c"]))
    model = Biases(user_reg=0, item_reg=0).fit(ratings)
    assert model.baseline_.item_biases[2] == 0 and np.isfinite(model.scores(["u0"])).all()


def test_biases_predict_within_the_scale_and_know_a_new_user_by_his_ratings():
    model = Biases(user_reg=0, item_reg=0).fit(some_ratings())
    assert model.predict(np.repeat(0, 20), np.arange(20)).max() <= 5
    generous = csr_array(np.full((1, 20), 5, dtype=np.float32))
    severe = csr_array(np.full((1, 20), 1, dtype=np.float32))
    assert (model.score_profiles(generous) - model.score_profiles(severe)).min() > 3.5


# Neighbours


def reference_weights(rows, k, shrinkage, rating):
    """Neighbour weights of dense rows with NaN where nothing is known, pair by pair; (n, n)."""
    n = len(rows)
    found = np.zeros((n, n))
    for one, other in itertools.permutations(range(n), 2):
        both = ~np.isnan(rows[one]) & ~np.isnan(rows[other])
        x, y = (rows[each][both] if rating else rows[each][~np.isnan(rows[each])] for each in (one, other))
        size = np.sqrt((x**2).sum() * (y**2).sum())
        product = (rows[one][both] * rows[other][both]).sum()
        similar = product / size * both.sum() / (both.sum() + shrinkage) if size else 0
        found[one, other] = max(similar, 0) ** 2
    for one in range(n):
        found[one, np.argsort(-found[one], kind="stable")[k:]] = 0
    return found


@pytest.mark.parametrize("kind", NEIGHBOURS)
@pytest.mark.parametrize(("objective", "k"), [("ranking", 100), ("rating", 4)])
def test_neighbours_are_those_of_a_dense_reference(kind, objective, k):
    ratings = some_ratings(15, 14, 0.85)
    model = kind(k=k, shrinkage=2).fit(ratings, objective=objective)
    known = model.matrix_.toarray() > 0
    base = model.baseline_.predict(model.matrix_) if objective == "rating" else 0
    values = model.matrix_.toarray() - base if objective == "rating" else np.ones(known.shape)
    left = np.where(known, values, np.nan)
    if kind is ItemNeighbours:
        weights = reference_weights(left.T, k, 2, objective == "rating").T
        liking, weight = np.nan_to_num(left) @ weights, known @ weights
    else:
        weights = reference_weights(left, k, 2, objective == "rating")
        liking, weight = weights @ np.nan_to_num(left), weights @ known
    wanted = base + liking / (weight + BASELINE_WEIGHT) if objective == "rating" else liking
    np.testing.assert_allclose(model.scores(model.users_), wanted, atol=1e-4)


def test_item_neighbours_by_hand():
    # a and b share one of the users {0, 1} and {0, 2}: cosine 1/2, shrunk by 1 / (1 + 1), squared 1/16.
    model = ItemNeighbours(shrinkage=1).fit(taken("ab", "a", "b", "c"))
    np.testing.assert_allclose(model.weights_.toarray(), [[0, 1 / 16, 0], [1 / 16, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(model.scores(["u1"]), [[0, 1 / 16, 0]])


def test_only_the_nearest_neighbours_count():
    model = ItemNeighbours(k=1, shrinkage=0).fit(taken("ab", "ab", "ac", "c"))
    assert np.diff(csr_array(model.weights_.T).indptr).max() == 1
    assert model.weights_.toarray()[:, 0].argmax() == 1  # b is nearer to a than c is


def test_a_user_is_not_his_own_neighbour_but_a_new_user_like_him_has_him_as_one():
    model = UserNeighbours(shrinkage=0).fit(taken("ab", "ac", "d"))
    np.testing.assert_allclose(model.scores(["u2"]), 0)
    np.testing.assert_allclose(model.score_profiles(model.matrix_[[2]]), [[0, 0, 0, 1]])


@pytest.mark.parametrize("objective", ["ranking", "rating"])
def test_folding_a_training_profile_in_is_what_item_neighbours_say_of_him(objective):
    model = ItemNeighbours().fit(some_ratings(), objective=objective)
    np.testing.assert_allclose(model.score_profiles(model.matrix_), model.score_rows(np.arange(30)))


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_neighbours_in_many_batches_are_those_of_one(kind, monkeypatch):
    ratings = some_ratings()
    whole = kind().fit(ratings, objective="rating").scores(np.arange(30))
    monkeypatch.setattr("tlkit.recsys.models.neighbours.CELLS", 100)
    np.testing.assert_allclose(
        kind().fit(ratings, objective="rating").scores(np.arange(30)), whole, atol=1e-6
    )


def test_without_ratings_a_prediction_is_the_baseline():
    model = UserNeighbours().fit(some_ratings(), objective="rating")
    nobody = csr_array((1, 20), dtype=np.float32)
    np.testing.assert_allclose(model.score_profiles(nobody), model.baseline_.predict(nobody))


# EASE


def test_ease_is_a_ridge_regression_of_each_item_on_the_others():
    model = EASE(regularization=5).fit(some_ratings())
    x = (model.matrix_.toarray() > 0).astype(float)
    np.testing.assert_allclose(model.weights_, ease_reference(x, 5), atol=1e-5)
    assert (np.diag(model.weights_) == 0).all()
    gradient = x.T @ (x @ model.weights_ - x) + 5 * model.weights_
    np.testing.assert_allclose(gradient - np.diag(np.diag(gradient)), 0, atol=1e-3)
    np.testing.assert_allclose(model.scores(model.users_), x @ model.weights_, atol=1e-5)


def test_ease_by_hand():
    # Two items, two users with both and one with a alone: a from b is 2 / (2 + 1), b from a 2 / (3 + 1).
    model = EASE(regularization=1).fit(taken("ab", "ab", "a"))
    np.testing.assert_allclose(model.weights_, [[0, 1 / 2], [2 / 3, 0]], atol=1e-6)
    np.testing.assert_allclose(model.scores("u2"), [[0, 1 / 2]], atol=1e-6)


@pytest.mark.parametrize(("n_users", "by_users"), [(30, False), (6, True)])
@pytest.mark.parametrize("reg", [1.0, 30.0, 1000.0])
def test_the_inverse_agrees_with_numpy_whether_by_items_or_by_users(reg, n_users, by_users):
    taken = binary_of(some_ratings(n_users))
    inverse = ease.Inverse(taken, CPU)
    assert inverse.by_users == by_users
    for penalty in (reg, reg / 2):  # one gram serves them all
        together = (taken.T @ taken).toarray() + penalty * np.eye(taken.shape[1])
        np.testing.assert_allclose(inverse(penalty), np.linalg.inv(together), atol=1e-5)


def test_ease_chooses_the_same_at_each_call_and_reports_each_penalty():
    once, again = (EASE(random_state=3).fit(some_ratings(200, 30)) for _ in "ab")
    assert once.shrinkage_ == again.shrinkage_
    assert shrinkage.PENALTIES[0] <= once.shrinkage_.full <= shrinkage.PENALTIES[-1]
    assert [each["step"] for each in once.history_] == list(range(1, len(shrinkage.PENALTIES) + 1))
    np.testing.assert_array_equal(once.scores(once.users_), again.scores(once.users_))


def test_each_profile_is_scored_with_the_shrinkage_of_its_number_of_ratings():
    model = EASE(random_state=3).fit(some_ratings(200, 30))
    model.shrinkage_ = path = Shrinkage(full=10.0, thin=16.0, crowd=3.0)
    sizes = np.diff(model.matrix_.indptr)
    found, penalties = model.scores(model.users_), path.penalties(sizes)
    assert set(penalties) >= {10.0, 40.0}
    for penalty in np.unique(penalties):
        mine = penalties == penalty
        alone = EASE(regularization=penalty).fit(some_ratings(200, 30))
        mixed = shrinkage.with_crowd(alone.scores(alone.users_), model.popularity_, path.shares(sizes))
        np.testing.assert_allclose(found[mine], mixed[mine], atol=1e-4)


def test_a_given_penalty_is_that_of_every_profile_and_leaves_popularity_out():
    assert EASE(regularization=20).fit(some_ratings()).shrinkage_ == Shrinkage(20)


def test_ease_chooses_nothing_where_nobody_has_enough_ratings():
    assert EASE().fit(taken("ab", "bc")).shrinkage_ == shrinkage.UNCHOSEN


def test_a_catalogue_too_large_for_ease_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(ease, "free_memory", lambda device: 2**30)
    with pytest.raises(BadInput) as error:
        ease.require_memory(50_000, CPU, choice=False)
    message = str(error.value)
    assert "4 dense matrices of 50,000 x 50,000 items: 37.3 GB" in message and "1.0 GB are free" in message
    assert "ImplicitALS or ItemNeighbours" in message
    ease.require_memory(8_000, CPU, choice=False)
    with pytest.raises(BadInput, match="12 dense .* Give it a regularization, which takes 4, or use Impl"):
        ease.require_memory(8_000, CPU, choice=True)


# Bad input


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Biases(user_reg=-1), "user_reg is a number, 0 or more; got -1"),
        (EASE(regularization=0), "regularization is a number above 0; got 0"),
        (EASE(regularization="1"), "regularization is a number above 0; got '1'"),
        (EASE(regularization=np.nan), "regularization is a number above 0; got nan"),
        (ItemNeighbours(k=0), "k is a whole number, 1 or more; got 0"),
        (ItemNeighbours(k=2.5), "k is a whole number, 1 or more; got 2.5"),
        (ItemNeighbours(k=None), "k is a whole number, 1 or more; got None"),
        (ItemNeighbours(k=True), "k is a whole number, 1 or more; got True"),
        (UserNeighbours(shrinkage=-1), "shrinkage is a number, 0 or more; got -1"),
    ],
)
def test_what_a_model_cannot_use_is_refused(model, message):
    with pytest.raises(BadInput) as error:
        model.fit(some_ratings())
    assert message in str(error.value)


# Recommending


def test_a_model_whose_fit_breaks_off_is_not_fitted(monkeypatch):
    model = EASE().fit(some_ratings())
    monkeypatch.setattr(ease, "free_memory", lambda device: 0)
    with pytest.raises(BadInput, match="0.0 GB are free"):
        model.fit(some_ratings())
    with pytest.raises(NotFittedError):
        model.recommend("u0")


@pytest.mark.parametrize("n", [0, 4, 2.5, "3", None, True])
@pytest.mark.parametrize("users", ["u0", []])
def test_how_many_are_recommended_is_a_whole_number(n, users):
    model = Popularity().fit(taken("abc", "ab"))
    with pytest.raises(BadInput, match="n, of a catalogue of 3 items, is a whole number, 1 to 3; got"):
        model.recommend(users, n)


def test_nobody_is_recommended_nothing():
    model = Popularity().fit(taken("abc", "ab"))
    nothing, something = (model.recommend(users, 1, seen=True) for users in ([], ["u1"]))
    assert nothing.empty and nothing.dtypes.equals(something.dtypes)


@pytest.mark.parametrize("threads", [1, 2])
def test_users_asked_for_out_of_order_and_twice_get_the_lists_of_their_scores(threads, monkeypatch):
    monkeypatch.setattr(base, "BLOCK", 8)
    model = ItemNeighbours().fit(some_ratings())
    users = np.random.default_rng(1).choice(model.users_, 50)
    hidden = np.where(
        model.matrix_[model.users_.get_indexer(users)].toarray() > 0, -np.inf, model.scores(users)
    )
    best = np.argsort(-hidden, axis=1, kind="stable")[:, :4]
    with compute.torch_threads(threads):
        found = model.recommend(users, 4)
    assert found["user"].tolist() == np.repeat(users, 4).tolist()
    assert found["item"].tolist() == model.items_[best.ravel()].tolist()
    assert (found["score"] == np.take_along_axis(hidden, best, axis=1).ravel()).all()


def test_ids_may_be_dates_and_nobody_is_called_none():
    ratings = taken("abc", "ab").assign(user=lambda t: pd.Timestamp("2020") + pd.to_timedelta(t.index, "D"))
    model = Popularity().fit(ratings)
    assert model.recommend(pd.Timestamp("2020-01-02"), 2)["item"].tolist() == ["a", "c"]
    with pytest.raises(BadInput, match="1 user id is not in the catalogue: None"):
        model.recommend(None)


def test_only_whom_a_table_is_about_are_recommended_to():
    ratings = taken("abc", "ab", "c").astype({"user": "category"})
    model = Popularity().fit(ratings)
    found = model.recommend_to(ratings[ratings["user"] == "u1"], n=1)
    assert found["user"].tolist() == ["u1"] and found["item"].tolist() == ["c"]


def test_scores_that_are_no_numbers_are_no_empty_list():
    model = Popularity().fit(taken("abc", "ab"))
    model.popularity_[1] = np.nan
    with pytest.raises(TrainingProblem, match=r"Popularity scores items with what is not a number \(NaN\)"):
        model.recommend("u1", 1)


# Real ratings


@pytest.mark.slow
@pytest.mark.realdata
def test_neighbours_and_ease_on_movielens_are_as_good_as_measured():
    ratings = movielens("100k").ratings
    errors = []
    for train, test in splits.k_folds(ratings):
        model = ItemNeighbours().fit(train, objective="rating")
        errors.append(np.sqrt(np.mean((model.predict(test["user"], test["item"]) - test["rating"]) ** 2)))
    assert np.mean(errors) == pytest.approx(0.9118, abs=5e-4)
    task = RatingsTask.split(ratings, seed=42)
    chosen, given = (EASE(regularization=reg, random_state=0).fit(task.train) for reg in (None, 300.0))
    assert task.score(chosen).metrics["ndcg@10"] == pytest.approx(0.4842, abs=4e-3)
    assert task.score(given).metrics["ndcg@10"] == pytest.approx(0.4842, abs=1e-3)
