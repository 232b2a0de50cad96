"""Verdicts in words: what was gained, by whom, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tlkit.figures.wording import budget_in_words, difference, interval_words, metric_words, score_text
from tlkit.study.intervals import Interval
from tlkit.study.trial import TaskSummary
from tlkit.study.verdicts import HELPS, LEVEL, MIN_SEEDS, Comparison, Judged

CLAIMS = {
    "helps": "{who} helps",
    "hurts": "{who} hurts",
    "better": "{who} scored better than {reference}",
    "worse": "{who} scored worse than {reference}",
    "practically equal": "{who} and {reference} are practically equal",
    "no evidence": "there is no clear difference between {who} and {reference}",
    "no verdict": f"{{who}} gets no verdict, for that takes {MIN_SEEDS} draws",
}
ITS_PART = {
    "helps": "{source} itself helps",
    "hurts": "{source} itself hurts",
    "practically equal": "{source} itself adds practically nothing",
    "no evidence": "there is no clear effect of {source} itself",
    "no verdict": "{source} itself gets no verdict",
}
COUNTED = {  # one, several
    "helps": ("helps", "help"),
    "hurts": ("hurts", "hurt"),
    "better": ("is better", "are better"),
    "worse": ("is worse", "are worse"),
    "practically equal": ("is practically equal", "are practically equal"),
    "no evidence": ("shows no clear difference", "show no clear difference"),
    "no verdict": ("gets no verdict", "get no verdict"),
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
    who = contender(on.strategy, on.source if earned else "", summary)
    reference = summary.display(on.reference)
    claim = CLAIMS[word].format(who=who, reference=reference)
    named = "" if reference in claim else f" for {reference}"
    words = f"With {budget_in_words(on.budget, summary.budget_unit)}, {claim}: "
    words += f"{_scores(on, summary)}{named}, {_difference(on.gain, summary)}{_ends(on, summary, adjust)}."
    if credit:
        part = ITS_PART[credited].format(source=on.source)
        words += f" Against the same without a source, {part}: {_difference(credit.on.gain, summary)}"
        words += f"{_between(credit.on.gain, summary)}."
    return words + _at_chance(on.score, summary)


def contender(strategy: str, source: str, summary: TaskSummary) -> str:
    """Name a strategy in a sentence, and the source that it is from, where there is one to name."""
    return summary.display(strategy) + (f" from {source}" if source else "")


def conclusion(judged: Sequence[Judged], summary: TaskSummary) -> str:
    """Say in one line what a study found.

    Parameters
    ----------
    judged : sequence of Judged
        Strategies against the baseline.
    summary : TaskSummary
        The task's metric and units.
    """
    if not judged:
        return "Nothing was compared with the baseline."
    counts = Counter(each.word for each in judged)
    told = [f"{counts[word]} {COUNTED[word][counts[word] > 1]}" for word in CLAIMS if counts[word]]
    words = f"Of {len(judged)} comparisons with {summary.display(judged[0].on.reference)}, {_listed(told)}."
    if len(judged) == 1:
        return f"{_place(judged[0], summary)} {COUNTED[judged[0].word][0]}.".capitalize()
    clear = [each for each in judged if each.word in ("helps", "hurts", "better", "worse")]
    if not clear:
        return words
    most = max(clear, key=lambda each: abs(each.on.gain.mean))
    return f"{words} The largest difference: {_place(most, summary)}, {_difference(most.on.gain, summary)}."


def multiplicity(n_verdicts: int, adjust: str | None = None) -> str:
    """Say how many of so many verdicts would claim something if there were nothing to find."""
    if n_verdicts < 2:
        return ""
    if adjust:
        return f"{n_verdicts} verdicts, adjusted for their number by {adjust}."
    return (
        f"{n_verdicts} verdicts: if nothing helped or hurt, about {(1 - LEVEL) * n_verdicts:.1f} of them "
        "would still claim that something did."
    )


def _place(judged: Judged, summary: TaskSummary) -> str:
    on = judged.on
    who = contender(on.strategy, on.source if on.twin == on.reference else "", summary)
    return f"{who} with {budget_in_words(on.budget, summary.budget_unit)}"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _scores(on: Comparison, summary: TaskSummary) -> str:
    """Give both scores: "accuracy 92.1 % against 51.9 %"."""
    ours, theirs = (score_text(each, summary.percent) for each in (on.score.mean, on.reference_score))
    return f"{metric_words(summary.metric)} {ours} against {theirs}"


def _difference(gain: Interval, summary: TaskSummary) -> str:
    return difference(_as_scored(gain.mean, summary), summary.percent)


def _as_scored(gain: float, summary: TaskSummary) -> float:
    """A gain as a difference of scores: of an error, a gain is a fall."""
    return gain if summary.greater_is_better else -gain


def _interval(gain: Interval, summary: TaskSummary) -> str:
    low, high = sorted(_as_scored(end, summary) for end in (gain.low, gain.high))
    return interval_words(low, high, summary.percent)


def _ends(on: Comparison, summary: TaskSummary, adjust: str | None) -> str:
    """Give the interval, what it is conditional on, and how many draws it rests on."""
    if np.isnan(on.gain.low):
        return ""
    whole = summary.is_whole_pool(on.budget)
    given, runs = (" given these training data", "trainings") if whole else ("", "draws")
    fits = f"{on.seeds} {runs}" if on.gain.fits > 1 else f"1 distinct fit of {on.seeds} {runs}"
    after = f"; verdict adjusted by {adjust}" if adjust else ""
    return f" (95 % interval {_interval(on.gain, summary)}{given}, {fits}{after})"


def _between(gain: Interval, summary: TaskSummary) -> str:
    return "" if np.isnan(gain.low) else f" ({_interval(gain, summary)})"


def _at_chance(score: Interval, summary: TaskSummary) -> str:
    if summary.chance is None or not score.covers(summary.chance):
        return ""
    return f" This is at chance, {score_text(summary.chance, summary.percent)}."
