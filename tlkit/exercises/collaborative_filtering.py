"""Exercises of ``11_collaborative_filtering``: NDCG, EASE, sampled ranks, and which number to report."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tlkit.lessons import Exercise, Outcome, right, wrong
from tlkit.lessons.reading import number

# Ranks of a user's held-out items among all that they have not seen, and how long the list is.
RANKS = [([1, 4, 30], 10), ([2], 10), ([12, 25], 10), ([1, 2, 3, 4, 5], 3), ([7, 3], 5)]
PENALTIES = (2.0, 50.0)
UNRATED, ABOVE, SAMPLED = 1_000, 60, 50
EXPECTED_RANK = 1 + SAMPLED * ABOVE / UNRATED

# Setting, NDCG@10 on ratings held out of the training part, NDCG@10 on the test.
SETTINGS = [("8 factors", 0.214, 0.301), ("16 factors", 0.233, 0.322), ("32 factors", 0.229, 0.328)]
REPORTED = 0.322
CHOSEN = max(SETTINGS, key=lambda row: row[1])[0]


def _gains(count: int) -> float:
    return sum(1 / math.log2(1 + rank) for rank in range(1, count + 1))


def _found(ranks: Sequence[int], k: int) -> float:
    return sum(1 / math.log2(1 + rank) for rank in ranks if rank <= k)


def _judge_ndcg(answer: Callable[[list[int], int], float]) -> Outcome:
    for ranks, k in RANKS:
        value, expected = float(answer(list(ranks), k)), _found(ranks, k) / _gains(min(k, len(ranks)))
        if math.isclose(value, expected, abs_tol=1e-6):
            continue
        reasons = {
            _found(ranks, k): "Divide by what the best possible list gains.",
            _found(ranks, k) / _gains(k): "The best list cannot have more hits than items held out.",
            _found(ranks, k) / _gains(len(ranks)): "The best list has k places, and no hit beyond them.",
            _found(ranks, max(ranks)) / _gains(min(k, len(ranks))): "What stands below rank k gains nothing.",
        }
        near = [reason for other, reason in reasons.items() if math.isclose(value, other, abs_tol=1e-6)]
        return wrong(near[0] if near else f"For ranks {ranks} and k={k} it gives {value:.4f}.")
    return right("A full list and a user with a single held-out item are judged on one scale.")


def _world() -> np.ndarray:
    return (np.random.default_rng(0).random((40, 6)) < 0.4).astype(float)


def _ease(X: np.ndarray, penalty: float) -> np.ndarray:
    P = np.linalg.inv(X.T @ X + penalty * np.eye(X.shape[1]))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return B


def _judge_ease(answer: Callable[[np.ndarray, float], np.ndarray]) -> Outcome:
    X = _world()
    for penalty in PENALTIES:
        found, expected = np.asarray(answer(X.copy(), penalty), dtype=float), _ease(X, penalty)
        if found.shape != expected.shape:
            return wrong(f"B has a row and a column an item, {expected.shape} here; got {found.shape}.")
        if np.allclose(found, expected, atol=1e-6):
            continue
        if not np.allclose(np.diag(found), 0):
            return wrong("The diagonal is not zero: an item must not explain itself.")
        if np.allclose(found, expected.T, atol=1e-6):
            return wrong("Each column is divided by its own diagonal element; here the rows are.")
        if np.allclose(found, -expected, atol=1e-6):
            return wrong("The sign is turned: items that go together must get positive weights.")
        return wrong(f"With the penalty {penalty:g} the weights differ by {abs(found - expected).max():.2g}.")
    return right("One inverse answers a regression for every item.")


def _judge_rank(value: float) -> Outcome:
    if math.isclose(value, EXPECTED_RANK, abs_tol=0.011):
        return right("Outside the first sixty of the catalogue, and yet almost always a hit at 10.")
    reasons = {
        EXPECTED_RANK - 1: "That many negatives stand above it: its own rank is one more.",
        ABOVE + 1: "That is the rank in the whole catalogue. Only few of them are drawn.",
        1 + SAMPLED: "That would be the last place: not all negatives score above it.",
    }
    near = [reason for other, reason in reasons.items() if math.isclose(value, other, abs_tol=0.011)]
    return wrong(
        near[0] if near else f"{value:g} is not it: how many of the {SAMPLED} negatives are above it?"
    )


def _judge_choice(value: float) -> Outcome:
    if math.isclose(value, REPORTED, abs_tol=5e-4):
        return right("The test judges one setting, the one that was chosen without it.")
    reasons = {
        max(test for *_, test in SETTINGS): "That setting can only be chosen by looking at the test.",
        max(inner for _, inner, _ in SETTINGS): "That number chose the setting, so it is flattered by luck.",
    }
    near = [reason for other, reason in reasons.items() if math.isclose(value, other, abs_tol=5e-4)]
    return wrong(near[0] if near else f"{value:g} belongs to a setting that was not the best in training.")


NDCG = Exercise(
    question=(
        "Write a function `ndcg_of(ranks, k)`. It takes the ranks, from 1, that a user's held-out items have "
        "among all items that they have not seen, and returns their NDCG@k."
    ),
    expects="a function of a list and a number",
    judge=_judge_ndcg,
    hints=[
        "Each held-out item with rank k or better gains 1 / log2(1 + rank), the others nothing.",
        "The best list has its hits in front: there are min(k, number of held-out items) of them.",
    ],
    answer="""What was gained, over what could be:
```python
def ndcg_of(ranks, k):
    gained = sum(1 / np.log2(1 + rank) for rank in ranks if rank <= k)
    best = sum(1 / np.log2(1 + rank) for rank in range(1, min(k, len(ranks)) + 1))
    return gained / best
```""",
    right=[lambda ranks, k: _found(ranks, k) / _gains(min(k, len(ranks)))],
    wrong=[
        lambda ranks, k: _found(ranks, k),
        lambda ranks, k: _found(ranks, k) / _gains(k),
        lambda ranks, k: _found(ranks, k) / _gains(len(ranks)),
        lambda ranks, k: _found(ranks, max(ranks)) / _gains(min(k, len(ranks))),
        lambda ranks, k: sum(rank <= k for rank in ranks) / len(ranks),
    ],
)

EASE = Exercise(
    question=(
        "Write a function `ease_weights(X, penalty)`. It takes a 0/1 array with a row a user and a column an "
        "item, and returns the weights `B` of EASE, without looking at the three lines above."
    ),
    expects="a function of an array and a number",
    judge=_judge_ease,
    hints=[
        "Begin with the inverse P of X'X plus the penalty on the diagonal.",
        "Column j of B is column j of P, divided by minus its own diagonal element P[j, j].",
        "NumPy divides columns when a matrix is divided by a vector. `np.fill_diagonal(B, 0)` comes last.",
    ],
    answer="""An inverse, a division, and a diagonal of zeros:
```python
def ease_weights(X, penalty):
    P = np.linalg.inv(X.T @ X + penalty * np.eye(X.shape[1]))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return B
```""",
    right=[_ease],
    wrong=[
        lambda X, penalty: _ease(X, penalty).T,
        lambda X, penalty: -_ease(X, penalty),
        lambda X, penalty: _ease(X, 0.0),
        lambda X, penalty: np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ X),
        lambda X, penalty: X @ _ease(X, penalty),
    ],
)

SAMPLED_RANK = Exercise(
    question=(
        f"Besides one held-out item, there are {UNRATED:,} items that a user has not rated. A "
        f"model puts {ABOVE} of them above it. Which rank do you expect the held-out item to have among "
        f"{SAMPLED} sampled negatives?"
    ),
    expects="a number",
    reads=number,
    judge=_judge_rank,
    hints=[
        "What share of the unrated items scores above it?",
        f"That share of the {SAMPLED} negatives is above it on average, and it stands right behind them.",
    ],
    answer=f"`1 + {SAMPLED} * {ABOVE} / {UNRATED}` is `{EXPECTED_RANK:g}`.",
    right=[EXPECTED_RANK],
    wrong=[EXPECTED_RANK - 1, ABOVE + 1, 1 + SAMPLED, 10],
)

HONEST_CHOICE = Exercise(
    question=(
        "Three settings of one model, the NDCG@10 of each:\n\n"
        "| setting | inside training | test |\n|---|---|---|\n"
        + "\n".join(f"| {name} | {inner} | {test} |" for name, inner, test in SETTINGS)
        + "\n\nYou may report one number. Which?"
    ),
    expects="a number",
    reads=number,
    judge=_judge_choice,
    hints=[
        "The first column chooses a setting; the test must not.",
        "Then report what the chosen setting has on ratings that had no part in choosing it.",
    ],
    answer=(f"Inside training, the setting with {CHOSEN} is best; on the test it has `{REPORTED}`."),
    right=[REPORTED],
    wrong=[0.328, 0.233, 0.301, 0.214],
)
