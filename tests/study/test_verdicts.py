"""Intervals and verdicts."""

import numpy as np
import pytest
from scipy.stats import t, ttest_rel

from tlkit.study.verdicts import Interval, crossed_interval, verdict


def test_without_unit_noise_the_interval_is_the_paired_t_interval_over_seeds(rng):
    per_seed = rng.normal(0.1, 0.05, 6)
    interval = crossed_interval(np.repeat(per_seed[:, None], 500, axis=1))
    reference = ttest_rel(per_seed, np.zeros(6)).confidence_interval()
    assert interval.mean == pytest.approx(per_seed.mean())
    assert (interval.low, interval.high) == pytest.approx(reference, rel=1e-6)


def test_without_seed_noise_the_interval_is_the_paired_t_interval_over_units(rng):
    per_unit = rng.choice([-1.0, 0.0, 1.0], 200)
    interval = crossed_interval(np.tile(per_unit, (5, 1)))
    reference = ttest_rel(per_unit, np.zeros(200)).confidence_interval()
    assert (interval.low, interval.high) == pytest.approx(reference, rel=1e-6)


def test_five_seeds_cover_the_truth_in_95_of_100_studies(rng):
    """1,000 studies with crossed random effects; the standard error of the share is 0.7 %."""
    covered = 0
    for _ in range(1000):
        seeds, units, noise = (
            rng.normal(0, 0.05, (5, 1)),
            rng.normal(0, 0.3, 150),
            rng.normal(0, 0.3, (5, 150)),
        )
        interval = crossed_interval(0.02 + seeds + units + noise)
        covered += interval.low <= 0.02 <= interval.high
    assert 0.93 <= covered / 1000 <= 0.99


def test_identical_results_give_an_interval_of_no_width():
    assert crossed_interval(np.zeros((5, 40))) == Interval(0.0, 0.0, 0.0)


def test_one_seed_gives_a_mean_without_ends():
    interval = crossed_interval(np.array([[1.0, 0.0, 1.0, 0.0]]))
    assert interval.mean == 0.5 and np.isnan(interval.low) and np.isnan(interval.high)


@pytest.mark.parametrize(
    ("values", "variance", "freedom"),
    [
        ([[-2.0, -1, 0], [-1, 0, 1], [0, 1, 2]], 1 / 3 + 1 / 3, 4),  # seeds and units add up, no rest
        ([[-1.0, -2, 0], [-2, 1, 1], [0, 1, 2]], 1 / 3 + 1 / 3 - 1 / 9, 100 / 37),  # and with a rest
        ([[3.0, 1], [-3, -1]], 4, 1),  # a rest that would take a quarter off the seeds' own variance
        ([[3.0, -3], [1, -1]], 4, 1),  # or off the units'
    ],
)
def test_the_interval_by_hand(values, variance, freedom):
    interval = crossed_interval(np.array(values) + 0.5, level=0.9)
    half = t.ppf(0.95, freedom) * variance**0.5
    assert (interval.low, interval.high) == pytest.approx((0.5 - half, 0.5 + half))


@pytest.mark.parametrize(
    ("low", "high", "seeds", "word"),
    [
        (0.01, 0.05, 5, "helps"),
        (-0.05, -0.01, 5, "hurts"),
        (-0.01, 0.05, 5, "no evidence"),
        (0.0, 0.0, 5, "no evidence"),
        (0.01, 0.05, 2, "no verdict"),
    ],
)
def test_verdict(low, high, seeds, word):
    assert verdict(Interval((low + high) / 2, low, high), seeds) == word
