"""How often intervals cover the truth and verdicts claim what is not there, by simulation and on real digits.

Strategy and baseline are right or wrong on each test example. An example has a difficulty that both share
and one that each has for itself; a seed shifts both, partly alike, as they share the budget's draw. With
normal effects the true accuracies, and so the true gain, have a closed form. Pools are drawn and learned
from, by nearest class means of few and of many features; the digits are trained on.

*before* is the interval with Satterthwaite's degrees of freedom alone, which knows of neither pools nor
groups.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from common import show
from scipy.stats import norm, t

import tlkit
from tlkit.study.intervals import Interval, crossed_interval, grouped
from tlkit.study.verdicts import EQUIVALENCE, LEVEL, Comparison, judge

RESAMPLES = 1000
SEEDS = (3, 5, 10)
STRATEGIES, BUDGETS = 12, 6


@dataclass(frozen=True)
class World:
    """Standard deviations of the effects, where the noise of a single answer has 1, and the two means.

    `unit` is a test example's difficulty for both, `own` for either alone; `shared` is the share of the
    variance between seeds that strategy and baseline have in common; examples come in groups of
    `together`, whose difficulties are the same.
    """

    seed: float = 0.3
    unit: float = 1.5
    own: float = 0.7
    shared: float = 0.5
    strategy: float = 1.2
    baseline: float = 0.9
    together: int = 1

    def answers(
        self, means: tuple[float, ...], seeds: int, units: int, rng: np.random.Generator
    ) -> list[np.ndarray]:
        """Draw 0-1 outcomes of several learners on the same draws and examples, each (seeds, units)."""
        difficulty = self.unit * self._effects(units, rng)
        common = self.shared**0.5 * rng.standard_normal(seeds)
        right = []
        for mean in means:
            shift = self.seed * (common + (1 - self.shared) ** 0.5 * rng.standard_normal(seeds))
            ease = mean - difficulty - self.own * self._effects(units, rng)
            right.append(ease + shift[:, None] + rng.standard_normal((seeds, units)) > 0)
        return [each.astype(float) for each in right]

    def draw(self, seeds: int, units: int, rng: np.random.Generator) -> np.ndarray:
        """Draw paired differences of 0-1 outcomes, shape (seeds, units)."""
        strategy, baseline = self.answers((self.strategy, self.baseline), seeds, units, rng)
        return strategy - baseline

    def _effects(self, units: int, rng: np.random.Generator) -> np.ndarray:
        return np.repeat(rng.standard_normal(units // self.together), self.together)

    @property
    def gain(self) -> float:
        """The true gain."""
        scale = np.sqrt(1 + self.seed**2 + self.unit**2 + self.own**2)
        return float(norm.cdf(self.strategy / scale) - norm.cdf(self.baseline / scale))


WORLDS = {
    "seeds matter little": World(seed=0.05),
    "seeds matter some": World(seed=0.3),
    "seeds matter most": World(seed=0.8),
    "no true gain": World(seed=0.3, strategy=0.9),
}


def before(values: np.ndarray) -> Interval:
    """Return the interval with Satterthwaite's degrees of freedom alone."""
    seeds, units = values.shape
    mean, by_seed, by_unit = values.mean(), values.mean(axis=1), values.mean(axis=0)
    rest = ((values - by_seed[:, None] - by_unit + mean) ** 2).sum() / ((seeds - 1) * (units - 1))
    parts = np.array([by_seed.var(ddof=1) / seeds, by_unit.var(ddof=1) / units, rest / (seeds * units)])
    variance = max(parts[0] + parts[1] - parts[2], parts[0], parts[1])
    freedom = max(variance**2 / (parts**2 / [seeds - 1, units - 1, (seeds - 1) * (units - 1)]).sum(), 1.0)
    half = t.ppf((1 + LEVEL) / 2, freedom) * variance**0.5
    p = 2 * t.sf(abs(mean) / variance**0.5, freedom)
    return Interval(float(mean), float(mean - half), float(mean + half), float(p))


def seeds_alone(values: np.ndarray) -> Interval:
    """Return Student's interval of the seeds' means, as if the test examples were all there are."""
    means = values.mean(1)
    half = t.ppf((1 + LEVEL) / 2, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5
    return Interval(means.mean(), means.mean() - half, means.mean() + half)


class Bootstrap:
    """Percentile bootstrap that draws seeds and examples anew, each with replacement."""

    def __init__(self, seeds: int, units: int, rng: np.random.Generator):
        self.by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
        self.by_unit = rng.multinomial(units, np.full(units, 1 / units), RESAMPLES) / units

    def __call__(self, values: np.ndarray) -> Interval:
        """Return the interval."""
        means = (self.by_seed @ values * self.by_unit).sum(1)
        return Interval(values.mean(), *np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))


Method = Callable[[np.ndarray], Interval]


def covered(truth: float, samples: list[np.ndarray], methods: dict[str, Method]) -> dict[str, str]:
    """Measure the share of intervals that hold the truth, and their mean width in points, for each method."""
    said = {}
    for name, method in methods.items():
        found = [method(values) for values in samples]
        held, width = (
            np.mean([each.covers(truth) for each in found]),
            np.mean([e.high - e.low for e in found]),
        )
        said[name] = f"{held:.1%} ({100 * width:.1f})"
    return said


def single(draws: int) -> Iterator[dict[str, object]]:
    """Cover the gain of one strategy on independent test examples."""
    for (name, world), seeds, units in itertools.product(WORLDS.items(), SEEDS, (200, 1000)):
        rng = np.random.default_rng(0)
        methods = {"now": crossed_interval, "before": before}
        methods |= {"bootstrap": Bootstrap(seeds, units, rng), "t over seeds": seeds_alone}
        samples = [world.draw(seeds, units, rng) for _ in range(draws)]
        yield {"world": name, "seeds": seeds, "test examples": units} | covered(world.gain, samples, methods)


def in_groups(draws: int) -> Iterator[dict[str, object]]:
    """Cover the gain where test examples come in groups."""
    for together, seeds in itertools.product((5, 15), SEEDS):
        rng, world = np.random.default_rng(0), World(together=together)
        groups = np.repeat(np.arange(900 // together), together)
        methods = {
            "now, with groups": lambda values, groups=groups: crossed_interval(grouped(values, groups)),
            "without": crossed_interval,
            "before": before,
        }
        samples = [world.draw(seeds, 900, rng) for _ in range(draws)]
        yield {"in a group": together, "seeds": seeds} | covered(world.gain, samples, methods)


def false_verdicts(draws: int) -> Iterator[dict[str, object]]:
    """Judge tables of twelve strategies at six budgets: one where none gains anything, one where half do."""
    nothing, half = (0.9,) * STRATEGIES, (1.2, 0.9) * (STRATEGIES // 2)
    for seeds, (name, method) in itertools.product(SEEDS, (("before", before), ("now", crossed_interval))):
        rng = np.random.default_rng(0)
        empty = [_table(nothing, seeds, method, rng) for _ in range(draws)]
        full = [_table(half, seeds, method, rng) for _ in range(draws)]
        alone, holm = (np.array([[word in ("helps", "hurts") for word in each] for each in words])
                       for words in zip(*empty, strict=True))  # fmt: skip
        power, adjusted = (np.mean([[word == "helps" for word in each[::2]] for each in words])
                           for words in zip(*full, strict=True))  # fmt: skip
        yield {
            "seeds": seeds,
            "interval": name,
            "false of 72": f"{alone.sum(1).mean():.1f} (at most {alone.sum(1).max()})",
            "of one verdict": f"{alone.mean():.1%}",
            "any false one": f"{alone.any(1).mean():.3f}",
            "any, by Holm": f"{holm.any(1).mean():.3f}",
            "power": f"{power:.2f}",
            "power by Holm": f"{adjusted:.2f}",
        }


def _table(
    means: tuple[float, ...], seeds: int, method: Method, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Judge every strategy at every budget; strategies of a budget share its draws, baseline and examples."""
    gains = []
    for _ in range(BUDGETS):
        *strategies, baseline = World().answers((*means, 0.9), seeds, 500, rng)
        gains += [method(each - baseline) for each in strategies]
    comparisons = [Comparison("", "", None, "", "", True, seeds, gain, gain, 0.0) for gain in gains]
    judged = judge(comparisons, "holm", EQUIVALENCE)
    return [each.word for each in judged], [each.adjusted for each in judged]


class Blobs:
    """Four classes of normal features, of which the first six tell them apart; learned by class means.

    The strategy looks at the first ten features, the baseline at all twenty.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng, self.means = rng, np.zeros((4, 20))
        self.means[:, :6] = 0.9 * rng.normal(size=(4, 6))

    def draw(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `n` examples of each class."""
        labels = np.repeat(np.arange(4), n)
        return self.means[labels] + self.rng.normal(size=(4 * n, 20)), labels

    def gains(self, pool: int, budget: int, seeds: int, tests: int) -> np.ndarray:
        """Draw budgets from a new pool and return paired differences on a new test, (seeds, 4 tests)."""
        (X, y), (X_test, y_test) = self.draw(pool), self.draw(tests)
        rows = []
        for _ in range(seeds):
            chosen = [self.rng.choice(np.flatnonzero(y == each), budget, replace=False) for each in range(4)]
            right = [self._right(X, chosen, X_test, y_test, width) for width in (10, 20)]
            rows.append(right[0].astype(float) - right[1])
        return np.array(rows)

    @staticmethod
    def _right(X: np.ndarray, chosen: list, X_test: np.ndarray, y_test: np.ndarray, width: int) -> np.ndarray:
        centres = np.stack([X[rows, :width].mean(0) for rows in chosen])
        return ((X_test[:, None, :width] - centres) ** 2).sum(2).argmin(1) == y_test


def from_pools(draws: int) -> Iterator[dict[str, object]]:
    """Cover the gain over new pools where budgets are a good part of one."""
    blobs = Blobs(np.random.default_rng(0))
    for budget in (3, 10, 20):
        truth = np.mean([blobs.gains(budget, budget, 1, 500).mean() for _ in range(1000)])
        for share, seeds in itertools.product((0.1, 0.5, 0.8), SEEDS):
            pool = round(budget / share)
            samples = [blobs.gains(pool, budget, seeds, 75) for _ in range(draws)]
            methods = {
                "now": lambda values, drawn=budget / pool: crossed_interval(values, drawn=drawn),
                "before": before,
            }
            row = {"labels a class": budget, "of a pool of": pool, "seeds": seeds}
            yield row | covered(float(truth), samples, methods)


def alike(n_draws: int, draws: int) -> Iterator[dict[str, object]]:
    """Compare scratch with itself on digits: the same draws of 5 labels a class, other training seeds."""
    task, source = tlkit.load_task("digits"), tlkit.load_source("glyphs")

    def right(seed: int) -> np.ndarray:
        parts = [task.budget(5, draw) for draw in range(n_draws)]
        trials = [tlkit.transfer("scratch", source, part, seed=seed + i) for i, part in enumerate(parts)]
        return np.stack([trial.per_example for trial in trials])

    one, other = right(0), right(1000)
    rng = np.random.default_rng(0)
    for seeds in SEEDS:
        found = {"before": [], "now": []}
        for _ in range(draws):
            rows = rng.choice(n_draws, seeds, replace=False)
            values = rng.choice([-1, 1], seeds)[:, None] * (one - other)[rows]
            found["before"].append(not before(values).covers(0))
            found["now"].append(not crossed_interval(values, drawn=5 / task.max_budget).covers(0))
        yield {"seeds": seeds} | {name: f"{np.mean(false):.1%}" for name, false in found.items()}


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument(
        "--digits", type=int, default=60, help="draws of real digits that are trained on, twice"
    )
    options = parser.parse_args()
    draws = options.draws
    within = f"A coverage of 95 % is measured to within {196 * (0.95 * 0.05 / draws) ** 0.5:.1f} points."
    parts = {
        "Coverage of 95 % intervals of a paired gain (and their width in points)": single(draws),
        "The same, 900 test examples in groups": in_groups(draws),
        "The same, budgets from small pools and 300 test examples": from_pools(draws),
        "Tables of 12 strategies x 6 budgets": false_verdicts(draws // 5),
        "Scratch against itself on digits, 5 labels a class: false verdicts": alike(options.digits, draws),
    }
    for title, rows in parts.items():
        show(f"{title}, {draws:,} draws", pd.DataFrame(rows), within)


if __name__ == "__main__":
    main()
