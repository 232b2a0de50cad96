"""A prediction of a curve, drawn by sliders and shown in the figure of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tlkit.errors import BadInput
from tlkit.figures import style
from tlkit.lessons import asking
from tlkit.lessons.asking import Control
from tlkit.lessons.notes import Note, show
from tlkit.lessons.predictions import Prediction, finite, short

Places = Sequence[float | str]


@dataclass(repr=False, eq=False)
class Curve(Prediction[list[float | None]]):
    """A question for a curve: a number at each of some places.

    A result may lack some of them, where a lesson runs with other parameters; those are not compared.

    Parameters
    ----------
    question : str
        Markdown.
    at : sequence of number or str
        The places, such as budgets.
    low, high : float
        Between which the curve lies.
    unit : str
        Of the numbers, in the plural.
    across : str
        What the places are: "labels a class".

    Examples
    --------
    >>> from tlkit.lessons import Curve
    >>> shape = Curve("Accuracy?", at=[1, 5], low=0, high=100, unit="%", across="labels a class")
    >>> shape.keep([50, 90])
    Your prediction is kept: 50 % at 1, 90 % at 5.
    >>> shape.reveal([52, 80]).text.partition(": ")[2]
    'you were off by 6 % on average, most at 5 (10 % too high).'
    """

    at: Places = ()
    low: float = 0
    high: float = 100
    unit: str = ""
    across: str = ""

    def reveal(self, result: Any) -> Note:
        """Show the result beside what was predicted, at the places that it has.

        Raises
        ------
        BadInput
            If the result is not what the question asks for.
        """
        if any(value is not None for value in self.result(result)):
            return super().reveal(result)
        return show(Note(f"This run has no result at {', '.join(map(str, self.at))}."))

    def read(self, answer: Any) -> list[float | None]:
        """Return a number between `low` and `high` for each place."""
        found = self.result(answer)
        if None in found:
            raise BadInput(f"The curve lacks a number at {self.at[found.index(None)]}.")
        beyond = [value for value in found if value is not None and not self.low <= value <= self.high]
        if beyond:
            raise BadInput(f"A curve here lies between {self.low:g} and {self.high:g}; got {beyond[0]:g}.")
        return found

    def result(self, result: Any) -> list[float | None]:
        """Return a finite number for each place, or None, from a list, a mapping of places, or a Series."""
        if isinstance(result, Mapping | pd.Series):
            result = [result.get(place) for place in self.at]
        if isinstance(result, str) or not hasattr(result, "__len__") or len(result) != len(self.at):
            raise BadInput(f"A curve has {len(self.at)} numbers, at {', '.join(map(str, self.at))}.")
        return [None if value is None else finite(value) for value in result]

    def say(self, answer: list[float | None]) -> str:
        """Return each number with its place."""
        told = [(value, place) for value, place in zip(answer, self.at, strict=True) if value is not None]
        return ", ".join(f"{self._amount(value)} at {place}" for value, place in told)

    def beside(self, predicted: list[float | None], result: list[float | None]) -> str:
        """Say the mean distance, and where it is largest."""
        each = zip(predicted, result, self.at, strict=True)
        off = [(a - b, place) for a, b, place in each if a is not None and b is not None]
        far, place = max(off, key=lambda one: abs(one[0]))
        mean = sum(abs(distance) for distance, _ in off) / len(off)
        most = f"most at {place} ({self._amount(abs(far))} too {'high' if far > 0 else 'low'})"
        return f"you were off by {self._amount(mean)} on average, {most}."

    def draw_on(
        self, figure: go.Figure, places: Sequence[Any] | None = None, scale: float = 1.0
    ) -> go.Figure:
        """Return the figure with the predicted curve dashed in it; as it was where nothing was predicted.

        Parameters
        ----------
        figure : Figure
            What shows the result.
        places : sequence, optional
            Where the curve's places lie on its axis; by default as budgets do
            (`tlkit.figures.style.place`), and names where they are named.
        scale : float
            From the curve's unit to the axis': 0.01 for percent on an axis of shares.
        """
        if self.predicted is None:
            return figure
        named = any(isinstance(place, str) for place in self.at)
        across = places or (list(self.at) if named else [style.place(float(place)) for place in self.at])
        return figure.add_scatter(
            x=across,
            y=[value * scale for value in self.predicted if value is not None],
            name="your prediction",
            mode="lines+markers",
            line={"color": style.MUTED, "dash": "dash", "width": 2},
            marker={"symbol": "circle-open", "size": 9, "color": style.MUTED},
        )

    def _control(self) -> Control:
        labels = [f"{place} {self.across}".strip() for place in self.at]
        values: Sequence[float | None] = self.predicted or [None] * len(labels)
        asked = zip(labels, values, strict=True)
        return asking.together(
            asking.slider(self.low, self.high, value, label).widget for label, value in asked
        )

    def _amount(self, value: float) -> str:
        return f"{short(value, self.high - self.low)} {self.unit}".strip()
