"""Ratings tasks by name: generated shops, MovieLens, Amazon, tables in files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tlkit.errors import UnknownName, require_known, require_params
from tlkit.recsys import pairs
from tlkit.recsys.data import movielens
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.data.tables import SUFFIXES, read_table
from tlkit.recsys.tasks import RatingsTask, cold_start_task
from tlkit.recsys.worlds import shops
from tlkit.study.register import DOWNLOADED, GENERATED, YOURS, Loader, tasks
from tlkit.system import files

tasks.named("two_shops", "Films, for customers who are known in a bookshop", GENERATED)(shops.shop_task)
tasks.named("purchases", "The same shops, where nobody gives stars", GENERATED, feedback="bought")(
    shops.shop_task
)


@tasks.named("movielens", "MovieLens, of the release that release= names", DOWNLOADED)
def movielens_task(
    release: str = "100k",
    *,
    metric: str = "ndcg@10",
    split: str = "per_user",
    relevant: float | None = None,
    train_on: str = "relevant",
    **params: Any,
) -> RatingsTask:
    """Load a release of MovieLens: see `tlkit.recsys.data.movielens.movielens`.

    Parameters
    ----------
    release : str
        Such as ``100k``.
    metric, relevant, train_on
        As for `RatingsTask`.
    split : {"per_user", "leave_one_out", "time", "cold"}
        How the test is held out.
    **params
        Of the split, such as ``test_share=0.25, seed=0``.
    """
    domain = movielens.movielens(release)
    settings = {"relevant": relevant, "train_on": train_on, "name": domain.name, **params}
    return RatingsTask.split(domain.ratings, domain.items, split, metric, **settings)


def _release_task(release: str, /, **params: Any) -> RatingsTask:
    if "release" in params:
        raise UnknownName(
            f"Task 'ml-{release}' is that release; any other is load_task('movielens', release=...)."
        )
    return movielens_task(release, **params)


for _release in movielens.RELEASES:
    tasks.named(f"ml-{_release}", f"MovieLens, release {_release}", DOWNLOADED)(
        partial(_release_task, _release)
    )


@tasks.named("amazon", "Books or movies, for users who are known in the other", YOURS)
def amazon_task(target: str = "movies", **params: Any) -> RatingsTask:
    """Load Amazon's books or movies, for users who start cold there and are known in the other.

    Parameters
    ----------
    target : {"books", "movies"}
        Where to recommend.
    **params
        Of `tlkit.recsys.tasks.cold_start_task`: share, pool, seed, metric, relevant, train_on, min_ratings.
    """
    return _cold_start(pairs.amazon(), target, **params)


@tasks.named("genres", "One half of MovieLens, for users who are known in the other", DOWNLOADED)
def genres_task(target: str = "drama", release: str = "100k", **params: Any) -> RatingsTask:
    """Load one half of MovieLens, for users who start cold there and are known in the other half.

    Parameters
    ----------
    target : {"action", "drama"}
        Where to recommend.
    release : str
        As for `tlkit.recsys.data.movielens.by_genres`.
    **params
        Of `tlkit.recsys.tasks.cold_start_task`: share, pool, seed, metric, relevant, train_on, min_ratings.
    """
    return _cold_start(movielens.by_genres(release), target, **params)


def _cold_start(pair: dict[str, Domain], target: str, **params: Any) -> RatingsTask:
    ours = pair[require_known("target", target, pair)]
    (theirs,) = (domain for domain in pair.values() if domain is not ours)
    loader = partial(cold_start_task, ours, theirs.users)
    require_params(f"task {ours.name!r}", params, loader)
    return loader(**params)


def table_task(
    path: str | Path,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | float | None = None,
    timestamp: str | None = None,
    scale: tuple[float, float] | None = None,
    metric: str = "ndcg@10",
    split: str = "per_user",
    relevant: float | None = None,
    train_on: str = "relevant",
    repeats: str = "last",
    name: str | None = None,
    **params: Any,
) -> RatingsTask:
    """Load your own ratings from a file.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.txt``, ``.parquet`` or ``.inter``.
    user, item, rating, timestamp
        What the file calls its columns; see `tlkit.recsys.data.tables.read_table`.
    scale, metric, relevant, train_on
        As for `RatingsTask`.
    repeats : {"last", "sum"}
        What becomes of several ratings of an item by one user, as for `tlkit.recsys.data.ratings.as_ratings`.
    split : {"per_user", "leave_one_out", "time", "cold"}
        How the test is held out.
    name : str, optional
        Of the task; by default the file's.
    **params
        Of the split, such as ``test_share=0.25, seed=0``.
    """
    table = read_table(path, user=user, item=item, rating=rating, timestamp=timestamp)
    table = as_ratings(table, repeats=repeats)
    name = name or Path(path).stem
    settings: dict[str, Any] = {"relevant": relevant, "train_on": train_on, "scale": scale, "name": name}
    return RatingsTask.split(table, None, split, metric, **settings, **params)


@tasks.finder()
def find(name: str) -> Loader | None:
    """Find the loader of a table, by its path or in a local copy."""
    if Path(name).suffix.lower() not in SUFFIXES:
        return None
    here = Path(name).expanduser()
    return partial(table_task, here if here.is_file() else files.find_local(name) or here)
