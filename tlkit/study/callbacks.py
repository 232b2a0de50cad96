"""Those who listen to a study while it runs."""

from __future__ import annotations

from typing import Any


class Stop(Exception):
    """Raised by a callback to end the work; what is done is kept.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> class Once(tlkit.Callback):
    ...     def on_trial(self, trial, done, total):
    ...         raise tlkit.Stop
    >>> tlkit.compare(["joined"], source, task, seeds=3, callbacks=[Once()])
    Study(1 trials on films at similarity 0.8, 5 missing)
    """


class Callback:
    """Listens to trials and training; override what you need, and raise `Stop` to end the work.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> class Told(tlkit.Callback):
    ...     def on_trial(self, trial, done, total):
    ...         print(f"{done} of {total}: {trial.strategy}")
    >>> study = tlkit.compare(["joined"], source, task, seeds=1, callbacks=[Told()])
    1 of 2: target_only
    2 of 2: joined
    """

    def on_begin(self, total: int) -> None:
        """`total` trials are about to run."""

    def on_step(self, record: dict[str, float]) -> None:
        """Training has advanced: `record` holds step, steps, loss, perhaps valid_loss and valid_score."""

    def on_trial(self, trial: Any, done: int, total: int) -> None:
        """A `tlkit.study.trial.Trial` has ended; `done` of `total` are known."""

    def on_failed(self, failed: Any, done: int, total: int) -> None:
        """A trial has ended in an error: a `tlkit.study.trial.FailedTrial`; `done` of `total` are known."""

    def on_end(self) -> None:
        """No more trials will come."""
