"""What a task is: training data, test data that never change, and how to fit and score on them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tlkit.errors import BadInput, require_known
from tlkit.study.callbacks import Callback
from tlkit.study.strategy import Strategy, strategies_by_name


@dataclass(frozen=True)
class Score:
    """How a fitted strategy did on a task's test data.

    Parameters
    ----------
    metrics : dict of str to float
        Every metric by name, the headline among them.
    per_example : ndarray of shape (n_examples,)
        The headline metric for each test example (a picture, a user); its mean is the headline.
    """

    metrics: dict[str, float]
    per_example: np.ndarray


class Task(ABC):
    """Training data, test data that never change, and the way to fit and score a strategy on them.

    Attributes
    ----------
    name, metric, baseline, budget_unit : str
        The task, its headline metric, its no-transfer strategy, and what a budget counts.
    greater_is_better, percent : bool
        Which way the metric improves, and whether it is a share that reads best in points of 100.
    min_budget : int
        The smallest budget that every strategy can learn from.
    drawn : int or None
        The budget that this task is; None where it has all its training data.
    pool : int or None
        The largest budget, where the draws of a budget are all from one pool of training examples, and so
        overlap; None where every test example brings its own.
    chance : float or None
        The headline metric of guessing, where that is known.
    groups : ndarray of int or None
        The group of each test example, from 0 up, where some belong together (one writer's, one patient's):
        intervals then take groups for what is drawn.
    similarity : float or None
        How much the task shares with its source's world, where that is a dial.
    losses_compare : bool
        Whether what strategies minimise is one loss, so that their learning curves can share an axis.
    starters : tuple of str
        Strategies to begin with, where a choice has to be offered.
    strategy_base : type
        Whose subclasses are this modality's strategies.
    loaded_by : dict
        How `tlkit.load_task` loads it again: ``name`` and ``params``; empty where it was made by hand.

    Examples
    --------
    >>> import tlkit
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100).budget(2, seed=0)
    >>> fitted = task.fit(task.strategy("target_only", random_state=0))
    >>> round(task.score(fitted).metrics["ndcg@10"], 1)
    0.4
    """

    name: str
    metric: str
    baseline: str
    budget_unit: str
    strategy_base: type[Strategy]
    min_budget: int = 1
    greater_is_better: bool = True
    percent: bool = True
    pool: int | None = None
    chance: float | None = None
    groups: np.ndarray | None = None
    similarity: float | None = None
    drawn: int | None = None
    losses_compare: bool = True
    starters: tuple[str, ...] = ()
    loaded_by: Mapping[str, Any] = MappingProxyType({})

    @property
    @abstractmethod
    def max_budget(self) -> int:
        """The largest budget that every strategy can learn from."""

    @property
    @abstractmethod
    def n_examples(self) -> int:
        """How many test examples a score is of."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes whenever the data or the way of scoring do."""

    @abstractmethod
    def budget(self, n: int, seed: int = 0) -> Task:
        """Return this task with a training subset of `n` of its `budget_unit`; the test data stay."""

    @abstractmethod
    def score(self, estimator: Any) -> Score:
        """Score a fitted estimator on the test data."""

    @abstractmethod
    def fit(self, estimator: Any, callbacks: Sequence[Callback] = ()) -> Any:
        """Fit an estimator on the training data and return it."""

    def grouped(self, groups: Sequence[Any]) -> np.ndarray:
        """Number the groups that test examples belong to, given one name each.

        Raises
        ------
        BadInput
            If there are more or fewer names than test examples, or they are all the same.
        """
        names, numbers = np.unique(np.asarray(groups).astype(str), return_inverse=True)
        if len(numbers) != self.n_examples:
            raise BadInput(
                f"groups= has {len(numbers):,} entries and there are {self.n_examples:,} test examples: give "
                "one each."
            )
        if len(names) < 2:
            raise BadInput(
                f"groups= puts all {self.n_examples:,} test examples into one group, {str(names[0])!r}: an "
                "interval needs two groups or more."
            )
        return numbers

    def loaded_as_drawn(self, n: int, seed: int) -> dict[str, Any]:
        """Return `loaded_by` for a budget of this task: a budget of a budget cannot be loaded."""
        if not self.loaded_by or self.drawn is not None:
            return {}
        return {**self.loaded_by, "params": {**self.loaded_by["params"], "budget": [int(n), int(seed)]}}

    def at_similarity(self, similarity: float) -> Task:
        """Return this task at another setting of its similarity dial."""
        raise BadInput(f"Task {self.name!r} has no similarity dial; generated worlds have one.")

    def example_names(self) -> Sequence[Any]:
        """Return some hundred test examples at most, whose outcome `example` can show; by default none."""
        return ()

    def example(self, name: Any, fitted: Mapping[str, Any]) -> Any:
        """Show what fitted strategies make of one test example, to be read side by side.

        Parameters
        ----------
        name : str or number
            One of `example_names`.
        fitted : mapping of str to estimator
            Strategies by label, one at least, each fitted on this very task.

        Returns
        -------
        DataFrame
            One column a strategy, under its label; or any object with ``_repr_html_``.

        Raises
        ------
        BadInput
            If the task shows no examples.
        """
        raise BadInput(f"Task {self.name!r} shows no examples.")

    @property
    def modality(self) -> str:
        """What the task's strategies work on."""
        return self.strategy_base.modality

    @classmethod
    def strategies(cls) -> dict[str, type[Strategy]]:
        """Return every strategy of this modality by name, the baseline first.

        Raises
        ------
        BadInput
            If two have the same name.
        """
        found = strategies_by_name(cls.strategy_base)
        return dict(sorted(found.items(), key=lambda item: item[0] != cls.baseline))

    @classmethod
    def strategy(cls, name: str, **params: Any) -> Strategy:
        """Return the strategy called `name`, unfitted.

        Raises
        ------
        UnknownName
            If no strategy of this modality is called so.
        BadInput
            If it has no such parameter.
        """
        known = cls.strategies()
        kind = known[require_known("strategy", name, known)]
        valid = inspect.signature(kind).parameters
        for param in params:
            require_known(f"parameter of strategy {name!r}", param, valid)
        return kind(**params)
