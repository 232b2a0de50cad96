"""Label-efficiency curves: glyphs to digits over six budgets, and two worlds at 5 and 20 labels.

The cache folder is empty at the start. The time limit is two minutes for the first curve on two cores.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd
from common import cold_cache, show

import tlkit
from tlkit.system import compute

STRATEGIES = ["scratch", "probe", "nearest", "finetune", "transplant"]
BUDGETS = [1, 2, 5, 10, 20, 50]
LIMIT = 120
WORLD_BUDGETS = [5, 20]


def readable(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Round a study's verdicts to points of 100."""
    shown = verdicts.drop(columns=["sentence", "source", "seeds"])
    numbers = ["score", "baseline", "gain", "low", "high"]
    return shown.assign(**{name: (100 * shown[name]).map("{:.1f}".format) for name in numbers})


def affordable(study: tlkit.Study, seconds: float) -> str:
    """Say which strategies fit the limit together, the quickest first."""
    spent = study.table.groupby("strategy")["seconds"].sum().sort_values()
    spent *= seconds / spent.sum()
    fits = spent.cumsum()[spent.cumsum() < LIMIT].index
    each = ", ".join(f"{name} {amount:.0f} s" for name, amount in spent.items())
    return f"Within {LIMIT} s: {', '.join(fits)} ({each})."


def curve(seeds: int, n_jobs: int) -> None:
    """Measure glyphs to digits."""
    with cold_cache():
        start = time.perf_counter()
        task = tlkit.load_task("digits")
        study = tlkit.compare(STRATEGIES, tlkit.load_source("glyphs"), task, BUDGETS, seeds, n_jobs)
        seconds = time.perf_counter() - start
    title = f"Glyphs to digits, {len(BUDGETS)} budgets, {seeds} seeds: {seconds:.0f} s"
    notes = [f"With n_jobs={n_jobs} on {compute.choose_device()}. {affordable(study, seconds)}", ""]
    show(title, readable(study.verdicts()), "", *notes, *(f"- {each}" for each in study.sentences()), "")


def worlds(seeds: int) -> None:
    """Measure shapes from a source that knows shapes and one that knows textures, and the reverse."""
    rows = []
    with cold_cache():
        for target, other in (("shape", "texture"), ("texture", "shape")):
            task = tlkit.load_task("worlds", factor=target)
            sources = [tlkit.load_source(name) for name in (target, other)]
            study = tlkit.compare(["scratch", "probe", "finetune"], sources, task, WORLD_BUDGETS, seeds)
            rows.append(study.verdicts().assign(target=target))
    verdicts = pd.concat(rows)
    table = readable(verdicts)
    table.insert(0, "source", verdicts["source"])
    table.insert(0, "target", table.pop("target"))
    show(f"Worlds, {seeds} seeds", table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--only", choices=("curve", "worlds"))
    args = parser.parse_args()
    if args.only != "worlds":
        curve(args.seeds, args.n_jobs)
    if args.only != "curve":
        worlds(args.seeds)


if __name__ == "__main__":
    main()
