"""Running the trials of a study, whatever the backend, and whatever becomes of one of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import joblib
from joblib.parallel import LokyBackend, SequentialBackend, ThreadingBackend

from tlkit.study import stores, trial_cache
from tlkit.study.attempt import attempt, failed, named
from tlkit.study.callbacks import Callback, Stop
from tlkit.study.planning import PlannedTrial
from tlkit.study.task import Task
from tlkit.study.trial import FailedTrial, Trial

LOCAL_BACKENDS = (LokyBackend, SequentialBackend, ThreadingBackend)
Outcome = Trial | FailedTrial


class Workers:
    """Takes up what is stored, runs what is not (once where several plans are the same), and stores it.

    Parameters
    ----------
    plans : list of PlannedTrial
    task : Task
    n_jobs, listeners
        As for `tlkit.compare`.
    store : Memory
        Where finished trials come from and go to.
    keep : callable
        Gets the number of each plan with what came of it, as it comes.
    curves : bool
        Whether trials score the test data while they train.
    """

    def __init__(
        self,
        plans: list[PlannedTrial],
        task: Task,
        n_jobs: int | None,
        listeners: list[Callback],
        store: stores.Memory,
        keep: Callable[[int, Outcome], None],
        curves: bool,
    ):
        self._plans, self._task, self._n_jobs, self._store, self._keep = plans, task, n_jobs, store, keep
        self._curves = curves
        self._same: dict[str, list[int]] = {}
        for index, plan in enumerate(plans):
            key = trial_cache.key(plan.estimator, task, plan.budget, plan.seed, curves)
            self._same.setdefault(key, []).append(index)
        self._todo = {key: plans[same[0]] for key, same in self._same.items()}
        backend, _ = joblib.parallel.get_active_backend()
        here = joblib.effective_n_jobs(n_jobs) == 1 and isinstance(backend, LOCAL_BACKENDS)
        self._heard = listeners if here else []
        # A backend that cannot hand trials over one by one (Ray) hands them over at the end.
        self._order = "generator_unordered" if here or backend.supports_return_generator else "list"

    def run(self) -> None:
        """Run them all: first what no other process is at, then what those have left."""
        for key in list(self._todo):
            self._read(key)
        while self._todo:
            if not self._run_free_ones():
                first = next(iter(self._todo))
                self._store.claim(first, wait=True)
                self._read(first)

    def _read(self, key: str) -> None:
        stored = self._store.load(key)
        if stored is not None:
            self._hand_on(key, stored)

    def _run_free_ones(self) -> bool:
        """Run every trial that no other process has claimed, and say whether there was one."""
        begun: list[str] = []
        with closing(self._outcomes(begun)) as outcomes:
            for key, outcome in outcomes:
                if isinstance(outcome, Trial):
                    self._store.store(key, outcome)
                self._hand_on(key, outcome)
        return bool(begun)

    def _outcomes(self, begun: list[str]) -> Generator[tuple[str, Outcome]]:
        try:
            yield from joblib.Parallel(n_jobs=self._n_jobs, return_as=self._order)(self._jobs(begun))
        except Stop:
            raise
        except Exception:  # a worker was killed, and its pool with it
            lost = [key for key in begun if key in self._todo]
            if not lost:
                raise
            yield from ((key, self._alone(key)) for key in lost)

    def _jobs(self, begun: list[str]) -> Iterator[tuple]:
        for key in list(self._todo):
            if self._store.claim(key):
                begun.append(key)
                stored = self._store.load(key)  # another process may just have ended it
                yield self._job(key) if stored is None else joblib.delayed(_given)(key, stored)

    def _job(self, key: str) -> tuple:
        return joblib.delayed(_attempt)(key, self._todo[key], self._task, self._heard, self._curves)

    def _alone(self, key: str) -> Outcome:
        """Run once more, with no other beside it, a trial whose worker may have been killed for it."""
        try:
            [(_, outcome)] = joblib.Parallel(n_jobs=self._n_jobs)([self._job(key)])
            return outcome
        except Stop:
            raise
        except Exception as error:
            return failed(self._todo[key], error)

    def _hand_on(self, key: str, outcome: Outcome) -> None:
        del self._todo[key]
        self._store.let_go(key)
        for index in self._same[key]:
            self._keep(index, named(outcome, self._plans[index]))


def _attempt(
    key: str, plan: PlannedTrial, task: Task, listeners: list[Callback], curves: bool
) -> tuple[str, Outcome]:
    return key, attempt(plan, task, listeners, curves)


def _given(key: str, trial: Trial) -> tuple[str, Trial]:
    return key, trial
