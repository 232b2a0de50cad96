"""A domain: one shop's ratings and what is known of its items."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Domain:
    """Ratings of one kind of item.

    Parameters
    ----------
    name, title : str
        For code and for people.
    ratings : DataFrame
        As `tlkit.recsys.ratings.as_ratings` gives it: user, item, rating, perhaps timestamp.
    items : DataFrame or None
        Indexed by item id: title, category, and columns of features; None where ids are all there is.
    data, licence : str
        Where the ratings come from, and their terms.
    """

    name: str
    title: str
    ratings: pd.DataFrame
    items: pd.DataFrame | None = None
    data: str = ""
    licence: str = ""

    def __repr__(self) -> str:
        users, items = (self.ratings[name].nunique() for name in ("user", "item"))
        return f"Domain({self.name!r}: {len(self.ratings):,} ratings of {items:,} items by {users:,} users)"

    @property
    def users(self) -> pd.Index:
        """The users with ratings."""
        return self.ratings["user"].cat.remove_unused_categories().cat.categories
