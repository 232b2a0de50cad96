"""Top-10 lists for all users against the package implicit: the same factors, seen items left out by both.

The factors are tlkit's and are put into the package's model, so that both rank the same scores: the share of
equal places in the lists is shown. tlkit's time is of `recommend`, from ids to its table; the package gets
the users' numbers and returns arrays.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
import pandas as pd
import torch
from als import long_tailed
from common import in_turns, show, speed_against
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from tlkit.recsys.models.implicit_als import ImplicitALS

TLKIT, RIVAL = "tlkit", "implicit"
LENGTH = 10
ENTRIES = 20  # a user


def fitted(matrix: csr_array, factors: int, threads: int) -> tuple[ImplicitALS, object]:
    """Fit tlkit's model shortly, and give the package's model the same factors."""
    from implicit.cpu.als import AlternatingLeastSquares

    ours = ImplicitALS(factors=factors, iterations=2, random_state=0, device="cpu").fit_matrix(matrix)
    with threadpool_limits(1, "blas"):  # as the package advises
        theirs = AlternatingLeastSquares(factors=factors, num_threads=threads)
    theirs.user_factors, theirs.item_factors = ours.user_factors, ours.item_factors
    return ours, theirs


def compete(matrix: csr_array, factors: int, threads: int, rounds: int) -> dict[str, object]:
    """Recommend with both in turns."""
    torch.set_num_threads(threads)
    ours, theirs = fitted(matrix, factors, threads)
    users, seen, lists = np.arange(matrix.shape[0]), csr_matrix(matrix), {}

    def with_tlkit() -> None:
        lists[TLKIT] = ours.recommend(users, LENGTH)["item"].to_numpy()

    def with_implicit() -> None:
        found = theirs.recommend(users, seen, LENGTH, filter_already_liked_items=True)
        lists[RIVAL] = found[0].ravel()

    contestants = {TLKIT: with_tlkit, RIVAL: with_implicit}
    with threadpool_limits(1, "blas"):
        seconds = in_turns(contestants, rounds, of_processor=threads == 1)
    return (
        {"users": f"{len(users):,}", "factors": factors, "threads": threads}
        | {f"{name}, seconds": f"{median:.3f}" for name, median in seconds.median().items()}
        | {"speed of tlkit": speed_against(seconds, TLKIT, RIVAL)}
        | {"equal places": f"{(lists[TLKIT] == lists[RIVAL]).mean():.5f}"}
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[4_000, 100_000])
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--factors", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rows = []
    for n_users in args.users:
        matrix = long_tailed(n_users, args.items, n_users * ENTRIES)
        settings = product(args.factors, args.threads)
        rows += [compete(matrix, *each, args.rounds) for each in settings]
    show(
        f"Recommending {LENGTH} of {args.items:,} items, {ENTRIES} seen a user, {args.rounds} rounds",
        pd.DataFrame(rows),
        "Seconds of the processor with one thread, of the clock with more. Speed: the ratio of medians, in "
        "brackets the smallest and largest round.\n",
    )


if __name__ == "__main__":
    main()
