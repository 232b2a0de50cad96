"""The study that many trials make: one tidy table, its verdicts, its figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlkit.errors import ABOVE_0, BadInput, require_number
from tlkit.study import stored
from tlkit.study.intervals import Interval, crossed_interval, grouped, seeds_to_show
from tlkit.study.sentences import conclusion, multiplicity, sentence
from tlkit.study.trial import FailedTrial, TaskSummary, Trial
from tlkit.study.verdicts import EQUIVALENCE, MIN_SEEDS, Comparison, Judged, judge, require_way

JUDGED = ("strategy", "source", "budget", "seeds", "score", "baseline", "gain", "low", "high", "verdict")
CREDITED = ("strategy", "source", "budget", "seeds", "score", "twin", "twin_score", "gain", "low", "high")
Group = tuple[str, str, int | None]


class Study:
    """Trials of several strategies on the same budgets and seeds.

    Parameters
    ----------
    trials : iterable of Trial
        In any order; the baseline's come first, here and in figures, and the others as they are given.
    summary : TaskSummary
        The task's metric, baseline and budget unit.
    missing : int
        How many trials were asked for and not run, after an interrupt.
    failures : iterable of FailedTrial
        Those that ended in an error: no table but `failed` has them, and no verdict rests on them.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100)
    >>> study = tlkit.compare(["joined"], source, task, budgets=[1, 2], seeds=2, callbacks=[])
    >>> study.verdicts()[["strategy", "budget", "seeds"]].values.tolist()
    [['joined', 1, 2], ['joined', 2, 2]]
    """

    def __init__(
        self,
        trials: Iterable[Trial],
        summary: TaskSummary,
        missing: int = 0,
        failures: Iterable[FailedTrial] = (),
    ):
        self.failures = tuple(failures)
        self.trials = tuple(sorted(trials, key=lambda trial: trial.strategy != summary.baseline))
        self.summary = summary
        self.missing = missing
        self._places = {(t.strategy, t.source, t.budget, t.seed): t for t in self.trials}

    def __repr__(self) -> str:
        done = f"{len(self.trials)} trials on {self.summary.task}"
        rest = {"failed": len(self.failures), "missing": self.missing}
        return f"Study({', '.join([done, *(f'{n} {what}' for what, n in rest.items() if n)])})"

    @property
    def metric(self) -> str:
        """The headline metric."""
        return self.summary.metric

    @property
    def baseline(self) -> str:
        """The strategy that gains are measured against."""
        return self.summary.baseline

    @property
    def table(self) -> pd.DataFrame:
        """One row a trial: strategy, source, budget, seed, each metric, gain, seconds, trainable, costs.

        The source-free twins that were run beside are rows too.
        """
        rows = [
            {
                **_key(t),
                "seed": t.seed,
                **t.metrics,
                "gain": self._mean_gain(t),
                "seconds": t.seconds,
                "trainable": t.trainable,
                **t.costs,
            }
            for t in self.trials
        ]
        return pd.DataFrame(rows)

    @property
    def failed(self) -> pd.DataFrame:
        """One row a trial that ended in an error: strategy, source, budget, seed, error, message."""
        rows = [(t.strategy, t.source, _shown(t.budget), t.seed, t.error, t.message) for t in self.failures]
        return pd.DataFrame(rows, columns=["strategy", "source", "budget", "seed", "error", "message"])

    def curve(self) -> pd.DataFrame:
        """Score with its 95 % interval for each strategy that was asked for, source and budget."""
        rows = []
        for group, trials in self._groups():
            score = self._interval(np.stack([t.per_example for t in trials]), group[2])
            rows.append(
                _key(trials[0])
                | {"score": score.mean, "low": score.low, "high": score.high, "seeds": len(trials)}
            )
        return pd.DataFrame(rows)

    def verdicts(self, adjust: str | None = None, equivalence: float = EQUIVALENCE) -> pd.DataFrame:
        """Judge each strategy, source and budget against the baseline.

        Parameters
        ----------
        adjust : {"holm", "bonferroni", "fdr_bh", "fdr_by"}, optional
            How to allow for the number of verdicts, those of `credit` among them: Holm and Bonferroni bound
            the chance of any false one, Benjamini-Hochberg and Benjamini-Yekutieli the share of false ones.
        equivalence : float
            Where the whole interval lies within plus or minus this much, in the unit of the metric, the
            verdict is *practically equal*.

        Returns
        -------
        DataFrame
            Columns strategy, source, budget, seeds, score, baseline (its score), gain, low, high (the paired
            95 % interval over draws, training seeds and test examples), verdict, sentence. A gain is positive
            where the strategy is better: where the metric is an error, where it fell. With `adjust` also
            p_adjusted, and `adjusted`, the verdict by it, which the sentence then says.

        Raises
        ------
        BadInput
            If the adjustment is unknown or the region of equivalence is below zero.
        """
        judged, own = self._judged(adjust, equivalence)
        credits = {each.on.group: each for each in own}
        rows = []
        for each in judged:
            row = dict(zip(JUDGED, _row(each), strict=True))
            row |= {"p_adjusted": each.p_adjusted, "adjusted": each.adjusted} if adjust else {}
            row["sentence"] = sentence(each, credits.get(each.on.group), self.summary, adjust)
            rows.append(row)
        return pd.DataFrame(rows, columns=None if rows else [*JUDGED, "sentence"])

    def credit(self, adjust: str | None = None, equivalence: float = EQUIVALENCE) -> pd.DataFrame:
        """Judge each strategy that uses a source against its source-free twin: what the source is worth.

        A strategy that brings more than the source, such as another model or a mixture, may gain over the
        baseline by that alone. Its twin has the same members and no source.

        Parameters
        ----------
        adjust, equivalence
            As for `verdicts`.

        Returns
        -------
        DataFrame
            Columns strategy, source, budget, seeds, score, twin (its label; the baseline where a strategy
            names no other), twin_score, gain, low, high, verdict; and p_adjusted and adjusted with `adjust`.

        Raises
        ------
        BadInput
            As for `verdicts`.
        """
        judged, own = self._judged(adjust, equivalence)
        plain = [each for each in judged if each.on.transfers and each.on.twin == self.baseline]
        rows = []
        for each in (*plain, *own):
            _, _, _, _, score, other, *gain, word = _row(each)
            found = (*each.on.group[:2], _shown(each.on.budget), each.on.seeds, score, each.on.twin, other)
            row = dict(zip((*CREDITED, "verdict"), (*found, *gain, word), strict=True))
            rows.append(row | ({"p_adjusted": each.p_adjusted, "adjusted": each.adjusted} if adjust else {}))
        return pd.DataFrame(rows, columns=None if rows else [*CREDITED, "verdict"])

    def sentences(self, adjust: str | None = None) -> list[str]:
        """The verdicts in words."""
        return self.verdicts(adjust)["sentence"].tolist()

    def conclusion(self) -> str:
        """Say in one line what the verdicts come to."""
        return conclusion(self._judged(None, EQUIVALENCE)[0], self.summary)

    def multiplicity(self, adjust: str | None = None) -> str:
        """Say how many verdicts this study holds, and how many false ones to expect; empty for one."""
        judged, own = self._judged(adjust, EQUIVALENCE)
        return multiplicity(sum(each.on.seeds >= MIN_SEEDS for each in (*judged, *own)), adjust)

    def plan(self, points: float = 2.0) -> pd.DataFrame:
        """Say how many seeds it would take to show a gain of a given size.

        Parameters
        ----------
        points : float
            The gain to be shown, in hundredths of the metric's unit.

        Returns
        -------
        DataFrame
            Columns strategy, source, budget, seeds (that were run), needed (to show it four times in five;
            infinity where no number of seeds is enough for this test set).

        Raises
        ------
        BadInput
            If the gain is not above 0, or no strategy was run with two seeds beside the baseline.
        """
        require_number("points", points, ABOVE_0)
        rows = []
        for group, trials in self._groups():
            pairs = self._pairs(trials, self.baseline)
            if group[0] != self.baseline and len(pairs) > 1:
                gains = grouped(self._gains(pairs), self._unit_groups)
                needed = seeds_to_show(points / 100, gains, drawn=self.summary.drawn_share(group[2]))
                rows.append(_key(trials[0]) | {"seeds": len(pairs), "needed": needed})
        if not rows:
            raise BadInput("plan() estimates from two seeds or more of a strategy beside its baseline.")
        return pd.DataFrame(rows)

    def speed(self, score: float | None = None) -> pd.DataFrame:
        """Judge how much sooner than the baseline each strategy first reaches a score, in steps and seconds.

        Time to threshold (Taylor and Stone, Journal of Machine Learning Research 10, 2009, section 2.2), told
        to within one report of the training, a twentieth of it. The intervals cover the draws and training
        seeds, by Student's t of the ratio's logarithm, and not the test set.

        Parameters
        ----------
        score : float, optional
            In the unit of the metric; by default the mean final score of the baseline at each budget.

        Returns
        -------
        DataFrame
            Columns strategy, source, budget, seeds, reached (on how many of them), score (to be reached),
            steps and baseline_steps (geometric means), ratio (the latter through the former), low, high; the
            same for seconds, of training alone; at_least, verdict, sentence. The verdict is *faster*,
            *slower* or *no evidence*, by steps, and by seconds where one takes no steps; *no verdict* below
            three seeds, or where the strategy does not reach the score on every draw. Where the baseline does
            not reach it on some, its last step counts: the ratio is then a lower bound (at_least), and the
            verdict never *slower*.

        Raises
        ------
        BadInput
            If trials have no curve (``tlkit.compare(..., curves=True)``), or no baseline reaches the score.
        """
        from tlkit.study.speed import speed_table

        paired = (self._pairs(trials, self.baseline) for trials in self._contenders())
        return speed_table([pairs for pairs in paired if pairs], self.summary, score)

    def worth(self) -> pd.DataFrame:
        """Say how many labels, or ratings, of the baseline's each strategy's score is worth.

        That is the budget at which the baseline, or the source-free twin of a strategy that names one, has
        the same score: between the budgets that were run, on a straight line over log(1 + n). The interval
        holds all budgets at which the paired 95 % interval of the difference holds 0; it covers draws,
        training seeds and test examples, and not what the curve may do between two budgets.

        Returns
        -------
        DataFrame
            Columns strategy, source, budget, seeds, score, worth, low, high, verdict, sentence. Infinity is
            more than the largest budget that was run, 0 less than the smallest. The verdict is *cheaper* or
            *dearer* where the interval lies above or below the strategy's own budget, else *no evidence*; *no
            verdict* below three seeds. All the data are no budget here.

        Raises
        ------
        BadInput
            If what it is compared with was not run at two budgets, or none of the scores is one it reaches.
        """
        from tlkit.study.worth import worth_table

        return worth_table(self._contenders(), self.trials, self.summary)

    def figure(self) -> Any:
        """Draw the label-efficiency curve with bands, or the gains where there is a single budget."""
        from tlkit.figures import charts

        summary = self.summary
        common = {"greater_is_better": summary.greater_is_better}
        if len({t.budget for t in self.trials}) == 1:
            return charts.gains(
                self.verdicts(), summary.percent, summary.metric, summary.budget_unit, **common
            )
        return charts.label_efficiency(
            self.curve(), summary.percent, summary.metric, summary.budget_unit, summary.chance, **common
        )

    def save(self, path: str | Path) -> Path:
        """Write the study as one JSON file."""
        return stored.write(Path(path), self.trials, self.summary, self.missing, self.failures)

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a study that `save` wrote.

        Raises
        ------
        FileProblem
            If the file is not a study, is damaged, or is one that another version of tlkit wrote.
        """
        return cls(*stored.read(Path(path)))

    def _groups(self) -> Iterator[tuple[Group, list[Trial]]]:
        """The trials that were asked for, by strategy, source and budget."""
        groups: dict[Group, list[Trial]] = {}
        for trial in self.trials:
            if not trial.beside:
                groups.setdefault((trial.strategy, trial.source, trial.budget), []).append(trial)
        return iter(groups.items())

    def _contenders(self) -> list[list[Trial]]:
        return [trials for group, trials in self._groups() if group[0] != self.baseline]

    def _judged(self, adjust: str | None, equivalence: float) -> tuple[list[Judged], list[Judged]]:
        """Judge against the baseline, and against twins other than the baseline."""
        require_way(adjust, equivalence)
        groups = list(self._groups())
        against = [self._compare(*each, self.baseline) for each in groups if each[0][0] != self.baseline]
        twins = [(*each, each[1][0].twin) for each in groups if each[1][0].transfers]
        own = [self._compare(*each) for each in twins if each[2] not in ("", self.baseline)]
        found = [each for each in (*against, *own) if each]
        judged = judge(found, adjust, equivalence)
        first = sum(each is not None for each in against)
        return judged[:first], judged[first:]

    def _compare(self, group: Group, trials: list[Trial], reference: str) -> Comparison | None:
        """Compare with what ran on the same budgets and seeds; None if nothing did."""
        pairs = self._pairs(trials, reference)
        if not pairs:
            return None
        strategy, _, budget = group
        scores, others = (np.stack([t.per_example for t in side]) for side in zip(*pairs, strict=True))
        return Comparison(
            strategy,
            trials[0].origin,
            budget,
            reference,
            trials[0].twin or self.baseline,
            trials[0].transfers,
            len(pairs),
            self._interval(scores, budget),
            self._interval(self._gains(pairs), budget),
            float(others.mean()),
        )

    def _pairs(self, trials: Iterable[Trial], reference: str) -> list[tuple[Trial, Trial]]:
        return [(trial, twin) for trial in trials if (twin := self._beside(trial, reference))]

    def _beside(self, trial: Trial, reference: str) -> Trial | None:
        """The reference's trial on the same source, or without any, and on the same budget and seed."""
        places = [(reference, source, trial.budget, trial.seed) for source in (trial.source, "")]
        return next((self._places[place] for place in places if place in self._places), None)

    def _gains(self, pairs: Iterable[tuple[Trial, Trial]]) -> np.ndarray:
        """What each pair gains on each test example, (n_pairs, n_examples)."""
        sign = 1 if self.summary.greater_is_better else -1
        return sign * np.stack([trial.per_example - twin.per_example for trial, twin in pairs])

    @property
    def _unit_groups(self) -> np.ndarray | None:
        return None if self.summary.groups is None else np.array(self.summary.groups)

    def _interval(self, values: np.ndarray, budget: int | None) -> Interval:
        return crossed_interval(grouped(values, self._unit_groups), drawn=self.summary.drawn_share(budget))

    def _mean_gain(self, trial: Trial) -> float:
        pairs = self._pairs([trial], self.baseline)
        return float(self._gains(pairs).mean()) if pairs else np.nan


def _row(judged: Judged) -> tuple[Any, ...]:
    """The values of `JUDGED`."""
    on = judged.on
    scores = on.score.mean, on.reference_score
    gain = on.gain.mean, on.gain.low, on.gain.high
    return on.strategy, on.source, _shown(on.budget), on.seeds, *scores, *gain, judged.word


def _key(trial: Trial) -> dict[str, Any]:
    return {"strategy": trial.strategy, "source": trial.origin, "budget": _shown(trial.budget)}


def _shown(budget: int | None) -> int | str:
    return "all" if budget is None else budget
