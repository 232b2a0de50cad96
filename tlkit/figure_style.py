"""The look that every figure shares: colours with shapes and dashes, fonts, and how numbers are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

# Okabe and Ito (2008), without the yellow that vanishes on white.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down", "hexagon")
DASHES = ("dot", "solid", "dash", "dashdot", "longdash")
INK, MUTED, LINE, GRID = "#1f2933", "#5f6b7a", "#9aa5b1", "#e6e9ee"
MINUS = "\N{MINUS SIGN}"

_FONT = {
    "family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "size": 13,
    "color": INK,
}
_AXIS = {
    "gridcolor": GRID,
    "linecolor": LINE,
    "showline": True,
    "ticks": "outside",
    "tickcolor": LINE,
    "zeroline": False,
    "automargin": True,
    "title": {"standoff": 10, "font": {"size": 14}},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": _FONT,
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "hoverlabel": {"bgcolor": "white", "bordercolor": MUTED, "font": _FONT},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemwidth": 45},
        "margin": {"l": 60, "r": 20, "t": 50, "b": 55},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


class Mark(NamedTuple):
    """How one line is told from the others: by colour, by marker shape, and by dash."""

    colour: str
    symbol: str
    dash: str


VERDICT_MARKS = {
    "helps": Mark("#0072B2", "triangle-up", "solid"),
    "hurts": Mark("#D55E00", "triangle-down", "solid"),
    "no evidence": Mark(MUTED, "circle-open", "solid"),
    "no verdict": Mark(MUTED, "x-open", "solid"),
}


def marks(names: Iterable[str]) -> dict[str, Mark]:
    """Return one `Mark` a name, in order; the first (the baseline, by custom) is black and dotted.

    Parameters
    ----------
    names : iterable of str
        Repeated names share a mark. The cycles differ in length, so 280 names stay distinct.
    """
    return {
        name: Mark(COLOURS[i % len(COLOURS)], SYMBOLS[i % len(SYMBOLS)], DASHES[i % len(DASHES)])
        for i, name in enumerate(dict.fromkeys(names))
    }


def translucent(colour: str, opacity: float) -> str:
    """Return ``#rrggbb`` as ``rgba(r, g, b, opacity)``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def words(name: str) -> str:
    """Return a column's name as words: ``balanced_accuracy`` becomes ``balanced accuracy``."""
    return name.replace("_", " ")


def score_text(score: float, percent: bool) -> str:
    """Return a score as short text: ``65.0 %`` for a share, else ``0.934``."""
    return f"{100 * score:.1f} %" if percent else f"{score:.3f}"


def gain_text(gain: float, low: float, high: float, percent: bool) -> str:
    """Return a gain and its interval as short text, such as ``+12.3 (+8.1 to +16.5)``.

    Parameters
    ----------
    gain, low, high : float
        In the unit of the score; shown times 100, as points, where `percent`. An interval of NaN is left out.
    percent : bool
        Whether the score is a share in [0, 1].
    """
    scale, digits = (100, 1) if percent else (1, 3)
    interval = "" if np.isnan(low) else f" ({scale * low:+.{digits}f} to {scale * high:+.{digits}f})"
    return f"{scale * gain:+.{digits}f}{interval}".replace("-", MINUS)


def band(name: str, rows: pd.DataFrame, mark: Mark) -> go.Scatter:
    """Shade the interval from low to high over the budget; rows without one leave no shade."""
    around = rows.dropna(subset=["low", "high"])
    return go.Scatter(
        x=[*around["budget"], *around["budget"][::-1]],
        y=[*around["high"], *around["low"][::-1]],
        fill="toself",
        fillcolor=translucent(mark.colour, 0.12),
        line_width=0,
        mode="lines",
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )


def curve_line(name: str, rows: pd.DataFrame, mark: Mark, texts: list[str], unit: str) -> go.Scatter:
    """Draw score over budget, each point with its text on hover."""
    return line(name, rows["budget"], rows["score"], mark, mark.dash).update(
        legendgroup=name,
        text=texts,
        hovertemplate=f"<b>{name}</b><br>%{{x}} {unit}: %{{text}}<extra></extra>",
    )


def line(name: str, x: pd.Series, y: pd.Series, mark: Mark, dash: str) -> go.Scatter:
    """Draw y over x with the mark's colour and shape, markers only where there are few points."""
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines+markers" if len(x) <= 30 else "lines",
        line={"color": mark.colour, "dash": dash, "width": 2},
        marker={"symbol": mark.symbol, "size": 9},
        hovertemplate=f"<b>{name}</b><br>%{{x}}: %{{y:.4g}}<extra></extra>",
    )


def forest_points(word: str, rows: pd.DataFrame, mark: Mark, scale: int) -> go.Scatter:
    """Draw the gains of one verdict with their intervals, times `scale`, a row of the axis each."""
    up, down = (rows["high"] - rows["gain"]) * scale, (rows["gain"] - rows["low"]) * scale
    return go.Scatter(
        x=rows["gain"] * scale,
        y=rows["row"],
        mode="markers",
        name=word,
        text=rows["text"],
        marker={
            "symbol": mark.symbol,
            "size": 11,
            "color": mark.colour,
            "line": {"width": 2, "color": mark.colour},
        },
        error_x={"array": up, "arrayminus": down, "color": mark.colour, "thickness": 2, "width": 4},
        hovertemplate=f"<b>%{{y}}</b><br>%{{text}}: {word}<extra></extra>",
    )
