"""Ways to hold ratings out: by user, the last one, by time, whole users that start cold, and folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from tlkit.errors import BadInput, Limit, require_number, whole
from tlkit.recsys.data.ratings import require_moments

Parts = tuple[pd.DataFrame, pd.DataFrame]

SHARE = Limit("a number above 0 and below 1", lambda x: 0 < x < 1)
SHARE_OR_ALL = Limit("a number above 0 and up to 1", lambda x: 0 < x <= 1)
SEED = whole(0, 2**32 - 1)  # what numpy's legacy generator takes


def per_user(ratings: pd.DataFrame, test_share: float = 0.25, seed: int = 0) -> Parts:
    """Hold out a random share of each user's ratings, at least one; at least one stays for training.

    With seed 42 this is the split of ``python_stratified_split(filter_by="user")`` in the `recommenders`
    project: one uniform number a row in file order, sorted within the user, the first 75 % to training.

    Parameters
    ----------
    ratings : DataFrame
        As `tlkit.recsys.data.ratings.as_ratings` gives it.
    test_share : float
        Between 0 and 1.
    seed : int
        Of the draw.

    Returns
    -------
    train, test : DataFrame

    Raises
    ------
    BadInput
        If the share is out of range.
    """
    require_number("test_share", test_share, SHARE)
    require_number("seed", seed, SEED)
    user = ratings["user"].cat.codes.to_numpy()
    # The legacy generator, for the sake of the published split.
    order = np.random.RandomState(seed).random_sample(len(ratings))
    rank = rank_within(user, order)
    return _parted(ratings, ((rank + 1) / np.bincount(user)[user] > 1 - test_share) & (rank > 0))


def leave_one_out(ratings: pd.DataFrame, seed: int = 0, share: float = 1.0) -> Parts:
    """Hold out one rating of each user who has two or more: the latest, or a random one without timestamps.

    Parameters
    ----------
    ratings : DataFrame
        As `tlkit.recsys.data.ratings.as_ratings` gives it.
    seed : int
        Of the draw.
    share : float
        Of these users, drawn at random, of whom one is held out.

    Returns
    -------
    train, test : DataFrame

    Raises
    ------
    BadInput
        If the share is out of range.
    """
    require_number("share", share, SHARE_OR_ALL)
    require_number("seed", seed, SEED)
    user = ratings["user"].cat.codes.to_numpy()
    chance = np.random.default_rng(seed).random(len(ratings))  # decides where timestamps are alike
    when = _moments(ratings) if "timestamp" in ratings else np.zeros(len(ratings))
    count = np.bincount(user)
    several = np.flatnonzero(count > 1)
    drawn = np.random.default_rng([seed, 1]).permutation(several)[: max(round(share * len(several)), 1)]
    last = rank_within(user, when, chance) + 1 == count[user]
    return _parted(ratings, last & np.isin(user, drawn))


def by_time(ratings: pd.DataFrame, test_share: float = 0.2) -> Parts:
    """Hold out the latest share of all ratings: what was rated after one moment, the same for everybody.

    Returns
    -------
    train, test : DataFrame

    Raises
    ------
    BadInput
        If there are no timestamps, they are all alike, or the share is out of range.
    """
    require_number("test_share", test_share, SHARE)
    if "timestamp" not in ratings:
        raise BadInput(
            "A split by time needs a column timestamp, and these ratings have none. "
            "Split by 'per_user' or 'leave_one_out' instead."
        )
    when = _moments(ratings)
    n_test = np.clip(round(test_share * len(when)), 1, len(when) - 1)
    last = np.sort(when)[-1 - n_test]
    if last == when.max():
        raise BadInput(
            f"A split by time finds nothing later than {last}: a share of {test_share:g} of the ratings or "
            "more carries that one timestamp. Split by 'per_user' or 'leave_one_out' instead."
        )
    return _parted(ratings, when > last)


def cold_users(
    ratings: pd.DataFrame,
    share: float = 0.2,
    pool: int = 10,
    seed: int = 0,
    among: Sequence[Any] | pd.Index | None = None,
    min_ratings: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Index]:
    """Make a share of the users cold: a small pool of each one's ratings stays, the others are the test.

    Parameters
    ----------
    ratings : DataFrame
        As `tlkit.recsys.data.ratings.as_ratings` gives it.
    share : float
        Of the users who may become cold, between 0 and 1.
    pool : int
        Ratings that budgets of a cold user are drawn from.
    seed : int
        Of the draw of users and pools.
    among : ids, optional
        Who may become cold, such as the users whom another domain knows.
    min_ratings : int, optional
        Ratings a user must have to become cold, by default one more than `pool`. Of users with no more than
        `pool`, all but one rating are the pool.

    Returns
    -------
    train, test : DataFrame
        All ratings of the warm users and the pools; the rest.
    cold : Index
        Ids of the cold users.

    Raises
    ------
    BadInput
        If a number is out of range, nobody has enough ratings, or nothing is left to learn from.
    """
    require_number("The cold share", share, SHARE)
    require_number("pool", pool, whole(0))
    min_ratings = pool + 1 if min_ratings is None else min_ratings
    require_number("min_ratings", min_ratings, whole(1))
    require_number("seed", seed, SEED)
    user, users = ratings["user"].cat.codes.to_numpy(), ratings["user"].cat.categories
    counts = np.bincount(user, minlength=len(users))
    eligible = np.flatnonzero((counts >= min_ratings) & (True if among is None else users.isin(among)))
    rng = np.random.default_rng(seed)
    is_cold = np.zeros(len(users), dtype=bool)
    is_cold[rng.permutation(eligible)[: round(share * len(eligible))]] = True
    _require_both_kinds(is_cold, counts, eligible, f"a share of {share:g}", min_ratings, among is not None)
    held_out = is_cold[user] & (
        rank_within(user, rng.random(len(user))) >= np.minimum(pool, counts - 1)[user]
    )
    return *_parted(ratings, held_out), users[is_cold]


def k_folds(ratings: pd.DataFrame, n: int = 5, seed: int = 0) -> Iterator[Parts]:
    """Cut the rows into `n` random folds; each is the test once.

    The folds of Surprise's ``KFold(n_splits=n, shuffle=True, random_state=seed)`` on the rows in this order.

    Raises
    ------
    BadInput
        If there are not between two and as many folds as ratings.
    """
    require_number(f"The number of folds of {len(ratings):,} ratings", n, whole(2, len(ratings)))
    require_number("seed", seed, SEED)
    for train, test in KFold(n, shuffle=True, random_state=seed).split(ratings):
        yield ratings.iloc[train].reset_index(drop=True), ratings.iloc[test].reset_index(drop=True)


def rank_within(group: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Rank rows within their group by the keys, the first one foremost; shape (n,), from 0."""
    order = np.lexsort((*reversed(keys), group))
    starts = np.searchsorted(group[order], group[order])
    ranks = np.empty(len(group), dtype=np.int64)
    ranks[order] = np.arange(len(group)) - starts
    return ranks


def _moments(ratings: pd.DataFrame) -> np.ndarray:
    require_moments(ratings["timestamp"])
    return ratings["timestamp"].to_numpy()


def _parted(ratings: pd.DataFrame, held_out: np.ndarray) -> Parts:
    return ratings[~held_out].reset_index(drop=True), ratings[held_out].reset_index(drop=True)


def _require_both_kinds(
    is_cold: np.ndarray, counts: np.ndarray, eligible: np.ndarray, share: str, min_ratings: int, shared: bool
) -> None:
    if not is_cold.any():
        where = " and are known to the other domain" if shared else ""
        raise BadInput(
            f"No user can be cold: {share} of the {len(eligible):,} users (of {len(counts):,}) who have "
            f"{min_ratings} ratings or more{where} is nobody. Make the share larger or the pool smaller."
        )
    if not counts[~is_cold].any():
        raise BadInput(
            f"With {share} every user is cold and nothing is left to learn from: make the share smaller."
        )
