"""Faster or slower: after how many steps, and seconds, strategies first reach a score.

Time to threshold is one of the measures of transfer of Taylor and Stone (Journal of Machine Learning
Research 10, 2009, section 2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlkit.errors import BadInput, at_least, require_number
from tlkit.figures.wording import budget_in_words, metric_words, score_text
from tlkit.study.intervals import Interval, students_interval
from tlkit.study.sentences import contender
from tlkit.study.trial import TaskSummary, Trial
from tlkit.study.verdicts import LEVEL, MIN_SEEDS

ROUNDING = 1e-9  # a mean of equal scores may come out a digit larger than they are
UNKNOWN = Interval(np.nan, np.nan, np.nan)
CLAIMS = {
    "faster": "{who} is faster",
    "slower": "{who} is slower",
    "no evidence": "it is open whether {who} is faster or slower",
    "no verdict": "{who} gets no verdict",
}
COLUMNS = (
    "strategy", "source", "budget", "seeds", "reached", "score", "steps", "baseline_steps", "ratio", "low",
    "high", "seconds", "baseline_seconds", "seconds_ratio", "seconds_low", "seconds_high", "at_least",
    "verdict", "sentence",
)  # fmt: skip
Pairs = Sequence[tuple[Trial, Trial]]


@dataclass(frozen=True)
class Race:
    """A strategy and the baseline on the way to a score, on the same budget and seeds.

    Parameters
    ----------
    pairs : sequence of (Trial, Trial)
        Strategy and baseline, seed by seed.
    score : float
        The score to be reached.
    reached, baseline_reached : int
        On how many draws it was.
    steps, seconds : ndarray of shape (2, n_pairs)
        Of the strategy, and of the baseline: NaN where the strategy, and the last where the baseline, did not
        reach the score.
    drawn : float
        The share of its pool that the budget is.
    """

    pairs: Pairs
    score: float
    reached: int
    baseline_reached: int
    steps: np.ndarray
    seconds: np.ndarray
    drawn: float

    @property
    def complete(self) -> bool:
        """Whether there is a ratio: the strategy came through on every draw, the baseline on one."""
        return self.reached == len(self.pairs) and self.baseline_reached > 0

    @property
    def at_least(self) -> bool:
        """Whether ratios are lower bounds."""
        return self.complete and self.baseline_reached < len(self.pairs)

    @property
    def in_steps(self) -> bool:
        """Whether both take steps."""
        return bool((self.steps > 0).all())

    def ratio(self, times: np.ndarray) -> Interval:
        """How many times as fast the strategy is, given steps or seconds."""
        return log_ratio(times[0], times[1], self.drawn) if self.complete else UNKNOWN

    @property
    def word(self) -> str:
        """The verdict, by steps where both take some and else by seconds."""
        judged = self.ratio(self.steps if self.in_steps else self.seconds)
        if not self.complete or len(self.pairs) < MIN_SEEDS:
            return "no verdict"
        if judged.low > 1:
            return "faster"
        return "slower" if judged.high < 1 and not self.at_least else "no evidence"


def log_ratio(ours: np.ndarray, theirs: np.ndarray, drawn: float = 0.0) -> Interval:
    """Return the geometric mean of theirs / ours with Student's interval of its logarithm over seeds.

    Parameters
    ----------
    ours, theirs : ndarray of shape (n_seeds,)
        Paired amounts; the ratio is NaN where one is 0.
    drawn : float
        As in `tlkit.study.intervals.crossed_interval`.

    Examples
    --------
    >>> import numpy as np
    >>> from tlkit.study.speed import log_ratio
    >>> found = log_ratio(np.array([10, 20, 40]), np.array([40, 40, 40]))
    >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
    (2.0, 0.357, 11.19)
    """
    if not ((ours > 0) & (theirs > 0)).all():
        return UNKNOWN
    logs, seeds = np.log(theirs / ours), len(ours)
    mean = logs.mean()
    if seeds < 2:
        return Interval(float(np.exp(mean)), np.nan, np.nan)
    found = students_interval(mean, logs.var(ddof=1) / seeds / (1 - drawn), seeds - 1, LEVEL)
    middle, low, high = (float(np.exp(end)) for end in (found.mean, found.low, found.high))
    return Interval(middle, low, high)


def speed_table(paired: Sequence[Pairs], summary: TaskSummary, score: float | None) -> pd.DataFrame:
    """Tabulate `tlkit.study.study.Study.speed`.

    Parameters
    ----------
    paired : sequence of sequences of (Trial, Trial)
        For each strategy, source and budget its trials beside the baseline's.
    summary : TaskSummary
    score : float, optional
        As for `Study.speed`.

    Raises
    ------
    BadInput
        If the score is no number from 0 on, trials have no curve, or the baseline never reaches the score.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100)
    >>> study = tlkit.compare(["joined"], source, task, 2, seeds=2, callbacks=[], curves=True)
    >>> study.speed(score=0.3)[["strategy", "reached", "verdict"]].values.tolist()
    [['joined', 2, 'no verdict']]
    """
    if score is not None:
        require_number("score", score, at_least(0))
    if any(not trial.curve for pairs in paired for pair in pairs for trial in pair):
        raise BadInput(
            "speed() needs to know how scores grew in training, and trials of this study have no curve: "
            "run tlkit.compare(..., curves=True)."
        )
    races = [_race(pairs, summary, score) for pairs in paired]
    if races and not any(race.baseline_reached for race in races):
        told = [point["score"] for race in races for _, twin in race.pairs for point in twin.curve]
        best = (max if summary.greater_is_better else min)(told)
        raise BadInput(
            f"The baseline {summary.baseline!r} reaches {score:g} on no draw; its best {summary.metric} is "
            f"{best:.3f}: ask for a score that it reaches."
        )
    return pd.DataFrame([_row(race, summary) for race in races], columns=COLUMNS)


def _race(pairs: Pairs, summary: TaskSummary, score: float | None) -> Race:
    goal = float(np.mean([twin.curve[-1]["score"] for _, twin in pairs])) if score is None else score
    ours, theirs = ([_first(trial, goal, summary) for trial in side] for side in zip(*pairs, strict=True))
    nowhere = {"step": np.nan, "seconds": np.nan}
    ends = [twin.curve[-1] for _, twin in pairs]
    runs = [each or nowhere for each in ours], [e or end for e, end in zip(theirs, ends, strict=True)]
    steps, seconds = (
        np.array([[point[unit] for point in run] for run in runs], dtype=float) for unit in nowhere
    )
    reached, others = (sum(point is not None for point in each) for each in (ours, theirs))
    return Race(pairs, goal, reached, others, steps, seconds, summary.drawn_share(pairs[0][0].budget))


def _first(trial: Trial, goal: float, summary: TaskSummary) -> dict[str, float] | None:
    """The first point of a trial's curve that is as good as the goal."""
    sign = 1 if summary.greater_is_better else -1
    return next((point for point in trial.curve if sign * (point["score"] - goal) >= -ROUNDING), None)


def _row(race: Race, summary: TaskSummary) -> tuple[object, ...]:
    trial = race.pairs[0][0]
    budget = "all" if trial.budget is None else trial.budget
    steps, seconds = race.ratio(race.steps), race.ratio(race.seconds)
    return (
        trial.strategy, trial.origin, budget, len(race.pairs), race.reached, race.score,
        *_typical(race.steps), steps.mean, steps.low, steps.high,
        *_typical(race.seconds), seconds.mean, seconds.low, seconds.high,
        race.at_least, race.word, _sentence(race, summary),
    )  # fmt: skip


def _typical(times: np.ndarray) -> list[float]:
    """Geometric means over draws, whose quotient is the ratio; NaN where a draw lacks one."""
    with np.errstate(divide="ignore"):
        return [float(np.exp(np.log(each).mean())) for each in times]


def _sentence(race: Race, summary: TaskSummary) -> str:
    trial, seeds, base = race.pairs[0][0], len(race.pairs), summary.display(summary.baseline)
    who = contender(trial.strategy, trial.origin, summary)
    goal = f"{metric_words(summary.metric)} {score_text(race.score, summary.percent)}"
    said = f"With {budget_in_words(trial.budget, summary.budget_unit)}, {CLAIMS[race.word].format(who=who)}"
    if not race.baseline_reached:
        return f"{said}: {base} reaches {goal} on no draw."
    if not race.complete:
        return f"{said}: it reaches {goal} on {race.reached} of {seeds} draws."
    few = f" (that takes {MIN_SEEDS} draws)" if seeds < MIN_SEEDS else ""
    ours, theirs = (f"{value:.3g} s" for value in _typical(race.seconds))
    if race.in_steps:
        steps = _typical(race.steps)
        ours, theirs = f"{steps[0]:.0f} steps ({ours})", f"{steps[1]:.0f} ({theirs})"
    said += f"{few}: it first reaches {goal} after {ours}, {base} after {theirs}; {_times(race)}."
    if race.at_least:
        said += f" {base} does not reach it on {seeds - race.baseline_reached} of {seeds} draws, where its "
        said += "last step counts."
    return said


def _times(race: Race) -> str:
    """Say how many times as fast, by what the verdict goes by."""
    ratio = race.ratio(race.steps if race.in_steps else race.seconds)
    unit, at_least = "steps" if race.in_steps else "seconds", "at least " if race.at_least else ""
    ends = "" if np.isnan(ratio.low) else f" (95 % interval {ratio.low:.2g} to {ratio.high:.2g}"
    ends += f", {len(race.pairs)} draws)" if ends else ""
    return f"counted in {unit} {at_least}{ratio.mean:.2g} times as fast{ends}"
