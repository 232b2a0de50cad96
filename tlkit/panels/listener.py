"""What the panel hears of a run while it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tlkit.figures.wording import duration
from tlkit.study.callbacks import Callback, Stop
from tlkit.study.trial import Cell, FailedTrial, Trial

REDRAW_SECONDS = 0.2


class Stage(Protocol):
    """Where a run is shown."""

    progress: Any

    def say(self, text: str) -> None:
        """Show one line of status."""

    def show_training(self, strategy: str, records: list[dict[str, float]]) -> None:
        """Draw the learning curve of what trains now."""

    def show_gains(self) -> None:
        """Draw the gains so far."""


def time_left(pending: Sequence[str], seconds: Mapping[str, Sequence[float]]) -> str:
    """Return "about 40 s" for trials to come, by those that have been; empty for what takes no time.

    Parameters
    ----------
    pending : sequence of str
        The strategy of each trial to come.
    seconds : mapping of str to sequence of float
        How long trials took, by strategy; one that is not there is taken for the mean of the others.
    """
    known = {name: sum(took) / len(took) for name, took in seconds.items()}
    if not known:
        return ""
    typical = sum(known.values()) / len(known)
    left = sum(known.get(name, typical) for name in pending)
    return f"about {duration(left)}" if left >= 2 else ""


class PanelListener(Callback):
    """Draws what a run does, at most five times a second, keeps its trials, and ends it when asked to.

    Parameters
    ----------
    stage : Stage
        Where to show it.
    kept : dict
        Takes the finished trials.
    stopping : Event
        Set to end the run.
    plan : list of (str, int)
        The strategies and seeds to come, in order, which tells who is training.
    seconds : mapping of str to sequence of float
        How long trials of earlier runs took, by strategy.
    """

    def __init__(
        self,
        stage: Stage,
        kept: dict[tuple, Trial],
        stopping: threading.Event,
        plan: list[tuple[str, int]],
        seconds: Mapping[str, Sequence[float]],
    ):
        self._stage, self._kept, self._stopping, self._pending = stage, kept, stopping, list(plan)
        self._records: list[dict[str, float]] = []
        self._total, self._started, self._drawn = len(plan), time.monotonic(), 0.0
        self._fitting, self._failed = 0.0, 0
        self._seconds = {strategy: list(took) for strategy, took in seconds.items()}

    def on_begin(self, total: int) -> None:
        """Say what comes first."""
        self._announce()

    def on_step(self, record: dict[str, float]) -> None:
        """Let the learning curve grow."""
        self._end_if_asked()
        self._hear(record)
        if time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._draw(self._pending[0][0])
            within = min(record["step"] / max(record["steps"], 1), 1)
            self._stage.progress.value = (self._total - len(self._pending) + within) / self._total

    def on_trial(self, trial: Trial, done: int, total: int) -> None:
        """Keep a trial and show what it adds."""
        self._kept[trial.strategy, trial.source, trial.budget, trial.seed] = trial
        self._fitting += trial.seconds
        self._seconds.setdefault(trial.strategy, []).append(trial.seconds)
        for record in [] if self._records else trial.history:  # one that was stored has not been heard
            self._hear(record)
        self._end(trial, done, total)

    def on_failed(self, failed: FailedTrial, done: int, total: int) -> None:
        """Go on to the next; the panel tells of it at the end."""
        self._failed += 1
        self._end(failed, done, total)

    def _end(self, trial: Cell, done: int, total: int) -> None:
        self._pending.remove((trial.strategy, trial.seed))
        self._draw(trial.strategy)
        self._records = []
        self._stage.progress.value = done / total
        self._stage.show_gains()
        if self._pending:
            self._announce()
            self._end_if_asked()

    def summary(self, missing: int) -> str:
        """Return how the run ended, in a sentence."""
        if missing:
            return f"Stopped after {self._total - missing} of {self._total} trials; they are kept."
        took = time.monotonic() - self._started
        # Trials run one after the other, so those that took longer than the run were not run in it.
        stored = "; stored ones were not run again" if self._fitting > took else ""
        failed = f", of which {self._failed} failed," if self._failed else ""
        return f"Done: {self._total} trials{failed} in {took:.1f} s{stored}."

    def _hear(self, record: dict[str, float]) -> None:
        if self._records and record["step"] <= self._records[-1]["step"]:
            self._records = []  # a strategy that trains twice starts its curve anew
        self._records.append(record)

    def _announce(self) -> None:
        strategy, seed = self._pending[0]
        trial = f"Trial {self._total - len(self._pending) + 1} of {self._total}: {strategy}, seed {seed}"
        self._stage.say(f"{trial}{self._left()}")

    def _left(self) -> str:
        """How long the trials to come will take, once it is known how long one does."""
        left = time_left([name for name, _ in self._pending], self._seconds)
        return left and f"; {left} left"

    def _draw(self, strategy: str) -> None:
        self._stage.show_training(strategy, self._records)
        self._drawn = time.monotonic()

    def _end_if_asked(self) -> None:
        if self._stopping.is_set():
            raise Stop


class StopWhen(Callback):
    """Ends a fit at its next training step when `over()` says that nobody waits for it any longer."""

    def __init__(self, over: Callable[[], bool]):
        self._over = over

    def on_step(self, record: dict[str, float]) -> None:
        """Ask."""
        if self._over():
            raise Stop
