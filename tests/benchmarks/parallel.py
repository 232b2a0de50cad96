"""What a second process buys: the same study with n_jobs=1 and n_jobs=2, trials not cached."""

from __future__ import annotations

import argparse
from functools import partial

from common import cold_cache, in_turns, show, speeds

import tlkit

STRATEGIES = ["scratch", "finetune"]
BUDGETS = [1, 5]


def run(n_jobs: int, seeds: int, outcomes: dict[int, list[float]]) -> None:
    """Run the study and keep its scores."""
    with cold_cache():
        source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits")
        study = tlkit.compare(STRATEGIES, source, task, BUDGETS, seeds, n_jobs, callbacks=[], cache=False)
    outcomes[n_jobs] = study.table["accuracy"].tolist()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=4)
    args = parser.parse_args()
    outcomes: dict[int, list[float]] = {}
    contestants = {f"n_jobs={n}": partial(run, n, args.seeds, outcomes) for n in (1, 2)}
    table = speeds(in_turns(contestants, args.rounds), "n_jobs=2", "glyphs to digits")
    apart = max(abs(a - b) for a, b in zip(outcomes[1], outcomes[2], strict=True))
    trials = len(outcomes[1])
    show(
        f"Two processes: {trials} trials ({', '.join(STRATEGIES)}), {args.rounds} rounds",
        table,
        f"The largest difference between the two runs' accuracies of a trial is {apart:.4f}.",
    )


if __name__ == "__main__":
    main()
