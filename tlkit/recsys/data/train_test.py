"""Training and test tables that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tlkit.errors import BadInput, first_few
from tlkit.recsys.data.ratings import binary, to_matrix


def on_one_catalogue(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give two checked tables the same users and items, those of training first."""
    for name in ("user", "item"):
        ours, theirs = train[name].cat.categories, test[name].cat.categories
        if not ours.equals(theirs):
            union = ours.append(theirs.difference(ours, sort=False))
            train, test = (
                part.assign(**{name: part[name].cat.set_categories(union)}) for part in (train, test)
            )
    return train, test


def require_apart(train: pd.DataFrame, test: pd.DataFrame) -> None:
    """Check that no user's rating of an item is in both tables of one catalogue.

    Raises
    ------
    BadInput
        If one is.
    """
    both = pd.Series(_places(test)).isin(_places(train)).to_numpy()
    if both.any():
        user, item = test.loc[int(both.argmax()), ["user", "item"]]
        raise BadInput(
            f"{int(both.sum()):,} test ratings are also in training, such as user {user!r}, item {item!r}: a "
            "score on what was learned says nothing. Split one table with RatingsTask.split."
        )


def _places(table: pd.DataFrame) -> np.ndarray:
    n_items = len(table["item"].cat.categories)
    return table["user"].cat.codes.to_numpy(np.int64) * n_items + table["item"].cat.codes.to_numpy()


def require_items(items: pd.DataFrame | None, catalogue: pd.Index) -> None:
    """Check that a table of items, where there is one, is of these items.

    Raises
    ------
    BadInput
        If it is no DataFrame, repeats an id, or knows no item of the catalogue.
    """
    if items is None:
        return
    if not isinstance(items, pd.DataFrame):
        raise BadInput(f"What is known of items comes as a DataFrame indexed by item id; got {items!r:.80}.")
    if items.index.has_duplicates:
        repeated = items.index[items.index.duplicated()][:1].tolist()
        raise BadInput(f"The table of items repeats an id, such as {repeated}: one row an item is needed.")
    if not items.index.isin(catalogue).any():
        raise BadInput(
            f"The table of items knows none of the rated items: its index begins {items.index[:3].tolist()}, "
            f"the catalogue {catalogue[:3].tolist()}. Index it by item id: items.set_index(...)."
        )


def rated_by(*tables: pd.DataFrame) -> pd.Index:
    """Return the users of one catalogue who have a rating in any of the tables, in the catalogue's order."""
    users = tables[0]["user"].cat.categories
    return users[np.unique(np.concatenate([table["user"].cat.codes for table in tables]))]


def marks(table: pd.DataFrame, users: pd.Index) -> csr_array:
    """Return ones where these users have a rating in a checked table, shape (len(users), n_items)."""
    mine = table[table["user"].isin(users)]
    return binary(to_matrix(mine))[table["user"].cat.categories.get_indexer(users)]


def content(table: pd.DataFrame | None) -> list[Any]:
    """Return a table's columns, its index left aside, as what `tlkit.system.digests.digest` takes."""
    return [] if table is None else [list(map(str, table)), *(_values(table[name]) for name in table)]


def _values(column: pd.Series) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy()
    return column.to_numpy() if column.dtype.kind in "biuf" else column.astype(str).tolist()


def groups_of(groups: Mapping[Any, Any] | pd.Series, users: pd.Index) -> list[Any]:
    """Look up each user's group."""
    known = dict(groups.items())
    missing = [user for user in users if user not in known]
    if missing:
        raise BadInput(
            f"groups= says nothing of {len(missing):,} of {len(users):,} evaluated users "
            f"({first_few(missing, 3)}): give each a group."
        )
    return [known[user] for user in users]
