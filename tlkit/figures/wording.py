"""Amounts in words, the same in sentences and in figures."""

from __future__ import annotations

import math
import re

import numpy as np

MINUS = "\N{MINUS SIGN}"
ACRONYMS = re.compile(r"^(rmse|mae|mse|ndcg|map|mrr|auc|auroc)\b", re.IGNORECASE)


def budget_in_words(budget: int | str | None, budget_unit: str) -> str:
    """Say a budget in words: "0 labels a class", "1 label a class", "all the labels".

    Parameters
    ----------
    budget : int, "all" or None
        How much; "all" and None are all the training data.
    budget_unit : str
        What is counted, in the plural, such as "labels a class".
    """
    counted, *rest = budget_unit.split()
    if budget in (None, "all"):
        return f"all the {counted}"
    return " ".join([str(budget), counted.removesuffix("s") if budget == 1 else counted, *rest])


def amount(budget: float) -> str:
    """Write how many labels, where that is no whole number: "0.4", "14.2", "1,250"."""
    return f"{budget:.1f}".removesuffix(".0") if budget < 100 else f"{budget:,.0f}"


def metric_words(metric: str, greater_is_better: bool = True) -> str:
    """Name a score: "balanced accuracy", "NDCG@10", "RMSE (lower is better)"."""
    name = ACRONYMS.sub(lambda found: found[0].upper(), metric).replace("_", " ")
    return name + ("" if greater_is_better else " (lower is better)")


def gain_words(metric: str, greater_is_better: bool = True) -> str:
    """Name what a positive gain is: "gain in accuracy"; of an error, "fall in RMSE"."""
    return ("gain in " if greater_is_better else "fall in ") + metric_words(metric)


def within(title: str) -> str:
    """Write a title as it stands within a sentence: "Linear probe" as "linear probe", "EASE" as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def score_text(score: float, percent: bool) -> str:
    """Return a score as short text: ``65.0 %`` for a share, else ``0.934``."""
    return f"{100 * score:.1f} %" if percent else f"{score:.3f}"


def size_text(value: float, percent: bool) -> str:
    """Return the size of a difference without its sign: points of 100 for a share, else three decimals.

    What is not zero is never written as zero: it gets as many decimals as it takes.
    """
    size, digits = (abs(100 * value), 1) if percent else (abs(value), 3)
    if 0 < size < 0.5 * 10**-digits:
        digits = -math.floor(math.log10(size))
    return f"{size:.{digits}f}"


def signed_text(value: float, percent: bool) -> str:
    """Return a difference with its sign, such as ``+12.3``."""
    return (MINUS if value < 0 else "+") + size_text(value, percent)


def gain_text(gain: float, low: float, high: float, percent: bool) -> str:
    """Return a gain and its interval as short text, such as ``+12.3 (+8.1 to +16.5)``.

    Parameters
    ----------
    gain, low, high : float
        In the unit of the score; shown times 100, as points, where `percent`. An interval of NaN is left out.
    percent : bool
        Whether the score is a share in [0, 1].
    """
    said = signed_text(gain, percent)
    if np.isnan(low):
        return said
    return f"{said} ({signed_text(low, percent)} to {signed_text(high, percent)})"


def difference(value: float, percent: bool) -> str:
    """Say how a score stands to another: "3.1 points higher", "0.043 lower", "the same"."""
    if value == 0:
        return "the same"
    return f"{size_text(value, percent)}{' points' if percent else ''} {'higher' if value > 0 else 'lower'}"


def interval_words(low: float, high: float, percent: bool) -> str:
    """Say an interval of a difference, without signs.

    Where both ends lie on one side of zero, as that side has been said, the nearer one comes first:
    "8.1 to 16.5". Where zero is inside, each end has its side: "1.5 lower to 13.0 higher".
    """
    if low > 0 or high < 0:
        near, far = sorted((low, high), key=abs)
        return f"{size_text(near, percent)} to {size_text(far, percent)}"
    ends = [f"{size_text(end, percent)}{side}" for end, side in ((low, " lower"), (high, " higher"))]
    return " to ".join(end if value else "0" for end, value in zip(ends, (low, high), strict=True))


def duration(seconds: float) -> str:
    """Say how long something takes: "40 s", "3 min"."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
