"""What ``13_fusing_recommenders`` asks: who adds to whom, the best mixture, a fusion above its members."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tlkit.lessons import Choice, Curve, Exercise, Number, Order, Outcome, Question, Quiz, right, wrong
from tlkit.lessons.reading import words

if TYPE_CHECKING:
    from tlkit.recsys.tasks import RatingsTask

MEMBERS = ["neighbours", "factorization", "autoencoder", "content"]
PENALTY = Choice(
    "What changes the error of a content-based recommender more?",
    ["how items are described", "how strong the penalty is"],
)
ALONE = Order(
    "Put the four in the order of their RMSE with so few ratings a user, the smallest error first.", MEMBERS
)
CORRELATED = Number(
    "Nobody can foresee a user's whims, so all members get them wrong alike. How strongly do the errors of "
    "the pair that gains most correlate? 0 is not at all, 1 is as strongly as can be.",
    high=1,
)
AVERAGE = Choice(
    "Take the plain average of the four. Where is its mean squared error?",
    ["below that of the best member", "between the best member and the mean of the four", "above that mean"],
)
BY_HEART = Choice(
    "Let the regression learn from ratings that the members were fitted on. Which member will get the "
    "largest weight?",
    MEMBERS,
)
PAYS = Curve(
    "By how many thousandths is the RMSE of the fusion below that of its best member? Below zero, the fusion "
    "is worse.",
    at=[4, 12, 20],
    low=-20,
    high=20,
    across="ratings a user",
)
LISTED = Number(
    "Content knows nothing of popularity, so its own lists are weak. How much of 100 % of the weight does it "
    "get?",
    unit="%",
)
NEW_HERE = Choice("Somebody new has two ratings. Which member predicts best for such people?", MEMBERS)
ELSEWHERE = Number(
    "Take the bookshop away from the fusion. By how many thousandths does its RMSE rise?",
    low=-20,
    high=80,
    unit="thousandths",
)

Predict = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[np.ndarray, np.ndarray], Predict]

# Errors of the better and of the worse member: unlike, alike, and very unlike; the best shares lie apart.
ERRORS = [
    (np.array([1.0, -1.0, 0.5, 0.0]), np.array([1.0, -1.0, -1.0, 1.5])),
    (np.array([1.0, -1.0, 1.0, -1.0]), np.array([2.0, -1.5, 2.0, -2.5])),
    (np.array([0.6, 0.4, 1.0, 0.2]), np.array([-0.8, -0.6, -1.2, 0.1])),
]

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


UNSEEN_SHOP: dict[str, Any] = {"n_users": 1_000, "n_items": 400, "seed": 77}
UNSEEN_DRAWS = range(200, 203)
RATINGS = 12


@lru_cache(maxsize=1)
def _unseen_shop() -> RatingsTask:
    from tlkit.recsys.tasks import RatingsTask
    from tlkit.recsys.worlds.customers import STARS
    from tlkit.recsys.worlds.shops import two_shops

    films = two_shops(**UNSEEN_SHOP).target
    ways: dict[str, Any] = {"scale": (STARS[0], STARS[-1]), "name": "a shop that you have not seen"}
    return RatingsTask.split(films.ratings, films.items, metric="rmse", test_share=0.25, **ways)


def _some_members(value: Any) -> dict[str, Any]:
    """Two recommenders or more by label, or what a function makes."""
    members = value() if callable(value) else value
    if not isinstance(members, Mapping) or len(members) < 2:
        raise TypeError("two members or more are asked for, each with a name")
    if not all(hasattr(each, "fit") for each in members.values()):
        raise TypeError("a member is a recommender")
    return dict(members)


def _judge_members(members: Mapping[str, Any]) -> Outcome:
    from dataclasses import replace

    from tlkit.study.comparing import compare
    from tlkit.study.study import Study

    task = _unseen_shop()
    alone = {f"{label} of this lesson": member for label, member in _lessons().items()}
    alone |= {f"your {label}": member for label, member in members.items()}
    tried = {label: task.strategy("target_only", model=member) for label, member in alone.items()}
    fusion = task.strategy("fusion", members=members, folds=3)
    study = compare({**tried, "fusion": fusion}, None, task, [RATINGS], UNSEEN_DRAWS)
    best = study.table.groupby("strategy")["rmse"].mean().drop("fusion").idxmin()
    verdicts = Study(study.trials, replace(study.summary, baseline=best)).verdicts().set_index("strategy")
    word, said = verdicts.loc["fusion", ["verdict", "sentence"]]
    if word == "better":
        return right(said)
    return wrong(f"{said} Do your members err in different ways, and is each of them good?")


def _lessons(reg: float = 3.0) -> dict[str, Any]:
    from tlkit.recsys.models.content import ContentBased
    from tlkit.recsys.models.matrix_factorization import MatrixFactorization

    factors = MatrixFactorization(factors=8, random_state=0)
    return {"factorization": factors, "content": ContentBased(reg=reg, random_state=0)}


def _with_neighbours(*others: str) -> dict[str, Any]:
    from tlkit.recsys.models.neighbours import ItemNeighbours

    kept = {label: _lessons()[label] for label in others}
    return kept | {f"neighbours {k}": ItemNeighbours(k=k) for k in (10, 100)}


ABOVE_ALL = Exercise(
    question=(
        "Choose and set up two members or more for a fusion that predicts stars in a shop that you have not "
        f"seen, from {RATINGS} ratings a user. Give them as a dictionary, by name. It is right if the "
        "fusion is *better* than the best of its members, and than the best of this lesson's "
        "factorization and content, on the test of that shop."
    ),
    expects='a dictionary such as `{"a": ItemNeighbours(), "b": ContentBased()}`',
    reads=_some_members,
    judge=_judge_members,
    hints=[
        "Which pair had errors that correlate less than the rule asks for?",
        "The rest adds little. Take factorization and content: which penalty of content was best?",
        "A fusion shrinks its members too. A member may be a little bolder in it than alone: a lower `reg`.",
    ],
    answer="""For example
```python
{"factorization": MatrixFactorization(factors=8), "content": ContentBased(reg=1)}
```
The two know different things, and with so many ratings they are about equally good. With `reg=3` content
is better alone. With `reg=1` it says more that is its own, and the weights do the shrinking.""",
    right=[_lessons, lambda: _lessons(1.0)],
    wrong=[lambda: _lessons(10.0), _with_neighbours, lambda: _with_neighbours("factorization"), "content"],
    runs_study=True,
)

QUIZ = Quiz(
    Question(
        "When does a little of a worse member lower the error of a better one?",
        [
            "when its own error is nearly as low",
            "when the correlation of the errors is below the ratio of the errors",
            "when the correlation of the errors is below zero",
        ],
        "when the correlation of the errors is below the ratio of the errors",
        "How good it is and how unlike it is are traded against each other: that is the whole rule.",
    ),
    Question(
        "What is the squared error of an average of members?",
        [
            "the mean of their squared errors, less how much they disagree",
            "the squared error of the best member",
            "the mean of their squared errors",
        ],
        "the mean of their squared errors, less how much they disagree",
        "That is exact. And disagreement can be measured without a single rating.",
    ),
    Question(
        "Weights are learned on ratings that the members were fitted on. Who gets too much?",
        ["the member that learns most by heart", "the simplest member", "the member that disagrees most"],
        "the member that learns most by heart",
        "It repeats these ratings best, and that says little of ratings that it has not seen.",
    ),
    Question(
        "What should a fusion be held against, to say what it is worth?",
        ["its worst member", "the mean of its members", "its best member"],
        "its best member",
        "Without a fusion, you would use one member. A fusion that is below the best one is of no use.",
    ),
    Question(
        "The weights were learned on people with many ratings. For whom are they wrong?",
        ["for nobody, as they are right on average", "for newcomers", "for people with unusual taste"],
        "for newcomers",
        "A member that is good with many ratings may know nothing of somebody who has two.",
    ),
)
