"""Pairs of domains with users in common: knowledge of one may serve the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlkit.errors import require_params
from tlkit.recsys.data.amazon import amazon
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.movielens import by_genres
from tlkit.recsys.worlds import shops


def two_shops(**params: Any) -> dict[str, Domain]:
    """Make the generated pair; see `tlkit.recsys.worlds.shops.two_shops` for the parameters.

    Raises
    ------
    UnknownName
        If there is no such parameter.
    """
    require_params("two shops", params, shops.two_shops)
    made = shops.two_shops(**params)
    return {domain.name: domain for domain in (made.source, made.target)}


PAIRS: dict[str, Callable[..., dict[str, Domain]]] = {
    "two_shops": two_shops,
    "amazon": amazon,
    "genres": by_genres,
}
