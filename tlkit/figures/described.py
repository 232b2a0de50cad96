"""Figures that say what they show: their description and numbers travel with them, and stand below them."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tlkit.errors import BadInput
from tlkit.figures.dark import DARK_LAB

MOST_ROWS = 30  # of a table below a figure


class Figure(go.Figure):
    """A plotly figure that shows below itself its description and its numbers, to be folded out.

    It is legible in JupyterLab's dark theme, too.
    """

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        super()._ipython_display_()
        if _carries_words(self):
            display(HTML(words_html(self)))


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


def with_words(figure: go.Figure, alt: str, table: pd.DataFrame) -> Figure:
    """Attach words and numbers to a figure, so that they survive copying and JSON."""
    return Figure(figure).update_layout(meta={"alt": alt, "table": table.to_dict("list")})


def words_of(figure: go.Figure) -> dict[str, Any]:
    """Return what `with_words` attached: alt and table.

    Raises
    ------
    BadInput
        If the figure was not made by tlkit.
    """
    if not _carries_words(figure):
        raise BadInput("This figure carries no description: only figures made by tlkit do.")
    return figure.layout.meta


def words_html(figure: go.Figure) -> str:
    """Return a figure's description and table as HTML that folds out, named by the description itself."""
    words = words_of(figure)
    table, alt = pd.DataFrame(words["table"]), escape(words["alt"])
    shown = table.head(MOST_ROWS).to_html(index=False, border=0, float_format="{:.3g}".format, na_rep="–")
    rest = f"<p>The first {MOST_ROWS} of {len(table)} rows.</p>" if len(table) > MOST_ROWS else ""
    return (
        f'<style>{DARK_LAB}</style><details aria-label="{alt}"><summary>This figure in words</summary>'
        f"<p>{alt}</p>{shown}{rest}</details>"
    )


def _carries_words(figure: go.Figure) -> bool:
    meta = figure.layout.meta
    return isinstance(meta, dict) and {"alt", "table"} <= set(meta)
