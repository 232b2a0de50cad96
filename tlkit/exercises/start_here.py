"""What ``00_start_here`` asks: predictions, exercises and a quiz on heads, gains and verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tlkit.lessons import Choice, Exercise, Number, Order, Outcome, Question, Quiz, right, wrong
from tlkit.lessons.reading import number, words
from tlkit.study.intervals import Interval
from tlkit.study.verdicts import verdict

FEWER, MORE = "with the smaller budget", "with the larger budget"

SCRATCH = Number(
    "A network starts from random weights, and learns from the pictures of the smallest budget. How many of "
    "100 test pictures will it get right? (Guessing gets 10 of 100 where there are ten classes.)",
    unit="of 100",
)
PROBE = Number(
    "`probe` takes the features of the source as they are, and learns only a head from those pictures. "
    "How many of 100 test pictures will it get right?",
    unit="of 100",
)
SPREAD = Order(
    "Draw other pictures, train again, and the accuracy changes. Whose changes most? Put the three in order, "
    "the largest change first.",
    [f"probe {FEWER}", f"scratch {MORE}", f"scratch {FEWER}"],
)
LARGER = Choice("Where is the gain of `finetune` larger?", [FEWER, MORE])


FEATURES, CLASSES = 64, 26
STRATEGY, BASELINE = (80, 70, 90), (60, 65, 70)
# Points of accuracy: low, high, seeds.
WORDS = ("helps", "hurts", "no evidence", "no verdict")
INTERVALS = {"A": (2.1, 9.4, 5), "B": (-1.2, 6.0, 5), "C": (-8.3, -3.0, 5), "D": (4.0, 20.0, 2)}


def _judge_head(value: float) -> Outcome:
    if value == (FEATURES + 1) * CLASSES:
        return right("64 weights and one bias for each of the 26 classes: a head is small.")
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
        return wrong(f"{off} of {len(value)} differ. Look first at the number of draws, then for zero.")
    return right("The place of zero decides, and fewer than three draws decide nothing.")


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
    answer="`(64 + 1) * 26` is `1690`: for each class 64 weights and a bias.",
    right=[1690, 1690.0, "1690"],
    wrong=[1664, 90, 65, 0],
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
        "Each of four gains has an interval, in points. Give the verdict on each, as a list of four words or "
        "pairs of words, in the order A to D. A: +2.1 to +9.4, 5 draws. B: −1.2 to +6.0, 5 draws. "
        "C: −8.3 to −3.0, 5 draws. D: +4.0 to +20.0, 2 draws. The words here are *helps*, *hurts*, "
        "*no evidence*, *no verdict*."
    ),
    expects='a list of four strings, such as `["helps", "hurts", "no evidence", "no verdict"]`',
    reads=words(WORDS),
    judge=_judge_verdicts,
    hints=[
        "Where does zero lie: left of the interval, in it, or right of it?",
        "Before you look at an interval, look at how many draws it rests on.",
    ],
    answer=(
        '`["helps", "no evidence", "hurts", "no verdict"]`. A lies above zero, B holds it, C lies below it; '
        "D looks best and rests on two draws, which is too few to say."
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


UNSEEN_DRAWS = range(300, 303)
MOST_LABELS = 20


def _plan(value: Any) -> tuple[Any, int]:
    """A strategy's name or a strategy, and a budget."""
    strategy, budget = value
    if not isinstance(strategy, str) and not hasattr(strategy, "fit"):
        raise TypeError("the first of the two is no strategy")
    return strategy, int(number(budget))


def _judge_helps(value: tuple[Any, int]) -> Outcome:
    from tlkit.catalogue import load_source, load_task
    from tlkit.study.comparing import compare

    strategy, budget = value
    if strategy == "scratch":
        return wrong("`scratch` is the baseline: it transfers nothing, and its gain over itself is zero.")
    if budget > MOST_LABELS:
        return wrong(f"Take at most {MOST_LABELS} labels a class, or the check takes minutes.")
    study = compare([strategy], load_source("glyphs"), load_task("digits"), [budget], UNSEEN_DRAWS)
    [word], [said] = study.verdicts()["verdict"], study.sentences()
    if word == "helps":
        return right(f"You had not seen these draws. {said}")
    return wrong(f"{said} Where was the gain largest in the study above?")


HELPS = Exercise(
    question=(
        "Find a strategy and a budget with which *glyphs* clearly helps on *digits*. Hand in both, such as "
        '`("nearest", 20)`. The check runs your strategy and `scratch` on '
        f"{len(UNSEEN_DRAWS)} draws that you have not seen. Your answer is right if the verdict is *helps*."
    ),
    expects='a pair of a strategy\'s name and a budget, such as `("nearest", 20)`',
    reads=_plan,
    judge=_judge_helps,
    hints=[
        "What does the baseline need that the source already has?",
        "With many labels the baseline learns nearly everything by itself. Take fewer.",
    ],
    answer=(
        '`("probe", 1)`, for example. With one label a class the baseline has too little to learn features '
        "from. With 20 it is nearly as good, and three draws cannot tell the two apart."
    ),
    right=[("probe", 1), ["nearest", "1"]],
    wrong=[("nearest", 20), ("scratch", 1), ("probe", 90), "probe"],
    runs_study=True,
)

QUIZ = Quiz(
    Question(
        "What is the source?",
        [
            "The pictures that you want to classify.",
            "A trained model, with a card that says what it learned.",
            "The part of a network that is new for the target.",
        ],
        "A trained model, with a card that says what it learned.",
        "The source is what you start from; the pictures that you want to classify are those of the target.",
    ),
    Question(
        "Which part of the network is new for every target?",
        ["the backbone", "the head", "both"],
        "the head",
        "The head gives a score to each class of the target. The backbone comes from the source.",
    ),
    Question(
        "The baseline is called `scratch`. What does it do?",
        [
            "It guesses.",
            "It uses the source without training.",
            "It trains the same network from random weights, on the same pictures.",
        ],
        "It trains the same network from random weights, on the same pictures.",
        "Only the start differs, so a difference in the score is what the source's weights are worth.",
    ),
    Question(
        "Why are there several draws of each budget?",
        [
            "The result depends on which pictures were drawn.",
            "The test pictures change.",
            "The strategies need more training.",
        ],
        "The result depends on which pictures were drawn.",
        "One draw is luck in part. Several show how large that part is, and the interval says so.",
    ),
    Question(
        "The interval of a gain goes from 1.5 points lower to 11.1 points higher. What follows?",
        [
            "The strategy helps.",
            "The strategy makes no difference.",
            "These draws cannot tell whether it helps.",
        ],
        "These draws cannot tell whether it helps.",
        "Zero lies inside. The gain may be large, or it may be a small loss: more draws could tell.",
    ),
)
