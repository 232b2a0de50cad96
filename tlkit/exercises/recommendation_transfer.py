"""What ``12_recommendation_transfer`` asks: what a prior does, what a placebo shows, and what leaks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlkit.lessons import Choice, Curve, Exercise, Number, Order, Outcome, Question, Quiz, right, wrong
from tlkit.lessons.reading import number, words

FIRST = Order(
    "Put the three in the order of their score with so few ratings, the best first.",
    ["target_only", "joined", "prior"],
)
FAR = Choice(
    "The weight $w$ of the pull grows without end. What does the user's vector $p_u$ become?",
    ["the source's vector", "the vector of the target's ratings alone", "zero"],
)
MOVES = Choice(
    "People get more ratings in the target. What happens to the weight with the best score?",
    ["it becomes smaller", "it stays", "it becomes larger"],
)
HELPFUL = Number(
    "Ten strategies use the source. How many of them clearly help with the number of ratings in `budget`?",
    low=0,
    high=10,
    unit="of 10",
    step=1,
)
GROWTH = Curve(
    "What does `frozen` gain over `target_only`, in points of NDCG, with 0, with 2 and with 10 ratings?",
    at=[0, 2, 10],
    low=-20,
    high=20,
    unit="points",
    across="ratings",
)
LEADER = Choice(
    "Which expert gets the largest weight for people without any rating in the target?",
    ["target_only", "joined", "prior", "features"],
)
DIAL = Curve(
    "What does `joined` gain over `target_only`, in points of NDCG, where nothing is shared (0), and at 0.3 "
    "and at 0.6?",
    at=[0, 0.3, 0.6],
    low=-20,
    high=20,
    unit="points",
)
STRANGERS_GAIN = Number(
    "Everybody in the source is given a stranger's history. What does `prior` still gain over `target_only`, "
    "in points of NDCG?",
    low=-20,
    high=20,
    unit="points",
)

# Stars in the target, the source's opinion, and the weight of the prior.
STARS = [([5.0, 4.0, 4.0], 3.0, 2.0), ([], 3.5, 4.0), ([2.0], 4.0, 0.0), ([1.0, 5.0], 3.0, 8.0)]
PEOPLE = [  # with the shelf that each reads most
    {"ada": "sea", "bo": "sea"},
    {"ada": "sea", "bo": "space", "cy": "sea", "di": "space", "eve": "sea"},
    {f"u{number}": ("comedy", "mystery", "sea")[number % 7 % 3] for number in range(40)},
]
DRAWS = 20
GAIN, WITH_STRANGERS = 0.12, 0.03
LEAKING = {"B", "D", "F"}
REASONS = {
    "A": "A: what cold users did in the source is what a source is for; it is not held out.",
    "B": "B: a map that has seen cold users' target factors has seen the answer.",
    "C": "C: the ratings within the budget are given; every strategy may use them.",
    "D": "D: whatever is chosen by the test's score is fitted to the test.",
    "E": "E: warm users made cold are training data, all of their ratings.",
    "F": "F: the counts hold the cold users' held-out ratings.",
}


def _judge_shrunk(answer: Callable[[Sequence[float], float, float], float]) -> Outcome:
    for stars, opinion, weight in STARS:
        found = float(answer(list(stars), opinion, weight))
        expected = (sum(stars) + weight * opinion) / (len(stars) + weight)
        if not math.isclose(found, expected, rel_tol=1e-6):
            call = f"shrunk({stars}, {opinion:g}, {weight:g})"
            return wrong(f"{call} gives {found:.3f}; the minimum is at {expected:.3f}.")
    return right(
        "The source counts as much as `weight` ratings: with more of them than that, the target leads."
    )


def _judge_strangers(
    answer: Callable[[list[str], list[str], np.random.Generator], Sequence[str]],
) -> Outcome:
    for shelf in PEOPLE:
        people = list(shelf)
        drawn = [_given(answer, shelf, seed) for seed in range(DRAWS)]
        for found in drawn:
            if sorted(found) != sorted(people):
                return wrong(f"Of {len(people)} people each must be given away exactly once; got {found}.")
            pairs = list(zip(people, found, strict=True))
            if own := [name for name, other in pairs if name == other]:
                return wrong(f"{own[0]} has kept their own history, which is no placebo.")
            if mixed := [pair for pair in pairs if shelf[pair[0]] != shelf[pair[1]]]:
                name, other = mixed[0]
                return wrong(f"{name} reads {shelf[name]} and was given {other}, who reads {shelf[other]}.")
        if drawn != [_given(answer, shelf, seed) for seed in range(DRAWS)]:
            return wrong("Equally seeded generators must give the same histories: draw with `rng` alone.")
        if len(people) > 2 and len({tuple(found) for found in drawn}) == 1:
            return wrong("It gives the same histories every time: draw them with `rng`.")
    return right(
        "A gain that is left needs no more than the shelf; what true histories buy beyond it is the person."
    )


def _given(answer: Callable[..., Sequence[str]], shelf: dict[str, str], seed: int) -> list[str]:
    found = answer(list(shelf), list(shelf.values()), np.random.default_rng(seed))
    return [str(name) for name in found]


def _judge_share(value: float) -> Outcome:
    if math.isclose(value, 1 - WITH_STRANGERS / GAIN, abs_tol=5e-3):
        return right("The rest is owed to the make of the model, and a source of strangers would buy it too.")
    reasons = {
        WITH_STRANGERS / GAIN: "This is the share that is left when nobody is known.",
        GAIN - WITH_STRANGERS: "This is the part itself; asked is its share of the gain.",
        100 * (1 - WITH_STRANGERS / GAIN): "As a share of 1, please.",
        1.0: "Strangers' histories gain something too, and that part is not knowledge of people.",
    }
    near = [why for number, why in reasons.items() if math.isclose(value, number, abs_tol=5e-3)]
    return wrong(near[0] if near else f"{value:g} is not it: compare the two gains over the same baseline.")


def _judge_leaks(answer: Sequence[str]) -> Outcome:
    named = set(answer)
    if named == LEAKING:
        return right(
            "What is held out may enter nowhere: not the map, not the choice of a setting, not a count."
        )
    return wrong(
        f"Of those you named {len(named & LEAKING)} leak and {len(named - LEAKING)} do not; "
        f"{len(LEAKING - named)} more leak. Would the outcome change if other ratings were held out?"
    )


SHRUNK = Exercise(
    question=(
        "The pull of `prior` in one dimension. A user gave the stars $r_1, \\dots, r_n$ in the target; in "
        "the source they gave $s$ on average. Write a function `shrunk(stars, s, weight)` that returns the "
        "$p$ which minimises $\\sum_j (r_j - p)^2 + w\\,(p - s)^2$. `stars` may be empty."
    ),
    expects="a function of a list and two numbers",
    judge=_judge_shrunk,
    hints=[
        "Set the derivative to zero: $-2 \\sum_j (r_j - p) + 2 w (p - s) = 0$.",
        "Collect $p$: it stands $n + w$ times on the left. What is on the right?",
    ],
    answer="""The normal equation has one line, $(n + w)\\,p = \\sum_j r_j + w s$:
```python
def shrunk(stars, s, weight):
    return (sum(stars) + weight * s) / (len(stars) + weight)
```""",
    right=[
        lambda stars, s, weight: (sum(stars) + weight * s) / (len(stars) + weight),
        lambda stars, s, weight: np.average([*stars, s], weights=[*np.ones(len(stars)), weight]),
    ],
    wrong=[
        lambda stars, s, weight: (np.sum(stars) + s) / (len(stars) + 1),
        lambda stars, s, weight: (np.sum(stars) / max(len(stars), 1) + weight * s) / (1 + weight),
        lambda stars, s, weight: float(np.mean(stars)) if stars else s,
        lambda stars, s, weight: sum(stars) + weight * s,
    ],
)

STRANGERS = Exercise(
    question=(
        "Perhaps a source knows only which shelf somebody reads. A sharper placebo tells: it keeps the shelf "
        "true and nothing else. Write a function `strangers(people, shelves, rng)` that takes a list of "
        "names, the shelf that each of them reads most, and a NumPy generator. It returns a list of names: "
        "whose history each person is given. Everybody's history is given to exactly one person, at random, "
        "who *reads the same shelf*, and *nobody* keeps their own. Each shelf has two readers or more. "
        "Equally seeded generators give equal lists."
    ),
    expects="a function of two lists and a generator",
    judge=_judge_strangers,
    hints=[
        "A random order alone leaves about one person on each shelf with their own history.",
        "Take one shelf at a time: put its readers in a random circle and give each the next one's history.",
        "`rng.permutation(readers)` is the circle; `np.roll` of it is everybody's neighbour.",
    ],
    answer="""A random circle for each shelf, in which everybody gets their neighbour's:
```python
def strangers(people, shelves, rng):
    people, shelves = np.array(people), np.array(shelves)
    given = people.copy()
    for shelf in np.unique(shelves):
        circle = rng.permutation(np.flatnonzero(shelves == shelf))
        given[circle] = people[np.roll(circle, 1)]
    return given.tolist()
```""",
    right=[lambda people, shelves, rng: _in_circles(people, shelves, rng)],
    wrong=[
        lambda people, shelves, rng: _in_circles(people, ["one"] * len(people), rng),
        lambda people, shelves, rng: _in_circles(people, shelves, np.random.default_rng()),
        lambda people, shelves, rng: _in_circles(people, shelves, np.random.default_rng(0)),
        lambda people, shelves, rng: list(rng.permutation(people)),
        lambda people, shelves, rng: list(rng.choice(people, len(people))),
        lambda people, shelves, rng: people,
    ],
)

PLACEBO = Exercise(
    question=(
        "Two sources, one baseline, the same draws:\n\n"
        "| source | strategy | score | gain over `target_only` |\n|---|---|---|---|\n"
        f"| as it is | `gated` | 0.42 | +{GAIN:.2f} |\n"
        f"| all people mixed up | `gated` | 0.33 | +{WITH_STRANGERS:.2f} |\n\n"
        "Here the placebo gains something too. What share of the gain is owed to what the source knows about "
        "*these people*? (Where a placebo loses, the share would be more than the whole and makes no sense.)"
    ),
    expects="a number between 0 and 1",
    reads=number,
    judge=_judge_share,
    hints=[
        "With strangers' histories the strategy still gains something, without any knowledge of people.",
        "Take it off the gain, and divide by the gain.",
    ],
    answer=f"`({GAIN:.2f} - {WITH_STRANGERS:.2f}) / {GAIN:.2f}` is `{1 - WITH_STRANGERS / GAIN:.2f}`.",
    right=[0.75],
    wrong=[0.25, 0.09, 75, 1.0, 0.5],
)

LEAKS = Exercise(
    question=(
        "Which of these let what is held out of the cold users leak into fitting?\n\n"
        "- **A** The source is trained on all ratings of the source domain, those of cold users included.\n"
        "- **B** A map between the factors of both is fitted on all users and the full target data.\n"
        "- **C** The two ratings that each cold user is given go into the target's matrix.\n"
        "- **D** The prior's weight is the one with the best score on the cold users' test ratings.\n"
        "- **E** The weight is chosen on warm users that are made cold within the training data.\n"
        "- **F** New users get the most popular items, counted over the full target data.\n\n"
        'Answer with a list of letters, such as `["A", "C"]`.'
    ),
    expects="a list of letters",
    reads=words(REASONS),
    judge=_judge_leaks,
    hints=[
        "Ask of each: would its outcome change if the held-out ratings were others?",
        "Three of them leak. One of these is only a count.",
    ],
    answer='`["B", "D", "F"]`. ' + " ".join(f"{REASONS[letter]}" for letter in "BDF"),
    right=[["B", "D", "F"], "BDF", "B, D, F", ["f", "d", "b"]],
    wrong=[["B", "D"], ["A", "B", "D", "F"], ["B", "C", "D", "F"], [], ["B", "D", "E", "F"]],
)


def _in_circles(people: list[str], shelves: list[str], rng: np.random.Generator) -> list[str]:
    given = np.array(people)
    for shelf in np.unique(shelves):
        circle = rng.permutation(np.flatnonzero(np.array(shelves) == shelf))
        given[circle] = np.array(people)[np.roll(circle, 1)]
    return given.tolist()


UNSEEN_SHOPS = {"n_users": 1200, "n_items": 110, "seed": 91}
UNSEEN_DRAWS = range(500, 503)
APART = 0.6
RATINGS = 2


def _two_similarities(value: Any) -> tuple[float, float]:
    low, high = (number(each) for each in value)
    if not (0 <= low <= 1 and 0 <= high <= 1):
        raise ValueError("a similarity lies between 0 and 1")
    return low, high


def _joined_at(similarity: float) -> tuple[str, str]:
    from tlkit.catalogue import load_source, load_task
    from tlkit.study.comparing import compare

    source = load_source("two_shops", **UNSEEN_SHOPS)
    task = load_task("two_shops", similarity=similarity, **UNSEEN_SHOPS)
    study = compare(["joined"], source, task, [RATINGS], UNSEEN_DRAWS)
    [word], [said] = study.verdicts()["verdict"], study.sentences()
    return word, said


def _judge_turn(value: tuple[float, float]) -> Outcome:
    low, high = value
    if low >= high:
        return wrong("Give the lower similarity first.")
    if high - low > APART + 1e-9:
        return wrong(f"The two lie {high - low:.2g} apart; they may lie {APART:g} apart at most.")
    for similarity, wanted in ((low, "hurts"), (high, "helps")):
        word, said = _joined_at(similarity)
        if word != wanted:
            return wrong(f"At {similarity:g} it should be *{wanted}*. {said}")
    return right(f"Between {low:g} and {high:g} the same strategy turns from *hurts* to *helps*.")


TURNS = Exercise(
    question=(
        "Bring two shops to where `joined` turns. Hand in two similarities that lie at most "
        f"{APART:g} apart, such as `(0.3, 0.9)`. With {RATINGS} ratings a user, `joined` must clearly hurt "
        "at the first and clearly help at the second. The check runs two shops that you have not seen, on "
        f"{len(UNSEEN_DRAWS)} draws."
    ),
    expects="a pair of numbers from 0 to 1, such as `(0.3, 0.9)`",
    reads=_two_similarities,
    judge=_judge_turn,
    hints=[
        "Look at the figure over the similarity. Where does the line of `joined` go through zero?",
        "Near the turn no verdict is clear. Take one similarity well below it, and one well above.",
    ],
    answer=(
        "`(0.1, 0.7)`, for example. Where little is shared, the ratings of the other shop are noise that "
        "`joined` cannot leave out. Around 0.4 the good and the harm are about equal."
    ),
    right=[(0.1, 0.7)],
    wrong=[(0.4, 0.9), (0.1, 0.4), (0.0, 1.0), (0.7, 0.1), 0.5],
    runs_study=True,
)

QUIZ = Quiz(
    Question(
        "Who is a cold user?",
        [
            "somebody of whom the target has hardly a rating",
            "somebody who gives few stars",
            "somebody who shops in the source only",
        ],
        "somebody of whom the target has hardly a rating",
        "The source knows them well. What this is worth in the target is the question of the lesson.",
    ),
    Question(
        "The weight of a prior is fixed. When does the source count for less?",
        [
            "when the user has more ratings in the target",
            "when the user has fewer ratings in the target",
            "it always counts the same",
        ],
        "when the user has more ratings in the target",
        "Each rating adds to the equations, and the pull stays what it is.",
    ),
    Question(
        "Why does a mixture stand beside its twin without a source?",
        [
            "to save time",
            "because several models gain something that has nothing to do with the source",
            "because the baseline is too weak",
        ],
        "because several models gain something that has nothing to do with the source",
        "Only what is gained over the twin is owed to the source.",
    ),
    Question(
        "A strategy gains as much with strangers' histories as with the true ones. What follows?",
        [
            "The source knows the people well.",
            "The gain needs no knowledge of the people.",
            "The strategy does not use the source.",
        ],
        "The gain needs no knowledge of the people.",
        "It may come from the make of the model, or from what is true of everybody.",
    ),
    Question(
        "When is a strategy that always trusts the source at its worst?",
        [
            "when little is shared and the target knows much by itself",
            "when much is shared and the target knows little",
            "when the source is small",
        ],
        "when little is shared and the target knows much by itself",
        "Then it throws away what the ratings here could teach, and keeps what is not true here.",
    ),
)
