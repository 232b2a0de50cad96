"""What ``11_collaborative_filtering`` asks: tails, lists, factors, EASE, sampled ranks, an honest choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tlkit.lessons import Choice, Curve, Exercise, Number, Order, Outcome, Question, Quiz, right, wrong
from tlkit.lessons.reading import number

if TYPE_CHECKING:
    from tlkit.recsys.tasks import RatingsTask

HEAD = Number(
    "Take the tenth of the items that have the most ratings. How many of 100 ratings do they have?",
    unit="of 100",
)
HITS = Number(
    "Show the ten most popular items to everybody, without those that they have rated. How many of 100 users "
    "have at least one hit?",
    unit="of 100",
)
STAYED = Number(
    "How many of the ten popular items above will still be in this user's list from neighbours?",
    low=0,
    high=10,
    unit="of 10",
    step=1,
)
WORSE_LISTS = Number(
    "Four models predict stars. How many of them make a worse list than popularity, which predicts none?",
    low=0,
    high=4,
    unit="of 4",
    step=1,
)
FACTORS = Curve(
    "What is NDCG@10 with 2, with 12 and with 64 factors, if the penalty is weak (5)?",
    at=[2, 12, 64],
    low=0,
    high=0.4,
    across="factors",
)
RANKED = Order(
    "Put the six in the order of their NDCG@10, the best first.",
    ["popularity", "item neighbours", "EASE", "BPR", "MultiDAE", "ALS"],
)
SWAPPED = Choice(
    "Can a few negatives put two models in the wrong order that are not tied?",
    ["none of the pairs", "some pairs", "most pairs"],
)
FLATTERED = Choice(
    "Which of these three does the leak flatter most?",
    ["popularity", "EASE, penalty 5000", "EASE, penalty 1"],
)
TOO_MUCH = Number(
    "Five test users choose the best of all the models. By how many points is the score that they report too "
    "high?",
    low=0,
    high=20,
    unit="points",
)

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


FITS = 3


@lru_cache(maxsize=1)
def _unseen_shop() -> RatingsTask:
    import pandas as pd

    from tlkit.recsys.tasks import RatingsTask
    from tlkit.recsys.worlds.shops import two_shops

    films = two_shops(n_users=500, n_items=250, seed=4021).target
    table = pd.DataFrame(films.ratings)
    return RatingsTask.split(
        table, films.items, test_share=0.25, seed=0, name="a shop that you have not seen"
    )


def _recommender(value: Any) -> Any:
    if callable(value):  # a class, or a function that makes one
        value = value()
    if not (hasattr(value, "fit") and hasattr(value, "recommend")):
        raise TypeError("it has no fit() and recommend()")
    return value


def _judge_recommender(model: Any) -> Outcome:
    from tlkit.study.comparing import compare

    task = _unseen_shop()
    both = {
        "EASE": task.strategy("target_only"),
        "yours": task.strategy("target_only", model=model),
    }
    study = compare(both, None, task, seeds=FITS, baseline="EASE")
    [word], [said] = study.verdicts()["verdict"], study.sentences()
    if word == "better":
        return right(said)
    return wrong(f"{said} Which models were above EASE in the table of all?")


def _twelve_factors() -> Any:
    from tlkit.recsys.models.implicit_als import ImplicitALS

    return ImplicitALS(factors=12, random_state=0)


def _two_factors() -> Any:
    from tlkit.recsys.models.implicit_als import ImplicitALS

    return ImplicitALS(factors=2, random_state=0)


def _neighbours() -> Any:
    from tlkit.recsys.models.neighbours import ItemNeighbours

    return ItemNeighbours(k=30)


BEATS_EASE = Exercise(
    question=(
        "Set up a recommender that makes better lists than EASE in a shop that you have not seen. Hand in a "
        "model of this lesson with its settings, such as `ItemNeighbours(k=30)`, or one of your own. EASE "
        "chooses its penalty inside the training ratings. Your answer is right if the verdict is *better*."
    ),
    expects="a recommender, such as `ItemNeighbours(k=30)`",
    reads=_recommender,
    judge=_judge_recommender,
    hints=[
        "Three models were above EASE in the table of all. Which of them is trained in less than a second?",
        "How many factors were best? The new shop is made in the same way.",
    ],
    answer=(
        "`ImplicitALS(factors=12)`, for example. The shop is made with twelve tastes. With two factors, "
        "tastes must share one. A penalty that was good in one shop need not be so in a smaller one."
    ),
    right=[_twelve_factors],
    wrong=[_two_factors, _neighbours, 30],
    runs_study=True,
)

QUIZ = Quiz(
    Question(
        "Why is popularity in every table?",
        [
            "It is the best model for most users.",
            "It costs nothing, so a model must be better to be worth anything.",
            "It shows how large the shop is.",
        ],
        "It costs nothing, so a model must be better to be worth anything.",
        "It is the baseline of recommendation, as training from scratch is the one of transfer.",
    ),
    Question(
        "Ratings are missing not at random. What follows?",
        [
            "The mean of the ratings that are there is too high for the shop as a whole.",
            "The mean of the ratings that are there is right if there are many.",
            "The matrix cannot be factorized.",
        ],
        "The mean of the ratings that are there is too high for the shop as a whole.",
        "People rate what they chose, and they choose what they expect to like.",
    ),
    Question(
        "What does implicit ALS learn from?",
        ["only from the stars", "from what was chosen and what was not", "from the titles of the items"],
        "from what was chosen and what was not",
        "Empty places count too, a little each: not to choose something is weak evidence.",
    ),
    Question(
        "Why is the diagonal of the weights of EASE zero?",
        ["to save memory", "an item must not explain itself", "so that the weights sum to one"],
        "an item must not explain itself",
        "With the diagonal free, each item would be its own best explanation, and nothing would be learned.",
    ),
    Question(
        "You rank each held-out item among 20 unrated ones. What does that measure?",
        [
            "whether it stands above an average item",
            "whether it would be in a list of ten",
            "the same as a rank among all items, only faster",
        ],
        "whether it stands above an average item",
        "A list of ten asks who is at the very top of the catalogue. A few negatives seldom come from there.",
    ),
)
