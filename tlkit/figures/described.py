"""The words and numbers that every figure carries, and the columns that it is made of."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tlkit.errors import BadInput


def require_columns(frame: pd.DataFrame, *columns: str) -> None:
    """Refuse a table with nothing to draw.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.
    """
    missing = [column for column in columns if column not in frame]
    if frame.empty:
        raise BadInput("There is nothing to draw: the table has no rows.")
    if missing:
        raise BadInput(f"The table lacks {', '.join(missing)}; it has {', '.join(map(str, frame))}.")


def with_words(figure: go.Figure, alt: str, table: pd.DataFrame) -> go.Figure:
    """Attach words and numbers to the figure itself, so that they survive copying and JSON."""
    return figure.update_layout(meta={"alt": alt, "table": table.to_dict("list")})


def words_of(figure: go.Figure) -> dict[str, Any]:
    """Return what `with_words` attached: alt and table.

    Raises
    ------
    BadInput
        If the figure was not made by tlkit.
    """
    meta = figure.layout.meta
    if not isinstance(meta, dict) or not {"alt", "table"} <= set(meta):
        raise BadInput("This figure carries no description: only figures made by tlkit do.")
    return meta
