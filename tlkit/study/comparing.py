"""Running trials: one with `transfer`, many on identical budget draws with `compare`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sklearn.base import BaseEstimator

from tlkit.errors import TrainingProblem, first_few
from tlkit.study.attempt import run
from tlkit.study.callbacks import Callback, Stop
from tlkit.study.planning import PlannedTrial, labelled, lay_out
from tlkit.study.source import Source, Sources
from tlkit.study.stores import Disk, Memory
from tlkit.study.strategy import uses_source
from tlkit.study.study import Study
from tlkit.study.task import Task
from tlkit.study.trial import FailedTrial, TaskSummary, Trial
from tlkit.study.workers import Outcome, Workers
from tlkit.system import progress


class ProgressBar(Callback):
    """A bar over trials, shown once they have taken a second."""

    def on_begin(self, total: int) -> None:
        """Start the bar."""
        self._bar = progress.bar(total=total, unit="trial", delay=1)

    def on_trial(self, trial: Trial, done: int, total: int) -> None:
        """Advance it."""
        budget = "all" if trial.budget is None else trial.budget
        self._bar.set_description(f"{trial.strategy}, budget {budget}, seed {trial.seed}", refresh=False)
        self._bar.update()

    def on_failed(self, failed: FailedTrial, done: int, total: int) -> None:
        """Advance it likewise."""
        self._bar.update()

    def on_end(self) -> None:
        """Remove it."""
        self._bar.close()


def transfer(
    strategy: str | BaseEstimator,
    source: Source | Sources | None,
    task: Task,
    *,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    **params: Any,
) -> Trial:
    """Fit one strategy on a task as it is and score it.

    Parameters
    ----------
    strategy : str or estimator
        A strategy's name, or an estimator with its parameters set.
    source : Source, Sources or None
        What is transferred; None where the strategy needs nothing.
    task : Task
        Its training data are used whole: draw fewer with ``task.budget(n, seed)``.
    seed : int
        Of the training.
    callbacks : sequence of Callback
        Listen to the training.
    **params
        Parameters for a strategy given by name.

    Returns
    -------
    Trial
        With the fitted estimator in `fitted`.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2)
    >>> trial = tlkit.transfer("prior", source, task, weight=5.0)
    >>> trial.strategy, round(trial.metrics["ndcg@10"], 1)
    ('prior', 0.4)
    """
    label, estimator = labelled(None, strategy, source, task, **params)
    used = source if uses_source(estimator) else None
    return run(PlannedTrial(label, estimator, used, task.drawn, seed), task, callbacks)


def compare(
    strategies: Iterable[str | BaseEstimator] | Mapping[str, BaseEstimator],
    source: Source | Sources | Sequence[Source | Sources | None] | None,
    task: Task,
    budgets: int | Sequence[int] | None = None,
    seeds: int | Sequence[int] = 5,
    *,
    baseline: str | None = None,
    n_jobs: int | None = None,
    callbacks: Sequence[Callback] | None = None,
    cache: bool = True,
    curves: bool = False,
) -> Study:
    """Run strategies on identical budget draws and gather the trials.

    A baseline is always run, and beside a strategy that brings more than its source, such as a mixture of
    models, its twin without the source (see `Study.credit`). Trials run through joblib, so a backend
    chosen with ``joblib.parallel_config`` (Dask, Ray) is used. Each trial is stored when it ends: the same
    call takes it up again after an interrupt, which returns the study of what is done. Processes that run
    the same trials at the same time share them out. One that fails, or whose worker is killed twice, is
    left to `Study.failed`, with a warning.

    Parameters
    ----------
    strategies : names, estimators, or a mapping of labels to estimators
        What to compare.
    source : Source or Sources, or a sequence of them, or None
        Each is tried with every strategy; ``Sources(a, b)`` is one that a strategy gets together.
    task : Task
        The target.
    budgets : sequence of int, optional
        Labels a class or ratings a user; all the training data by default. At 0 labels only those run
        that need none.
    seeds : int or sequence of int
        How many draws, or which.
    baseline : str, optional
        Label or name of the strategy that gains are measured against; the task's own by default.
    n_jobs : int, optional
        Processes; by default one, or what ``joblib.parallel_config`` says.
    callbacks : sequence of Callback, optional
        A progress bar by default. They hear of training steps only in this process.
    cache : bool
        Whether to take up and store finished trials.
    curves : bool
        Whether to score the test data at each report of a training, about 20 a fit, for `Study.speed`.
        Nothing is chosen by these scores.

    Returns
    -------
    Study

    Raises
    ------
    BadInput
        If a name is unknown, a budget is larger than the data allow or than the baseline can learn from, or
        a list is empty.
    Exception
        What the first trial raised, if each and every one failed.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100)
    >>> study = tlkit.compare(["joined", "cmf"], source, task, budgets=[1, 2], seeds=2, callbacks=[])
    >>> study
    Study(16 trials on films at similarity 0.8)
    >>> study.credit()["twin"].unique().tolist()
    ['target_only', 'cmf without source']
    """
    listeners: list[Callback] = [ProgressBar()] if callbacks is None else list(callbacks)
    plans = lay_out(strategies, source, task, budgets, seeds, baseline)
    outcomes: dict[int, Outcome] = {}

    def keep(index: int, outcome: Outcome) -> None:
        outcomes[index] = outcome
        for listener in listeners:
            hear = listener.on_failed if isinstance(outcome, FailedTrial) else listener.on_trial
            hear(outcome, len(outcomes), len(plans))

    for listener in listeners:
        listener.on_begin(len(plans))
    try:
        with Disk() if cache else Memory() as store:
            Workers(plans, task, n_jobs, listeners, store, keep, curves).run()
    except Stop:
        pass  # whoever raised it knows
    except KeyboardInterrupt:
        warnings.warn(
            f"Interrupted: {len(outcomes)} of {len(plans)} trials are done and kept; the same call goes on.",
            stacklevel=2,
        )
    finally:
        for listener in listeners:
            listener.on_end()
    trials, failed = _results(outcomes, plans)
    return Study(trials, TaskSummary.of(task, baseline), len(plans) - len(outcomes), failed)


def _results(
    outcomes: Mapping[int, Outcome], plans: Sequence[PlannedTrial]
) -> tuple[list[Trial], list[FailedTrial]]:
    """Tell the trials from those that failed, in the order of the plans, and warn of the latter.

    Raises
    ------
    Exception
        What the first one raised, if each and every one failed.
    """
    ordered = [outcomes[index] for index in sorted(outcomes)]
    trials = [each for each in ordered if isinstance(each, Trial)]
    failed = [each for each in ordered if isinstance(each, FailedTrial)]
    if failed and len(failed) == len(plans):
        error = failed[0].raised or TrainingProblem(str(failed[0]))
        error.add_note(f"Every trial failed; the first one here:\n{failed[0].traceback}")
        raise error
    if failed:
        warnings.warn(
            f"{len(failed)} of {len(plans)} trials failed, and verdicts rest on the others (study.failed has "
            f"all): {first_few(failed, 3)}",
            stacklevel=3,
        )
    return trials, [replace(each, raised=None) for each in failed]
