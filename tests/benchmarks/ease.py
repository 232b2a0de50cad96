"""EASE's own choice of its penalty beside constant ones, and what the choice takes.

TLKIT_DATA=path/to/data python tests/benchmarks/ease.py [--seeds 5]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from common import show

import tlkit
from tlkit.recsys.data.movielens import movielens
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.models import EASE
from tlkit.recsys.tasks import RatingsTask
from tlkit.study.intervals import crossed_interval
from tlkit.system import compute

CONSTANTS = (30, 100, 200, 300, 500, 1_000, 3_000, 10_000)
FEWEST = (0, 15, 30)  # ratings that users and items of MovieLens have
KNOWN = (2, 10)  # ratings of Amazon's cold users
CATALOGUES = (500, 1_000, 2_000, 3_000, 5_000)
USERS, RATINGS_EACH = 1_500, 60


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    rows = [_beside_constants(name, drawn) for name, drawn in _tasks(seeds)]
    notes = "Differences are paired by user and draw; intervals cover both."
    show(f"EASE's choice beside constants: NDCG@10, {seeds} draws", pd.DataFrame(rows), notes)
    table = pd.DataFrame([_times(n_items) for n_items in CATALOGUES])
    title = f"Choosing a penalty: {USERS:,} users with {RATINGS_EACH} ratings each"
    show(title, table, "Seconds of a whole fit, the weights of full profiles among them.")


def _tasks(seeds: int) -> Iterator[tuple[str, list[RatingsTask]]]:
    """Name what is compared on, each with a task a draw; test users are the same in all of these."""
    whole = movielens("100k").ratings
    for fewest in FEWEST:
        ratings = _dense(whole, fewest)
        draws = [RatingsTask.split(ratings, test_share=0.2, seed=seed) for seed in range(seeds)]
        yield f"MovieLens 100K, {fewest} ratings or more" if fewest else "MovieLens 100K", draws
    for target in ("books", "movies"):
        task = tlkit.load_task("amazon", target=target)
        for known in KNOWN:
            yield f"Amazon {target}, {known} known", [task.budget(known, seed) for seed in range(seeds)]


def _dense(ratings: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Leave users and items out until all have that many ratings."""
    while True:
        counts = [
            ratings.groupby(side, observed=True)["rating"].transform("size") for side in ("user", "item")
        ]
        kept = (counts[0] >= fewest) & (counts[1] >= fewest)
        if kept.all():
            return as_ratings(ratings.astype({"user": int, "item": int}))
        ratings = ratings[kept]


def _beside_constants(name: str, tasks: list[RatingsTask]) -> dict[str, object]:
    chosen, _ = _scores(tasks, None)
    constants = {penalty: _scores(tasks, penalty)[0] for penalty in CONSTANTS}
    best = max(constants, key=lambda penalty: constants[penalty].mean())
    found = crossed_interval(chosen - constants[best])
    shrinkage = _scores(tasks[:1], None)[1].shrinkage_
    return {
        "ratings": name,
        "chosen": f"{chosen.mean():.4f}",
        "best constant": f"{constants[best].mean():.4f} at {best:,}",
        "difference": f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})",
        "full, thin, crowd of the first draw": ", ".join(f"{each:.3g}" for each in shrinkage),
        **{f"{penalty:,}": f"{scores.mean():.4f}" for penalty, scores in constants.items()},
    }


def _scores(tasks: list[RatingsTask], penalty: float | None) -> tuple[np.ndarray, EASE]:
    """NDCG@10 of each draw and user, and the first fit."""
    fits = [task.fit(EASE(regularization=penalty, random_state=0)) for task in tasks]
    return np.stack([task.score(fit).per_example for task, fit in zip(tasks, fits, strict=True)]), fits[0]


def _times(n_items: int) -> dict[str, object]:
    rng = np.random.default_rng(0)
    chance = 1 / np.arange(20, n_items + 20)
    items = [rng.choice(n_items, RATINGS_EACH, replace=False, p=chance / chance.sum()) for _ in range(USERS)]
    pairs = {"user": np.repeat(np.arange(USERS), RATINGS_EACH), "item": np.concatenate(items), "rating": 1.0}
    table = as_ratings(pd.DataFrame(pairs), items=range(n_items))
    seconds = {}
    for name, penalty in (("given", 300.0), ("chosen", None)):
        with compute.Stopwatch() as watch:
            EASE(regularization=penalty, random_state=0).fit(table)
        seconds[name] = watch.seconds
    return {
        "items": f"{n_items:,}",
        **{name: f"{spent:.2f}" for name, spent in seconds.items()},
        "times as long": f"{seconds['chosen'] / seconds['given']:.1f}",
    }


if __name__ == "__main__":
    main()
