"""Predict, then see: a question before a result, and the prediction beside that result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Generic, TypeVar

from tlkit.errors import BadInput, require_known
from tlkit.figures.wording import MINUS
from tlkit.lessons import asking, kept
from tlkit.lessons.asking import Control
from tlkit.lessons.notes import Note, name_of, show
from tlkit.lessons.reading import number

A = TypeVar("A")


@dataclass(repr=False, eq=False)
class Prediction(Generic[A]):
    """A question that is asked before its result is there.

    Shown in a notebook it is a widget that keeps the answer; `keep` does it by code. After the result,
    `reveal` shows both side by side.

    Parameters
    ----------
    question : str
        Markdown.
    """

    question: str
    _predicted: A | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """``lesson.NAME``, or nothing outside the course."""
        return name_of(self)

    @property
    def predicted(self) -> A | None:
        """What was predicted, now or in an earlier session; None where nothing was."""
        if self._predicted is None:
            entry = kept.read()["predictions"].get(self.name, {})
            if "predicted" in entry:
                self._predicted = self._kept(entry["predicted"])
        return self._predicted

    def keep(self, answer: Any) -> Note:
        """Keep a prediction in place of an earlier one.

        Raises
        ------
        BadInput
            If it is not what the question asks for.
        """
        return show(Note(self._keep(answer)))

    def reveal(self, result: Any) -> Note:
        """Show the result beside what was predicted.

        Raises
        ------
        BadInput
            If the result is not what the question asks for.
        """
        result, predicted = self.result(result), self.predicted
        facts = {"kind": "prediction", "name": self.name, "result": result}
        if predicted is None:
            return show(Note(f"You made no prediction. The result is {self.say(result)}."), facts)
        kept.keep("predictions", self.name, {"result": result})
        said = f"**You predicted** {self.say(predicted)}. **The result is** {self.say(result)}"
        return show(Note(f"{said}: {self.beside(predicted, result)}"), {**facts, "predicted": predicted})

    def read(self, answer: Any) -> A:
        """Return an answer as what it means, or raise BadInput."""
        raise NotImplementedError

    def result(self, result: Any) -> A:
        """Return a result as what it means, or raise BadInput; it may lie beyond what can be predicted."""
        return self.read(result)

    def say(self, answer: A) -> str:
        """Return an answer in words."""
        raise NotImplementedError

    def beside(self, predicted: A, result: A) -> str:
        """Return in words how a prediction stands to the result, from a small letter to a full stop."""
        raise NotImplementedError

    def _kept(self, answer: Any) -> A | None:
        try:
            return self.read(answer)
        except BadInput:  # the question has changed since
            return None

    def __repr__(self) -> str:
        return self.question

    def _ipython_display_(self) -> None:
        if asking.available():
            asking.ask(self.question, self._control(), self._keep, self._so_far())
        else:
            show(Note(f"**Predict.** {self.question} To answer by code: `.keep(answer)`."))

    def _control(self) -> Control:
        """The widget that asks, set to what was predicted before."""
        raise NotImplementedError

    def _keep(self, answer: Any) -> str:
        self._predicted = self.read(answer)
        kept.keep("predictions", self.name, {"predicted": self._predicted})
        return f"Your prediction is kept: {self.say(self._predicted)}."

    def _so_far(self) -> str:
        if self.predicted is None:
            return "Predict first, then run the next cells."
        return f"You predicted {self.say(self.predicted)}. Keep another one if you like."


@dataclass(repr=False, eq=False)
class Number(Prediction[float]):
    """A question for a number.

    Parameters
    ----------
    question : str
        Markdown.
    low, high : float
        Between which a prediction lies.
    unit : str
        What is counted, in the plural: "points".
    step : float, optional
        Of the slider; by default a hundredth of the range.

    Examples
    --------
    >>> from tlkit.lessons import Number
    >>> ahead = Number("How many points is fine-tuning ahead?", low=-20, high=60, unit="points")
    >>> ahead.keep(20)
    Your prediction is kept: 20 points.
    >>> ahead.reveal(9.2)
    **You predicted** 20 points. **The result is** 9.2 points: you were 10.8 points too high.
    """

    low: float = 0
    high: float = 100
    unit: str = ""
    step: float | None = None

    def read(self, answer: Any) -> float:
        """Return a number between `low` and `high`."""
        found = self.result(answer)
        if not self.low <= found <= self.high:
            raise BadInput(f"A prediction here lies between {self.low:g} and {self.high:g}; got {found:g}.")
        return found

    def result(self, result: Any) -> float:
        """Return a finite number."""
        return finite(result)

    def say(self, answer: float) -> str:
        """Return the number with its unit."""
        return f"{short(answer, self.high - self.low)} {self.unit}".strip()

    def beside(self, predicted: float, result: float) -> str:
        """Say how far off it was."""
        if self.say(predicted) == self.say(result):
            return "you were right."
        off = self.say(abs(predicted - result))
        return f"you were {off} too {'high' if predicted > result else 'low'}."

    def _control(self) -> Control:
        label = self.unit or "prediction"
        return asking.slider(self.low, self.high, self.predicted, label, self.step)


@dataclass(repr=False, eq=False)
class Choice(Prediction[str]):
    """A question for one of some options.

    Parameters
    ----------
    question : str
        Markdown.
    options : sequence of str
        What can be chosen.

    Examples
    --------
    >>> from tlkit.lessons import Choice
    >>> which = Choice("Which is ahead?", ["probe", "finetune"])
    >>> which.keep("probe")
    Your prediction is kept: probe.
    >>> which.reveal("finetune")
    **You predicted** probe. **The result is** finetune: not what you expected.
    """

    options: Sequence[str] = ()

    def read(self, answer: Any) -> str:
        """Return one of the options."""
        return _option(answer, self.options)

    def say(self, answer: str) -> str:
        """Return the option."""
        return answer

    def beside(self, predicted: str, result: str) -> str:
        """Say whether it was right."""
        return "you were right." if predicted == result else "not what you expected."

    def _control(self) -> Control:
        return asking.radio(self.options, self.predicted)


@dataclass(repr=False, eq=False)
class Order(Prediction[list[str]]):
    """A question for an order, the first or highest in front.

    Parameters
    ----------
    question : str
        Markdown.
    items : sequence of str
        What is put in order.

    Examples
    --------
    >>> from tlkit.lessons import Order
    >>> order = Order("Which is best, which is worst?", ["EASE", "popularity", "neighbours"])
    >>> order.keep(["EASE", "neighbours", "popularity"])
    Your prediction is kept: EASE, neighbours, popularity.
    >>> order.reveal(["neighbours", "EASE", "popularity"]).text.partition(": ")[2]
    '2 of 3 pairs are in the right order.'
    """

    items: Sequence[str] = ()

    def read(self, answer: Any) -> list[str]:
        """Return all the items, each once."""
        if isinstance(answer, str) or not hasattr(answer, "__iter__"):
            raise BadInput(f"An order is a list of all of {', '.join(self.items)}; got {answer!r}.")
        found = [_option(item, self.items) for item in answer]
        if sorted(found) != sorted(self.items):
            missing = [item for item in self.items if item not in found]
            said = f"not chosen: {', '.join(missing)}" if missing else f"got {', '.join(found)}"
            raise BadInput(f"Choose each of the {len(self.items)} once; {said}.")
        return found

    def say(self, answer: list[str]) -> str:
        """Return the items in their order."""
        return ", ".join(answer)

    def beside(self, predicted: list[str], result: list[str]) -> str:
        """Say how many pairs stand in the right order."""
        pairs = list(combinations(predicted, 2))
        same = sum(result.index(first) < result.index(second) for first, second in pairs)
        return (
            "you were right."
            if same == len(pairs)
            else f"{same} of {len(pairs)} pairs are in the right order."
        )

    def _control(self) -> Control:
        return asking.places(self.items, self.predicted or self.items)


def short(value: float, span: float) -> str:
    """Write a number as finely as its range asks for: a hundredth of that or so."""
    digits = max(0, 2 - math.floor(math.log10(span))) if span < 100 else 1
    text = f"{value:.{digits}f}".replace("-", MINUS)
    return text.rstrip("0").rstrip(".") if "." in text else text


def finite(value: Any) -> float:
    """Return a finite number, or raise BadInput."""
    try:
        return number(value)
    except (TypeError, ValueError) as error:
        raise BadInput(f"A number is asked for; got {value!r} ({error}).") from None


def _option(answer: Any, options: Sequence[str]) -> str:
    by_lower = {option.lower(): option for option in options}
    return by_lower.get(str(answer).strip().lower()) or require_known("option", str(answer), options)
