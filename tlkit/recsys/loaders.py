"""Ratings tasks by name: generated shops, MovieLens, Amazon, tables in files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tlkit.errors import UnknownName, require_known, require_params
from tlkit.recsys import pairs
from tlkit.recsys.data import movielens
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.tables import SUFFIXES, read_table
from tlkit.recsys.tasks import RatingsTask, cold_start_task
from tlkit.recsys.worlds import shops
from tlkit.system import files

Loader = Callable[..., RatingsTask]


def movielens_task(
    release: str = "100k",
    *,
    metric: str = "ndcg@10",
    split: str = "per_user",
    relevant: float | None = None,
    **params: Any,
) -> RatingsTask:
    """Load a release of MovieLens: see `tlkit.recsys.data.movielens.movielens`.

    Parameters
    ----------
    release : str
        Such as ``100k``.
    metric, relevant
        As for `RatingsTask`.
    split : {"per_user", "leave_one_out", "time", "cold"}
        How the test is held out.
    **params
        Of the split, such as ``test_share=0.25, seed=0``.
    """
    domain = movielens.movielens(release)
    return RatingsTask.split(
        domain.ratings, domain.items, split, metric, relevant=relevant, name=domain.name, **params
    )


def _release_task(release: str, /, **params: Any) -> RatingsTask:
    if "release" in params:
        raise UnknownName(
            f"Task 'ml-{release}' is that release; any other is load_task('movielens', release=...)."
        )
    return movielens_task(release, **params)


def amazon_task(target: str = "movies", **params: Any) -> RatingsTask:
    """Load Amazon's books or movies, for users who start cold there and are known in the other.

    Parameters
    ----------
    target : {"books", "movies"}
        Where to recommend.
    **params
        Of `tlkit.recsys.tasks.cold_start_task`: share, pool, seed, metric, relevant, min_ratings.
    """
    return _cold_start(pairs.amazon(), target, **params)


def genres_task(target: str = "drama", release: str = "100k", **params: Any) -> RatingsTask:
    """Load one half of MovieLens, for users who start cold there and are known in the other half.

    Parameters
    ----------
    target : {"action", "drama"}
        Where to recommend.
    release : str
        As for `tlkit.recsys.data.movielens.by_genres`.
    **params
        Of `tlkit.recsys.tasks.cold_start_task`: share, pool, seed, metric, relevant, min_ratings.
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
    scale, metric, relevant
        As for `RatingsTask`.
    split : {"per_user", "leave_one_out", "time", "cold"}
        How the test is held out.
    name : str, optional
        Of the task; by default the file's.
    **params
        Of the split, such as ``test_share=0.25, seed=0``.
    """
    table = read_table(path, user=user, item=item, rating=rating, timestamp=timestamp)
    name = name or Path(path).stem
    return RatingsTask.split(table, None, split, metric, relevant=relevant, scale=scale, name=name, **params)


TASKS: dict[str, Loader] = {
    "two_shops": shops.shop_task,
    "purchases": partial(shops.shop_task, feedback="bought"),
    "amazon": amazon_task,
    "genres": genres_task,
    "movielens": movielens_task,
    **{f"ml-{release}": partial(_release_task, release) for release in movielens.RELEASES},
}


def names() -> list[str]:
    """Return every name that `load_task` knows."""
    return list(TASKS)


def can_load(name: str | Path) -> bool:
    """Tell whether `load_task` finds something under this name or path."""
    return _loader(name) is not None


def load_task(name: str | Path, **params: Any) -> RatingsTask:
    """Load a ratings task by name or path.

    Parameters
    ----------
    name : str or path
        A name of `names`, the path of a table, or the name of such a file in ``TLKIT_DATA`` or the cache.
    **params
        Of the loader, such as ``target="books"``, ``metric="recall@20"`` or ``user="customer"``.

    Raises
    ------
    UnknownName
        If there is no such task, or it has no such parameter.
    """
    loader = _loader(name) or TASKS[require_known("ratings task", str(name), names())]
    require_params(f"task {str(name)!r}", params, loader)
    return loader(**params)


def _loader(name: str | Path) -> Loader | None:
    """Find what a name stands for: a known task, or a table by its path or in a local copy."""
    text = str(name)
    if text in TASKS:
        return TASKS[text]
    if Path(text).suffix.lower() not in SUFFIXES:
        return None
    here = Path(text).expanduser()
    return partial(table_task, here if here.is_file() else files.find_local(text) or here)
