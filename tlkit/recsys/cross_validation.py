"""Cross-validation of the prediction of stars."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.base import clone

from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.evaluation.splits import k_folds
from tlkit.recsys.tasks import RatingsTask
from tlkit.system.compute import Stopwatch


def cross_validate(
    estimator: Any, ratings: pd.DataFrame, folds: int = 5, seed: int = 0, items: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Fit an estimator once for each fold and judge the stars it predicts for the others.

    Parameters
    ----------
    estimator : Recommender
        Unfitted; a copy is fitted for each fold.
    ratings : DataFrame
        Columns user, item, rating; see `tlkit.recsys.data.ratings.as_ratings`.
    folds, seed : int
        As for `tlkit.recsys.evaluation.splits.k_folds`.
    items : DataFrame, optional
        What is known of items, indexed by item id.

    Returns
    -------
    DataFrame
        A row a fold: fold, rmse, mae (predictions clipped to the scale), seconds (fit and prediction).

    Raises
    ------
    BadInput
        If the table or the number of folds cannot be used.
    """
    table = as_ratings(ratings)
    scale = float(table["rating"].min()), float(table["rating"].max())
    parts = enumerate(k_folds(table, folds, seed), start=1)
    return pd.DataFrame([_judge(estimator, fold, *part, items, scale) for fold, part in parts])


def _judge(
    estimator: Any,
    fold: int,
    train: pd.DataFrame,
    test: pd.DataFrame,
    items: pd.DataFrame | None,
    scale: tuple[float, float],
) -> dict[str, float]:
    task = RatingsTask(train, test, items, metric="rmse", scale=scale)
    with Stopwatch() as watch:
        found = task.score(task.fit(clone(estimator))).metrics
    return {"fold": fold, **found, "seconds": watch.seconds}
