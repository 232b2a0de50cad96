"""Paired intervals and the verdict they allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_SEEDS = 3


@dataclass(frozen=True)
class Interval:
    """A mean with the two ends of its confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float


def crossed_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Confidence interval of a mean over random seeds crossed with random test units.

    The interval covers both the draw of the budget with the training seed (rows) and the finite
    test set (columns). The variance of the grand mean is estimated by the two-way random-effects
    analysis of variance and its degrees of freedom by Satterthwaite (Biometrics Bulletin 2(6),
    1946, eq. 17), because resampling as few as five seeds makes intervals that are too short.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n_units)
        A metric, or a paired difference of one, for each seed and test unit.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Interval
        With fewer than two seeds both ends are NaN.
    """
    from scipy.stats import t

    values = np.atleast_2d(np.asarray(values, dtype=float))
    seeds, units = values.shape
    mean = float(values.mean())
    if seeds < 2 or units < 2:
        return Interval(mean, np.nan, np.nan)
    by_seed, by_unit = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_seed[:, None] - by_unit + mean
    rest_df = (seeds - 1) * (units - 1)
    parts = np.array(
        [
            by_seed.var(ddof=1) / seeds,
            by_unit.var(ddof=1) / units,
            (rest**2).sum() / rest_df / (seeds * units),
        ]
    )
    variance = max(parts[0] + parts[1] - parts[2], parts[0], parts[1])
    if variance == 0:
        return Interval(mean, mean, mean)
    freedom = variance**2 / (parts**2 / [seeds - 1, units - 1, rest_df]).sum()
    half = t.ppf((1 + level) / 2, max(freedom, 1.0)) * np.sqrt(variance)
    return Interval(mean, mean - half, mean + half)


def verdict(gain: Interval, n_seeds: int) -> str:
    """Say in a word what a paired gain shows.

    Parameters
    ----------
    gain : Interval
        Strategy minus baseline; positive is better.
    n_seeds : int
        How many pairs it rests on.

    Returns
    -------
    str
        ``"helps"``, ``"hurts"`` or ``"no evidence"``; ``"no verdict"`` below three seeds.
    """
    if n_seeds < MIN_SEEDS:
        return "no verdict"
    if gain.low > 0:
        return "helps"
    return "hurts" if gain.high < 0 else "no evidence"
