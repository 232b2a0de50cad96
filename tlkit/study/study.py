"""The study that many trials make: one tidy table, its verdicts, its figure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlkit.errors import BadInput, FileProblem
from tlkit.figures.wording import budget_in_words
from tlkit.study import stored
from tlkit.study.trial import FailedTrial, TaskSummary, Trial
from tlkit.study.verdicts import MIN_SEEDS, Interval, crossed_interval, verdict
from tlkit.system import files

FORMAT = 2


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
    >>> study = tlkit.compare(["prior"], source, task, budgets=[1, 2], seeds=2, callbacks=[])
    >>> study.verdicts()[["strategy", "budget", "seeds"]].values.tolist()
    [['prior', 1, 2], ['prior', 2, 2]]
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
        self._baselines = {
            (t.source, t.budget, t.seed): t for t in self.trials if t.strategy == summary.baseline
        }

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
        """The no-transfer strategy that gains are measured against."""
        return self.summary.baseline

    @property
    def table(self) -> pd.DataFrame:
        """One row a trial: strategy, source, budget, seed, each metric, gain, seconds, trainable, costs."""
        rows = [
            {
                **_key(t.strategy, t.source, t.budget),
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
        """Score with its 95 % interval for each strategy, source and budget."""
        rows = []
        for (strategy, source, budget), trials in self._groups():
            score = crossed_interval(np.stack([t.per_example for t in trials]))
            rows.append(
                _key(strategy, source, budget)
                | {"score": score.mean, "low": score.low, "high": score.high, "seeds": len(trials)}
            )
        return pd.DataFrame(rows)

    def verdicts(self) -> pd.DataFrame:
        """Judge each strategy, source and budget against the baseline.

        Returns
        -------
        DataFrame
            Columns strategy, source, budget, seeds, score, baseline (its score), gain, low, high (the paired
            95 % interval over draws, training seeds and test examples), verdict, sentence. A gain is positive
            where the strategy is better: where the metric is an error, where it fell.
        """
        rows = []
        for (strategy, source, budget), trials in self._groups():
            others = (trial for trial in trials if trial.strategy != self.baseline)
            pairs = [(trial, twin) for trial in others if (twin := self._twin(trial))]
            if pairs:
                rows.append(_key(strategy, source, budget) | self._judge(strategy, source, budget, pairs))
        columns = [
            "strategy",
            "source",
            "budget",
            "seeds",
            "score",
            "baseline",
            "gain",
            "low",
            "high",
            "verdict",
            "sentence",
        ]
        return pd.DataFrame(rows, columns=columns)

    def sentences(self) -> list[str]:
        """The verdicts in words."""
        return self.verdicts()["sentence"].tolist()

    def figure(self) -> Any:
        """Draw the label-efficiency curve with bands, or the gains where there is a single budget."""
        from tlkit.figures import charts

        single = len({t.budget for t in self.trials}) == 1
        draw, table = (charts.gains, self.verdicts()) if single else (charts.label_efficiency, self.curve())
        summary = self.summary
        return draw(
            table,
            summary.percent,
            summary.metric,
            summary.budget_unit,
            greater_is_better=summary.greater_is_better,
        )

    def save(self, path: str | Path) -> Path:
        """Write the study as one JSON file."""
        content = {
            "format": FORMAT,
            "summary": self.summary.to_dict(),
            "missing": self.missing,
            "trials": [t.to_dict() for t in self.trials],
            "failures": [t.to_dict() for t in self.failures],
        }
        path = Path(path)
        files.atomic_write(path, json.dumps(content))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a study that `save` wrote.

        Raises
        ------
        FileProblem
            If the file is not a study, or one that another version of tlkit wrote.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise FileProblem(
                f"{path} cannot be read as a study: {error}. A study is what Study.save() writes."
            ) from error
        if not isinstance(content, dict) or "format" not in content:
            raise FileProblem(f"{path} is not a study. A study is what Study.save() writes.")
        if content["format"] != FORMAT:
            raise FileProblem(
                f"{path} is a study of format {content['format']}, this tlkit reads format {FORMAT}. "
                "Open it with the tlkit that wrote it, or run the study again."
            )
        try:
            return cls(*stored.read(content))
        except (KeyError, TypeError, BadInput) as error:
            raise FileProblem(f"{path} is a damaged study ({error!r}): run the study again.") from error

    def _groups(self) -> Iterator[tuple[tuple[str, str, int | None], list[Trial]]]:
        groups: dict[tuple[str, str, int | None], list[Trial]] = {}
        for trial in self.trials:
            groups.setdefault((trial.strategy, trial.source, trial.budget), []).append(trial)
        return iter(groups.items())

    def _twin(self, trial: Trial) -> Trial | None:
        """The baseline's trial on the same source, budget and seed."""
        return self._baselines.get((trial.source, trial.budget, trial.seed))

    def _gain(self, trial: Trial, twin: Trial) -> np.ndarray:
        return (trial.per_example - twin.per_example) * (1 if self.summary.greater_is_better else -1)

    def _mean_gain(self, trial: Trial) -> float:
        twin = self._twin(trial)
        return float(self._gain(trial, twin).mean()) if twin else np.nan

    def _judge(
        self, strategy: str, source: str, budget: int | None, pairs: Sequence[tuple[Trial, Trial]]
    ) -> dict[str, Any]:
        gain = crossed_interval(np.stack([self._gain(*pair) for pair in pairs]))
        word = verdict(gain, len(pairs))
        judged = {
            "seeds": len(pairs),
            "score": float(np.mean([t.per_example.mean() for t, _ in pairs])),
            "baseline": float(np.mean([twin.per_example.mean() for _, twin in pairs])),
            "gain": gain.mean,
            "low": gain.low,
            "high": gain.high,
            "verdict": word,
        }
        return judged | {"sentence": self._sentence(strategy, source, budget, gain, word, len(pairs))}

    def _sentence(
        self, strategy: str, source: str, budget: int | None, gain: Interval, word: str, seeds: int
    ) -> str:
        scale, digits = (100, 1) if self.summary.percent else (1, 3)
        mean, low, high = (f"{scale * value:+.{digits}f}" for value in (gain.mean, gain.low, gain.high))
        who = f"{strategy} from {source}" if source else strategy
        claim = {
            "helps": f"{who} helps",
            "hurts": f"{who} hurts",
            "no evidence": f"there is no evidence that {who} helps or hurts",
            "no verdict": f"{who} gets no verdict (it takes {MIN_SEEDS} seeds)",
        }[word]
        interval = "" if np.isnan(gain.low) else f" (95 % interval {low} to {high}, {seeds} seeds)"
        much = budget_in_words(budget, self.summary.budget_unit)
        return f"With {much}, {claim}: {self._gained(mean)} against {self.baseline}{interval}."

    def _gained(self, mean: str) -> str:
        """Say what was gained: "+3.1 points of accuracy", or of an error "a fall of +0.031 in rmse"."""
        points = " points" if self.summary.percent else ""
        if self.summary.greater_is_better:
            return f"{mean}{points} of {self.metric}"
        return f"a fall of {mean}{points} in {self.metric}"


def _key(strategy: str, source: str, budget: int | None) -> dict[str, Any]:
    return {"strategy": strategy, "source": source, "budget": _shown(budget)}


def _shown(budget: int | None) -> int | str:
    return "all" if budget is None else budget
