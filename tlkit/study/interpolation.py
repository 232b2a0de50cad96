"""A reference's scores between the budgets at which it ran, and where on that way something holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tlkit.figures.style import place

BETWEEN = 8  # places between two budgets that are tried before the ends of a region are looked for
HALVINGS = 12


@dataclass(frozen=True)
class Curve:
    """The outcomes of a reference between the budgets at which it ran, on the scale of figures.

    Parameters
    ----------
    name : str
        The reference's.
    budgets : ndarray of shape (n_budgets,)
        In order, two or more.
    values : ndarray of shape (n_budgets, n_seeds, n_units)
        The headline metric, positive is better.
    seeds : list of int
        Of the outcomes, in their order.
    """

    name: str
    seeds: list[int]
    budgets: np.ndarray
    values: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """Where the budgets lie."""
        return np.array([place(budget) for budget in self.budgets])

    @property
    def scores(self) -> np.ndarray:
        """The mean at each budget, positive is better."""
        return np.array([each.mean() for each in self.values])

    def at(self, where: float) -> np.ndarray:
        """Return outcomes (n_seeds, n_units) at a place between the ends."""
        places = self.places
        after = int(np.clip(np.searchsorted(places, where), 1, len(places) - 1))
        part = (where - places[after - 1]) / (places[after] - places[after - 1])
        lower, upper = self.values[after - 1 : after + 1]
        return (1 - part) * lower + part * upper

    def reaching(self, score: float) -> float:
        """Return the first place at which the mean is as good as a score, infinity beyond the ends."""
        scores, places = self.scores, self.places
        enough = np.flatnonzero(scores >= score)
        if not len(enough):
            return np.inf
        first = int(enough[0])
        if first == 0:
            return places[0] if scores[0] == score else -np.inf
        part = (score - scores[first - 1]) / (scores[first] - scores[first - 1])
        return float((1 - part) * places[first - 1] + part * places[first])


def moved_apart(values: np.ndarray, drawn: float) -> np.ndarray:
    """Move the seeds' means as far apart as they would be if their budgets did not overlap in one pool.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n_units)
    drawn : float
        As in `tlkit.study.intervals.crossed_interval`, which of a single budget then gives the same interval;
        a difference of two budgets has a share for each.
    """
    means = values.mean(axis=1, keepdims=True)
    return values + ((1 - drawn) ** -0.5 - 1) * (means - means.mean())


def region(places: np.ndarray, where: float, holds: Callable[[float], bool]) -> tuple[float, float]:
    """Return the ends of all places at which something holds, infinite where it still does at the last.

    Parameters
    ----------
    places : ndarray of shape (n_budgets,)
        In order; at a budget of 0 the region ends, as there is nothing below it.
    where : float
        A place at which it holds; infinite beyond the ends, where it then is if it holds nowhere between.
    holds : callable
        Tells of a place whether it holds there.

    Examples
    --------
    >>> import numpy as np
    >>> from tlkit.study.interpolation import region
    >>> low, high = region(np.array([1.0, 2.0, 5.0]), 2.5, lambda where: 1.75 <= where)
    >>> round(low, 2), high
    (1.75, inf)
    """
    steps = np.interp(np.arange(0, len(places) - 1 + 1e-9, 1 / BETWEEN), np.arange(len(places)), places)
    tried = np.unique([*steps, *places, *([where] if np.isfinite(where) else [])])
    held = np.flatnonzero([holds(each) for each in tried])
    if not len(held):
        return where, where
    first, last = held[0], held[-1]
    nothing = places[0] == place(0)  # there is nothing below it
    low = (places[0] if nothing else -np.inf) if first == 0 else _edge(tried[first], tried[first - 1], holds)
    high = np.inf if last == len(tried) - 1 else _edge(tried[last], tried[last + 1], holds)
    return float(low), float(high)


def _edge(inside: float, outside: float, holds: Callable[[float], bool]) -> float:
    """Halve the way from where something holds to where it does not, and return the last place inside."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside
