"""The ratings table: who gave which item how many stars, checked once, with ids that codes stand for."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tlkit.errors import BadInput, did_you_mean, require_known

NEEDED = ("user", "item", "rating")
SHOWN = 5


def as_ratings(
    table: pd.DataFrame,
    users: Any = None,
    items: Any = None,
    scale: tuple[float, float] | None = None,
    repeats: str = "last",
) -> pd.DataFrame:
    """Check a table of ratings and give its ids a catalogue.

    Parameters
    ----------
    table : DataFrame
        Columns user, item, rating, and perhaps timestamp; others are dropped. Ids may be text or numbers.
    users, items : array-like, optional
        The catalogue: every id that may ever be asked for, rated or not. By default a categorical column's
        categories, else the ids that occur.
    scale : (float, float), optional
        The lowest and the highest rating there can be.
    repeats : {"last", "sum"}
        Of several ratings of one item by one user the last row stays, or the latest where there are
        timestamps; or they are added up, as for plays and purchases.

    Returns
    -------
    DataFrame
        user and item as categoricals whose categories are the catalogue, rating as float32; no pair twice.

    Raises
    ------
    BadInput
        If columns are missing, ids or ratings are missing or out of scale, an id is not in the catalogue, or
        ratings repeat and their timestamps do not tell which is the latest.
    """
    require_known("way with repeats", repeats, WITHOUT_REPEATS)
    _require_columns(table)
    kept = [name for name in (*NEEDED, "timestamp") if name in table]
    table = table[kept].reset_index(drop=True)
    _require_complete(table)
    rating = _as_numbers(table["rating"])
    _require_scale(rating, scale)
    columns = {
        "user": _categorical(table, "user", users, items),
        "item": _categorical(table, "item", items, users),
    }
    return WITHOUT_REPEATS[repeats](table.assign(**columns, rating=rating))


def to_matrix(ratings: pd.DataFrame) -> csr_array:
    """Return a checked table as a sparse matrix of shape (n_users, n_items), float32."""
    rows, columns = ratings["user"].cat, ratings["item"].cat
    shape = (len(rows.categories), len(columns.categories))
    entries = (ratings["rating"].to_numpy(np.float32), (rows.codes.to_numpy(), columns.codes.to_numpy()))
    matrix = csr_array(entries, shape=shape)
    matrix.sort_indices()
    return matrix


def binary(matrix: csr_array) -> csr_array:
    """Return a matrix with ones in the same places: rated or not, whatever the stars."""
    return csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)


def places(matrix: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of all entries, those of value 0 included."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices


def split_rows(matrix: csr_array, stay: np.ndarray, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """Part each row's entries at random into `stay` (n_rows,) of them, or all there are, and the rest."""
    rows, columns = places(matrix)
    order = np.lexsort((rng.random(len(rows)), rows))
    held = np.arange(len(rows)) - matrix.indptr[rows] >= stay[rows]
    chosen = (order[~held], order[held])
    return tuple(csr_array((matrix.data[at], (rows[at], columns[at])), shape=matrix.shape) for at in chosen)


def codes(index: pd.Index, ids: Any, what: str, other: pd.Index | None = None) -> np.ndarray:
    """Return the places of ids in a catalogue, shape (n,).

    Parameters
    ----------
    index : Index
        The catalogue.
    ids : id or array-like of ids
        What is looked for.
    what : {"user", "item"}
        What they are, for the message.
    other : Index, optional
        The catalogue of the other kind, to recognise users and items that were swapped.

    Raises
    ------
    BadInput
        If an id is unknown.
    """
    ids = pd.Index(ids if pd.api.types.is_list_like(ids) else [ids])
    places = index.get_indexer(ids)
    missing = ids[places < 0]
    if len(missing):
        raise BadInput(_unknown(index, missing, what, other))
    return places


def require_moments(when: pd.Series) -> None:
    """Check that timestamps can be told apart as earlier and later.

    Raises
    ------
    BadInput
        If they are neither numbers nor dates.
    """
    if not (pd.api.types.is_numeric_dtype(when) or pd.api.types.is_datetime64_any_dtype(when)):
        raise BadInput(
            f"Timestamps are numbers or dates; found {when.iloc[0]!r}, which sorts as text. "
            "Convert them with pd.to_datetime(...) or pd.to_numeric(...)."
        )


def _unknown(index: pd.Index, missing: pd.Index, what: str, other: pd.Index | None) -> str:
    shown = ", ".join(repr(each) for each in missing[:SHOWN].tolist())
    message = (
        f"{len(missing)} {what} id{'s are' if len(missing) > 1 else ' is'} not in the catalogue: {shown}."
    )
    if other is not None and missing.isin(other).all():
        return f"{message} They are all known on the other side: are users and items swapped?"
    if len(index) and not isinstance(missing[0], type(index[0])):
        return f"{message} Ids here are of type {type(index[0]).__name__}, such as {index[0]!r}."
    return f"{message}{did_you_mean(str(missing[0]), map(str, index))} It holds {len(index):,} {what}s."


def _require_columns(table: pd.DataFrame) -> None:
    if not isinstance(table, pd.DataFrame):
        raise BadInput(
            f"Ratings come as a DataFrame with the columns {', '.join(NEEDED)}; got {type(table).__name__}."
        )
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise BadInput(f"Two columns are called {twice[0]!r}; keep one of them.")
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise BadInput(
            f"The ratings lack the column {missing[0]!r}.{did_you_mean(missing[0], map(str, table.columns))} "
            f"Needed: {', '.join(NEEDED)}, perhaps timestamp; found: {', '.join(map(str, table.columns))}. "
            "Rename with table.rename(columns={...})."
        )
    if not len(table):
        raise BadInput("There are no ratings: the table has no rows.")


def _require_complete(table: pd.DataFrame) -> None:
    for name in table:
        holes = table[name].isna()
        if holes.any():
            raise BadInput(
                f"{int(holes.sum()):,} rows have no {name}, such as row {int(holes.to_numpy().argmax())}. "
                "Drop them with table.dropna(), or read the file again."
            )


def _as_numbers(rating: pd.Series) -> np.ndarray:
    if rating.dtype.kind in "mMc":
        raise BadInput(f"Ratings are numbers; found {rating.iloc[0]!r} of type {rating.dtype}.")
    try:
        numbers = rating.to_numpy(dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadInput(f"Ratings are numbers; found {rating.iloc[0]!r} ({error}).") from error
    if not np.isfinite(numbers).all():
        raise BadInput("A rating is infinite; ratings are finite numbers.")
    return numbers


def _require_scale(rating: np.ndarray, scale: tuple[float, float] | None) -> None:
    if scale is None:
        return
    if np.shape(scale) != (2,):
        raise BadInput(
            f"scale is the lowest and the highest rating there can be, as in (1, 5); got {scale!r}."
        )
    outside = (rating < scale[0]) | (rating > scale[1])
    if outside.any():
        raise BadInput(
            f"{int(outside.sum()):,} ratings are outside the scale {scale[0]:g} to {scale[1]:g}, such as "
            f"{rating[outside][0]:g} in row {int(outside.argmax())}."
        )


def _categorical(table: pd.DataFrame, name: str, catalogue: Any, other: Any) -> pd.Categorical:
    if catalogue is None:
        column = table[name]
        return column.array if isinstance(column.dtype, pd.CategoricalDtype) else pd.Categorical(column)
    index = pd.Index(catalogue)
    if not index.is_unique:
        twice = index[index.duplicated()].tolist()[0]
        raise BadInput(f"The catalogue of {name}s repeats {twice!r}; it holds each id once.")
    other = None if other is None else pd.Index(other)
    place, found = pd.factorize(table[name].to_numpy())
    return pd.Categorical.from_codes(codes(index, found, name, other)[place], categories=index)


def _without_duplicates(ratings: pd.DataFrame) -> pd.DataFrame:
    if "timestamp" in ratings and ratings.duplicated(["user", "item"]).any():
        require_moments(ratings["timestamp"])
        ratings = ratings.sort_values("timestamp", kind="stable")
    repeated = ratings.duplicated(["user", "item"], keep="last")
    if not repeated.any():
        return ratings
    which = "latest" if "timestamp" in ratings else "last"
    warnings.warn(
        f"{int(repeated.sum()):,} of {len(ratings):,} rows repeat a user and item; "
        f"the {which} of each stays. To add them up: as_ratings(table, repeats='sum').",
        UserWarning,
        stacklevel=3,
    )
    return ratings[~repeated].sort_index().reset_index(drop=True)


def _added_up(ratings: pd.DataFrame) -> pd.DataFrame:
    """Sum the ratings of each pair, in the row of its last and at its latest timestamp."""
    pairs = ratings.groupby(["user", "item"], observed=True, sort=False)
    summed = {"rating": pairs["rating"].transform("sum")}
    if "timestamp" in ratings:
        require_moments(ratings["timestamp"])
        summed["timestamp"] = pairs["timestamp"].transform("max")
    return ratings.assign(**summed).drop_duplicates(["user", "item"], keep="last", ignore_index=True)


WITHOUT_REPEATS = {"last": _without_duplicates, "sum": _added_up}
