"""Those who listen to a study while it runs."""

from __future__ import annotations

from typing import Any


class Stop(Exception):
    """Raised by a callback to end the work; what is done is kept."""


class Callback:
    """Listens to trials and training; override what you need, and raise `Stop` to end the work."""

    def on_begin(self, total: int) -> None:
        """`total` trials are about to run."""

    def on_step(self, record: dict[str, float]) -> None:
        """Training has advanced: `record` holds step, steps, loss, perhaps valid_loss and valid_score."""

    def on_trial(self, trial: Any, done: int, total: int) -> None:
        """A `tlkit.study.trial.Trial` has ended; `done` of `total` are known."""

    def on_end(self) -> None:
        """No more trials will come."""
