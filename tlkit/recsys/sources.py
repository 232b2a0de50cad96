"""Ratings sources: a factorization of the domain that knowledge comes from, trained when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tlkit.errors import BadInput, Limit, require_known, require_number, require_params
from tlkit.recsys import pairs
from tlkit.recsys.data import movielens
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.tasks import RatingsTask
from tlkit.study.register import DOWNLOADED, GENERATED, YOURS, sources, tasks
from tlkit.study.source import Source

MODELS: dict[str, tuple[type[FactorModel], str]] = {
    "ranking": (ImplicitALS, "ndcg@{}"),
    "rating": (MatrixFactorization, "rmse"),
}
LONGEST = 10  # how many items of a list count, where there are as many
TESTED_SHARE = 0.2  # of the users, one rating each: enough to measure, and hardly missed
SHARE = Limit("a number from 0 to 1", lambda x: 0 <= x <= 1)
KEPT = 8  # trained sources in memory
SOURCE_TASK = "source_ratings"


def two_shops(similarity: float = 0.8, feedback: str = "stars", **params: Any) -> Domain:
    """The bookshop of the generated pair, the same at every similarity."""
    return next(iter(pairs.two_shops(similarity=similarity, feedback=feedback, **params).values()))


def amazon(domain: str = "books") -> Domain:
    """One of Amazon's domains."""
    return _chosen(pairs.amazon(), domain)


def genres(domain: str = "action", release: str = "100k") -> Domain:
    """One half of MovieLens."""
    return _chosen(movielens.by_genres(release), domain)


def _chosen(pair: dict[str, Domain], domain: str) -> Domain:
    return pair[require_known("domain", domain, pair)]


DOMAINS: dict[str, Callable[..., Domain]] = {
    "two_shops": two_shops,
    "purchases": partial(two_shops, feedback="bought"),
    "amazon": amazon,
    "genres": genres,
}
TOLD = {  # for lists: what each is trained on when it is asked for, and how that comes here
    "two_shops": ("A bookshop's taste, trained in a second", GENERATED),
    "purchases": ("The same, of purchases without stars", GENERATED),
    "amazon": ("Amazon's books or movies, trained in seconds", YOURS),
    "genres": ("One half of MovieLens, trained in seconds", DOWNLOADED),
}


def _load(name: str, /, objective: str = "ranking", **params: Hashable) -> Source:
    """Train the source of a domain; a second call in the same process gives the same source.

    Parameters
    ----------
    name : str
        Of a pair of domains.
    objective : {"ranking", "rating"}
        What its factors are for: an order of items (`ImplicitALS`), or stars (`MatrixFactorization`).
    **params
        Of the domain: ``domain="books"`` for amazon, ``domain="action", release="100k"`` for genres, those of
        `tlkit.recsys.worlds.shops.two_shops` for the generated ones.

    Raises
    ------
    UnknownName
        If there is no such source, or it has no such parameter.
    BadInput
        If a parameter is no single value.
    FileProblem
        If a file is missing.
    """
    for param, value in params.items():
        if not isinstance(value, Hashable):
            raise BadInput(f"{param} of source {name!r} is a single value; got {value!r}.")
    return _trained(name, objective, tuple(sorted(params.items())))


for _name in DOMAINS:
    sources.named(_name, *TOLD[_name])(partial(_load, _name))


@functools.lru_cache(maxsize=KEPT)
def _trained(name: str, objective: str, params: tuple[tuple[str, Hashable], ...]) -> Source:
    domain = _domain(name, dict(params))
    source = train_source(domain, domain.name, objective=objective)
    loaded = {"name": SOURCE_TASK, "params": {"pair": name, "objective": objective, **dict(params)}}
    return source.with_card(task=loaded)


def _domain(name: str, params: dict[str, Any]) -> Domain:
    load = DOMAINS[require_known("source", name, DOMAINS)]
    require_params(f"source {name!r}", params, load)
    return load(**params)


@tasks.named(SOURCE_TASK, "What a source of ratings was itself trained and measured on", GENERATED)
def source_task(pair: str = "two_shops", objective: str = "ranking", **params: Any) -> RatingsTask:
    """Load what the source of a pair of domains is trained and measured on.

    Parameters
    ----------
    pair : str
        The source's name.
    objective : {"ranking", "rating"}
        What scores are for.
    **params
        Of the domain, as for the source.
    """
    return _task_of(_domain(pair, params), objective, seed=0)


def train_source(
    ratings: Domain | pd.DataFrame,
    name: str,
    *,
    items: pd.DataFrame | None = None,
    objective: str = "ranking",
    model: FactorModel | None = None,
    title: str = "",
    seed: int = 0,
) -> Source:
    """Train a source on your own ratings.

    One rating each of a fifth of the users is held out to measure it; the rest is what it learns from, and
    what ``source.task.train`` holds.

    Parameters
    ----------
    ratings : Domain or DataFrame
        Of the domain that knowledge comes from.
    name, title : str
        For the card.
    items : DataFrame, optional
        What is known of items, where `ratings` is a table.
    objective : {"ranking", "rating"}
        What the factors are for.
    model : FactorModel, optional
        Unfitted; by default `ImplicitALS` for ranking and `MatrixFactorization` for stars.
    seed : int
        Of the test and the training.

    Raises
    ------
    BadInput
        If the ratings cannot be used.

    Examples
    --------
    >>> from tlkit.recsys.models import ImplicitALS
    >>> from tlkit.recsys.sources import train_source
    >>> from tlkit.recsys.worlds.shops import two_shops
    >>> books = two_shops(n_users=60, n_items=100).source
    >>> train_source(books, "my books", model=ImplicitALS(factors=8)).state["user_factors"].shape[1]
    8
    """
    domain = Domain.of(ratings, name, title, items)
    task = _task_of(domain, objective, seed)
    kind, _ = MODELS[objective]
    estimator = (kind() if model is None else clone(model)).set_params(random_state=seed)
    source = Source.from_fitted(task.fit(estimator), name, title or domain.title, task)
    return source.with_card(data=domain.data or source.card.data, licence=domain.licence)


def placebo(source: Source, share: float = 0.0, *, model: FactorModel | None = None, seed: int = 0) -> Source:
    """Train a source again after most people were given a stranger's history.

    The ratings and the items are the same. What a strategy still gains from it needs no knowledge of people.

    Parameters
    ----------
    source : Source
        With the task that it was trained on.
    share : float
        Of the people who keep their own history, in [0, 1].
    model : FactorModel, optional
        As for `train_source`.
    seed : int
        Of who is given whose.

    Raises
    ------
    BadInput
        If the share is not in [0, 1].

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.sources import placebo
    >>> books = tlkit.load_source("two_shops", n_users=60, n_items=100)
    >>> placebo(books, 0.5).name
    'books, 50% true'
    """
    require_number("share", share, SHARE)
    table = source.task.train
    people = table["user"].cat.categories.to_numpy()
    mixed = np.random.default_rng(seed).permutation(len(people))[round(share * len(people)) :]
    whose = people.copy()
    whose[mixed] = people[np.roll(mixed, 1)]
    strangers = table.assign(user=whose[table["user"].cat.codes])
    return train_source(strangers, f"{source.name}, {share:.0%} true", items=source.task.items, model=model)


def _task_of(domain: Domain, objective: str, seed: int) -> RatingsTask:
    """Hold out one rating each of a fifth of the users."""
    _, metric = MODELS[require_known("objective", objective, MODELS)]
    metric = metric.format(min(LONGEST, len(domain.ratings["item"].cat.categories)))
    return RatingsTask.split(
        domain.ratings, domain.items, "leave_one_out", metric, name=domain.name, share=TESTED_SHARE, seed=seed
    )
