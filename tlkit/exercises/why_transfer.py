"""What ``01_why_transfer`` asks: where a gain ends, what pairs remove, what calibration measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlkit.figures.wording import score_text
from tlkit.lessons import Choice, Curve, Exercise, Number, Order, Outcome, Question, Quiz, right, wrong
from tlkit.lessons.reading import number

Numbers = Sequence[float]

SCRATCH = Curve(
    "How accurate is `scratch` with 1, 5 and 20 labels a class? Guessing is right on 10 % of the digits.",
    at=[1, 5, 20],
    unit="%",
    across="labels a class",
)
WORTH = Number(
    "`finetune` gets 1 label a class. How many labels a class does `scratch` need for the same accuracy? "
    "Here 20 means 20 or more.",
    low=1,
    high=20,
    unit="labels a class",
    step=1,
)
TOGETHER = Choice(
    "Draw after draw, compare the accuracies of `probe` and `finetune`. How do they move?",
    ["together", "each on its own"],
)
WON_BACK = Number(
    "`scratch` may try other learning rates, and a run of twice the length. By how many points does the best "
    "of these improve its accuracy?",
    low=-5,
    high=30,
    unit="points",
)
CALIBRATED = Order(
    "Whose confidence is the most honest with the largest budget? Put the three in order, the smallest "
    "calibration error first.",
    ["scratch", "probe", "finetune"],
)


# Budgets, lower ends of the gain's interval, and the budget from which on there is no help.
CURVES = [
    ([1, 2, 5, 10], [0.30, 0.12, -0.01, -0.02], 5),
    ([1, 2, 5, 10], [0.30, 0.12, 0.04, 0.01], None),
    ([1, 5, 20], [-0.02, -0.03, -0.01], 1),
    ([1, 2, 5, 10], [0.20, -0.01, 0.05, -0.02], 10),
]
PAIRS = [
    ([0.80, 0.70, 0.90, 0.75], [0.60, 0.52, 0.69, 0.55]),
    ([0.91, 0.40, 0.66, 0.72, 0.81], [0.90, 0.35, 0.70, 0.71, 0.75]),
]
ECE = 0.6 * 0.1 + 0.4 * 0.05


def _judge_end(answer: Callable[[Sequence[int], Numbers], int | None]) -> Outcome:
    for budgets, lows, expected in CURVES:
        found = answer(list(budgets), list(lows))
        if found != expected:
            return wrong(f"For budgets {budgets} with lower ends {lows} it gives {found}, not {expected}.")
    return right("An end is an end only if no later budget helps.")


def _judge_error(answer: Callable[[np.ndarray, np.ndarray], float]) -> Outcome:
    for strategy, baseline in PAIRS:
        found = float(answer(np.array(strategy), np.array(baseline)))
        n, paired = len(strategy), np.subtract(strategy, baseline)
        if math.isclose(found, paired.std(ddof=1) / math.sqrt(n), rel_tol=1e-3):
            continue
        unpaired = math.hypot(np.std(strategy, ddof=1), np.std(baseline, ddof=1)) / math.sqrt(n)
        reasons = {
            unpaired: "This is the error without pairs: it holds the luck of the draw, which pairs share.",
            paired.std() / math.sqrt(n): "Divide by n - 1 within the deviation: the mean is estimated too.",
            paired.std(ddof=1): "This is the spread of one difference; their mean varies less.",
        }
        near = [reason for value, reason in reasons.items() if math.isclose(found, value, rel_tol=1e-3)]
        return wrong(near[0] if near else f"For {strategy} and {baseline} it gives {found:.4f}.")
    return right("What both share on a draw has cancelled before anything is averaged.")


def _judge_ece(value: float) -> Outcome:
    if math.isclose(value, ECE, abs_tol=5e-4):
        return right("The larger group counts for more, and an error in either direction is an error.")
    reasons = {
        (0.1 + 0.05) / 2: "The two groups are not equally large: weigh each gap by its share of pictures.",
        0.6 * 0.1 - 0.4 * 0.05: "Too timid and too sure do not cancel: take each gap's absolute value.",
        100 * ECE: "As a share of 1, please, as the table above has it.",
    }
    near = [
        reason for wrong_value, reason in reasons.items() if math.isclose(value, wrong_value, abs_tol=5e-4)
    ]
    return wrong(near[0] if near else f"{value:g} is not it: one gap for each group, weighed by its size.")


GAIN_ENDS = Exercise(
    question=(
        "Write a function `gain_ends(budgets, lows)`. It takes the budgets in ascending order and the lower "
        "end of the gain's interval at each, and returns the smallest budget from which on (itself and all "
        "larger ones) the strategy no longer *helps*, or `None` if it still helps at the largest."
    ),
    expects="a function of two lists",
    judge=_judge_end,
    hints=[
        "*Helps* means that the lower end lies above zero.",
        "Start at the largest budget and go down for as long as there is no help.",
        "If the largest budget helps, the answer is `None`. Else it is the one after the last that helps.",
    ],
    answer="""Go down from the largest budget and stop at the first that helps:
```python
def gain_ends(budgets, lows):
    end = None
    for budget, low in zip(reversed(budgets), reversed(lows)):
        if low > 0:
            break
        end = budget
    return end
```""",
    right=[
        lambda budgets, lows: next(
            (b for i, b in enumerate(budgets) if max(lows[i:]) <= 0),
            None,
        )
    ],
    wrong=[
        lambda budgets, lows: next((b for b, low in zip(budgets, lows, strict=True) if low <= 0), None),
        lambda budgets, lows: budgets[-1],
        lambda budgets, lows: None,
    ],
)

PAIRED_ERROR = Exercise(
    question=(
        "Write a function `paired_error(strategy, baseline)`. It takes two arrays, the scores of both on the "
        "same draws in the same order, and returns the standard error of their mean difference: the standard "
        "deviation of the differences (with n - 1), over the square root of n."
    ),
    expects="a function of two arrays",
    judge=_judge_error,
    hints=[
        "Subtract first: one difference for each draw.",
        "NumPy's `std` divides by n unless you say `ddof=1`.",
    ],
    answer="""Subtract, then measure the spread:
```python
def paired_error(strategy, baseline):
    gains = strategy - baseline
    return gains.std(ddof=1) / len(gains) ** 0.5
```""",
    right=[lambda s, b: np.std(s - b, ddof=1) / len(s) ** 0.5],
    wrong=[
        lambda s, b: (np.var(s, ddof=1) + np.var(b, ddof=1)) ** 0.5 / len(s) ** 0.5,
        lambda s, b: np.std(s - b) / len(s) ** 0.5,
        lambda s, b: np.std(s - b, ddof=1),
        lambda s, b: np.mean(s - b),
    ],
)

CALIBRATION = Exercise(
    question=(
        "A model judges 100 pictures. On 60 of them it is 90 % sure, and right on 48. On the other 40 it is "
        "60 % sure, and right on 26. What is its calibration error, as a share of 1?"
    ),
    expects="a number",
    reads=number,
    judge=_judge_ece,
    hints=[
        "In each group compare how sure it was with how often it was right.",
        "The gaps are 0.90 - 0.80 and 0.65 - 0.60. The groups hold 60 % and 40 % of the pictures.",
    ],
    answer="`0.6 * 0.10 + 0.4 * 0.05` is `0.08`.",
    right=[0.08, "0.08"],
    wrong=[0.075, 0.04, 8, 0.5],
)


# Draws on which right and wrong answers are clear of the goal: on some others `scratch` is lucky, or near it.
UNSEEN_DRAWS = range(407, 411)
LABELS = 10
GOAL = 0.95


def _known_source(value: Any) -> Any:
    """A source, or the one of a name."""
    from tlkit.catalogue import load_source
    from tlkit.study.source import Source

    if isinstance(value, Source):
        return value
    if not isinstance(value, str):
        raise TypeError("it is neither a name nor a source")
    return load_source(value)


def _judge_source(source: Any) -> Outcome:
    from tlkit.catalogue import load_task
    from tlkit.study.comparing import compare

    study = compare(["probe"], source, load_task("digits"), [LABELS], UNSEEN_DRAWS)
    [word], [said] = study.verdicts()["verdict"], study.sentences()
    if word == "hurts":
        return right(said)
    return wrong(f"{said} Which source has learned something that digits do not need?")


HURTS = Exercise(
    question=(
        f"Find a source that hurts digits. With {LABELS} labels a class, `probe` from your source must be "
        f"clearly worse than `scratch` on {len(UNSEEN_DRAWS)} draws that you have not seen. Hand in the name "
        "of a source, or a source. `tlkit sources` in a terminal lists what is shipped."
    ),
    expects='the name of a source, such as `"glyphs"`',
    reads=_known_source,
    judge=_judge_source,
    hints=[
        "`probe` cannot change the features. What was the network taught to see?",
        "Two of the shipped sources have learned generated pictures in colour.",
    ],
    answer=(
        '`"texture"` or `"shape"`. They learned from generated pictures in colour, and ignore much of what '
        "tells digits apart. `scratch` can learn it from 100 pictures. `probe` cannot change what its source "
        "ignores."
    ),
    right=["texture"],
    wrong=["glyphs"],
    runs_study=True,
)


def _strategy(value: Any) -> Any:
    """A strategy, its name, or what its class makes."""
    if isinstance(value, str) or hasattr(value, "fit"):
        return value() if isinstance(value, type) else value
    raise TypeError("it has no fit()")


def _judge_goal(strategy: Any) -> Outcome:
    from tlkit.catalogue import load_source, load_task
    from tlkit.lessons.unseen import scored

    found = scored(strategy, load_source("glyphs"), load_task("digits"), LABELS, UNSEEN_DRAWS)
    mean, low, high = (score_text(each, True) for each in (found.mean, found.low, found.high))
    told = (
        f"On {len(UNSEEN_DRAWS)} draws that you have not seen, accuracy is {mean} (interval {low} to {high})."
    )
    if found.low > GOAL:
        return right(f"{told} All of the interval is above the goal.")
    return wrong(f"{told} The interval reaches below the goal.")


REACHES = Exercise(
    question=(
        f"Reach 95 % with {LABELS} labels a class, and do it clearly. Hand in a strategy that learns "
        f"*digits* with *glyphs*. The check finds its accuracy on {len(UNSEEN_DRAWS)} draws that you have "
        "not seen. It is right if all of the interval is above the goal of 95 %."
    ),
    expects='a strategy, such as `"scratch"`',
    reads=_strategy,
    judge=_judge_goal,
    hints=[
        "Begin with `scratch`, which needs no source. How far does its interval reach down?",
        "One draw with odd pictures makes an interval wide. Whose accuracy is high and varies little?",
        "In the study above, look between 5 and 20 labels a class. Whose whole band is above 95 %?",
    ],
    answer=(
        '`"probe"` or `"finetune"`. Both have good features before they see your pictures, so an odd draw '
        'costs them little. `"scratch"` is near 95 % on average, but some draws are much worse. `"nearest"` '
        'varies little, but is too near the goal. `"transplant"` learns nothing from your pictures.'
    ),
    right=["probe"],
    wrong=["scratch", "nearest", "transplant"],
    runs_study=True,
)

QUIZ = Quiz(
    Question(
        "Where is a source usually worth the most?",
        ["where labels are few", "where labels are many", "the number of labels makes no difference"],
        "where labels are few",
        "With many labels, the target teaches by itself what the source had to offer.",
    ),
    Question(
        "Two strategies are compared on the same draws. Why?",
        [
            "It takes less time.",
            "The luck of a draw that both share cancels in the difference.",
            "The mean gain becomes larger.",
        ],
        "The luck of a draw that both share cancels in the difference.",
        "The mean gain is the same in pairs or not. What becomes smaller is how much it varies.",
    ),
    Question(
        "The bands of two curves overlap. What does that say about the gain between them?",
        [
            "There is no gain.",
            "There is no clear gain.",
            "Little: the verdict looks at differences in pairs.",
        ],
        "Little: the verdict looks at differences in pairs.",
        "A band holds the luck of the draw, which both curves share. In the difference it cancels.",
    ),
    Question(
        "On which pictures may you choose the learning rate of the baseline?",
        ["on the test pictures", "on pictures that neither trains nor tests", "on those it trains on"],
        "on pictures that neither trains nor tests",
        "Chosen on the test pictures, a setting would owe a part of its score to the choice itself.",
    ),
    Question(
        "A model says that it is 90 % sure, on 100 pictures. It is right on 70 of them. What is it?",
        ["too sure", "too timid", "well calibrated"],
        "too sure",
        "A calibrated model that is 90 % sure is right nine times in ten.",
    ),
)
