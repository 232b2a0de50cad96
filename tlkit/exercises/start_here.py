"""Exercises of ``00_start_here``: what a head is, what a gain is, what a verdict needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tlkit.lessons import Exercise, Outcome, right, wrong
from tlkit.lessons.reading import number, words
from tlkit.study.intervals import Interval
from tlkit.study.verdicts import verdict

FEATURES, CLASSES = 64, 10
STRATEGY, BASELINE = (80, 70, 90), (60, 65, 70)
# Points of accuracy: low, high, seeds.
WORDS = ("helps", "hurts", "no evidence", "no verdict")
INTERVALS = {"A": (2.1, 9.4, 5), "B": (-1.2, 6.0, 5), "C": (-8.3, -3.0, 5), "D": (4.0, 20.0, 2)}


def _judge_head(value: float) -> Outcome:
    if value == (FEATURES + 1) * CLASSES:
        return right("64 weights and one bias for each of the 10 classes: a head is small.")
    if value == FEATURES * CLASSES:
        return wrong("Those are the weights. A class also has a bias: a number that is added in any case.")
    return wrong(f"{value:g} is not it: count what one class needs, then the classes.")


def _judge_gain(value: float) -> Outcome:
    gain = sum(STRATEGY) / 3 - sum(BASELINE) / 3
    if math.isclose(value, gain, abs_tol=0.05):
        return right("The mean of +20, +5 and +20: positive in each pair, and far from the same in each.")
    if math.isclose(value, gain / 100, abs_tol=0.0005):
        return wrong("That is the share. In points of 100 it is a hundred times as much.")
    if math.isclose(value, -gain, abs_tol=0.05):
        return wrong("The sign says who is better: strategy minus baseline, so that more is better.")
    return wrong(f"{value:g} is not it: take strategy minus baseline in each pair, then the mean.")


def _judge_verdicts(value: Sequence[str]) -> Outcome:
    if len(value) != len(INTERVALS):
        return wrong(f"There are {len(INTERVALS)} gains; your answer has {len(value)} verdicts.")
    true = [verdict(Interval((low + high) / 2, low, high), seeds) for low, high, seeds in INTERVALS.values()]
    off = sum(word != verdict for word, verdict in zip(value, true, strict=True))
    if off:
        return wrong(f"{off} of {len(value)} differ. Look at the seeds first, then at where zero lies.")
    return right("The place of zero decides, and fewer than three seeds decide nothing.")


HEAD = Exercise(
    question=(
        f"A backbone gives {FEATURES} features for a picture. The new head is linear, with a bias: it maps "
        f"them to a score for each of {CLASSES} classes. How many parameters does the head have?"
    ),
    expects="a whole number",
    reads=number,
    judge=_judge_head,
    hints=[
        "How many features does the score of one class weigh?",
        "One class takes a weight for each feature, and one bias.",
    ],
    answer="`(64 + 1) * 10` is `650`: for each class 64 weights and a bias.",
    right=[650, 650.0, "650"],
    wrong=[640, 74, 65, 0],
)

GAIN = Exercise(
    question=(
        "On the same three draws a strategy is right on 80, 70 and 90 % of the test pictures, the baseline "
        "on 60, 65 and 70 %. What is the transfer gain, in points?"
    ),
    expects="a number",
    reads=number,
    judge=_judge_gain,
    hints=[
        "A gain belongs to a pair: one draw, both strategies.",
        "The three gains are 20, 5 and 20 points.",
    ],
    answer="`(20 + 5 + 20) / 3` is `15` points.",
    right=[15, 15.0],
    wrong=[0.15, -15, 20, 45],
)

VERDICTS = Exercise(
    question=(
        "Give the verdict on each of four gains in points, as a list of four words or pairs of words, in the "
        "order A to D. A: +2.1 to +9.4, 5 seeds. B: -1.2 to +6.0, 5 seeds. C: -8.3 to -3.0, 5 seeds. "
        "D: +4.0 to +20.0, 2 seeds. The words here are *helps*, *hurts*, *no evidence*, *no verdict*."
    ),
    expects='a list of four strings, such as `["helps", "hurts", "no evidence", "no verdict"]`',
    reads=words(WORDS),
    judge=_judge_verdicts,
    hints=[
        "Where does zero lie: left of the interval, in it, or right of it?",
        "Before you look at an interval, look at how many seeds it rests on.",
    ],
    answer=(
        '`["helps", "no evidence", "hurts", "no verdict"]`. A lies above zero, B holds it, C lies below it; '
        "D looks best and rests on two seeds, which is too few to say."
    ),
    right=[
        ["helps", "no evidence", "hurts", "no verdict"],
        "Helps, no evidence, hurts, no verdict",
    ],
    wrong=[
        ["helps", "helps", "hurts", "no verdict"],
        ["helps", "no evidence", "hurts", "helps"],
        ["hurts", "no evidence", "helps", "no verdict"],
        ["helps", "no evidence", "hurts"],
        "helps",
    ],
)
