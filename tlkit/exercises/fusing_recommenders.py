"""Exercises of ``13_fusing_recommenders``: the best mixture, out-of-fold predictions, who may join."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from tlkit.lessons import Exercise, Outcome, right, wrong
from tlkit.lessons.reading import number, words

Predict = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[np.ndarray, np.ndarray], Predict]

# Errors of the better and of the worse member: unlike, alike, and very unlike; the best shares lie apart.
ERRORS = [
    (np.array([1.0, -1.0, 0.5, 0.0]), np.array([1.0, -1.0, -1.0, 1.5])),
    (np.array([1.0, -1.0, 1.0, -1.0]), np.array([2.0, -1.5, 2.0, -2.5])),
    (np.array([0.6, 0.4, 1.0, 0.2]), np.array([-0.8, -0.6, -1.2, 0.1])),
]
N_MEMBERS, CORRELATION = 10, 0.75
RMSE_OF_TEN = math.sqrt((1 + (N_MEMBERS - 1) * CORRELATION) / N_MEMBERS)

# RMSE, and the correlation of errors with those of the best member.
BEST_RMSE = 0.90
CANDIDATES = {
    "neighbours": (0.95, 0.93),
    "autoencoder": (0.92, 0.985),
    "content": (1.00, 0.88),
    "popularity": (1.10, 0.84),
}
WELCOME = {name for name, (rmse, correlation) in CANDIDATES.items() if correlation < BEST_RMSE / rmse}


def _share(better: np.ndarray, worse: np.ndarray) -> float:
    apart = better - worse
    return float(np.sum(better * apart) / np.sum(apart**2))


def _judge_share(answer: Callable[[np.ndarray, np.ndarray], float]) -> Outcome:
    for better, worse in ERRORS:
        free = _share(better, worse)
        found, expected = float(answer(better.copy(), worse.copy())), min(max(free, 0), 1)
        if math.isclose(found, expected, abs_tol=0.011):
            continue
        reasons = {
            free: "A share lies between 0 and 1: if the parabola's lowest point is outside, take the edge.",
            1 - expected: "That is the share of the better one; the other one's is asked for.",
            0.5: "Equal parts are not always the best ones.",
        }
        near = [reason for value, reason in reasons.items() if math.isclose(found, value, abs_tol=0.011)]
        return wrong(
            near[0] if near else f"For errors {better} and {worse} it gives {found:.3f}, not {expected:.3f}."
        )
    return right("Three sums decide it: both squared errors, and the product of the errors.")


def _by_heart(X: np.ndarray, y: np.ndarray) -> Predict:
    """Fit by noting every answer; what was never seen gets minus one."""
    known = {tuple(row): value for row, value in zip(X, y, strict=True)}
    return lambda rows: np.array([known.get(tuple(row), -1.0) for row in rows])


def _mean(X: np.ndarray, y: np.ndarray) -> Predict:
    return lambda rows: np.full(len(rows), y.mean())


def _folds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X = np.arange(14).reshape(7, 2)
    return X, np.array([1.0, 5.0, 2.0, 4.0, 3.0, 3.0, 1.0]), np.array([7, 3, 10, 7, 3, 10, 7])


def _honest(fit: Fit, X: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    said = np.empty(len(y))
    for part in np.unique(fold):
        held = fold == part
        said[held] = fit(X[~held], y[~held])(X[held])
    return said


def _judge_out_of_fold(answer: Callable[[Fit, np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Outcome:
    X, y, fold = _folds()
    found = np.asarray(answer(_by_heart, X, y, fold), dtype=float)
    if found.shape != y.shape:
        return wrong(f"One prediction a row is asked for, shape {y.shape}; got {found.shape}.")
    known = int((found == y).sum())
    if known:
        return wrong(
            f"A model that learns by heart predicts {known} of {len(y)} rows without error: it has seen them."
        )
    found, expected = np.asarray(answer(_mean, X, y, fold), dtype=float), _honest(_mean, X, y, fold)
    if not np.allclose(found, expected):
        off = int(abs(found - expected).argmax())
        return wrong(
            f"A model that predicts the mean says {found[off]:.2f} of row {off}; the mean of the other folds "
            f"is {expected[off]:.2f}. Fit on all of the other folds, and put the rows back in their order."
        )
    return right(
        "Each row is predicted by a model that has not seen it, and learned from all others it could."
    )


def _judge_ten(value: float) -> Outcome:
    if math.isclose(value, RMSE_OF_TEN, abs_tol=5e-3):
        return right(
            "More members of this kind would not help much: the floor is the root of the correlation."
        )
    reasons = {
        RMSE_OF_TEN**2: "That is the mean squared error; take its root.",
        1 / math.sqrt(N_MEMBERS): "That holds for errors that do not correlate at all.",
        math.sqrt(CORRELATION): "That is the limit for endlessly many members; here are ten.",
        CORRELATION: "That is the correlation itself.",
        1.0: "That would be so if all of them made the same errors.",
    }
    near = [reason for other, reason in reasons.items() if math.isclose(value, other, abs_tol=5e-3)]
    return wrong(near[0] if near else f"{value:g} is not it: expand the square of the mean of ten errors.")


def _judge_joining(names: Iterable[str]) -> Outcome:
    answer = set(names)
    if answer != WELCOME:
        return wrong(
            f"{len(answer & WELCOME)} of the {len(answer)} you named would help, and "
            f"{len(WELCOME - answer)} more. Hold each correlation against {BEST_RMSE} / its RMSE."
        )
    return right("The second best may stay outside while a weaker one comes in: it errs in its own way.")


BEST_SHARE = Exercise(
    question=(
        "Write a function `best_share(better, worse)`. It takes two arrays, the errors of two members on the "
        "same ratings, and returns the share between 0 and 1 of the second one at which their mixture has "
        "the smallest mean squared error."
    ),
    expects="a function of two arrays",
    judge=_judge_share,
    hints=[
        "The mixture's error is `better - w * (better - worse)`: a least squares fit with one slope, w.",
        "The slope is the sum of `better * (better - worse)` over the sum of `(better - worse) ** 2`.",
        "Outside of 0 to 1 the nearer edge is the best share.",
    ],
    answer="""Regress one on the difference, and stay within the edges:
```python
def best_share(better, worse):
    apart = better - worse
    return np.clip((better * apart).sum() / (apart**2).sum(), 0, 1)
```""",
    right=[lambda better, worse: min(max(_share(better, worse), 0), 1)],
    wrong=[
        _share,
        lambda better, worse: 1 - min(max(_share(better, worse), 0), 1),
        lambda better, worse: 0.5,
        lambda better, worse: 0.44,
        lambda better, worse: 1 / 6,
        lambda better, worse: np.sum(better**2) / (np.sum(better**2) + np.sum(worse**2)),
    ],
)

OUT_OF_FOLD = Exercise(
    question=(
        "Write a function `out_of_fold_by(fit, X, y, fold)`. `fit(X, y)` learns from rows and returns a "
        "function that predicts rows; `fold` holds the number of each row's fold, which may be any number. "
        "Return a prediction for each row, made without the rows of its fold."
    ),
    expects="a function of four arguments",
    judge=_judge_out_of_fold,
    hints=[
        "For each number in `np.unique(fold)`: which rows are held out, and which are learned from?",
        "`held = fold == number`, then `fit(X[~held], y[~held])(X[held])` belongs into the places `held`.",
    ],
    answer="""Learn from the others, predict the fold, put it in its place:
```python
def out_of_fold_by(fit, X, y, fold):
    said = np.empty(len(y))
    for number in np.unique(fold):
        held = fold == number
        said[held] = fit(X[~held], y[~held])(X[held])
    return said
```""",
    right=[_honest],
    wrong=[
        lambda fit, X, y, fold: fit(X, y)(X),
        lambda fit, X, y, fold: np.concatenate(
            [fit(X[fold != k], y[fold != k])(X[fold == k]) for k in np.unique(fold)]
        ),
        lambda fit, X, y, fold: fit(X[fold != 7], y[fold != 7])(X),
        lambda fit, X, y, fold: sum(
            np.where(fold == k, fit(X[fold != k], y[fold != k])(X), 0.0) for k in (0, 1, 2)
        ),
        lambda fit, X, y, fold: np.zeros(2),
    ],
)

TEN_MEMBERS = Exercise(
    question=(
        f"{N_MEMBERS} members have an RMSE of 1.0 each, and the errors of any two correlate at {CORRELATION}."
        " What is the RMSE of their average?"
    ),
    expects="a number",
    reads=number,
    judge=_judge_ten,
    hints=[
        "The squared mean of ten errors has 100 terms: 10 squares, and 90 products of two different errors.",
        f"A square is 1 on average, a product {CORRELATION}. Add them up, divide by 100, take the root.",
    ],
    answer=f"`((10 + 90 * {CORRELATION}) / 100) ** 0.5` is about `{RMSE_OF_TEN:.2f}`.",
    right=[RMSE_OF_TEN, round(RMSE_OF_TEN, 2)],
    wrong=[RMSE_OF_TEN**2, 0.316, 0.866, 0.75, 1.0, 0.5],
)

WHO_MAY_JOIN = Exercise(
    question=(
        f"The best member has an RMSE of {BEST_RMSE:.2f}. Four others apply, each with its RMSE and the "
        "correlation of its errors with the best member's:\n\n"
        "| member | RMSE | correlation |\n|---|---|---|\n"
        + "\n".join(f"| {name} | {rmse:.2f} | {r:g} |" for name, (rmse, r) in CANDIDATES.items())
        + "\n\nWhich of them would help if they were mixed with it, one at a time? Give a list of names."
    ),
    expects='a list of names such as ["neighbours"]',
    reads=words(CANDIDATES),
    judge=_judge_joining,
    hints=[
        "A worse member helps if the correlation is below the ratio of the RMSEs, the better one's on top.",
        "The ratios are 0.947, 0.978, 0.900 and 0.818.",
    ],
    answer=f"Those below their ratio: `{sorted(WELCOME)}`.",
    right=[["neighbours", "content"], {"content", "neighbours"}, "Content, neighbours"],
    wrong=[
        ["autoencoder"],
        ["neighbours", "autoencoder"],
        ["neighbours", "content", "popularity"],
        list(CANDIDATES),
        ["baseline"],
        [],
    ],
)
