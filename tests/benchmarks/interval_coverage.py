"""How often intervals over few seeds and a finite test set cover the truth, by simulation.

Strategy and baseline are right or wrong on each test unit. A unit has a difficulty that both share and
one that each has for itself; a seed shifts both, partly alike, as they share the budget's draw. With
normal effects the true accuracies, and so the true gain, have a closed form.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from common import show
from scipy.stats import norm, t

from tlkit.study.intervals import crossed_interval

LEVEL = 0.95
RESAMPLES = 1000
Ends = tuple[float, float]


@dataclass(frozen=True)
class World:
    """Standard deviations of the effects, where the noise of a single answer has 1, and the two means.

    `unit` is a test unit's difficulty for both, `own` for either alone; `shared` is the share of the
    variance between seeds that strategy and baseline have in common.
    """

    seed: float = 0.3
    unit: float = 1.5
    own: float = 0.7
    shared: float = 0.5
    strategy: float = 1.2
    baseline: float = 0.9

    def draw(self, seeds: int, units: int, rng: np.random.Generator) -> np.ndarray:
        """Draw paired differences of 0-1 outcomes, shape (seeds, units)."""
        difficulty = self.budget_unit * rng.standard_normal(units)
        common = self.shared**0.5 * rng.standard_normal(seeds)
        right = []
        for mean in (self.strategy, self.baseline):
            shift = self.seed * (common + (1 - self.shared) ** 0.5 * rng.standard_normal(seeds))
            ease = mean - difficulty - self.own * rng.standard_normal(units)
            right.append(ease + shift[:, None] + rng.standard_normal((seeds, units)) > 0)
        return right[0].astype(float) - right[1]

    @property
    def gain(self) -> float:
        """The true gain."""
        scale = np.sqrt(1 + self.seed**2 + self.budget_unit**2 + self.own**2)
        return float(norm.cdf(self.strategy / scale) - norm.cdf(self.baseline / scale))


WORLDS = {
    "seeds matter little": World(seed=0.05),
    "seeds matter some": World(seed=0.3),
    "seeds matter most": World(seed=0.8),
    "no true gain": World(seed=0.3, strategy=0.9),
}


def anova(values: np.ndarray) -> Ends:
    """Return tlkit's interval."""
    interval = crossed_interval(values, LEVEL)
    return interval.low, interval.high


def seeds_alone(values: np.ndarray) -> Ends:
    """Return Student's interval of the seeds' means, as if the test units were all there are."""
    means = values.mean(1)
    half = t.ppf((1 + LEVEL) / 2, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5
    return means.mean() - half, means.mean() + half


class Bootstrap:
    """Percentile bootstrap that draws seeds and units anew, each with replacement."""

    def __init__(self, seeds: int, units: int, rng: np.random.Generator):
        self.by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
        self.by_unit = rng.multinomial(units, np.full(units, 1 / units), RESAMPLES) / units

    def __call__(self, values: np.ndarray) -> Ends:
        """Return the interval."""
        means = (self.by_seed @ values * self.by_unit).sum(1)
        low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return low, high


def coverage(world: World, seeds: int, units: int, draws: int) -> dict[str, str]:
    """Measure the share of intervals that hold the true gain, and their mean width, for each method."""
    rng = np.random.default_rng(0)
    bootstrap = Bootstrap(seeds, units, rng)
    methods: dict[str, Callable[[np.ndarray], Ends]] = {
        "crossed_interval": anova,
        "bootstrap": bootstrap,
        "t over seeds": seeds_alone,
    }
    samples = [world.draw(seeds, units, rng) for _ in range(draws)]
    ends = {name: np.array([method(values) for values in samples]) for name, method in methods.items()}
    held = {name: np.mean((low <= world.gain) & (world.gain <= high)) for name, (low, high) in _columns(ends)}
    widths = {name: np.mean(high - low) for name, (low, high) in _columns(ends)}
    return {name: f"{held[name]:.1%} ({100 * widths[name]:.1f})" for name in methods}


def _columns(ends: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    return [(name, pairs.T) for name, pairs in ends.items()]


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    cells = itertools.product(WORLDS.items(), (3, 5, 10), (200, 1000))
    rows = [
        {"world": name, "seeds": seeds, "test units": units} | coverage(world, seeds, units, draws)
        for (name, world), seeds, units in cells
    ]
    show(
        f"Coverage of 95 % intervals of a paired gain (and their width in points), {draws:,} draws",
        pd.DataFrame(rows),
        f"A coverage of 95 % is measured to within {196 * (0.95 * 0.05 / draws) ** 0.5:.1f} points.",
    )


if __name__ == "__main__":
    main()
