"""Amazon's books and movies, each as source of the other: what every strategy buys users who start cold.

    TLKIT_DATA=path/to/data python tests/benchmarks/cold_start.py [--seeds 5] [--jobs 2]
    TLKIT_DATA=path/to/data python tests/benchmarks/cold_start.py --rest

With ``--rest`` the test is whatever is left of a cold user's ratings, so it changes with their number; each
seed draws other cold users, and any user may be one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import joblib
import pandas as pd
from common import cold_cache, markdown, show

import tlkit
from tlkit.study.study import Study

BUDGETS = (0, 2, 5, 10)
NAMED = ("target_only", "joined", "gated")
DIRECTIONS = (("books", "movies"), ("movies", "books"))


def main() -> None:
    """Measure both directions and print the tables."""
    options = _options()
    measure = rest_of_ratings if options.rest else fixed_test
    for source, target in DIRECTIONS:
        measure(source, target, options.seeds, options.jobs, options.skip)


def fixed_test(source_name: str, target_name: str, seeds: int, jobs: int, skipped: Sequence[str]) -> None:
    """Compare all strategies on one task whose test never changes, and print scores and gains."""
    task = tlkit.load_task("amazon", target=target_name)
    source = tlkit.load_source("amazon", domain=source_name)
    names = [name for name in task.strategies() if name not in skipped]
    with cold_cache():
        study = tlkit.compare(names, source, task, BUDGETS, seeds, n_jobs=jobs)
    title = f"Amazon, {source_name} to {target_name}: NDCG@10 of {len(task.evaluated_users)} cold users"
    show(title, _scores(study), f"{seeds} draws of the known ratings; intervals cover draws and users.")
    for rival in ("target_only", "joined"):
        print(f"\nGain of `gated` over `{rival}`\n\n{markdown(_gains(study, 'gated', rival))}\n", flush=True)
    print(f"\nGain over the same without a source\n\n{markdown(_credit(study))}\n", flush=True)


def rest_of_ratings(source_name: str, target_name: str, seeds: int, jobs: int, *_: Any) -> None:
    """Compare three strategies where everything but the known ratings is the test."""
    source = tlkit.load_source("amazon", domain=source_name)
    work = (joblib.delayed(_one)(source, target_name, n, seed) for n in BUDGETS for seed in range(seeds))
    found = pd.DataFrame(joblib.Parallel(n_jobs=jobs)(work)).melt(["ratings", "seed"], NAMED, "strategy")
    table = found.pivot_table("value", "strategy", "ratings", lambda v: f"{v.mean():.3f} ± {v.std():.3f}")
    title = f"Amazon, {source_name} to {target_name}: NDCG@10 where the rest is the test, by known ratings"
    show(title, table.loc[list(NAMED)].reset_index(), f"Mean and spread of {seeds} draws of cold users.")


def _one(source: Any, target: str, ratings: int, seed: int) -> dict[str, float]:
    task = tlkit.load_task("amazon", target=target, pool=ratings, min_ratings=1, seed=seed)
    trials = {
        name: tlkit.transfer(name, source, task, seed=seed) for name in ("target_only", "joined", "gated")
    }
    scores = {name: trial.metrics[task.metric] for name, trial in trials.items()}
    return {"ratings": ratings, "seed": seed, **scores}


def _scores(study: Study) -> pd.DataFrame:
    """One row a strategy, one column a budget: the score with its interval; seconds of a fit."""
    curve = study.curve()
    said = [f"{row.score:.3f} ({row.low:.3f} to {row.high:.3f})" for row in curve.itertuples()]
    table = curve.assign(said=said).pivot(index="strategy", columns="budget", values="said")
    seconds = study.table.groupby("strategy")["seconds"].median().map("{:.1f}".format)
    order = curve.groupby("strategy")["score"].mean().sort_values(ascending=False).index
    return table.rename(columns="{} ratings".format).assign(seconds=seconds).loc[order].reset_index()


def _gains(study: Study, strategy: str, rival: str) -> pd.DataFrame:
    """What a strategy gains over another, paired over draws and users."""
    verdicts = Study(study.trials, replace(study.summary, baseline=rival)).verdicts()
    rows = verdicts[verdicts["strategy"] == strategy]
    gain = [f"{row.gain:+.3f} ({row.low:+.3f} to {row.high:+.3f})" for row in rows.itertuples()]
    return pd.DataFrame({"ratings": rows["budget"], "gain": gain, "verdict": rows["verdict"]})


def _credit(study: Study) -> pd.DataFrame:
    """One row a strategy, one column a budget: what it gains over its twin, with the twin's score."""
    credit = study.credit()
    said = [
        f"{row.gain:+.3f} ({row.low:+.3f} to {row.high:+.3f}) over {row.twin_score:.3f}: {row.verdict}"
        for row in credit.itertuples()
    ]
    table = credit.assign(said=said).pivot(index="strategy", columns="budget", values="said")
    return table.rename(columns="{} ratings".format).reset_index()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rest", action="store_true")
    parser.add_argument(
        "--skip", nargs="*", default=(), help="strategies to leave out, such as fusion, the slowest"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
