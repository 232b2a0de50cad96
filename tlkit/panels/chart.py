"""The panel's two charts: the learning curve of what trains now, and the gains so far."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tlkit.figures import style
from tlkit.figures.style import Mark
from tlkit.figures.wording import budget_in_words, gain_text, gain_words
from tlkit.study.trial import TaskSummary

OPEN = ("no evidence", "no verdict")
NOTHING_YET = "Nothing has run yet"
NO_STEPS = "No training steps to show:<br>solved at once"
HEIGHT = 340


class LearningChart:
    """Loss over training steps, a line and its validation markers for each strategy.

    Parameters
    ----------
    names : sequence of str
        The strategies, the baseline first.
    """

    title = "Learning curve"

    def __init__(self, names: Sequence[str]):
        self._names = list(names)
        self.widget = _chart(xaxis_title="step", yaxis_title="loss (markers: validation)")
        self.widget.update_xaxes(rangemode="tozero")
        self.widget.update_yaxes(rangemode="tozero")
        for name, mark in style.marks(names).items():
            self.widget.add_traces(self._traces(name, mark))
        self.widget.add_annotation(
            x=0.5, xref="x domain", y=0.5, yref="y domain", showarrow=False, font_size=14
        )
        self._hint(NOTHING_YET)

    @property
    def alt(self) -> str:
        """What the chart shows, in words."""
        drawn = [trace for trace in self.widget.data[::2] if trace.x]
        told = (f"{line.name} from {line.y[0]:.3g} to {line.y[-1]:.3g}" for line in drawn)
        return f"Line chart of the training loss by step: {'; '.join(told) or 'nothing yet'}."

    def live(self, name: str, records: Sequence[dict[str, float]]) -> None:
        """Draw the learning curve of a strategy's trial in place of its last.

        What is solved in closed form has nothing to report. What only stands beside a
        strategy is not drawn.
        """
        if name not in self._names:
            return
        first = 2 * self._names.index(name)
        loss, valid = self.widget.data[first : first + 2]
        checked = [record for record in records if record.get("valid_loss") is not None]
        with self.widget.batch_update():
            if records:
                loss.x, loss.y = _columns(records, "loss")
                valid.x, valid.y = _columns(checked, "valid_loss")
                loss.showlegend = True
        self._hint(NO_STEPS)

    def clear(self) -> None:
        """Take everything off the chart."""
        _empty(self.widget, self.widget.data)
        self._hint(NOTHING_YET)

    def _hint(self, text: str) -> None:
        """Where no learning curve is drawn, say why, and leave the numbers off its axes."""
        empty, note = not any(trace.x for trace in self.widget.data), self.widget.layout.annotations[-1]
        text = text if empty else ""
        if note.text != text:
            with self.widget.batch_update():
                note.text = text
                self.widget.update_xaxes(showticklabels=not empty)
                self.widget.update_yaxes(showticklabels=not empty)

    @staticmethod
    def _traces(name: str, mark: Mark) -> list[go.Scatter]:
        line = {"color": mark.colour, "dash": mark.dash, "width": 2}
        shared = {"name": name, "legendgroup": name, "showlegend": False, "x": [], "y": []}
        marker = {"symbol": mark.symbol, "size": 9, "color": mark.colour}
        said = f"<b>{name}</b><br>step %{{x}}: "
        loss, valid = (f"{said}{kind} %{{y:.3g}}<extra></extra>" for kind in ("loss", "validation loss"))
        return [
            go.Scatter(shared, mode="lines", line=line, hovertemplate=loss),
            go.Scatter(shared, mode="markers", marker=marker, hovertemplate=valid),
        ]


class GainsChart:
    """Gains over the baseline with their intervals, one colour, shape and dash a strategy.

    Parameters
    ----------
    names : sequence of str
        The strategies, the baseline first.
    summary : TaskSummary
        The task's metric and budget unit.
    budgets : sequence of int
        What the budget axis shows.
    over_similarity : bool
        Whether gains are drawn over similarity, at one budget, instead of over the budget.
    """

    def __init__(
        self, names: Sequence[str], summary: TaskSummary, budgets: Sequence[int], over_similarity: bool
    ):
        self._summary, self._names = summary, list(names)
        self.title = f"Gain over {summary.display(self._names[0])}"
        self._x = "similarity" if over_similarity else "budget"
        places = [i / 10 for i in range(11)] if over_similarity else sorted(map(style.place, budgets))
        self._ends = places[0], places[-1]
        self._shift = _side_by_side(self._names, places)
        self._told = pd.DataFrame()
        points = " (points)" if summary.percent else ""
        self.widget = _chart(yaxis_title=gain_words(summary.metric, summary.greater_is_better) + points)
        for name, mark in style.marks(names).items():
            self.widget.add_trace(self._trace(name, mark))
        self._draw_axes(budgets)
        self._draw_baseline()

    @property
    def alt(self) -> str:
        """What the chart shows, in words."""
        told = (f"{row.strategy} {self._said(row)}" for row in self._told.itertuples())
        return f"{self.title}, with 95 % intervals: {'; '.join(told) or 'nothing yet'}."

    def compare(self, verdicts: pd.DataFrame) -> None:
        """Draw the gains with their intervals; a filled marker is a verdict, an open one none."""
        scale, self._told = 100 if self._summary.percent else 1, verdicts
        with self.widget.batch_update():
            for name in self._names[1:]:
                rows = verdicts[verdicts["strategy"] == name].sort_values(self._x)
                gain = self._of(name)
                gain.x, gain.y = [self._place(name, x) for x in rows[self._x]], list(rows["gain"] * scale)
                gain.error_y.array = list((rows["high"] - rows["gain"]) * scale)
                gain.error_y.arrayminus = list((rows["gain"] - rows["low"]) * scale)
                symbol = style.marks(self._names)[name].symbol
                gain.marker.symbol = [symbol + "-open" * (word in OPEN) for word in rows["verdict"]]
                gain.text = [self._said(row, "<br>") for row in rows.itertuples()]
                gain.showlegend = bool(len(rows))

    def clear(self) -> None:
        """Take everything off the chart but the baseline's line."""
        self._told = pd.DataFrame()
        _empty(self.widget, self.widget.data[1:])

    def _of(self, name: str) -> go.Scatter:
        return self.widget.data[self._names.index(name)]

    def _place(self, name: str, x: float) -> float:
        return (x if self._x == "similarity" else style.place(x)) + self._shift[name]

    def _said(self, row: Any, between: str = ", ") -> str:
        where = (
            f"similarity {row.similarity:g}"
            if self._x == "similarity"
            else budget_in_words(row.budget, self._summary.budget_unit)
        )
        gain = gain_text(row.gain, row.low, row.high, self._summary.percent)
        return f"{where}: {gain}{between}{row.verdict}"

    def _draw_baseline(self) -> None:
        """The baseline gains nothing over itself: a line without points."""
        self._of(self._names[0]).update(mode="lines", x=self._ends, y=(0, 0), showlegend=True)

    @staticmethod
    def _trace(name: str, mark: Mark) -> go.Scatter:
        return go.Scatter(
            name=name,
            showlegend=False,
            x=[],
            y=[],
            mode="lines+markers",
            line={"color": mark.colour, "dash": mark.dash, "width": 2},
            marker={
                "symbol": mark.symbol,
                "size": 9,
                "color": mark.colour,
                "line": {"color": mark.colour, "width": 2},
            },
            error_y={"color": mark.colour, "thickness": 1.8, "width": 4},
            hovertemplate=f"<b>{name}</b><br>%{{text}}<extra></extra>",
        )

    def _draw_axes(self, budgets: Sequence[int]) -> None:
        figure = self.widget
        figure.update_yaxes(zeroline=True, zerolinecolor=style.INK, zerolinewidth=1)
        margin = 0.06 * (self._ends[1] - self._ends[0] or 1)
        figure.update_xaxes(range=[self._ends[0] - margin, self._ends[1] + margin])
        if self._x == "similarity":
            figure.update_xaxes(title="similarity of source and target")
        else:
            figure.update_xaxes(style.budget_axis(budgets, self._summary.budget_unit))


def _chart(**layout: Any) -> go.FigureWidget:
    made = go.FigureWidget(layout={"template": style.TEMPLATE, "height": HEIGHT, "autosize": True, **layout})
    made._config = {
        "responsive": True,
        "displaylogo": False,
    }  # plotly has no public way to say it of a widget
    return made.update_layout(dragmode=False, margin={"l": 60, "r": 30, "t": 20, "b": 10})


def _empty(widget: go.FigureWidget, traces: Sequence[Any]) -> None:
    with widget.batch_update():
        for trace in traces:
            trace.update(x=[], y=[], showlegend=False)


def _side_by_side(names: Sequence[str], places: Sequence[float]) -> dict[str, float]:
    """How far each strategy's interval stands from its place, so that all find room before the next one."""
    room = min((after - before for before, after in itertools.pairwise(places)), default=1.0)
    step = min(0.75 * room / len(names), 0.015 * (places[-1] - places[0] or 1))
    return {name: step * (i - (len(names) - 1) / 2) for i, name in enumerate(names)}


def _columns(records: Sequence[dict[str, float]], column: str) -> tuple[list[float], list[float]]:
    return [record["step"] for record in records], [record[column] for record in records]
