"""Ratings from files: CSV, TSV, Parquet, and RecBole's atomic ``.inter``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd

from tlkit.errors import BadInput, FileProblem, did_you_mean

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".inter": "\t", ".txt": None}
SUFFIXES = (*SEPARATORS, ".parquet")
ATOMIC = {"user": "user_id", "item": "item_id", "rating": "rating", "timestamp": "timestamp"}
TYPES = {"token": str, "float": float}


def read_table(
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | float | None = None,
    timestamp: str | None = None,
) -> pd.DataFrame:
    """Read a table of ratings from a file.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.txt`` (the separator is found), ``.parquet``, or RecBole's ``.inter``, whose
        header may say types (``user_id:token``) or not.
    user, item, rating, timestamp : str, optional
        What the file calls these columns; by default what they are called here, and in an ``.inter`` user_id,
        item_id, rating, timestamp. For purchases without stars, a number that each counts: ``rating=1``.

    Returns
    -------
    DataFrame
        Columns user, item, rating, and timestamp where there is one; not checked further. Ids of digits are
        numbers, unless one begins with 0.

    Raises
    ------
    BadInput
        If a column is missing.
    FileProblem
        If the file is missing, of another kind, or cannot be read.
    """
    path = Path(path)
    usual = ATOMIC if path.suffix.lower() == ".inter" else dict(zip(ATOMIC, ATOMIC, strict=True))
    asked = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
    places: dict[str, Any] = {name: usual[name] if place is None else place for name, place in asked.items()}
    table = _read(path, [places["user"], places["item"]])
    if timestamp is None and places["timestamp"] not in table:
        del places["timestamp"]
    return pd.DataFrame({name: _column(table, path, name, place) for name, place in places.items()})


def _column(table: pd.DataFrame, path: Path, name: str, place: Any) -> pd.Series:
    if name == "rating" and isinstance(place, int | float):
        return pd.Series(float(place), index=table.index)
    _require_column(table, path, name, place)
    return table[place]


def _require_column(table: pd.DataFrame, path: Path, name: str, place: str) -> None:
    if place not in table:
        raise BadInput(
            f"{path.name} has no column {place!r} for {name}.{did_you_mean(place, map(str, table.columns))} "
            f'It has: {", ".join(map(str, table.columns))}. Say which it is: {name}="...".'
        )


def _read(path: Path, ids: list[str]) -> pd.DataFrame:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise FileProblem(f"There is no file {path}.")
    if suffix not in SUFFIXES:
        raise FileProblem(f"{path} is no table of ratings; known are {', '.join(SUFFIXES)}.")
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path)
        return _read_atomic(path) if suffix == ".inter" else _read_text(path, SEPARATORS[suffix], ids)
    except ImportError as error:
        raise FileProblem(
            f"{path.name} is Parquet, and reading that needs a package that is not here: "
            "python -m pip install pyarrow. Or save the table as CSV."
        ) from error
    except (OSError, ValueError, csv.Error) as error:  # pandas' parser errors are ValueErrors
        raise FileProblem(f"{path} cannot be read as a {suffix[1:]} table: {error}") from error


def _read_text(path: Path, separator: str | None, ids: list[str]) -> pd.DataFrame:
    engine = "c" if separator else "python"
    table = pd.read_csv(path, sep=separator, engine=engine, dtype=dict.fromkeys(ids, str))
    return table.assign(**{name: _as_ids(table[name]) for name in ids if name in table})


def _as_ids(text: pd.Series) -> pd.Series:
    """Make numbers of ids that are digits, unless leading zeros, which belong to them, would be lost."""
    try:
        return text if text.str.match("0[0-9]").any() else pd.to_numeric(text)
    except ValueError:
        return text


def _read_atomic(path: Path) -> pd.DataFrame:
    """Read RecBole's atomic file; ids stay text, as leading zeros belong to them."""
    header = pd.read_csv(path, sep="\t", nrows=0).columns
    names, _, types = zip(*(column.partition(":") for column in header), strict=True)
    usual = dict.fromkeys((ATOMIC["user"], ATOMIC["item"]), str)
    kinds = {name: TYPES.get(kind, usual.get(name)) for name, kind in zip(names, types, strict=True)}
    dtypes = {column: kinds[name] for column, name in zip(header, names, strict=True) if kinds[name]}
    return pd.read_csv(path, sep="\t", dtype=dtypes).set_axis(list(names), axis=1)
