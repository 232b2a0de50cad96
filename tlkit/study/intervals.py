"""Confidence intervals of means over random seeds crossed with random test examples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

POWER = 0.8
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Interval:
    """A mean with the two ends of its confidence interval, in the unit of the values.

    Parameters
    ----------
    mean, low, high : float
        Both ends are NaN where there is nothing to estimate an error from.
    p : float
        Two-sided probability of so large a mean, were the true one 0; NaN likewise.
    fits : int
        How many different rows the values had: 1 where every seed gave the same.

    Examples
    --------
    >>> from tlkit.study.intervals import Interval
    >>> Interval(0.02, -0.01, 0.05).covers(0.0)
    True
    """

    mean: float
    low: float
    high: float
    p: float = field(default=np.nan, compare=False)
    fits: int = field(default=1, compare=False)

    def covers(self, value: float) -> bool:
        """Whether a value is within, the ends included."""
        return self.low <= value <= self.high

    def within(self, margin: float) -> bool:
        """Whether all of it lies within plus or minus `margin`."""
        return -margin <= self.low and self.high <= margin


@dataclass(frozen=True)
class Spread:
    """Variances of single values: between seeds, between test examples, and of what is left."""

    seed: float
    unit: float
    rest: float


def crossed_interval(values: np.ndarray, level: float = 0.95, drawn: float = 0.0) -> Interval:
    """Confidence interval of a mean over random seeds crossed with random test examples.

    The interval covers both the draw of the budget with the training seed (rows) and the finite
    test set (columns). The variance of the grand mean is estimated by the two-way random-effects
    analysis of variance and its degrees of freedom by Satterthwaite (Biometrics Bulletin 2(6),
    1946, eq. 17), because resampling as few as five seeds makes intervals that are too short. They
    are held at twice those of the seeds: where the variance between three seeds comes out small by
    chance, Satterthwaite's jump to those of the test set (``tests/benchmarks/interval_coverage.py``).
    Rows that are all the same are one fit, and its interval covers the test set alone.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n_units)
        A metric, or a paired difference of one, for each seed and test example.
    level : float
        Confidence level in (0, 1).
    drawn : float
        The share, in [0, 1), of a pool of training examples that each seed's budget is. Budgets of one
        pool overlap and so are more alike than those of new pools: the seeds' variance counts
        1 / (1 - drawn) times.

    Returns
    -------
    Interval
        With fewer than two seeds both ends are NaN.
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    seeds, units = values.shape
    mean = float(values.mean())
    if seeds < 2 or units < 2:
        return Interval(mean, np.nan, np.nan)
    fits = len(np.unique(values, axis=0))
    if fits == 1:
        return students_interval(mean, float(values[0].var(ddof=1)) / units, units - 1, level, fits)
    rest_df = (seeds - 1) * (units - 1)
    by_seed, by_unit, rest = _mean_squares(values)
    parts = np.array([by_seed / seeds / (1 - drawn), by_unit / units, rest / (seeds * units)])
    variance = max(parts[0] + parts[1] - parts[2], parts[0], parts[1])
    freedom = variance**2 / (parts**2 / [seeds - 1, units - 1, rest_df]).sum() if variance else 1.0
    return students_interval(mean, variance, min(max(freedom, 1.0), 2 * (seeds - 1)), level, fits)


def students_interval(
    mean: float, variance: float, freedom: float, level: float = 0.95, fits: int = 1
) -> Interval:
    """Return Student's interval around a mean, given the mean's own variance and its degrees of freedom."""
    from scipy.stats import t

    if variance == 0:
        return Interval(mean, mean, mean, float(mean == 0), fits)
    error = np.sqrt(variance)
    half = t.ppf((1 + level) / 2, freedom) * error
    return Interval(mean, mean - half, mean + half, float(2 * t.sf(abs(mean) / error, freedom)), fits)


def _mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Variance of the seeds' means, of the units' means, and of what both leave, in values (seeds, units)."""
    seeds, units = values.shape
    by_seed, by_unit = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_seed[:, None] - by_unit + values.mean()
    return (
        float(by_seed.var(ddof=1)),
        float(by_unit.var(ddof=1)),
        float((rest**2).sum()) / ((seeds - 1) * (units - 1)),
    )


def grouped(values: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Put test examples that belong together into one unit each; the mean of every seed stays as it is.

    A group's value is the mean plus its examples' deviations from it, which is what a ratio estimator is
    linearised to (Cochran, Sampling Techniques, 1977, eq. 2.39): large groups count for more.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n_examples)
        A metric, or a paired difference of one.
    groups : ndarray of shape (n_examples,), optional
        Numbers from 0 up; without them values are returned as they are.

    Returns
    -------
    ndarray of shape (n_seeds, n_groups)
    """
    if groups is None:
        return values
    mean, count = values.mean(), int(groups.max()) + 1
    sums = np.stack([np.bincount(groups, row - mean, minlength=count) for row in np.atleast_2d(values)])
    return mean + sums * count / len(groups)


def seeds_to_show(gain: float, values: np.ndarray, level: float = 0.95, drawn: float = 0.0) -> float:
    """Return how many seeds would show a gain, in four of five studies like this one.

    Parameters
    ----------
    gain : float
        The true gain to be shown, above 0, in the unit of the values.
    values : ndarray of shape (n_seeds, n_units)
        Paired differences of two seeds or more, from which the variances are estimated.
    level, drawn : float
        As in `crossed_interval`.

    Returns
    -------
    float
        A whole number of 3 or more; infinity where a thousand are not enough, as the test set is too small.
    """
    from scipy.stats import t

    units, spread = values.shape[1], spread_of(values)
    for seeds in range(3, MOST_SEEDS + 1):
        variance = (spread.seed / (1 - drawn) + spread.rest / units) / seeds + spread.unit / units
        freedom = 2 * (seeds - 1)
        if gain >= (t.ppf((1 + level) / 2, freedom) + t.ppf(POWER, freedom)) * np.sqrt(variance):
            return float(seeds)
    return np.inf


def spread_of(values: np.ndarray) -> Spread:
    """Estimate the variances that values of shape (n_seeds, n_units) are made of."""
    seeds, units = values.shape
    by_seed, by_unit, rest = _mean_squares(values)
    return Spread(max(by_seed - rest / units, 0.0), max(by_unit - rest / seeds, 0.0), rest)
