"""Figures of what a source saves: steps to a score, and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tlkit.figures import style
from tlkit.figures.described import Figure, require_columns, with_words
from tlkit.figures.wording import amount, budget_in_words

TIMES = [digit * 10.0**power for power in range(-3, 4) for digit in (1, 2, 5)]
TICKS = {"tickvals": TIMES, "ticktext": [f"{each:g}" for each in TIMES]}
BEYOND = 0.4  # how far past the axis' last budget, in doublings, a mark stands for "more than that"


def time_to_score(speed: pd.DataFrame, baseline: str = "the baseline", budget_unit: str = "labels") -> Figure:
    """Draw how many times as fast strategies reach a score: a row each, with the line of the same speed.

    Parameters
    ----------
    speed : DataFrame
        As `tlkit.study.study.Study.speed` gives it. What takes no steps is drawn by its seconds; what did not
        reach the score has a row without a mark.
    baseline, budget_unit : str
        What is compared with, and what the budget counts.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.
    """
    by_steps, by_seconds = (["ratio", "low", "high"], ["seconds_ratio", "seconds_low", "seconds_high"])
    require_columns(speed, "strategy", "budget", *by_steps, *by_seconds, "at_least", "verdict")
    in_steps = speed["ratio"].notna()
    rows = speed.assign(row=_rows(speed, budget_unit), unit=in_steps.map({True: "steps", False: "seconds"}))
    for column, other in zip(by_steps, by_seconds, strict=True):
        rows[column] = speed[column].where(in_steps, speed[other])
    rows["text"] = [_ratio_text(row) for row in rows.itertuples()]
    figure = style.forest(rows.rename(columns={"ratio": "gain"}), zero=1)
    figure.update_xaxes(title=f"times as fast as {baseline} (log scale)", type="log", **TICKS)
    said = "; ".join(f"{row.row}: {row.text}, {row.verdict}" for row in rows.itertuples())
    alt = f"Forest plot of how many times as fast as {baseline} a score is reached, with 95 % intervals."
    return with_words(figure, f"{alt} {said}.", rows.drop(columns=["row", "sentence"], errors="ignore"))


def worth(table: pd.DataFrame, reference: str = "the reference", budget_unit: str = "labels") -> Figure:
    """Draw what budgets are worth in the reference's: above the diagonal a strategy is cheaper.

    Parameters
    ----------
    table : DataFrame
        As `tlkit.study.study.Study.worth` gives it. What is worth more than was run, or less, is drawn just
        beyond, as an open mark.
    reference, budget_unit : str
        What is compared with, and what the budget counts.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.
    """
    require_columns(table, "strategy", "budget", "worth", "low", "high", "verdict")
    budgets = sorted(set(table["budget"]))
    ends = budgets[0], budgets[-1]
    names, rows = (
        style.line_names(table),
        table.assign(text=[_worth_text(row, ends) for row in table.itertuples()]),
    )
    figure = go.Figure(layout={"template": style.TEMPLATE, "height": 440})
    figure.add_trace(_diagonal(ends))
    said = []
    for name, mark in style.marks(["", *names]).items():
        line = rows[names == name]
        if len(line):
            figure.add_trace(_worth_line(name, line, mark, ends, budget_unit))
            each = (f"{row.text} at {row.budget}, {row.verdict}" for row in line.itertuples())
            said.append(f"{name}: {'; '.join(each)}.")
    figure.update_xaxes(style.budget_axis(budgets, budget_unit))
    figure.update_yaxes(style.budget_axis(budgets, f"worth in {budget_unit} of {reference}"))
    alt = f"What {budget_unit} are worth in those of {reference}, with 95 % intervals. {' '.join(said)}"
    return with_words(figure, alt, rows.drop(columns="sentence", errors="ignore"))


def _rows(frame: pd.DataFrame, budget_unit: str) -> pd.Series:
    budgets = frame["budget"].map(lambda budget: budget_in_words(budget, budget_unit))
    return style.line_names(frame) + ", " + budgets


def _ratio_text(row: Any) -> str:
    """Write a ratio with its interval: "2.7 (1.9 to 3.8) in steps"."""
    if np.isnan(row.ratio):
        return "not reached on every draw"
    interval = "" if np.isnan(row.low) else f" ({row.low:.2g} to {row.high:.2g})"
    return f"{'at least ' if row.at_least else ''}{row.ratio:.2g}{interval} in {row.unit}"


def _worth_text(row: Any, ends: tuple[int, int]) -> str:
    """Write a worth with its interval: "14.2 (9.1 to more than 50)"."""
    worth, low, high = (_amount(each, ends) for each in (row.worth, row.low, row.high))
    return worth if np.isnan(row.low) else f"{worth} ({low} to {high})"


def _amount(budget: float, ends: tuple[int, int]) -> str:
    if budget < ends[0]:
        return f"fewer than {ends[0]}"
    return f"more than {ends[1]}" if budget == np.inf else amount(budget)


def _diagonal(ends: tuple[int, int]) -> go.Scatter:
    places = [style.place(end) for end in ends]
    line = {"color": style.INK, "width": 1, "dash": "dot"}
    return go.Scatter(x=places, y=places, mode="lines", name="as many as it had", line=line, hoverinfo="skip")


def _worth_line(
    name: str, rows: pd.DataFrame, mark: style.Mark, ends: tuple[int, int], budget_unit: str
) -> go.Scatter:
    low, middle, high = (
        np.array([_height(each, ends) for each in rows[column]]) for column in ("low", "worth", "high")
    )
    beyond = ~rows["worth"].between(*ends)
    placed = rows.assign(x=rows["budget"].map(style.place), score=middle)
    drawn = style.curve_line(name, placed, mark, list(rows["text"]), budget_unit)
    drawn.marker.symbol = [mark.symbol + "-open" * out for out in beyond]
    return drawn.update(
        error_y={"array": high - middle, "arrayminus": middle - low, "color": mark.colour, "width": 4}
    )


def _height(budget: float, ends: tuple[int, int]) -> float:
    """Where an amount is drawn: just beyond the largest budget where it is infinite."""
    return style.place(ends[1]) + BEYOND if budget == np.inf else style.place(budget)
