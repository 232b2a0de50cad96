"""The grid from which the defaults of `scratch` and `finetune` were taken.

Both get the same rates and lengths. Each setting is scored on a held-out part of the training pool: neither
the test data nor the seeds of the notebooks' draws are touched. Prints accuracy and log-loss.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

import tlkit
from tlkit.vision.strategies import FineTune, Scratch
from tlkit.vision.tasks import ImageTask

TARGETS = {"digits": ("glyphs", {}), "worlds": ("shape", {"factor": "texture"})}
BUDGETS, SEEDS = [2, 20], [100, 101]
KINDS = (Scratch, FineTune)
RATES = (1e-3, 3e-3, 5e-3, 1e-2)
LENGTHS = ((32, 200), (64, 100))  # batch size, steps: as many pictures either way


def inner_task(name: str, **params: object) -> ImageTask:
    """Split a task's training pool into a pool and a test part of its own."""
    task = tlkit.load_task(name, **params)
    order = np.random.default_rng(0).permutation(len(task.X))
    pool, test = np.split(order, [int(0.6 * len(order))])
    return ImageTask(task.X[pool], task.y[pool], task.X[test], task.y[test], task.classes, f"{name} pool")


def settings() -> dict[str, Scratch | FineTune]:
    """Every setting under a label that says it."""
    return {
        f"{kind.name}, lr {lr:g}, batch {size}, {steps} steps": kind(lr=lr, batch_size=size, min_steps=steps)
        for kind, lr, (size, steps) in itertools.product(KINDS, RATES, LENGTHS)
    }


def main() -> None:
    """Run the grid on every target and print its table."""
    tables = []
    for name, (source, params) in TARGETS.items():
        task = inner_task(name, **params)
        study = tlkit.compare(settings(), tlkit.load_source(source), task, BUDGETS, SEEDS)
        tables.append(study.table.assign(target=name))
    table = pd.concat(tables)
    columns = table.groupby(["strategy", "target"])[["accuracy", "log_loss"]].mean().unstack().round(3)
    print(columns.to_string())


if __name__ == "__main__":
    main()
