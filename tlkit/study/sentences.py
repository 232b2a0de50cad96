"""Verdicts in words: what was gained, by whom, and how sure that is."""

from __future__ import annotations

import numpy as np

from tlkit.figures.wording import budget_in_words
from tlkit.study.intervals import Interval
from tlkit.study.trial import TaskSummary
from tlkit.study.verdicts import BETTER, HELPS, LEVEL, MIN_SEEDS, Comparison, Judged

CLAIMS = {
    "helps": "{who} helps",
    "hurts": "{who} hurts",
    "better": "{who} is better",
    "worse": "{who} is worse",
    "practically equal": "{who} and {reference} are practically equal",
    "no evidence": "there is no evidence that {who} {either} or {other}",
    "no verdict": f"{{who}} gets no verdict (it takes {MIN_SEEDS} seeds)",
}
ITS_PART = {
    "helps": "{source} itself helps",
    "hurts": "{source} itself hurts",
    "practically equal": "{source} itself adds practically nothing",
    "no evidence": "there is no evidence that {source} itself helps or hurts",
    "no verdict": "{source} itself gets no verdict",
}


def sentence(judged: Judged, credit: Judged | None, summary: TaskSummary, adjust: str | None = None) -> str:
    """Say what a strategy gains over the baseline, and what of it is the source's.

    Parameters
    ----------
    judged : Judged
        Strategy against baseline.
    credit : Judged, optional
        Strategy against its source-free twin, where that is not the baseline and both were run.
    summary : TaskSummary
        The task's metric and units.
    adjust : str, optional
        How verdicts allow for their number.
    """
    on = judged.on
    word, credited = ((each.adjusted if adjust else each.word) if each else "" for each in (judged, credit))
    earned = on.twin == on.reference or (credited == word and word in HELPS)
    who = f"{on.strategy} from {on.source}" if earned and on.source else on.strategy
    either, other = HELPS if on.transfers else (f"is {each}" for each in BETTER)
    claim = CLAIMS[word].format(who=who, reference=on.reference, either=either, other=other)
    words = f"With {budget_in_words(on.budget, summary.budget_unit)}, {claim}: "
    words += f"{_gained(on.gain.mean, summary)} against {on.reference}{_ends(on, summary, adjust)}"
    if credit:
        words += f"; {ITS_PART[credited].format(source=on.source)}: {_signed(credit.on.gain.mean, summary)} "
        words += f"against the same without a source{_between(credit.on.gain, summary)}"
    return f"{words}.{_at_chance(on.score, summary)}"


def multiplicity(n_verdicts: int, adjust: str | None = None) -> str:
    """Say how many of so many verdicts would claim something if there were nothing to find."""
    if n_verdicts < 2:
        return ""
    if adjust:
        return f"{n_verdicts} verdicts, adjusted for their number by {adjust}."
    return (
        f"{n_verdicts} verdicts: if nothing helped or hurt, {(1 - LEVEL) * n_verdicts:.1f} of them would be "
        "expected to claim something all the same."
    )


def _gained(mean: float, summary: TaskSummary) -> str:
    """Say what was gained: "+3.1 points of accuracy", or of an error "a fall of +0.031 in rmse"."""
    points = " points" if summary.percent else ""
    if summary.greater_is_better:
        return f"{_signed(mean, summary)}{points} of {summary.metric}"
    return f"a fall of {_signed(mean, summary)}{points} in {summary.metric}"


def _signed(value: float, summary: TaskSummary) -> str:
    return f"{100 * value:+.1f}" if summary.percent else f"{value:+.3f}"


def _plain(value: float, summary: TaskSummary) -> str:
    return f"{100 * value:.1f} %" if summary.percent else f"{value:.3f}"


def _ends(on: Comparison, summary: TaskSummary, adjust: str | None) -> str:
    """Give the interval, what it is conditional on, and how many draws it rests on."""
    if np.isnan(on.gain.low):
        return ""
    given = " given these training data" if summary.is_whole_pool(on.budget) else ""
    fits = f"{on.seeds} seeds" if on.gain.fits > 1 else f"1 distinct fit of {on.seeds} seeds"
    after = f"; verdict adjusted by {adjust}" if adjust else ""
    low, high = (_signed(end, summary) for end in (on.gain.low, on.gain.high))
    return f" (95 % interval {low} to {high}{given}, {fits}{after})"


def _between(gain: Interval, summary: TaskSummary) -> str:
    if np.isnan(gain.low):
        return ""
    return f" ({_signed(gain.low, summary)} to {_signed(gain.high, summary)})"


def _at_chance(score: Interval, summary: TaskSummary) -> str:
    if summary.chance is None or not score.covers(summary.chance):
        return ""
    return f" Its score, {_plain(score.mean, summary)}, is at chance ({_plain(summary.chance, summary)})."
