"""Plotly figures made from tables: readable without colour, described in words, with a table twin.

Every function takes a DataFrame and returns a plain ``plotly.graph_objects.Figure``; `describe` gives its
alt text and `table_twin` the numbers it draws.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pandas.api.types import is_numeric_dtype
from plotly.subplots import make_subplots

from tlkit.errors import BadInput
from tlkit.figures import style
from tlkit.figures.described import Figure, require_columns, with_words, words_of
from tlkit.figures.wording import MINUS, budget_in_words, gain_text, gain_words, metric_words, score_text


def describe(figure: go.Figure) -> str:
    """Return the alt text of a figure: what a sighted reader would see, with its numbers.

    Raises
    ------
    BadInput
        If the figure was not made by tlkit.
    """
    return words_of(figure)["alt"]


def table_twin(figure: go.Figure) -> pd.DataFrame:
    """Return the numbers that a figure draws, one row a mark.

    Raises
    ------
    BadInput
        If the figure was not made by tlkit.
    """
    return pd.DataFrame(words_of(figure)["table"])


def label_efficiency(
    curve: pd.DataFrame,
    percent: bool = True,
    metric: str = "score",
    budget_unit: str = "labels",
    chance: float | None = None,
    greater_is_better: bool = True,
) -> Figure:
    """Draw score against budget: one line with markers and an interval band a strategy.

    Parameters
    ----------
    curve : DataFrame
        Columns strategy, budget, score, low, high, and source where there are several.
    percent : bool
        Whether the score is a share in [0, 1].
    metric, budget_unit : str
        What the score is, and what the budget counts.
    chance : float, optional
        A score to mark as chance.
    greater_is_better : bool
        False where the score is an error.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.
    """
    require_columns(curve, "strategy", "budget", "score", "low", "high")
    axis, rows = style.along_budgets(curve, budget_unit)
    names, title = style.line_names(rows), metric_words(metric, greater_is_better)
    figure = go.Figure(layout={"template": style.TEMPLATE, "height": 420})
    said = [f"Line chart of {title} against {budget_unit}, with 95 % bands."]
    marks = style.marks(style.line_names(curve))
    for name, mark in marks.items():
        line, opacity = rows[names == name], min(0.12, 0.6 / len(marks))
        texts = [score_text(score, percent) for score in line["score"]]
        band = style.band(name, line, mark, opacity)
        figure.add_traces([band, style.curve_line(name, line, mark, texts, budget_unit)])
        points = [f"{text} at {budget}" for text, budget in zip(texts, line["budget"], strict=True)]
        said.append(f"{name}: {' to '.join(dict.fromkeys((points[0], points[-1])))}.")
    if chance is not None:
        figure.add_hline(chance, line={"color": style.MUTED, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=1, xref="paper", xanchor="right", y=chance, yanchor="bottom", text="chance", showarrow=False
        )
        said.append(f"Chance is {score_text(chance, percent)}.")
    figure.update_xaxes(axis)
    figure.update_yaxes(title=title, tickformat=".0%" if percent else None)
    return with_words(figure, " ".join(said), curve)


def lines(
    table: pd.DataFrame,
    x: str,
    y: str,
    by: str,
    across: str = "",
    up: str = "",
    log: bool = False,
    zero: bool = False,
) -> Figure:
    """Draw one column over another: a line with markers for each name in a third, with intervals where given.

    Parameters
    ----------
    table : DataFrame
        Columns `x` (numbers, or names in their order), `y`, `by`; and `low` and `high` around `y`, if known.
    x, y, by : str
        Column names.
    across, up : str, optional
        What the axes show; the column's name by default.
    log : bool
        Whether x is spread by its logarithm.
    zero : bool
        Whether to draw the line of no difference.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.

    Examples
    --------
    >>> import pandas as pd
    >>> from tlkit.figures import charts
    >>> table = pd.DataFrame({"weight": [0, 1, 0, 1], "score": [0.2, 0.4, 0.3, 0.1], "line": list("aabb")})
    >>> charts.describe(charts.lines(table, "weight", "score", "line"))
    'Line chart of score over weight. a: 0.2 at 0 to 0.4 at 1. b: 0.3 at 0 to 0.1 at 1.'
    """
    require_columns(table, x, y, by)
    figure = go.Figure(layout={"template": style.TEMPLATE, "height": 400})
    across, up = across or x.replace("_", " "), up or y.replace("_", " ")
    said = [f"Line chart of {up} over {across}{', with 95 % intervals' if 'low' in table else ''}."]
    for name, mark in style.marks(table[by].astype(str)).items():
        rows = table[table[by].astype(str) == name]
        line = style.line(name, rows[x], rows[y], mark, mark.dash)
        if "low" in rows:
            ends = {"array": rows["high"] - rows[y], "arrayminus": rows[y] - rows["low"]}
            line.update(error_y={**ends, "thickness": 1, "width": 4})
        figure.add_trace(line)
        points = [f"{row[y]:.3g} at {row[x]}" for _, row in rows.iloc[[0, -1]].iterrows()]
        said.append(f"{name}: {' to '.join(dict.fromkeys(points))}.".replace("-", MINUS))
    if zero:
        figure.add_hline(0, line={"color": style.INK, "width": 1})
    named = not is_numeric_dtype(table[x])  # a name may look like a number
    figure.update_xaxes(title=across, type="category" if named else "log" if log else None)
    if log:
        figure.update_xaxes(tickvals=sorted(table[x].unique()))
    figure.update_yaxes(title=up)
    return with_words(figure, " ".join(said), table)


def gains(
    verdicts: pd.DataFrame,
    percent: bool = True,
    metric: str = "score",
    budget_unit: str = "labels",
    greater_is_better: bool = True,
) -> Figure:
    """Draw a forest plot: one row a comparison, its gain with the 95 % interval, and the line of no gain.

    Parameters
    ----------
    verdicts : DataFrame
        Columns strategy, budget, gain, low, high, verdict, and source where there are several.
    percent : bool
        Whether the score is a share in [0, 1], so that gains are drawn in points of 100.
    metric, budget_unit : str
        What the score is, and what the budget counts.
    greater_is_better : bool
        False where the score is an error, whose fall is the gain.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.
    """
    require_columns(verdicts, "strategy", "budget", "gain", "low", "high", "verdict")
    rows = verdicts.assign(
        row=style.line_names(verdicts)
        + ", "
        + verdicts["budget"].map(lambda budget: budget_in_words(budget, budget_unit)),
        text=[
            gain_text(gain, low, high, percent)
            for gain, low, high in verdicts[["gain", "low", "high"]].to_numpy(dtype=float)
        ],
    )
    figure = style.forest(rows, zero=0, scale=100 if percent else 1)
    axis = gain_words(metric, greater_is_better) + (" (points)" if percent else "")
    figure.update_xaxes(title=axis)
    said = "; ".join(f"{row.row}: {row.text}, {row.verdict}" for row in rows.itertuples())
    table = verdicts.drop(columns="sentence", errors="ignore")
    return with_words(figure, f"Forest plot of the {axis}, with 95 % intervals. {said}.", table)


def learning_curves(history: pd.DataFrame) -> Figure:
    """Draw training as it went: loss by step, and the validation score beside it where it was measured.

    Parameters
    ----------
    history : DataFrame
        Columns step and loss; valid_loss and valid_score may be there, with gaps; strategy where there
        are several. A fitted strategy's ``history_`` is accepted as it is.

    Raises
    ------
    BadInput
        If a column is missing or there is no row.
    """
    history = pd.DataFrame(history)
    require_columns(history, "step", "loss")
    strategies = history["strategy"] if "strategy" in history else pd.Series("", index=history.index)
    parts = [("loss", "training loss", 1, "solid"), ("valid_loss", "validation loss", 1, "dot")]
    parts += [("valid_score", "validation score", 2, "solid")]
    parts = [part for part in parts if part[0] in history and history[part[0]].notna().any()]
    figure = make_subplots(cols=max(part[2] for part in parts), horizontal_spacing=0.14)
    said = []
    for strategy, mark in style.marks(strategies).items():
        for column, title, place, dash in parts:
            line = history[strategies == strategy].dropna(subset=[column])
            if len(line):
                name = f"{strategy}, {title}" if strategy else title
                figure.add_trace(style.line(name, line["step"], line[column], mark, dash), row=1, col=place)
                said.append(f"{name} goes from {line[column].iloc[0]:.3g} to {line[column].iloc[-1]:.3g}")
    figure.update_layout(template=style.TEMPLATE, height=360)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="validation score")
    figure.update_yaxes(title="loss", rangemode="tozero", col=1)
    alt = f"Learning curves over {history['step'].max():g} steps: {'; '.join(said)}."
    return with_words(figure, alt, history)


def confusion(matrix: pd.DataFrame) -> Figure:
    """Draw a confusion matrix: a row a true class, a column a predicted class, shaded by the row's share.

    Parameters
    ----------
    matrix : DataFrame of shape (n_classes, n_classes)
        Counts; index and columns are the class names in the same order.

    Raises
    ------
    BadInput
        If it is empty or its rows and columns differ.
    """
    names = [str(name) for name in matrix.index]
    if not names or names != [str(name) for name in matrix.columns]:
        raise BadInput("A confusion matrix has the same class names, in the same order, as rows and columns.")
    counts = matrix.to_numpy(dtype=float)
    shading = go.Heatmap(
        z=counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        x=names,
        y=names,
        customdata=counts,
        zmin=0,
        zmax=1,
        colorscale="Blues",
        xgap=1,
        ygap=1,
        text=counts,
        texttemplate="%{text:.0f}" if len(names) <= 20 else None,
        colorbar={"title": "share of<br>true class", "tickformat": ".0%", "outlinewidth": 0, "thickness": 14},
        hovertemplate="true %{y}, predicted %{x}: %{customdata:.0f} (%{z:.0%})<extra></extra>",
    )
    height = min(700, 180 + 32 * len(names))
    figure = go.Figure(shading, layout={"template": style.TEMPLATE, "height": height, "margin_t": 20})
    figure.update_xaxes(title="predicted class", type="category", showgrid=False, ticks="")
    figure.update_yaxes(title="true class", type="category", autorange="reversed", showgrid=False, ticks="")
    return with_words(figure, _say_confusion(counts, names), matrix.rename_axis("true class").reset_index())


def _say_confusion(counts: np.ndarray, names: list[str]) -> str:
    errors = counts - np.diag(np.diag(counts))
    right, total = np.trace(counts), counts.sum()
    alt = f"Confusion matrix of {len(names)} classes: {right:.0f} of {total:.0f} examples are right"
    if not errors.any():
        return f"{alt}, with no mistake."
    true, predicted = np.unravel_index(errors.argmax(), errors.shape)
    return (
        f"{alt}; the most common mistake is {names[true]} taken for {names[predicted]}, "
        f"{errors[true, predicted]:.0f} times."
    )
