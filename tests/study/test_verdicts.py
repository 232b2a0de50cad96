"""Intervals and verdicts."""

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp, ttest_rel

from tlkit.study.intervals import Interval, crossed_interval, grouped, seeds_to_show
from tlkit.study.verdicts import ADJUSTMENTS, Comparison, judge, verdict


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
        (0.0, 0.0, 5, "practically equal"),
        (-0.004, 0.009, 5, "practically equal"),
        (0.002, 0.009, 5, "helps"),
        (0.01, 0.05, 2, "no verdict"),
    ],
)
def test_verdict(low, high, seeds, word):
    assert verdict(Interval((low + high) / 2, low, high), seeds) == word


def test_a_small_variance_between_three_seeds_does_not_pass_for_certainty():
    """Three means that agree by chance leave the test set to judge by; the doubt of few seeds stays."""
    values = np.random.default_rng(3).normal(0, 1, (3, 400))
    values += -values.mean(axis=1, keepdims=True) + np.array([[0.1], [0.1], [0.100001]])
    interval, error = crossed_interval(values), values.mean(axis=0).std(ddof=1) / 20
    assert interval.high - interval.mean >= t.ppf(0.975, 4) * error * 0.999


def test_the_same_fit_with_every_seed_is_one_fit(rng):
    per_unit = rng.normal(0.1, 1.0, 300)
    interval = crossed_interval(np.tile(per_unit, (5, 1)))
    assert interval.fits == 1
    assert interval.p == pytest.approx(ttest_1samp(per_unit, 0).pvalue)
    assert crossed_interval(rng.normal(size=(5, 300))).fits == 5


def test_a_budget_that_is_half_of_its_pool_doubles_the_variance_between_seeds(rng):
    values = np.repeat(rng.normal(0.1, 0.05, 6)[:, None], 500, axis=1)
    alone, of_half = crossed_interval(values), crossed_interval(values, drawn=0.5)
    assert of_half.high - of_half.mean == pytest.approx((alone.high - alone.mean) * 2**0.5)


def test_groups_of_one_and_copies_in_groups(rng):
    """Copies in groups say no more than one of each."""
    values = rng.normal(size=(4, 30))
    assert np.allclose(grouped(values, np.arange(30)), values)
    copied = grouped(np.repeat(values, 5, axis=1), np.repeat(np.arange(30), 5))
    assert np.allclose(copied, values)


def test_groups_of_unequal_size_leave_every_seeds_mean(rng):
    values, groups = rng.normal(size=(4, 60)), np.sort(rng.integers(0, 7, 60))
    units = grouped(values, groups)
    assert units.shape == (4, 7)
    assert np.allclose(units.mean(axis=1), values.mean(axis=1))


def test_needed_seeds_show_the_gain_four_times_in_five():
    """1,000 studies with as many seeds as the plan says; the standard error of the share is 1.3 %."""
    rng, gain = np.random.default_rng(0), 0.05

    def study(seeds):
        return (
            gain
            + rng.normal(0, 0.05, (seeds, 1))
            + rng.normal(0, 0.2, 400)
            + rng.normal(0, 0.3, (seeds, 400))
        )

    seeds = int(np.median([seeds_to_show(gain, study(5)) for _ in range(200)]))
    shown = np.mean([crossed_interval(study(seeds)).low > 0 for _ in range(1000)])
    assert 0.7 < shown < 0.92


def test_no_number_of_seeds_makes_up_for_a_small_test_set(rng):
    assert seeds_to_show(0.01, rng.normal(0, 1, (5, 1)) * 0 + rng.normal(0, 1, 50)) == np.inf


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("holm", [0.04, 0.06, 0.06, 0.06]),
        ("bonferroni", [0.04, 0.12, 0.08, 0.2]),
        ("fdr_bh", [0.04, 0.04, 0.04, 0.05]),
        ("fdr_by", [0.0833, 0.0833, 0.0833, 0.1042]),
    ],
)
def test_adjustments_by_hand(way, expected):
    """Of 0.01, 0.03, 0.02, 0.05; Holm: 4 x .01, 3 x .02, 2 x .03, 1 x .05, never falling."""
    assert ADJUSTMENTS[way](np.array([0.01, 0.03, 0.02, 0.05])) == pytest.approx(expected, abs=1e-4)


def compared(mean, half, seeds=5, p=0.5):
    gain = Interval(mean, mean - half, mean + half, p)
    return Comparison("a", "", 1, "b", "b", True, seeds, gain, gain, 0.0)


def test_adjusted_verdicts_allow_for_all_that_are_judged_and_for_no_others():
    claims = [
        compared(0.05, 0.04, p=0.012),
        *[compared(0.05, 0.06, p=0.3)] * 3,
        compared(0.05, 0.04, 2, np.nan),
    ]
    words = [(each.word, each.adjusted) for each in judge(claims, "holm", 0.01)]
    assert words == [("helps", "helps"), *[("no evidence", "no evidence")] * 3, ("no verdict", "no verdict")]
    one_more = judge([*claims, compared(0.05, 0.06, p=0.3)], "holm", 0.01)[0]
    assert (one_more.word, one_more.adjusted) == ("helps", "no evidence")
    assert one_more.p_adjusted == pytest.approx(0.06)


def test_what_transfers_nothing_is_better_or_worse():
    better = verdict(Interval(0.03, 0.01, 0.05), 5, transfers=False)
    worse = verdict(Interval(-0.03, -0.05, -0.01), 5, transfers=False)
    assert (better, worse) == ("better", "worse")
