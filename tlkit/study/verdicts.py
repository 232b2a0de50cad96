"""The word that a paired interval allows, alone or among many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tlkit.errors import at_least, require_known, require_number
from tlkit.study.intervals import Interval

MIN_SEEDS = 3
LEVEL = 0.95
EQUIVALENCE = 0.01  # one point of a share
HELPS, BETTER = ("helps", "hurts"), ("better", "worse")


def verdict(
    gain: Interval,
    n_seeds: int,
    equivalence: float = EQUIVALENCE,
    *,
    p: float | None = None,
    transfers: bool = True,
) -> str:
    """Say in a word what a paired gain shows.

    Parameters
    ----------
    gain : Interval
        Strategy minus reference; positive is better.
    n_seeds : int
        How many pairs it rests on.
    equivalence : float
        Half the width of the region of practical equivalence, in the unit of the gain.
    p : float, optional
        What to judge by in place of the interval: a probability adjusted for many verdicts.
    transfers : bool
        Whether the strategy uses a source.

    Returns
    -------
    str
        ``"helps"`` or ``"hurts"``, of a strategy without source ``"better"`` or ``"worse"``; else
        ``"practically equal"`` where the whole interval lies within the region of equivalence, and
        ``"no evidence"`` where it does not; ``"no verdict"`` below three seeds.

    Examples
    --------
    >>> from tlkit.study.intervals import Interval
    >>> from tlkit.study.verdicts import verdict
    >>> verdict(Interval(0.03, 0.01, 0.05), 5), verdict(Interval(0.001, -0.002, 0.004), 5)
    ('helps', 'practically equal')
    """
    if n_seeds < MIN_SEEDS:
        return "no verdict"
    shown = gain.low > 0 or gain.high < 0 if p is None else p < 1 - LEVEL
    if shown:
        return (HELPS if transfers else BETTER)[gain.mean < 0]
    return "practically equal" if gain.within(equivalence) else "no evidence"


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm, Scandinavian Journal of Statistics 6(2), 1979, section 3: the chance of any false verdict."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(stepped, 1.0)[np.argsort(order)]


def _bonferroni(p: np.ndarray) -> np.ndarray:
    return np.minimum(p * len(p), 1.0)


def _false_discoveries(p: np.ndarray, method: str) -> np.ndarray:
    from scipy.stats import false_discovery_control

    return false_discovery_control(p, method=method)


ADJUSTMENTS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {
        "holm": _holm,
        "bonferroni": _bonferroni,
        "fdr_bh": lambda p: _false_discoveries(p, "bh"),
        "fdr_by": lambda p: _false_discoveries(p, "by"),
    }
)


def require_way(adjust: str | None, equivalence: float) -> None:
    """Refuse an adjustment that is not known, and a region of equivalence below zero.

    Raises
    ------
    BadInput
        With what is valid.
    """
    require_number("equivalence", equivalence, at_least(0))
    if adjust is not None:
        require_known("adjustment", adjust, ADJUSTMENTS)


@dataclass(frozen=True)
class Comparison:
    """A strategy beside what it is compared with, on the same budgets and seeds.

    Parameters
    ----------
    strategy, source, reference, twin : str
        Names; the source is empty where none is used, and the twin is the strategy without it.
    budget : int or None
        None is all the training data.
    transfers : bool
        Whether the strategy uses the source.
    seeds : int
        How many pairs.
    score, gain : Interval
        Of the strategy, and of what it gains over the reference.
    reference_score : float
        The reference's mean score.
    """

    strategy: str
    source: str
    budget: int | None
    reference: str
    twin: str
    transfers: bool
    seeds: int
    score: Interval
    gain: Interval
    reference_score: float

    @property
    def group(self) -> tuple[str, str, int | None]:
        """What is compared, whatever with."""
        return self.strategy, self.source, self.budget


@dataclass(frozen=True)
class Judged:
    """A comparison with its verdict, by itself and as one of many.

    Parameters
    ----------
    on : Comparison
        What is judged.
    word, adjusted : str
        The verdict by its own interval, and the one that allows for the number of verdicts.
    p_adjusted : float
        What the latter goes by.
    """

    on: Comparison
    word: str
    adjusted: str
    p_adjusted: float


def judge(comparisons: Sequence[Comparison], adjust: str | None, equivalence: float) -> list[Judged]:
    """Judge comparisons that are shown together.

    Parameters
    ----------
    comparisons : sequence of Comparison
        All that a reader sees: the adjustment allows for their number.
    adjust : str or None
        One of `ADJUSTMENTS`; None leaves verdicts as they are.
    equivalence : float
        As for `verdict`.
    """
    p = np.array([each.gain.p for each in comparisons])
    judged = np.array([each.seeds >= MIN_SEEDS for each in comparisons], dtype=bool) & ~np.isnan(p)
    if adjust is not None and judged.any():
        p[judged] = ADJUSTMENTS[adjust](p[judged])
    return [
        Judged(
            each,
            verdict(each.gain, each.seeds, equivalence, transfers=each.transfers),
            verdict(each.gain, each.seeds, equivalence, p=float(one), transfers=each.transfers),
            float(one),
        )
        for each, one in zip(comparisons, p, strict=True)
    ]
