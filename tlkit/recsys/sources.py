"""Ratings sources: a factorization of the domain that knowledge comes from, trained when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
from sklearn.base import clone

from tlkit.errors import BadInput, require_known, require_params
from tlkit.recsys import pairs
from tlkit.recsys.data import movielens
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.tasks import RatingsTask
from tlkit.study.source import Source

MODELS: dict[str, tuple[type[FactorModel], str]] = {
    "ranking": (ImplicitALS, "ndcg@{}"),
    "rating": (MatrixFactorization, "rmse"),
}
LONGEST = 10  # how many items of a list count, where there are as many
TESTED_SHARE = 0.2  # of the users, one rating each: enough to measure, and hardly missed
KEPT = 8  # trained sources in memory


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


def names() -> list[str]:
    """Return every name that `load_source` knows."""
    return list(DOMAINS)


def load_source(name: str, objective: str = "ranking", **params: Hashable) -> Source:
    """Train the source of a domain; a second call in the same process gives the same source.

    Parameters
    ----------
    name : str
        One of `names`.
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
    require_known("source", str(name), names())
    for param, value in params.items():
        if not isinstance(value, Hashable):
            raise BadInput(f"{param} of source {str(name)!r} is a single value; got {value!r}.")
    return _trained(str(name), objective, tuple(sorted(params.items())))


@functools.lru_cache(maxsize=KEPT)
def _trained(name: str, objective: str, params: tuple[tuple[str, Hashable], ...]) -> Source:
    load, chosen = DOMAINS[name], dict(params)
    require_params(f"source {name!r}", chosen, load)
    domain = load(**chosen)
    return train_source(domain, domain.name, objective=objective)


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
    """
    domain = Domain.of(ratings, name, title, items)
    kind, metric = MODELS[require_known("objective", objective, MODELS)]
    metric = metric.format(min(LONGEST, len(domain.ratings["item"].cat.categories)))
    task = RatingsTask.split(
        domain.ratings, domain.items, "leave_one_out", metric, name=domain.name, share=TESTED_SHARE, seed=seed
    )
    estimator = (kind() if model is None else clone(model)).set_params(random_state=seed)
    source = Source.from_fitted(task.fit(estimator), name, title or domain.title, task)
    card = replace(
        source.card,
        data=domain.data or source.card.data,
        licence=domain.licence,
        task=domain.name,
        metrics=task.score(estimator).metrics,
    )
    return Source(card, source.state, partial(_itself, task))


def _itself(task: RatingsTask) -> RatingsTask:
    return task
