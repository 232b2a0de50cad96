"""Running trials: one with `transfer`, many on identical budget draws with `compare`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
from joblib.parallel import LokyBackend, SequentialBackend, ThreadingBackend
from sklearn.base import BaseEstimator
from tqdm import tqdm

from tlkit.study import trial_cache
from tlkit.study.callbacks import Callback, Stop
from tlkit.study.forgetting import kept_of_source
from tlkit.study.planning import PlannedTrial, labelled, lay_out, with_seed
from tlkit.study.recording import Recorder
from tlkit.study.source import Source, Sources
from tlkit.study.strategy import innermost, uses_source
from tlkit.study.study import Study
from tlkit.study.task import Task
from tlkit.study.trial import TaskSummary, Trial
from tlkit.system import compute

LOCAL_BACKENDS = (LokyBackend, SequentialBackend, ThreadingBackend)


class ProgressBar(Callback):
    """A bar over trials, shown once they have taken a second."""

    def on_begin(self, total: int) -> None:
        """Start the bar."""
        # A notebook paints whatever comes by stderr red, be it blank.
        stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
        self._bar = tqdm(total=total, unit="trial", delay=1, leave=False, file=stream)

    def on_trial(self, trial: Trial, done: int, total: int) -> None:
        """Advance it."""
        self._bar.set_description(
            f"{trial.strategy}, budget {trial.budget}, seed {trial.seed}", refresh=False
        )
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
    return _run(PlannedTrial(label, estimator, used, task.drawn, seed), task, callbacks)


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
    call takes it up again after an interrupt, which returns the study of what is done.

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
    trials: dict[int, Trial] = {}

    def keep(index: int, trial: Trial) -> None:
        trials[index] = trial
        for listener in listeners:
            listener.on_trial(trial, len(trials), len(plans))

    for listener in listeners:
        listener.on_begin(len(plans))
    try:
        _run_all(plans, task, n_jobs, listeners, cache, keep, curves)
    except Stop:
        pass  # whoever raised it knows
    except KeyboardInterrupt:
        warnings.warn(
            f"Interrupted: {len(trials)} of {len(plans)} trials are done and kept; the same call goes on.",
            stacklevel=2,
        )
    finally:
        for listener in listeners:
            listener.on_end()
    summary = TaskSummary.of(task, baseline)
    return Study([trials[index] for index in sorted(trials)], summary, len(plans) - len(trials))


def _run_all(
    plans: list[PlannedTrial],
    task: Task,
    n_jobs: int | None,
    listeners: list[Callback],
    cache: bool,
    keep: Callable[[int, Trial], None],
    curves: bool,
) -> None:
    """Take up what is stored, run what is not (once where several plans are the same), store it."""
    todo: dict[str, list[int]] = {}
    for index, plan in enumerate(plans):
        key = trial_cache.key(plan.estimator, task, plan.budget, plan.seed, curves)
        stored = trial_cache.load(key) if cache else None
        if stored is None:
            todo.setdefault(key, []).append(index)
        else:
            keep(index, _named(stored, plan))
    backend, _ = joblib.parallel.get_active_backend()
    here = joblib.effective_n_jobs(n_jobs) == 1 and isinstance(backend, LOCAL_BACKENDS)
    heard = listeners if here else []
    # A backend that cannot hand trials over one by one (Ray) hands them over at the end.
    order = "generator_unordered" if here or backend.supports_return_generator else "list"
    jobs = (joblib.delayed(_job)(key, plans[same[0]], task, heard, curves) for key, same in todo.items())
    for key, trial in joblib.Parallel(n_jobs=n_jobs, return_as=order)(jobs):
        if cache:
            trial_cache.store(key, trial)
        for index in todo[key]:
            keep(index, _named(trial, plans[index]))


def _job(
    key: str, plan: PlannedTrial, task: Task, listeners: Sequence[Callback], curves: bool
) -> tuple[str, Trial]:
    """Draw the budget and run one trial; what was fitted stays where it was."""
    drawn = task if plan.budget is None else task.budget(plan.budget, plan.seed)
    return key, replace(_run(plan, drawn, listeners, curves), fitted=None)


def _run(plan: PlannedTrial, task: Task, listeners: Sequence[Callback], curves: bool = False) -> Trial:
    """Fit and score on a task as it is."""
    estimator = with_seed(plan.estimator, plan.seed)
    with compute.steady_threads():
        heard = Recorder(task, estimator, listeners, curves)
        with compute.Stopwatch() as watch:
            task.fit(estimator, callbacks=[heard])
        score = task.score(estimator)
        kept = kept_of_source(estimator, plan.source)
    best, seconds = innermost(estimator), watch.seconds - heard.apart
    return Trial(
        strategy=plan.label,
        source=plan.source.name if plan.source else "",
        budget=plan.budget,
        seed=plan.seed,
        transfers=plan.transfers,
        metrics=score.metrics | kept,
        per_example=np.asarray(score.per_example, dtype=float),
        seconds=seconds,
        trainable=int(getattr(best, "n_trainable_", 0)),
        costs=best.costs() if hasattr(best, "costs") else {},
        history=heard.history,
        curve=heard.curve(seconds, score.metrics[task.metric]),
        fitted=estimator,
    )


def _named(trial: Trial, plan: PlannedTrial) -> Trial:
    """Give a trial the names it has in this study; what was computed is the same."""
    source = plan.source.name if plan.source else ""
    return replace(
        trial,
        strategy=plan.label,
        source=source,
        budget=plan.budget,
        seed=plan.seed,
        twin=plan.twin,
        transfers=plan.transfers,
        beside=plan.beside,
    )
