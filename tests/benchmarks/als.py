"""Implicit ALS against the package implicit: the same objective, time to the same quality.

Both weigh what was taken 1 + alpha and everything else 1, with the same penalty; the package takes that as
values 1 + alpha. One function here evaluates the objective of both, and another Recall@10 over all items not
in training. The targets are the objective of each of the package's solvers after 15 iterations, and 1 % above
it; both sides stop at the first iteration that reaches a target, tlkit only once its recall, too, is no
more than 1 % below that of the package's 15. Every time is of the whole fit, from the sparse matrix to the
factors: laying out rows, transposing and the first factors are in it.

`--tune` searches the defaults instead, on validation splits inside the training part of ml-100k.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch
from common import in_turns, show, speed_against
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits
from torch.utils.flop_counter import FlopCounterMode

from tlkit.recsys.data.movielens import movielens
from tlkit.recsys.data.ratings import binary, places, to_matrix
from tlkit.recsys.evaluation import metrics, splits
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.system import compute

ITERATIONS = 15
TOLERANCE = 0.01
JUDGED = 1000  # users whose recall is measured, at most
SIDES = {"cpu": 4096, "cuda": 16384}
SHOP = (50_000, 20_000, 540_000)  # users, items, entries
TASTES = 20
GRID = {"regularization": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, None), "alpha": (1.0, 2.0, 5.0, 10.0)}


def long_tailed(n_users: int, n_items: int, n_entries: int, seed: int = 0) -> csr_array:
    """Draw who took what: long-tailed activity and popularity, and a taste that users and items share."""
    rng = np.random.default_rng(seed)
    user_taste, item_taste = rng.integers(TASTES, size=n_users), rng.integers(TASTES, size=n_items)
    chances = [_tail(n_users, 0.6), _tail(n_items, 0.8)]
    found = np.empty(0, dtype=np.int64)
    while len(found) < n_entries:
        user, item = (_draw(rng, chance, 2 * n_entries) for chance in chances)
        liked = rng.random(len(user)) < np.where(user_taste[user] == item_taste[item], 1, 0.1)
        found = np.union1d(found, user[liked] * n_items + item[liked])
    found = np.sort(rng.permutation(found)[:n_entries])
    ones = np.ones(n_entries, dtype=np.float32)
    return csr_array((ones, (found // n_items, found % n_items)), shape=(n_users, n_items))


def _tail(size: int, power: float) -> np.ndarray:
    chance = np.arange(10, size + 10) ** -power
    return np.cumsum(chance / chance.sum())


def _draw(rng: np.random.Generator, cumulated: np.ndarray, size: int) -> np.ndarray:
    return np.minimum(np.searchsorted(cumulated, rng.random(size)), len(cumulated) - 1)


@dataclass(frozen=True)
class Setting:
    """The data and hyperparameters that every contestant gets."""

    train: csr_array
    test: csr_array
    factors: int
    alpha: float
    regularization: float
    device: str
    threads: int

    @classmethod
    def split(cls, matrix: csr_array, **rest: object) -> Setting:
        """Hold out a fifth of the entries."""
        held_out = np.random.default_rng(1).random(matrix.nnz) < 0.2
        rows, columns = places(matrix)
        train, test = (
            csr_array((matrix.data[part], (rows[part], columns[part])), shape=matrix.shape)
            for part in (~held_out, held_out)
        )
        return cls(train, test, **rest)

    def tlkit(self, iterations: int = ITERATIONS) -> ImplicitALS:
        """Fit tlkit's model with its default solver."""
        model = ImplicitALS(
            factors=self.factors,
            regularization=self.regularization,
            alpha=self.alpha,
            iterations=iterations,
            random_state=0,
            device=self.device,
        )
        return model.fit_matrix(self.train)

    def implicit(self, use_cg: bool, iterations: int = ITERATIONS) -> object:
        """Fit the package's model on the processor, its BLAS on one thread as it advises."""
        from implicit.cpu.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.regularization,
            alpha=1.0,
            iterations=iterations,
            use_cg=use_cg,
            num_threads=self.threads,
            random_state=0,
        )
        with threadpool_limits(1, "blas"):
            model.fit(csr_matrix(self.train * np.float32(1 + self.alpha)), show_progress=False)
        return model

    def objective(self, model: object) -> float:
        """Return the sum over all pairs of c (t - x.y)^2 and the penalties, a user."""
        x, y = model.user_factors.astype(float), model.item_factors.astype(float)
        rows, columns = places(self.train)
        parts = np.array_split(np.arange(self.train.nnz), self.train.nnz // 100_000 + 1)
        seen = np.concatenate([np.einsum("nf,nf->n", x[rows[part]], y[columns[part]]) for part in parts])
        entries = ((1 + self.alpha) * (1 - seen) ** 2 - seen**2).sum()
        penalties = self.regularization * ((x**2).sum() + (y**2).sum())
        return (entries + ((x.T @ x) * (y.T @ y)).sum() + penalties) / len(x)

    def recall(self, model: object) -> float:
        """Return the mean Recall@10 of users with something held out."""
        users = np.flatnonzero(np.diff(self.test.indptr))
        users = np.sort(np.random.default_rng(2).permutation(users)[:JUDGED])
        return judged(model, self.train, self.test, users)["recall"]

    def needed(self, fit: Callable[[int], object], most: float, least: float) -> int:
        """Return the first iteration whose objective is low enough, with no recall below the least."""
        for iterations in range(1, 2 * ITERATIONS):
            fitted = fit(iterations)
            if self.objective(fitted) <= most and self.recall(fitted) >= least:
                return iterations
        raise SystemExit("The package's quality is not reached.")


def judged(model: object, train: csr_array, test: csr_array, users: np.ndarray) -> dict[str, float]:
    """Return mean ranking metrics at 10 over all items not in training."""
    found = []
    for part in np.array_split(users, len(users) * train.shape[1] // 2**24 + 1):
        scores = model.user_factors[part] @ model.item_factors.T
        items = metrics.top_k(scores, train[part].toarray() > 0, 10)
        found.append(pd.DataFrame(metrics.ranking_units(items, test[part].toarray() > 0)))
    return pd.concat(found).mean().to_dict()


def contestants(setting: Setting) -> dict[str, tuple[int, Callable[[], object]]]:
    """List who takes part, with the iterations: the package's solvers and tlkit, to the same two targets."""
    found = {f"tlkit, {ITERATIONS} iterations": (ITERATIONS, setting.tlkit)}
    if not importlib.util.find_spec("implicit"):
        return found
    for solver, use_cg in {"CG": True, "Cholesky": False}.items():
        theirs, model = partial(setting.implicit, use_cg), setting.implicit(use_cg)
        low, recall = setting.objective(model), setting.recall(model) * (1 - TOLERANCE)
        found[f"implicit, {solver}"] = ITERATIONS, theirs
        for name, fit, most, least in (
            (f"tlkit, as low as that {solver}", setting.tlkit, low, recall),
            (f"implicit, {solver}, within 1 %", theirs, low * (1 + TOLERANCE), 0),
            (f"tlkit, within 1 % of that {solver}", setting.tlkit, low * (1 + TOLERANCE), recall),
        ):
            needed = setting.needed(fit, most, least)
            found[name] = needed, partial(fit, needed)
    return found


def compete(setting: Setting, title: str, rounds: int) -> None:
    """Fit each in turns and print."""
    fits, models = contestants(setting), {}

    def run(name: str) -> None:
        models[name] = fits[name][1]()

    alone = setting.threads == 1 and setting.device == "cpu"
    turns = {name: lambda name=name: run(name) for name in fits}
    seconds = in_turns(turns, rounds, of_processor=alone)
    table = pd.DataFrame({"fit": seconds.columns, "iterations": [fits[name][0] for name in seconds]})
    table["seconds"] = [f"{each:.3f}" for each in seconds.median()]
    each = [seconds[name].median() / fits[name][0] for name in seconds]
    table["seconds an iteration"] = [f"{value:.4f}" for value in each]
    table["objective a user"] = [f"{setting.objective(models[name]):.3f}" for name in seconds]
    table["Recall@10"] = [f"{setting.recall(models[name]):.4f}" for name in seconds]
    show(
        f"Implicit ALS, {title}: {setting.train.shape[0]:,} x {setting.train.shape[1]:,}, "
        f"{setting.train.nnz:,} entries, {setting.factors} factors, alpha {setting.alpha:g}, regularization "
        f"{setting.regularization:g}, tlkit on {setting.device}, {setting.threads} threads, {rounds} rounds, "
        f"seconds of the {'processor' if alone else 'clock'}",
        table,
        *_ratios(seconds),
        _ceiling_note(setting, each[0]),
    )


def _ratios(seconds: pd.DataFrame) -> list[str]:
    """Say how tlkit compares with each of the package's solvers: an iteration, and to both targets."""
    notes = []
    for place in range(1, len(seconds.columns), 4):
        rival, low, sooner, within = seconds.columns[place : place + 4]
        pairs = [(seconds.columns[0], rival), (low, rival), (within, sooner)]
        told = [speed_against(seconds, *pair) for pair in pairs]
        notes.append(
            f"Speed of tlkit against {rival}: {told[0]} an iteration, {told[1]} to its objective, {told[2]} "
            "where both stop within 1 % of that; ratios of medians, in brackets the smallest and largest "
            "round.\n"
        )
    return notes


def _ceiling_note(setting: Setting, seconds: float) -> str:
    """Say which share of the device's best is reached, in operations and in bytes."""
    with FlopCounterMode(display=False) as counter:
        setting.tlkit(1)
    first = counter.get_total_flops()
    with FlopCounterMode(display=False) as counter:
        setting.tlkit(2)
    reached = (counter.get_total_flops() - first) / seconds
    top = _ceiling(torch.device(setting.device))
    return (
        f"tlkit reaches {reached / 1e9:,.1f} GFLOP/s, {reached / top:.1%} of the {top / 1e9:,.0f} of a large "
        "float32 matrix product here; most products are of a matrix and a vector, which memory bounds.\n"
    )


def _ceiling(device: torch.device) -> float:
    side = SIDES[device.type]
    left, right = torch.randn(2, side, side, device=device)
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    return 2 * side**3 / in_turns({"product": lambda: left @ right}, 10, of_processor=alone).min().item()


def tune(factors: int, seeds: int) -> None:
    """Search regularization and alpha for NDCG@10, on splits of the training part of a split."""
    train, _ = splits.per_user(movielens("100k").ratings, 0.25, seed=42)[:2]
    rows = []
    for regularization, alpha, seed in product(*GRID.values(), range(seeds)):
        part, held_out = (to_matrix(table) for table in splits.per_user(train, 0.25, seed=seed)[:2])
        model = ImplicitALS(
            factors=factors, regularization=regularization, alpha=alpha, random_state=seed
        ).fit_matrix(part)
        users = np.flatnonzero(np.diff(held_out.indptr))
        score = judged(model, part, held_out, users)["ndcg"]
        rows.append({"regularization": regularization or "default", "alpha": alpha, "NDCG@10": score})
    table = pd.DataFrame(rows).groupby(["regularization", "alpha"], sort=False)["NDCG@10"].mean().unstack()
    show(
        f"NDCG@10 by alpha, {factors} factors, {seeds} splits",
        table.round(4).reset_index().rename(columns=str),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="where tlkit computes; the package computes on the processor")
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--entries", type=int, default=SHOP[2], help="of the generated matrix, for training")
    parser.add_argument("--alpha", type=float, default=ImplicitALS.alpha)
    parser.add_argument("--regularization", type=float, default=30.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tune", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    os.environ["TLKIT_THREADS"] = str(args.threads)
    if args.tune:
        return tune(args.factors, seeds=3)
    setting = {
        "factors": args.factors,
        "alpha": args.alpha,
        "regularization": args.regularization,
        "device": compute.choose_device(args.device).type,
        "threads": args.threads,
    }
    if os.environ.get("TLKIT_DATA"):
        films = binary(to_matrix(movielens("100k").ratings))
        compete(Setting.split(films, **setting), "MovieLens 100K", args.rounds)
    share = max(args.entries / SHOP[2], 1) ** 0.5
    sizes = int(SHOP[0] * share), int(SHOP[1] * share)
    shop = long_tailed(*sizes, int(args.entries / 0.8))
    return compete(Setting.split(shop, **setting), "generated", args.rounds)


if __name__ == "__main__":
    main()
