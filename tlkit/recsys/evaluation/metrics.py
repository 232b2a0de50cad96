"""How good recommendations and predicted stars are: one number a user, so that comparisons can be paired.

Ranking is judged over all items that a user has not rated in training; relevance is yes or no.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import rankdata

from tlkit.errors import BadInput, require_known


def top_k(scores: np.ndarray, seen: np.ndarray, k: int) -> np.ndarray:
    """Return the `k` best unseen items of each user, best first; of equal scores the earlier item.

    Parameters
    ----------
    scores : ndarray of shape (n_users, n_items)
        Finite numbers.
    seen : ndarray of bool, shape (n_users, n_items)
        What must not be recommended; it fills up the end where fewer than `k` items are unseen.
    k : int
        At most n_items.

    Returns
    -------
    ndarray of shape (n_users, k)
        Columns of the items.
    """
    scores = scores.astype(np.result_type(scores, np.float32))  # a copy
    scores[seen] = -np.inf
    found = torch.from_numpy(scores).topk(min(k + 1, scores.shape[1]), dim=1)
    values, items = found.values.numpy(), found.indices.numpy()[:, :k]
    if values.shape[1] > k:  # torch takes any of the items whose score is the last one's
        tied = np.flatnonzero(values[:, k - 1] == values[:, -1])
        items[tied] = _earliest(scores[tied], values[tied, k - 1 : k], k)
    items = np.sort(items, axis=1)
    best_first = np.argsort(-np.take_along_axis(scores, items, axis=1), axis=1, kind="stable")
    return np.take_along_axis(items, best_first, axis=1)


def _earliest(scores: np.ndarray, least: np.ndarray, k: int) -> np.ndarray:
    """Return `k` items a row, those above the least and the earliest of its equals."""
    above, level = scores > least, scores == least
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (level & (np.cumsum(level, axis=1, dtype=np.int32) <= room))
    return (np.flatnonzero(chosen) % scores.shape[1]).reshape(-1, k)


def recall(hits: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    """Share of the relevant items that are in the list."""
    return hits.sum(axis=1) / n_relevant


def precision(hits: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    """Share of the list that is relevant."""
    return hits.mean(axis=1)


def ndcg(hits: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    """Discounted gain of the hits as a share of the best possible.

    After Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002: a
    hit at rank r gains 1 / log2(1 + r), and the best possible list has min(k, n_relevant) hits in front.
    """
    gain = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    return hits @ gain / np.cumsum(gain)[_most_hits(hits, n_relevant) - 1]


def mrr(hits: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    """One over the rank of the first hit; 0 without one."""
    return hits.any(axis=1) / (hits.argmax(axis=1) + 1)


def average_precision(hits: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    """Precision at each hit, summed and divided by min(k, n_relevant)."""
    at_rank = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return (at_rank * hits).sum(axis=1) / _most_hits(hits, n_relevant)


def _most_hits(hits: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    return np.minimum(n_relevant, hits.shape[1])


RANKING: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ndcg": ndcg,
    "recall": recall,
    "precision": precision,
    "mrr": mrr,
    "map": average_precision,
}


def ranking_units(items: np.ndarray, relevant: np.ndarray) -> dict[str, np.ndarray]:
    """Judge recommended lists.

    Parameters
    ----------
    items : ndarray of shape (n_users, k)
        Recommended items by column, best first, as `top_k` gives them.
    relevant : ndarray of bool, shape (n_users, n_items)
        What was held out; every user has something.

    Returns
    -------
    dict of str to ndarray of shape (n_users,)
        ndcg, recall, precision, mrr and map at k for each user.
    """
    hits = np.take_along_axis(relevant, items, axis=1)
    n_relevant = relevant.sum(axis=1)
    return {name: judge(hits, n_relevant) for name, judge in RANKING.items()}


def ndcg_units(scores: np.ndarray, seen: np.ndarray, relevant: np.ndarray, k: int = 10) -> np.ndarray:
    """Judge each user's unseen items by NDCG@k: arrays (n_users, n_items) to (n_users,), as `top_k` ranks."""
    items = top_k(scores, seen, min(k, scores.shape[1]))
    return ndcg(np.take_along_axis(relevant, items, axis=1), relevant.sum(axis=1))


def coverage(items: np.ndarray, n_items: int) -> float:
    """Return the share of the catalogue that is recommended to anyone (catalogue coverage).

    Ge, Delgado-Battenfeld and Jannach, Beyond accuracy: evaluating recommender systems by coverage and
    serendipity, RecSys 2010.
    """
    return len(np.unique(items)) / n_items


def popularity_bias(items: np.ndarray, popularity: np.ndarray) -> float:
    """Return the mean popularity of what is recommended, as a percentile: 0.5 is a random draw, 1 the top.

    The average recommendation popularity of Abdollahpouri, Burke and Mobasher (Managing Popularity Bias in
    Recommender Systems with Personalized Re-ranking, FLAIRS 2019), with the items' percentiles in place of
    their counts, so that catalogues of any size compare.

    Parameters
    ----------
    items : ndarray of int
        Recommended items by column, one entry a recommendation.
    popularity : ndarray of shape (n_items,)
        Number of training ratings.
    """
    percentile = (rankdata(popularity) - 0.5) / len(popularity)
    return float(percentile[items].mean())


def rmse_units(errors: np.ndarray, user: np.ndarray) -> np.ndarray:
    """Return the root mean squared error shared out over users, so that its mean over users is the whole.

    The error of all ratings is no mean over users: it is the root of a ratio of two sums, of squared errors
    and of ratings. Its linearisation (the delta method; Cochran, Sampling Techniques, 1977, chapter 6, for
    the ratio) gives each user a unit whose mean is exactly the RMSE and whose spread, over users as they
    were drawn, is that of the RMSE.

    Parameters
    ----------
    errors : ndarray of shape (n_ratings,)
        Predicted minus true stars.
    user : ndarray of shape (n_ratings,)
        Whose, as numbers 0 to n_users - 1; everybody has one or more.

    Returns
    -------
    ndarray of shape (n_users,)
    """
    rmse = float(np.sqrt(np.mean(errors**2, dtype=float)))
    return rmse + _deviations(errors**2, user) / (2 * rmse) if rmse else np.zeros(user.max() + 1)


def mae_units(errors: np.ndarray, user: np.ndarray) -> np.ndarray:
    """Return the mean absolute error shared out over users as `rmse_units` does; shape (n_users,)."""
    sizes = np.abs(errors)
    return float(sizes.mean(dtype=float)) + _deviations(sizes, user)


RATING: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"rmse": rmse_units, "mae": mae_units}


def _deviations(values: np.ndarray, user: np.ndarray) -> np.ndarray:
    """What each user adds to the mean of all values, linearised: these deviations have mean zero."""
    count = np.bincount(user)
    return (np.bincount(user, weights=values) - values.mean(dtype=float) * count) * len(count) / len(values)


def parse(metric: str, n_items: int) -> tuple[str, int | None]:
    """Split a metric's name: ``ndcg@10`` into its kind and k, ``rmse`` into itself and None.

    Raises
    ------
    UnknownName
        If there is no such metric.
    BadInput
        If k is no number from 1 to `n_items`.
    """
    if metric in RATING:
        return metric, None
    kind, _, k = str(metric).partition("@")
    if kind not in RANKING or not k:
        require_known("metric", str(metric), [*(f"{name}@10" for name in RANKING), *RATING])
    if not k.isdecimal() or not 1 <= int(k) <= n_items:
        raise BadInput(
            f"The metric {metric!r} looks at the first k items, and k is a whole number from 1 to "
            f"{n_items:,}, the size of the catalogue."
        )
    return kind, int(k)
