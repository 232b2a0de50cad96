"""The panel's one chart: the learning curve of what trains now beside the gains so far."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tlkit.figures import style
from tlkit.figures.style import Mark
from tlkit.figures.wording import budget_in_words, gain_text, gain_words
from tlkit.study.trial import TaskSummary

OPEN = ("no evidence", "no verdict")
NOTHING_YET = "Nothing has run yet"
NO_STEPS = "No training steps to show:<br>solved at once"


class Chart:
    """Two views in one FigureWidget, one colour, shape and dash a strategy.

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
        self._x = "similarity" if over_similarity else "budget"
        places = [i / 10 for i in range(11)] if over_similarity else sorted(map(style.place, budgets))
        self._ends = places[0], places[-1]
        self._shift = _side_by_side(self._names, places)
        self.widget = go.FigureWidget(
            make_subplots(cols=2, column_widths=[0.44, 0.56], horizontal_spacing=0.16)
        )
        self.widget._config = {"responsive": True}  # plotly has no public way to say it of a widget
        for name, mark in style.marks(names).items():
            self.widget.add_traces(self._traces(name, mark), rows=[1] * 3, cols=[1, 1, 2])
        self._draw_axes(budgets)
        self._draw_baseline()
        self._hint(NOTHING_YET)

    def live(self, name: str, records: Sequence[dict[str, float]]) -> None:
        """Draw the learning curve of a strategy's trial in place of its last.

        What is solved in closed form has nothing to report. What only stands beside a
        strategy is not drawn.
        """
        if name not in self._names:
            return
        loss, valid, gain = self._of(name)
        checked = [record for record in records if record.get("valid_loss") is not None]
        with self.widget.batch_update():
            if records:
                loss.x, loss.y = _columns(records, "loss")
                valid.x, valid.y = _columns(checked, "valid_loss")
                gain.showlegend = True
        self._hint(NO_STEPS)

    def compare(self, verdicts: pd.DataFrame) -> None:
        """Draw the gains with their intervals; a filled marker is a verdict, an open one none."""
        scale = 100 if self._summary.percent else 1
        with self.widget.batch_update():
            for name in self._names[1:]:
                rows = verdicts[verdicts["strategy"] == name].sort_values(self._x)
                gain = self._of(name)[2]
                gain.x, gain.y = [self._place(name, x) for x in rows[self._x]], list(rows["gain"] * scale)
                gain.error_y.array = list((rows["high"] - rows["gain"]) * scale)
                gain.error_y.arrayminus = list((rows["gain"] - rows["low"]) * scale)
                symbol = style.marks(self._names)[name].symbol
                gain.marker.symbol = [symbol + "-open" * (word in OPEN) for word in rows["verdict"]]
                gain.text = [self._hover(row) for row in rows.itertuples()]
                gain.showlegend = bool(len(rows)) or gain.showlegend

    def clear(self) -> None:
        """Take everything off the chart."""
        with self.widget.batch_update():
            for trace in (*self.widget.data[:2], *self.widget.data[3:]):  # the baseline's line stays
                trace.update(x=[], y=[], showlegend=False)
        self._hint(NOTHING_YET)

    def _hint(self, text: str) -> None:
        """Where no learning curve is drawn, say why, and leave the numbers off its axes."""
        empty, note = not any(trace.x for trace in self.widget.data[::3]), self.widget.layout.annotations[-1]
        text = text if empty else ""
        if note.text != text:
            with self.widget.batch_update():
                note.text = text
                self.widget.update_xaxes(showticklabels=not empty, col=1)
                self.widget.update_yaxes(showticklabels=not empty, col=1)

    def _draw_baseline(self) -> None:
        """The baseline gains nothing over itself: a line without points."""
        self._of(self._names[0])[2].update(mode="lines", x=self._ends, y=(0, 0), showlegend=True)

    def _of(self, name: str) -> Sequence[go.Scatter]:
        first = 3 * self._names.index(name)
        return self.widget.data[first : first + 3]

    def _place(self, name: str, x: float) -> float:
        return (x if self._x == "similarity" else style.place(x)) + self._shift[name]

    def _hover(self, row: Any) -> str:
        over_similarity = self._x == "similarity"
        where = (
            f"similarity {row.similarity:g}"
            if over_similarity
            else budget_in_words(row.budget, self._summary.budget_unit)
        )
        return f"{where}: {gain_text(row.gain, row.low, row.high, self._summary.percent)}<br>{row.verdict}"

    @staticmethod
    def _traces(name: str, mark: Mark) -> list[go.Scatter]:
        line, marker = (
            {"color": mark.colour, "dash": mark.dash, "width": 2},
            {"symbol": mark.symbol, "size": 9},
        )
        shared = {"name": name, "legendgroup": name, "showlegend": False, "x": [], "y": [], "marker": marker}
        bar = {"color": mark.colour, "thickness": 1.8, "width": 4}
        ring = {"color": mark.colour, "line": {"color": mark.colour, "width": 2}}
        said = f"<b>{name}</b><br>%{{text}}<extra></extra>"
        loss = f"<b>{name}</b><br>step %{{x}}: loss %{{y:.3g}}<extra></extra>"
        valid = f"<b>{name}</b><br>step %{{x}}: validation loss %{{y:.3g}}<extra></extra>"
        return [
            go.Scatter(shared, mode="lines", line=line, hovertemplate=loss),
            go.Scatter(shared, mode="markers", marker_color=mark.colour, hovertemplate=valid),
            go.Scatter(shared, mode="lines+markers", line=line, error_y=bar, hovertemplate=said).update(
                marker=ring
            ),
        ]

    def _draw_axes(self, budgets: Sequence[int]) -> None:
        figure, summary = self.widget, self._summary
        figure.update_layout(template=style.TEMPLATE, height=380, autosize=True, dragmode=False)
        figure.update_layout(
            legend={"y": -0.2, "yanchor": "top"}, margin={"l": 60, "r": 15, "t": 34, "b": 10}
        )
        for place, text in (("x domain", "Learning curve"), ("x2 domain", f"Gain over {self._names[0]}")):
            heading = {"text": f"<b>{text}</b>", "xref": place, "x": 0, "yref": "paper", "y": 1.02}
            figure.add_annotation(heading, showarrow=False, yanchor="bottom", font_size=14)
        figure.add_annotation(x=0.5, xref="x domain", y=0.5, yref="y domain", showarrow=False, font_size=14)
        figure.update_xaxes(title="step", rangemode="tozero", col=1)
        figure.update_yaxes(title="loss (markers: validation)", rangemode="tozero", col=1)
        title = gain_words(summary.metric, summary.greater_is_better) + (
            " (points)" if summary.percent else ""
        )
        figure.update_yaxes(title=title, zeroline=True, zerolinecolor=style.INK, zerolinewidth=1, col=2)
        margin = 0.06 * (self._ends[1] - self._ends[0] or 1)
        figure.update_xaxes(range=[self._ends[0] - margin, self._ends[1] + margin], col=2)
        if self._x == "similarity":
            figure.update_xaxes(title="similarity of source and target", col=2)
        else:
            figure.update_xaxes(style.budget_axis(budgets, summary.budget_unit), col=2)


def _side_by_side(names: Sequence[str], places: Sequence[float]) -> dict[str, float]:
    """How far each strategy's interval stands from its place, so that all find room before the next one."""
    room = min((after - before for before, after in itertools.pairwise(places)), default=1.0)
    step = min(0.75 * room / len(names), 0.015 * (places[-1] - places[0] or 1))
    return {name: step * (i - (len(names) - 1) / 2) for i, name in enumerate(names)}


def _columns(records: Sequence[dict[str, float]], column: str) -> tuple[list[float], list[float]]:
    return [record["step"] for record in records], [record[column] for record in records]
