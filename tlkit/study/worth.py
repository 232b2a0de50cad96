"""Cheaper or dearer: how many labels of the baseline's, or ratings, a strategy's score is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlkit.errors import BadInput
from tlkit.figures.style import budget_at, place, score_text
from tlkit.figures.wording import budget_in_words
from tlkit.study.intervals import crossed_interval, grouped
from tlkit.study.trial import TaskSummary, Trial
from tlkit.study.verdicts import MIN_SEEDS

BETWEEN = 8  # places between two budgets at which an interval is tried before its ends are looked for
HALVINGS = 12
CLAIMS = {
    "cheaper": "{who} is cheaper",
    "dearer": "{who} is dearer",
    "no evidence": "there is no evidence that {who} is cheaper or dearer",
    "no verdict": f"{{who}} gets no verdict (it takes {MIN_SEEDS} seeds)",
}
COLUMNS = ("strategy", "source", "budget", "seeds", "score", "worth", "low", "high", "verdict", "sentence")


@dataclass(frozen=True)
class Curve:
    """The outcomes of a reference between the budgets at which it ran, on the scale of figures.

    Parameters
    ----------
    name : str
        The reference's.
    budgets : ndarray of shape (n_budgets,)
        In order, two or more.
    values : ndarray of shape (n_budgets, n_seeds, n_examples)
        The headline metric, positive is better.
    shares : ndarray of shape (n_budgets,)
        Of the pool that each budget is.
    seeds : list of int
        Of the outcomes, in their order.
    """

    name: str
    seeds: list[int]
    budgets: np.ndarray
    values: np.ndarray
    shares: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """Where the budgets lie."""
        return np.array([place(budget) for budget in self.budgets])

    @property
    def scores(self) -> np.ndarray:
        """The mean at each budget, positive is better."""
        return np.array([each.mean() for each in self.values])

    def at(self, where: float) -> tuple[np.ndarray, float]:
        """Return outcomes (n_seeds, n_examples) and the share of the pool at a place between the ends."""
        places = self.places
        after = int(np.clip(np.searchsorted(places, where), 1, len(places) - 1))
        part = (where - places[after - 1]) / (places[after] - places[after - 1])
        lower, upper = self.values[after - 1 : after + 1]
        share = np.interp(where, places, self.shares)
        return (1 - part) * lower + part * upper, float(share)

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


@dataclass(frozen=True)
class Worth:
    """What a strategy's score at a budget is worth in labels of a reference.

    Parameters
    ----------
    trial : Trial
        One of the strategy's.
    curve : Curve
        The reference's.
    seeds : int
        How many pairs.
    score : float
        The strategy's mean.
    budget, low, high : float
        The worth with its interval: minus infinity below the reference's budgets, infinity beyond.
    """

    trial: Trial
    curve: Curve
    seeds: int
    score: float
    budget: float
    low: float
    high: float

    @property
    def word(self) -> str:
        """The verdict."""
        own = self.trial.budget or 0
        if self.seeds < MIN_SEEDS:
            return "no verdict"
        if self.low > own:
            return "cheaper"
        return "dearer" if self.high < own else "no evidence"


def worth_table(
    groups: Sequence[Sequence[Trial]], trials: Sequence[Trial], summary: TaskSummary
) -> pd.DataFrame:
    """Tabulate `tlkit.study.study.Study.worth`.

    Parameters
    ----------
    groups : sequence of sequences of Trial
        Those to be valued, by strategy, source and budget.
    trials : sequence of Trial
        All of the study: references are among them.
    summary : TaskSummary

    Raises
    ------
    BadInput
        If no reference was run at two budgets, or no score lies within what references reach.
    """
    found = [
        _worth(group, curve, summary)
        for group in groups
        if group[0].budget is not None and (curve := _curve(group, trials, summary))
    ]
    if not found:
        raise BadInput(
            f"Without a common score: worth() needs the baseline {summary.baseline!r}, or the twin that a "
            "strategy is held against, at two budgets or more, on the strategy's seeds."
        )
    if not any(np.isfinite(each.budget) for each in found):
        sign = 1 if summary.greater_is_better else -1
        theirs = sign * np.concatenate([each.curve.scores for each in found])
        ours = [each.score for each in found]
        names = " and ".join(dict.fromkeys(each.curve.name for each in found))
        raise BadInput(
            f"Without a common score: {names} reaches {_range(theirs, summary)} of {summary.metric} at its "
            f"budgets, and what is held against it {_range(ours, summary)}. Add budgets at which they meet."
        )
    return pd.DataFrame([_row(each, summary) for each in found], columns=COLUMNS)


def _curve(group: Sequence[Trial], trials: Sequence[Trial], summary: TaskSummary) -> Curve | None:
    """The reference of a group on its seeds, where it ran at two budgets; its twin, or else the baseline."""
    one = group[0]
    name = (one.twin if one.transfers else "") or summary.baseline
    ran: dict[int, dict[int, Trial]] = {}
    for source in ("", one.source):  # what ran on the same source comes before what needed none
        for each in trials:
            if each.strategy == name and each.source == source and each.budget is not None:
                ran.setdefault(each.budget, {})[each.seed] = each
    seeds = [trial.seed for trial in group if all(trial.seed in by_seed for by_seed in ran.values())]
    if len(ran) < 2 or not seeds:
        return None
    budgets, sign = sorted(ran), 1 if summary.greater_is_better else -1
    values = [[sign * ran[budget][seed].per_example for seed in seeds] for budget in budgets]
    shares = [summary.drawn_share(budget) for budget in budgets]
    return Curve(name, seeds, np.array(budgets), np.array(values), np.array(shares))


def _worth(group: Sequence[Trial], curve: Curve, summary: TaskSummary) -> Worth:
    sign = 1 if summary.greater_is_better else -1
    by_seed = {trial.seed: trial.per_example for trial in group}
    ours = sign * np.stack([by_seed[seed] for seed in curve.seeds])
    units = None if summary.groups is None else np.array(summary.groups)
    own = summary.drawn_share(group[0].budget)

    def holds(where: float) -> bool:
        theirs, share = curve.at(where)
        return crossed_interval(grouped(ours - theirs, units), drawn=max(own, share)).covers(0)

    where = curve.reaching(ours.mean())
    ends = _region(curve.places, where, holds) if len(ours) > 1 else (np.nan, np.nan)
    amounts = [each if np.isinf(each) else round(budget_at(each), 6) for each in (where, *ends)]
    return Worth(group[0], curve, len(ours), sign * float(ours.mean()), *amounts)


def _region(places: np.ndarray, where: float, holds: Callable[[float], bool]) -> tuple[float, float]:
    """The ends of all places at which the interval of the difference holds 0, infinite beyond those that ran.

    Where it never does, all of the region lies where the mean is: beyond.
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


def _row(found: Worth, summary: TaskSummary) -> tuple[object, ...]:
    trial = found.trial
    amounts = [0.0 if each == -np.inf else each for each in (found.budget, found.low, found.high)]
    named = trial.strategy, trial.origin, trial.budget, found.seeds, found.score
    return *named, *amounts, found.word, _sentence(found, summary)


def _sentence(found: Worth, summary: TaskSummary) -> str:
    trial, other, unit = found.trial, found.curve.name, summary.budget_unit
    who = f"{trial.strategy} from {trial.source}" if trial.transfers and trial.source else trial.strategy
    score = f"{score_text(found.score, summary.percent)} {summary.metric}"
    said = f"With {budget_in_words(trial.budget, unit)}, {CLAIMS[found.word].format(who=who)}: "
    if np.isfinite(found.budget):
        said += f"its {score} is worth {amount(found.budget)} {unit} of {other}"
    else:
        side, end = ("better", -1) if found.budget > 0 else ("worse", 0)
        said += f"its {score} is {side} than what {other} reaches with "
        said += budget_in_words(int(found.curve.budgets[end]), unit)
    if np.isnan(found.low):
        return f"{said}."
    ends = [_end(each, found.curve) for each in (found.low, found.high)]
    return f"{said} (95 % interval {' to '.join(dict.fromkeys(ends))}, {found.seeds} seeds)."


def _end(budget: float, curve: Curve) -> str:
    first, last = curve.budgets[[0, -1]]
    if np.isinf(budget):
        return f"more than {last}" if budget > 0 else f"fewer than {first}"
    return amount(budget)


def amount(budget: float) -> str:
    """Write how many labels: "0.4", "14.2", "1,250"."""
    return f"{budget:.1f}".removesuffix(".0") if budget < 100 else f"{budget:,.0f}"


def _range(scores: Sequence[float] | np.ndarray, summary: TaskSummary) -> str:
    return " to ".join(score_text(end, summary.percent) for end in (min(scores), max(scores)))
