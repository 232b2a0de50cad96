"""A domain: one shop's ratings and what is known of its items."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tlkit.recsys.data.ratings import as_ratings


@dataclass(frozen=True)
class Domain:
    """Ratings of one kind of item.

    Parameters
    ----------
    name, title : str
        For code and for people.
    ratings : DataFrame
        Columns user, item, rating, perhaps timestamp; becomes what
        `tlkit.recsys.data.ratings.as_ratings` gives.
    items : DataFrame or None
        Indexed by item id: title, category, and columns of features; None where ids are all there is.
    data, licence : str
        Where the ratings come from, and their terms.

    Raises
    ------
    BadInput
        If the ratings cannot be used.
    """

    name: str
    title: str
    ratings: pd.DataFrame
    items: pd.DataFrame | None = None
    data: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        kinds = self.ratings.dtypes if isinstance(self.ratings, pd.DataFrame) else {}
        # Checked tables have a catalogue already, and to check millions of rows again takes seconds.
        if not all(isinstance(kinds.get(each), pd.CategoricalDtype) for each in ("user", "item")):
            object.__setattr__(self, "ratings", as_ratings(self.ratings))

    @classmethod
    def of(
        cls, ratings: Domain | pd.DataFrame, name: str, title: str = "", items: pd.DataFrame | None = None
    ) -> Domain:
        """Return a domain as it is, and make one of a table of ratings."""
        return ratings if isinstance(ratings, Domain) else cls(name, title or name, ratings, items)

    def __repr__(self) -> str:
        users, items = (self.ratings[name].nunique() for name in ("user", "item"))
        return f"Domain({self.name!r}: {len(self.ratings):,} ratings of {items:,} items by {users:,} users)"

    @property
    def users(self) -> pd.Index:
        """The users with ratings."""
        return self.ratings["user"].cat.remove_unused_categories().cat.categories
