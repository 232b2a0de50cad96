"""The look that every figure shares: colours with shapes and dashes, fonts, and how numbers are written."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from tlkit.figures.wording import budget_in_words

# Okabe and Ito (2008), without the yellow that vanishes on white; then the dark ones of Paul Tol's muted set.
COLOURS = (
    "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
    "#882255", "#332288", "#999933", "#661100", "#44AA99", "#7F7F7F",
)  # fmt: skip
SYMBOLS = (
    "circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down", "hexagon",
    "cross", "bowtie", "triangle-left", "pentagon", "hourglass", "triangle-right",
)  # fmt: skip
DASHES = ("dot", "solid", "dash", "dashdot", "longdash")
ROW_WIDTH = 34  # characters of a row's name before it is broken
INK, MUTED, LINE, GRID = "#1f2933", "#5f6b7a", "#9aa5b1", "#e6e9ee"

_FONT = {
    "family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "size": 13,
    "color": INK,
}
MODE_BAR_WITHOUT = [
    "sendChartToCloud", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "pan2d", "zoom2d",
]  # fmt: skip
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
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "itemwidth": 45,
        },
        "margin": {"l": 60, "r": 20, "t": 30, "b": 55},
        # Upright beside the data: what is read stands above it. Nothing is sent anywhere from here.
        "modebar": {"orientation": "v", "bgcolor": "rgba(0, 0, 0, 0)", "remove": MODE_BAR_WITHOUT},
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
    "better": Mark("#0072B2", "triangle-up", "solid"),
    "worse": Mark("#D55E00", "triangle-down", "solid"),
    "faster": Mark("#0072B2", "triangle-up", "solid"),
    "slower": Mark("#D55E00", "triangle-down", "solid"),
    "cheaper": Mark("#0072B2", "triangle-up", "solid"),
    "dearer": Mark("#D55E00", "triangle-down", "solid"),
    "practically equal": Mark(MUTED, "square", "solid"),
    "no evidence": Mark(MUTED, "circle-open", "solid"),
    "no verdict": Mark(MUTED, "x-open", "solid"),
}


def marks(names: Iterable[str]) -> dict[str, Mark]:
    """Return one `Mark` a name, in order; the first (the baseline, by custom) is black and dotted.

    Parameters
    ----------
    names : iterable of str
        Repeated names share a mark. Thirteen names differ in colour and in shape, seventy in shape and dash.
    """
    return {
        name: Mark(COLOURS[i % len(COLOURS)], SYMBOLS[i % len(SYMBOLS)], DASHES[i % len(DASHES)])
        for i, name in enumerate(dict.fromkeys(names))
    }


def place(budget: float) -> float:
    """Return where a budget lies on its axis: log2(1 + budget), which holds 0 and spreads the small ones."""
    return math.log2(1 + budget)


def budget_at(where: float) -> float:
    """Return the budget that lies at a `place`."""
    return 2**where - 1


def budget_axis(budgets: Iterable[int], budget_unit: str) -> dict[str, Any]:
    """Return the settings of an axis with a tick at each budget, drawn at its `place`."""
    return {
        "title": f"{budget_unit} (log(1 + n) scale)",
        "tickvals": [place(budget) for budget in budgets],
        "ticktext": [str(budget) for budget in budgets],
    }


def along_budgets(curve: pd.DataFrame, budget_unit: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the budget axis, and the curve by budget with column x on it; "all" has only a rank."""
    curve = curve.sort_values("budget", key=lambda column: column.map(_rank), kind="stable")
    budgets = list(dict.fromkeys(curve["budget"]))
    if "all" in budgets:
        axis = {
            "title": budget_unit,
            "type": "category",
            "categoryarray": [str(budget) for budget in budgets],
        }
        return axis, curve.assign(x=curve["budget"].astype(str))
    return budget_axis(budgets, budget_unit), curve.assign(x=curve["budget"].map(place))


def _rank(budget: float | str) -> float:
    return math.inf if budget == "all" else float(budget)


def line_names(frame: pd.DataFrame) -> pd.Series:
    """Name each row's line: the strategy, and its source where there are several."""
    strategy = frame["strategy"].astype(str)
    if "source" not in frame or frame["source"].replace("", None).nunique() < 2:
        return strategy
    return strategy + frame["source"].map(lambda source: f" from {source}" if source else "")


def translucent(colour: str, opacity: float) -> str:
    """Return ``#rrggbb`` as ``rgba(r, g, b, opacity)``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def band(name: str, rows: pd.DataFrame, mark: Mark, opacity: float) -> go.Scatter:
    """Shade the interval from low to high over column x; rows without one leave no shade."""
    around = rows.dropna(subset=["low", "high"])
    return go.Scatter(
        x=[*around["x"], *around["x"][::-1]],
        y=[*around["high"], *around["low"][::-1]],
        fill="toself",
        fillcolor=translucent(mark.colour, opacity),
        line_width=0,
        mode="lines",
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )


def curve_line(name: str, rows: pd.DataFrame, mark: Mark, texts: list[str], budget_unit: str) -> go.Scatter:
    """Draw score over column x, each point with its budget and its text on hover."""
    said = [
        f"{budget_in_words(budget, budget_unit)}: {text}"
        for budget, text in zip(rows["budget"], texts, strict=True)
    ]
    return line(name, rows["x"], rows["score"], mark, mark.dash).update(
        legendgroup=name,
        text=said,
        hovertemplate=f"<b>{name}</b><br>%{{text}}<extra></extra>",
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


def forest(rows: pd.DataFrame, zero: float, scale: int = 1) -> go.Figure:
    """Draw gains with their intervals, a row each, with their numbers under the row's name.

    Parameters
    ----------
    rows : DataFrame
        Columns row (a name of its own), text (the numbers), gain, low, high, verdict.
    zero : float
        Where no difference lies.
    scale : int
        What gains are multiplied by.
    """
    labels = [f"{_broken(row.row)}<br>{row.text}" for row in rows.itertuples()]
    height = 110 + sum(18 * (label.count("<br>") + 1) + 12 for label in labels)
    figure = go.Figure(layout={"template": TEMPLATE, "height": height})
    figure.add_vline(zero, line={"color": INK, "width": 1})
    for word, mark in VERDICT_MARKS.items():
        if word in set(rows["verdict"]):
            figure.add_trace(_forest_points(word, rows[rows["verdict"] == word], mark, scale))
    return figure.update_yaxes(
        type="category",
        categoryarray=list(rows["row"])[::-1],
        tickvals=list(rows["row"]),
        ticktext=labels,
        ticks="",
        showline=False,
    )


def _broken(name: str) -> str:
    return "<br>".join(textwrap.wrap(name, ROW_WIDTH))


def _forest_points(word: str, rows: pd.DataFrame, mark: Mark, scale: int) -> go.Scatter:
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
