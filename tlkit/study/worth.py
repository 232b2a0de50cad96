"""Cheaper or dearer: how many labels of the baseline's, or ratings, a strategy's score is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlkit.errors import BadInput
from tlkit.figures.style import budget_at
from tlkit.figures.wording import amount, budget_in_words, metric_words, score_text
from tlkit.study.interpolation import Curve, moved_apart, region
from tlkit.study.intervals import crossed_interval, grouped
from tlkit.study.sentences import contender
from tlkit.study.trial import TaskSummary, Trial
from tlkit.study.verdicts import MIN_SEEDS

CLAIMS = {
    "cheaper": "{who} is cheaper",
    "dearer": "{who} is dearer",
    "no evidence": "it is open whether {who} is cheaper or dearer",
    "no verdict": f"{{who}} gets no verdict, for that takes {MIN_SEEDS} draws",
}
COLUMNS = ("strategy", "source", "budget", "seeds", "score", "worth", "low", "high", "verdict", "sentence")


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

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100)
    >>> study = tlkit.compare(["joined"], source, task, budgets=[1, 8], seeds=3, callbacks=[])
    >>> study.worth()[["budget", "verdict"]].values.tolist()
    [[1, 'no evidence'], [8, 'no evidence']]
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
    budgets = sorted(ran)
    values = [_outcomes(ran[budget], seeds, summary) for budget in budgets]
    return Curve(name, seeds, np.array(budgets), np.array(values))


def _outcomes(by_seed: Mapping[int, Trial], seeds: Sequence[int], summary: TaskSummary) -> np.ndarray:
    """What each seed got on each unit of the test set, positive is better."""
    sign = 1 if summary.greater_is_better else -1
    values = sign * np.stack([by_seed[seed].per_example for seed in seeds])
    groups = None if summary.groups is None else np.array(summary.groups)
    return moved_apart(grouped(values, groups), summary.drawn_share(by_seed[seeds[0]].budget))


def _worth(group: Sequence[Trial], curve: Curve, summary: TaskSummary) -> Worth:
    sign = 1 if summary.greater_is_better else -1
    ours = _outcomes({trial.seed: trial for trial in group}, curve.seeds, summary)
    where, ends = curve.reaching(ours.mean()), (np.nan, np.nan)
    if len(ours) > 1:
        ends = region(curve.places, where, lambda at: crossed_interval(ours - curve.at(at)).covers(0))
    amounts = [each if np.isinf(each) else round(budget_at(each), 6) for each in (where, *ends)]
    return Worth(group[0], curve, len(ours), sign * float(ours.mean()), *amounts)


def _row(found: Worth, summary: TaskSummary) -> tuple[object, ...]:
    trial = found.trial
    amounts = [0.0 if each == -np.inf else each for each in (found.budget, found.low, found.high)]
    named = trial.strategy, trial.origin, trial.budget, found.seeds, found.score
    return *named, *amounts, found.word, _sentence(found, summary)


def _sentence(found: Worth, summary: TaskSummary) -> str:
    trial, other, unit = found.trial, summary.display(found.curve.name), summary.budget_unit
    who = contender(trial.strategy, trial.origin, summary)
    score = f"{metric_words(summary.metric)} of {score_text(found.score, summary.percent)}"
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
    return f"{said} (95 % interval {' to '.join(dict.fromkeys(ends))}, {found.seeds} draws)."


def _end(budget: float, curve: Curve) -> str:
    first, last = curve.budgets[[0, -1]]
    if np.isinf(budget):
        return f"more than {last}" if budget > 0 else f"fewer than {first}"
    return amount(budget)


def _range(scores: Sequence[float] | np.ndarray, summary: TaskSummary) -> str:
    return " to ".join(score_text(end, summary.percent) for end in (min(scores), max(scores)))
