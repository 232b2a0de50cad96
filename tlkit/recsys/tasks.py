"""Recommending to people: the ratings task, its protocols, and what one user is recommended."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import has_fit_parameter

from tlkit.errors import BadInput, require_known, require_number, whole
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.likes import worth_recommending
from tlkit.recsys.data.ratings import as_ratings, codes
from tlkit.recsys.data.read_only import ReadOnlyTable
from tlkit.recsys.data.train_test import (
    content,
    groups_of,
    marks,
    on_one_catalogue,
    rated_by,
    require_apart,
    require_items,
)
from tlkit.recsys.evaluation import examples, metrics, scoring, splits
from tlkit.recsys.strategies import RatingsStrategy
from tlkit.study.callbacks import Callback
from tlkit.study.task import Score, Task
from tlkit.system import files

SHOWN_USERS = 50

TRAIN_ON = ("relevant", "rated")

SPLITS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "per_user": splits.per_user,
    "leave_one_out": splits.leave_one_out,
    "time": splits.by_time,
    "cold": splits.cold_users,
}


class RatingsTask(Task):
    """Ratings to learn from, and others of the same users to be tested on.

    Parameters
    ----------
    train, test : DataFrame
        Columns user, item, rating; see `tlkit.recsys.data.ratings.as_ratings`. No pair is in both.
    items : DataFrame, optional
        What is known of items, indexed by item id: title, category, and columns of features.
    metric : str
        The headline: ``ndcg@10``, ``recall@10``, ``precision@10``, ``mrr@10``, ``map@10`` or another number
        of items; or ``rmse``, ``mae`` for the prediction of stars.
    relevant : float, optional
        The fewest stars that make an item worth recommending; by default any rating above 0 does.
    train_on : {"relevant", "rated"}
        What a ranking is learned from: training ratings that are relevant, or any above 0. What was rated,
        however, is not recommended again.
    limited : ids, optional
        The users that a budget applies to and the test is about, such as the cold ones; all by default. Test
        ratings of others are left aside.
    scale : (float, float), optional
        The lowest and highest rating there can be; by default the range of what was rated.
    name : str
        What the task is called in tables and figures.
    groups : mapping of user to group, optional
        What users belong to, where some belong together, such as a household. Intervals then take groups for
        what is drawn.

    Attributes
    ----------
    objective : {"ranking", "rating"}
        What the headline asks scores to be.
    evaluated_users : Index
        Users with something relevant held out, in the order of a score's examples.
    left_out : int
        How many users have nothing relevant held out, and count in no mean.

    Raises
    ------
    BadInput
        If a table cannot be used, a pair is in both, nothing is left to test, or the metric is unknown.
    """

    baseline = "target_only"
    budget_unit = "ratings a user"
    strategy_base = RatingsStrategy
    losses_compare = False  # stars, rankings and reconstructions are told in units of their own
    starters = ("joined", "gated")

    def __init__(
        self,
        train: pd.DataFrame,
        test: pd.DataFrame,
        items: pd.DataFrame | None = None,
        metric: str = "ndcg@10",
        *,
        relevant: float | None = None,
        train_on: str = "relevant",
        limited: Sequence[Any] | pd.Index | None = None,
        scale: tuple[float, float] | None = None,
        name: str = "ratings",
        groups: Mapping[Any, Any] | pd.Series | None = None,
    ):
        train, test = on_one_catalogue(as_ratings(train, scale=scale), as_ratings(test, scale=scale))
        require_apart(train, test)
        self._train, self._test = map(ReadOnlyTable, (train, test))
        self.users, self.catalogue = (self.train[each].cat.categories for each in ("user", "item"))
        require_items(items, self.catalogue)
        self._items = None if items is None else ReadOnlyTable(items)
        self.metric, self.relevant, self.name = metric, relevant, name
        self.train_on = require_known("train_on", train_on, TRAIN_ON)
        self.kind, self.k = metrics.parse(metric, len(self.catalogue))
        self.objective = "rating" if self.k is None else "ranking"
        self.greater_is_better = self.objective == "ranking"
        self.percent = self.kind in {"recall", "precision"}
        stars = np.concatenate([self.train["rating"], self.test["rating"]])
        self.scale = scale or (float(stars.min()), float(stars.max()))
        self.limited = rated_by(self.train, self.test)
        if limited is not None:
            self.limited = self.users[codes(self.users, limited, "user", self.catalogue)]
            self._test = ReadOnlyTable(self._test_of_limited())
        # Where a budget applies to everybody, 0 would leave nothing to learn from.
        self.min_budget = int(self.train["user"].isin(self.limited).all())
        held_out = self.test if self.objective == "rating" else worth_recommending(self.test, relevant)
        self.evaluated_users = rated_by(held_out)
        self._relevant = marks(held_out, self.evaluated_users)
        self.left_out = len(self.limited.difference(self.evaluated_users))
        self.groups = None if groups is None else self.grouped(groups_of(groups, self.evaluated_users))
        self._fingerprint: str | None = None

    @staticmethod
    def split(
        ratings: pd.DataFrame,
        items: pd.DataFrame | None = None,
        by: str = "per_user",
        metric: str = "ndcg@10",
        *,
        relevant: float | None = None,
        train_on: str = "relevant",
        scale: tuple[float, float] | None = None,
        name: str = "ratings",
        **params: Any,
    ) -> RatingsTask:
        """Make a task of one table of ratings.

        Parameters
        ----------
        ratings : DataFrame
            Columns user, item, rating, and perhaps timestamp.
        items, metric, relevant, train_on, scale, name
            As for the class.
        by : {"per_user", "leave_one_out", "time", "cold"}
            How the test is held out: see `tlkit.recsys.evaluation.splits`.
        **params
            Of that split, such as ``test_share=0.25, seed=0``.

        Raises
        ------
        BadInput
            If the split is unknown or cannot be made.

        Examples
        --------
        >>> from tlkit.recsys.tasks import RatingsTask
        >>> from tlkit.recsys.worlds.shops import two_shops
        >>> films = two_shops(n_users=60, n_items=100).target
        >>> task = RatingsTask.split(films.ratings, films.items, by="leave_one_out", seed=0)
        >>> len(task.test) == len(task.evaluated_users)
        True
        """
        cut = SPLITS[require_known("split", by, SPLITS)]
        valid = list(inspect.signature(cut).parameters)[1:]
        for param in params:
            require_known(f"parameter of split {by!r}", param, valid)
        train, test, *cold = cut(as_ratings(ratings, scale=scale), **params)
        if not len(test):
            raise BadInput(f"The split {by!r} holds nothing out: no user has two ratings or more.")
        settings: dict[str, Any] = {"relevant": relevant, "train_on": train_on, "scale": scale, "name": name}
        return RatingsTask(train, test, items, metric, limited=cold[0] if cold else None, **settings)

    def __repr__(self) -> str:
        drawn = "" if self.drawn is None else f", {self.drawn} {self.budget_unit}"
        tables = (
            f"{len(self.train):,} training and {len(self.test):,} test ratings of {len(self.catalogue):,}"
        )
        users = f"{self.n_examples:,} users evaluated, {self.left_out:,} left out"
        return f"{type(self).__name__}({self.name!r}: {tables} items, {users}{drawn})"

    @property
    def train(self) -> pd.DataFrame:
        """The training ratings, read-only: what is stored of trials is of these."""
        return self._train

    @property
    def test(self) -> pd.DataFrame:
        """The held-out ratings, read-only."""
        return self._test

    @property
    def items(self) -> pd.DataFrame | None:
        """What is known of items, indexed by item id, read-only; None where ids are all there is."""
        return self._items

    @property
    def max_budget(self) -> int:
        """The number of training ratings of the limited user who has most."""
        counts = np.bincount(self.train["user"].cat.codes, minlength=len(self.users))
        return int(counts[self.users.isin(self.limited)].max(initial=0))

    @property
    def n_examples(self) -> int:
        """How many users are evaluated."""
        return len(self.evaluated_users)

    @property
    def fingerprint(self) -> str:
        """Changes whenever ratings, items, users under the budget, metric or relevance do."""
        if self._fingerprint is None:
            items = None if self.items is None else self.items.reindex(self.catalogue)
            tables = [content(table) for table in (self.train, self.test, items)]
            ids = [self.users.tolist(), self.catalogue.tolist(), self.limited.tolist()]
            ways = [self.metric, self.relevant, self.train_on, list(self.scale)]
            self._fingerprint = files.digest("RatingsTask", *tables, *ids, *ways)
        return self._fingerprint

    @property
    def like(self) -> float | None:
        """The fewest stars from which a ranking is learned; None for any rating above 0."""
        return self.relevant if self.train_on == "relevant" else None

    @property
    def titles(self) -> pd.Series:
        """Title of each item of the catalogue, indexed by item id; the id where there is none."""
        ids = pd.Series(self.catalogue.astype(str), index=self.catalogue, name="title")
        if self.items is None or "title" not in self.items:
            return ids
        return self.items["title"].reindex(self.catalogue).fillna(ids)

    def budget(self, n: int, seed: int = 0) -> RatingsTask:
        """Return this task with `n` training ratings of each limited user; other users keep all of theirs.

        A user with fewer keeps what there is. With the same seed a larger budget holds the smaller one. The
        test is the same object.

        Raises
        ------
        BadInput
            If no limited user has that many, nothing would be left to learn from, or the seed is not a whole
            number.
        """
        least, most = self.min_budget, self.max_budget
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or not least <= n <= most:
            raise BadInput(
                f"A budget is a whole number of {self.budget_unit}, {least} to {most} for {self.name!r}; "
                f"got {n!r}."
            )
        require_number("seed", seed, whole(0))
        user = self.train["user"].cat.codes.to_numpy()
        place = splits.rank_within(user, np.random.default_rng(seed).random(len(user)))
        kept = (place < n) | ~self.users.isin(self.limited)[user]
        part = copy.copy(self)
        part._train = ReadOnlyTable(self.train[kept].reset_index(drop=True))
        part.drawn, part.loaded_by = int(n), self.loaded_as_drawn(n, seed)
        part._fingerprint = files.digest(self.fingerprint, "budget", int(n), int(seed))
        return part

    def fit(self, estimator: Any, callbacks: Sequence[Callback] = ()) -> Any:
        """Fit an estimator on the training ratings; it gets items, objective and more if it takes them."""
        told = {
            "items": self.items,
            "objective": self.objective,
            "relevant": self.like,
            "callbacks": callbacks,
        }
        return estimator.fit(self.train, **{k: v for k, v in told.items() if has_fit_parameter(estimator, k)})

    def score(self, estimator: Any) -> Score:
        """Score a fitted estimator on the test ratings.

        Returns
        -------
        Score
            What `judge_lists` or `judge_stars` of `tlkit.recsys.evaluation.scoring` finds; `per_example`
            has the headline for each of `evaluated_users`.

        Raises
        ------
        BadInput
            If the estimator cannot score.
        TrainingProblem
            If its scores are not numbers.
        """
        if self.k is None:
            found, per_user = scoring.judge_stars(estimator, self.test, self.scale)
        else:
            users, catalogue = self.evaluated_users, self.catalogue
            popularity = np.bincount(self.train["item"].cat.codes, minlength=len(catalogue))
            told = catalogue, marks(self.train, users), self._relevant, popularity, self.k
            found, per_user = scoring.judge_lists(estimator, users, *told)
        return Score(found, per_user[self.kind])

    def example_names(self) -> list[Any]:
        """Return ids of users to look at, the first of those that are evaluated."""
        return self.evaluated_users[:SHOWN_USERS].tolist()

    def example(self, name: Any, fitted: Mapping[str, Any]) -> pd.DataFrame:
        """Show what fitted strategies recommend to one user.

        Parameters
        ----------
        name : id
            A user.
        fitted : mapping of str to estimator
            By label.

        Returns
        -------
        DataFrame
            Indexed by rank, a column a strategy: the ten best titles, ticked where they were held out.

        Raises
        ------
        BadInput
            If there is no such user.
        """
        codes(self.users, name, "user", self.catalogue)
        held_out = self.catalogue.isin(self.test.loc[self.test["user"] == name, "item"])
        said = examples.captions(self.titles, self.items, held_out)
        return examples.lists_for(name, fitted, marks(self.train, pd.Index([name])), said)

    def _test_of_limited(self) -> pd.DataFrame:
        rows = self.test[self.test["user"].isin(self.limited)]
        if len(rows):
            return rows.reset_index(drop=True)
        raise BadInput(
            "None of the `limited` users has a test rating, and the test is about them: "
            f"name users such as {rated_by(self.test)[:3].tolist()}, or leave `limited` out."
        )


def cold_start_task(
    target: Domain | pd.DataFrame,
    others_users: Domain | pd.DataFrame | Sequence[Any] | pd.Index,
    share: float = 0.2,
    pool: int = 10,
    seed: int = 0,
    metric: str = "ndcg@10",
    relevant: float | None = None,
    train_on: str = "relevant",
    min_ratings: int | None = None,
) -> RatingsTask:
    """Make the cold-start task of a target domain: some of the users whom another domain knows start cold.

    Parameters
    ----------
    target : Domain or DataFrame
        Where to recommend.
    others_users : Domain, DataFrame or ids
        The source domain, or its users; the cold ones are drawn among those in both.
    share, pool, seed, min_ratings
        As for `tlkit.recsys.evaluation.splits.cold_users`.
    metric, relevant, train_on
        As for `RatingsTask`.

    Raises
    ------
    BadInput
        If the domains share no users, or nobody has enough ratings.

    Examples
    --------
    >>> from tlkit.recsys.tasks import cold_start_task
    >>> from tlkit.recsys.worlds.shops import two_shops
    >>> shops = two_shops(n_users=60, n_items=100)
    >>> task = cold_start_task(shops.target, shops.source, share=0.2, pool=5)
    >>> len(task.limited), task.max_budget
    (10, 5)
    """
    target = Domain.of(target, "ratings")
    if isinstance(others_users, Domain | pd.DataFrame):
        others_users = Domain.of(others_users, "other ratings").users
    shared = target.users.intersection(others := pd.Index(others_users))
    if not len(shared):
        such = f"{target.name!r} has ids such as {target.users[:1].tolist()}, the other {others[:1].tolist()}"
        raise BadInput(f"The domains share no users: {such}. Cold users must be known to the other domain.")
    train, test, cold = splits.cold_users(target.ratings, share, pool, seed, shared, min_ratings)
    settings: dict[str, Any] = {"relevant": relevant, "train_on": train_on, "name": target.name}
    return RatingsTask(train, test, target.items, metric, limited=cold, **settings)
