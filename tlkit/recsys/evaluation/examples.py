"""What one user is recommended, with titles instead of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tlkit.recsys.evaluation.scoring import best_unseen

SHOWN = 10
HIT = "✓"


def captions(titles: pd.Series, items: pd.DataFrame | None, ticked: np.ndarray) -> pd.Series:
    """Say title and category of each item of a catalogue, some of them ticked.

    Parameters
    ----------
    titles : Series
        Indexed by item id.
    items : DataFrame or None
        Indexed by item id; where it has a column category, that follows the title in parentheses.
    ticked : ndarray of bool, shape (n_items,)
        In the order of `titles`.
    """
    said = titles.astype(str)
    if items is not None and "category" in items:
        category = items["category"].reindex(titles.index)
        said = said.where(category.isna(), said + " (" + category.astype(str) + ")")
    return said.where(~ticked, f"{HIT} " + said)


def lists_for(user: Any, fitted: Mapping[str, Any], seen: csr_array, said: pd.Series) -> pd.DataFrame:
    """Put what fitted recommenders would show one user side by side.

    Parameters
    ----------
    user : id
        For whom.
    fitted : mapping of str to estimator
        By label.
    seen : csr_array of shape (1, n_items)
        Ones where the user has rated: what is not to be shown.
    said : Series
        What to say of each item, indexed by the catalogue.

    Returns
    -------
    DataFrame
        Indexed by rank from 1, ten rows at most, a column a recommender; empty text where no unseen item is
        left.
    """
    n, users = min(SHOWN, len(said)), pd.Index([user])
    best = {label: best_unseen(each, users, said.index, seen, n) for label, each in fitted.items()}
    lists = {label: np.where(new[0], said.iloc[items[0]], "") for label, (items, new) in best.items()}
    return pd.DataFrame(lists, index=pd.RangeIndex(1, n + 1, name="rank"))
