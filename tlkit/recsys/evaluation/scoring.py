"""Judge a fitted recommender: by the lists it makes, over all items, or by the stars it predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tlkit.errors import BadInput, TrainingProblem
from tlkit.recsys.evaluation import metrics

CELLS = 2**24  # scores held at once

Judged = tuple[dict[str, float], dict[str, np.ndarray]]


def best_unseen(
    estimator: Any, users: pd.Index, catalogue: pd.Index, seen: csr_array, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ask an estimator for each user's best items.

    Parameters
    ----------
    estimator : Recommender
        Fitted; anything with ``scores(users)`` of shape (n_users, n_items).
    users : Index
        For whom.
    catalogue : Index
        The items, in the order of the columns here; the estimator may have another in its ``items_``.
    seen : csr_array of shape (n_users, n_items)
        Ones where an item must not be recommended.
    k : int
        How many, at most n_items.

    Returns
    -------
    items : ndarray of shape (n_users, k)
        Columns, best first.
    new : ndarray of bool, shape (n_users, k)
        False where a user has fewer than `k` unseen items, and seen ones fill up the list.

    Raises
    ------
    BadInput
        If the estimator has no such scores, or not of every item.
    TrainingProblem
        If a score is not a number.
    """
    return best_of(type(estimator).__name__, _scores(estimator, users, catalogue), seen, k)


def best_of(kind: str, scores: np.ndarray, seen: csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank items by scores (n_users, n_items): what is recommended, and what is judged.

    Parameters
    ----------
    kind : str
        Whose scores they are.
    scores : ndarray of shape (n_users, n_items)
        Of equal ones the earlier item comes first.
    seen, k
        As for `best_unseen`, which returns the same.

    Raises
    ------
    TrainingProblem
        If a score is not a number.
    """
    if np.isnan(scores).any():
        raise TrainingProblem(f"{kind} scores items with what is not a number (NaN).")
    hidden = seen.astype(bool).toarray()
    items = metrics.top_k(scores, hidden, k)
    return items, ~np.take_along_axis(hidden, items, axis=1)


def _scores(estimator: Any, users: pd.Index, catalogue: pd.Index) -> np.ndarray:
    kind = type(estimator).__name__
    if not hasattr(estimator, "scores"):
        raise BadInput(f"{kind} has no scores(users), which ranking is judged by.")
    theirs = pd.Index(getattr(estimator, "items_", catalogue))
    scores = np.asarray(estimator.scores(users))
    if scores.shape != (len(users), len(theirs)):
        raise BadInput(
            f"{kind} gives scores of shape {scores.shape}; a row a user and a column an item of the "
            f"catalogue make {(len(users), len(theirs))}."
        )
    return scores if theirs.equals(catalogue) else scores[:, _columns(kind, theirs, catalogue)]


def _columns(kind: str, theirs: pd.Index, catalogue: pd.Index) -> np.ndarray:
    columns = theirs.get_indexer(catalogue)
    missing = catalogue[columns < 0].tolist()
    if missing:
        raise BadInput(
            f"{kind} does not know {len(missing):,} of the task's {len(catalogue):,} items, such as "
            f"{missing[0]!r}. Fit it with task.fit(estimator), which gives it all."
        )
    return columns


def judge_lists(
    estimator: Any,
    users: pd.Index,
    catalogue: pd.Index,
    seen: csr_array,
    relevant: csr_array,
    popularity: np.ndarray,
    k: int,
) -> Judged:
    """Judge the `k` best unseen items of each user.

    Parameters
    ----------
    estimator, users, catalogue, seen, k
        As for `best_unseen`.
    relevant : csr_array of shape (n_users, n_items)
        Ones where an item was held out and is worth recommending; one or more for every user.
    popularity : ndarray of shape (n_items,)
        Number of training ratings.

    Returns
    -------
    metrics : dict of str to float
        ndcg@k, recall@k, precision@k, mrr@k, map@k: means over users; coverage@k, popularity@k.
    per_user : dict of str to ndarray of shape (n_users,)
        The first five for each user, without ``@k``.
    """
    size = max(CELLS // seen.shape[1], 1)
    parts, recommended = [], []
    for batch in (slice(start, start + size) for start in range(0, len(users), size)):
        items, new = best_unseen(estimator, users[batch], catalogue, seen[batch], k)
        parts.append(metrics.ranking_units(items, relevant[batch].toarray() > 0))
        recommended.append(items[new])
    per_user = {name: np.concatenate([part[name] for part in parts]) for name in metrics.RANKING}
    shown = np.concatenate(recommended)
    found = {name: float(values.mean()) for name, values in per_user.items()}
    found["coverage"] = metrics.coverage(shown, seen.shape[1])
    found["popularity"] = metrics.popularity_bias(shown, popularity)
    return {f"{name}@{k}": value for name, value in found.items()}, per_user


def judge_stars(estimator: Any, test: pd.DataFrame, scale: tuple[float, float]) -> Judged:
    """Judge predicted stars, clipped to the scale.

    Parameters
    ----------
    estimator : Recommender
        Fitted; anything with ``predict(users, items)``.
    test : DataFrame
        Checked ratings.
    scale : (float, float)
        The lowest and highest rating there can be.

    Returns
    -------
    metrics : dict of str to float
        rmse and mae.
    per_user : dict of str to ndarray of shape (n_users,)
        Both shared out over the users of `test`, in the order of the catalogue.

    Raises
    ------
    BadInput
        If the estimator cannot predict, or what it predicts is no stars.
    TrainingProblem
        If a prediction is not a number.
    """
    kind = type(estimator).__name__
    if not hasattr(estimator, "predict"):
        raise BadInput(f"{kind} has no predict(users, items), which stars come from.")
    if getattr(estimator, "objective_", "rating") == "ranking":
        raise ranks_only(estimator)
    users, items = (column.cat.categories[column.cat.codes] for column in (test["user"], test["item"]))
    stars = np.asarray(estimator.predict(users, items), dtype=float)
    if np.isnan(stars).any():
        raise TrainingProblem(f"{kind} predicts stars that are not a number (NaN).")
    errors = stars.clip(*scale) - test["rating"].to_numpy(float)
    place = np.unique(test["user"].cat.codes, return_inverse=True)[1]
    per_user = {name: share_out(errors, place) for name, share_out in metrics.RATING.items()}
    return {name: float(values.mean()) for name, values in per_user.items()}, per_user


def ranks_only(estimator: Any) -> BadInput:
    """Return the error of an estimator whose scores are asked to be stars and are an order of items."""
    return BadInput(
        f"{type(estimator).__name__} ranks items and predicts no stars, which are asked for here. Fit it "
        "with objective='rating' where it can do both, or take another, such as MatrixFactorization."
    )
