"""Splits: what is held out, that it is the same for the same seed, and what cannot be split."""

import numpy as np
import pandas as pd
import pytest

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.evaluation.splits import by_time, cold_users, k_folds, leave_one_out, per_user, rank_within


def table(counts, timestamp=True, seed=0):
    """Ratings of users with so many each, rows shuffled, one moment a row."""
    rng = np.random.default_rng(seed)
    rows = [(f"u{user}", f"i{item:02d}") for user, count in enumerate(counts) for item in range(count)]
    ratings = pd.DataFrame(rows, columns=["user", "item"]).sample(frac=1, random_state=seed)
    ratings = ratings.assign(rating=rng.integers(1, 6, len(rows)))
    return as_ratings(ratings.assign(timestamp=rng.permutation(len(rows))) if timestamp else ratings)


def pairs(ratings):
    return set(zip(ratings["user"], ratings["item"], strict=True))


def counts(ratings):
    return ratings.groupby("user", observed=False).size().tolist()


def assert_parted(ratings, train, test):
    assert pairs(train) | pairs(test) == pairs(ratings)
    assert not pairs(train) & pairs(test)
    for part in (train, test):  # the catalogue stays
        assert part["user"].cat.categories.equals(ratings["user"].cat.categories)
        assert part["item"].cat.categories.equals(ratings["item"].cat.categories)
        assert part.index.equals(pd.RangeIndex(len(part)))
        assert part.columns.equals(ratings.columns)


def test_rank_within_counts_from_zero_in_each_group_and_breaks_ties_by_the_second_key():
    group = np.array([1, 0, 1, 0, 1])
    assert rank_within(group, np.array([3, 1, 3, 0, 2])).tolist() == [1, 1, 2, 0, 0]
    assert rank_within(group, np.zeros(5), np.array([1, 5, 0, 4, 2])).tolist() == [1, 1, 0, 0, 2]


# per user
def test_per_user_holds_out_a_share_of_each_and_leaves_a_single_rating_to_training():
    ratings = table([8, 4, 5, 1])
    train, test = per_user(ratings, test_share=0.25)
    assert_parted(ratings, train, test)
    assert counts(test) == [2, 1, 2, 0]


def test_per_user_leaves_everybody_a_rating_however_large_the_share():
    train, test = per_user(table([10, 3, 1]), test_share=0.95)
    assert (counts(train), counts(test)) == ([1, 1, 1], [9, 2, 0])


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None])
@pytest.mark.parametrize(
    "split", [per_user, leave_one_out, cold_users, lambda *args, **ways: next(k_folds(*args, **ways))]
)
def test_a_seed_is_a_whole_number(split, seed):
    with pytest.raises(BadInput, match=f"seed is a whole number, 0 to 4,294,967,295; got {seed!r}"):
        split(table([12] * 5), seed=seed)


def test_per_user_depends_on_the_seed_alone():
    ratings = table([20, 30])
    assert pairs(per_user(ratings, seed=1)[1]) == pairs(per_user(ratings, seed=1)[1])
    assert pairs(per_user(ratings, seed=1)[1]) != pairs(per_user(ratings, seed=2)[1])


def test_per_user_is_the_published_stratified_split():
    """One legacy uniform number a row; rows sorted by it within the user; rank / count <= 0.75 trains."""
    ratings = table([13, 40, 7, 22])
    legacy = np.random.RandomState(42).rand(len(ratings))
    ordered = ratings.assign(chance=legacy).sort_values(["user", "chance"])
    groups = ordered.groupby("user", observed=True)
    share = (groups.cumcount() + 1) / groups["user"].transform("count").astype(int)
    assert pairs(per_user(ratings, 0.25, seed=42)[0]) == pairs(ordered[share <= 0.75])


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, "half", True, None])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(BadInput, match="test_share is a number above 0 and below 1; got"):
        per_user(table([4, 4]), test_share=share)


# leave one out
def test_leave_one_out_takes_the_latest():
    ratings = table([5, 3, 1])
    train, test = leave_one_out(ratings)
    assert_parted(ratings, train, test)
    assert counts(test) == [1, 1, 0]
    latest = ratings.groupby("user", observed=True)["timestamp"].max()
    assert test.set_index("user")["timestamp"].to_dict() == latest[["u0", "u1"]].to_dict()


def test_leave_one_out_draws_where_there_are_no_timestamps_or_they_are_alike():
    for ratings in (table([9, 9], timestamp=False), table([9, 9]).assign(timestamp=7)):
        drawn = {tuple(leave_one_out(ratings, seed)[1]["item"]) for seed in range(5)}
        assert len(drawn) > 1
        assert counts(leave_one_out(ratings, 3)[1]) == [1, 1]
        assert pairs(leave_one_out(ratings, 3)[1]) == pairs(leave_one_out(ratings, 3)[1])


def test_leave_one_out_of_a_share_of_the_users():
    ratings = table([3] * 20 + [1])
    train, test = leave_one_out(ratings, share=0.25)
    assert_parted(ratings, train, test)
    assert sorted(counts(test)) == [0] * 16 + [1] * 5
    for share in (0, 1.5):
        with pytest.raises(BadInput, match=f"share is a number above 0 and up to 1; got {share}"):
            leave_one_out(ratings, share=share)


@pytest.mark.parametrize(("share", "users"), [(0.28, 6), (0.22, 4), (0.01, 1)])
def test_leave_one_out_rounds_the_share_and_takes_one_user_at_least(share, users):
    assert len(leave_one_out(table([3] * 20), share=share)[1]) == users


def test_leave_one_out_draws_the_users_by_the_seed():
    def users(seed):
        return set(leave_one_out(table([3] * 20), seed, share=0.25)[1]["user"])

    assert users(1) == users(1)
    assert users(1) != users(2)


def test_of_two_ratings_one_is_left_out():
    assert counts(leave_one_out(table([2, 1]))[1]) == [1, 0]


# time
def test_by_time_cuts_at_one_moment():
    ratings = table([10, 10])
    train, test = by_time(ratings, test_share=0.3)
    assert_parted(ratings, train, test)
    assert len(test) == 6
    assert train["timestamp"].max() < test["timestamp"].min()


@pytest.mark.parametrize(("share", "ratings"), [(0.28, 6), (0.22, 4), (0.01, 1)])
def test_by_time_rounds_the_share_and_takes_one_rating_at_least(share, ratings):
    assert len(by_time(table([10, 10]), test_share=share)[1]) == ratings


def test_by_time_keeps_a_moment_together():
    ratings = table([10]).assign(timestamp=[0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    train, test = by_time(ratings, test_share=0.6)
    assert (train["timestamp"].max(), test["timestamp"].min()) == (0, 1)


def test_by_time_leaves_the_first_moment_to_training():
    train, test = by_time(table([10]), test_share=0.97)
    assert (len(train), len(test)) == (1, 9)


def test_by_time_says_what_is_missing():
    with pytest.raises(BadInput, match="needs a column timestamp.*'per_user' or 'leave_one_out'"):
        by_time(table([5, 5], timestamp=False))
    with pytest.raises(BadInput, match="nothing later than 3"):
        by_time(table([5, 5]).assign(timestamp=3))


def test_dates_are_moments_and_text_is_not():
    ratings = table([4, 4])
    dates = pd.to_datetime(ratings["timestamp"], unit="D", utc=True)
    for split in (by_time, leave_one_out):
        assert pairs(split(ratings.assign(timestamp=dates))[1]) == pairs(split(ratings)[1])
        with pytest.raises(BadInput, match="Timestamps are numbers or dates; found '.', which sorts as text"):
            split(ratings.assign(timestamp=ratings["timestamp"].astype(str)))


# cold users
def test_cold_users_keep_a_pool_and_the_rest_is_the_test():
    ratings = table([12] * 10 + [5] * 4)
    train, test, cold = cold_users(ratings, share=0.3, pool=10)
    assert_parted(ratings, train, test)
    assert len(cold) == 3
    assert set(test["user"]) == set(cold)
    assert set(cold) <= {f"u{user}" for user in range(10)}  # those with more than the pool
    in_training = dict(zip(train["user"].cat.categories, counts(train), strict=True))
    assert [in_training[user] for user in cold] == [10, 10, 10]
    assert all(in_training[f"u{user}"] == 5 for user in range(10, 14))


def test_one_rating_more_than_the_pool_is_enough_to_be_cold():
    _, test, cold = cold_users(table([11] * 10), share=0.2, pool=10)
    assert len(cold) == len(test) == 2


def test_a_user_of_the_catalogue_without_ratings_is_not_cold():
    ratings = table([12] * 10)
    ratings = ratings[ratings["user"] != "u9"].reset_index(drop=True)
    assert len(cold_users(ratings, share=0.95, among=["u8", "u9"])[2]) == 1


def test_cold_users_are_drawn_among_those_of_the_other_domain():
    cold = cold_users(table([12] * 20), share=0.5, among=["u3", "u7", "u9", "u11", "of another shop"])[2]
    assert len(cold) == 2
    assert set(cold) <= {"u3", "u7", "u9", "u11"}


def test_cold_users_with_few_ratings_keep_all_but_one():
    ratings = table([4] * 10)
    train, test, cold = cold_users(ratings, share=0.5, pool=10, min_ratings=2)
    assert len(test) == len(cold) == 5
    assert sorted(counts(train)) == [3] * 5 + [4] * 5
    assert len(cold_users(ratings, share=0.5, pool=0)[1]) == 20


def test_cold_users_depend_on_the_seed():
    ratings = table([12] * 30)
    assert cold_users(ratings, seed=1)[2].equals(cold_users(ratings, seed=1)[2])
    assert not cold_users(ratings, seed=1)[2].equals(cold_users(ratings, seed=2)[2])


def test_a_cold_share_must_leave_something_to_learn_from():
    with pytest.raises(
        BadInput, match="a share of 0.95 every user is cold and nothing is left to learn from"
    ):
        cold_users(table([12] * 5), share=0.95)
    with pytest.raises(BadInput, match="The cold share is a number above 0 and below 1; got 1"):
        cold_users(table([12] * 5), share=1)
    with pytest.raises(
        BadInput, match="a share of 0.2 of the 0 users .of 5. who have 11 ratings or more is nobody"
    ):
        cold_users(table([6] * 5))
    with pytest.raises(
        BadInput, match="the 1 users .of 5. who .* and are known to the other domain is nobody"
    ):
        cold_users(table([12] * 5), among=["u1"])
    with pytest.raises(BadInput, match="pool is a whole number, 0 or more; got -1"):
        cold_users(table([12] * 5), pool=-1)
    with pytest.raises(BadInput, match="min_ratings is a whole number, 1 or more; got 2.5"):
        cold_users(table([12] * 5), min_ratings=2.5)


# folds
def test_k_folds_are_those_of_a_shuffled_row_index():
    """Surprise shuffles the row numbers with RandomState(seed) and cuts them in order, longer parts first."""
    ratings = table([23, 30])
    index = np.arange(len(ratings))
    np.random.RandomState(0).shuffle(index)
    expected = [set(part) for part in np.split(index, [11, 22, 33, 43])]
    found = list(k_folds(ratings, 5, seed=0))
    assert len(found) == 5
    for (train, test), rows in zip(found, expected, strict=True):
        assert_parted(ratings, train, test)
        assert pairs(test) == pairs(ratings.iloc[sorted(rows)])


def test_k_folds_need_two_or_more_and_no_more_than_ratings():
    for n in (1, 11, 0, 2.5, "3", None):
        with pytest.raises(BadInput, match=f"folds of 10 ratings is a whole number, 2 to 10; got {n!r}"):
            next(k_folds(table([10]), n))
