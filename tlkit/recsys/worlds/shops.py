"""The generated world of two shops: the same people choose books in one and films in the other.

A dial says how much of what they are like they take along. The truth is known, so an oracle can show the best
that anyone could do.
"""

from __future__ import annotations

import numbers
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array

from tlkit.errors import BadInput, require_known
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.ratings import codes
from tlkit.recsys.evaluation.metrics import RATING
from tlkit.recsys.evaluation.splits import cold_users
from tlkit.recsys.models.base import OBJECTIVES, Recommender
from tlkit.recsys.tasks import RatingsTask
from tlkit.recsys.worlds.catalogue import BOOKS, FILMS
from tlkit.recsys.worlds.customers import STARS, Truth, draw_people, open_shop
from tlkit.study.strategy import hyperparameters

FEEDBACK = ("stars", "bought")
PEOPLE, SOURCE, TARGET = 0, 1, 2  # streams of random numbers of one seed
SHARED, SOURCE_ONLY = 0.8, 0.1  # shares of the people; the rest shop in the target alone
LIMITS = {"n_users": (50, 5_000), "n_items": (100, 2_000), "seed": (0, None)}


class Shops(NamedTuple):
    """Two domains with people in common, and the truth about each."""

    source: Domain
    target: Domain
    source_truth: Truth
    truth: Truth


def two_shops(
    similarity: float = 0.8,
    feedback: str = "stars",
    n_users: int = 1_000,
    n_items: int = 400,
    seed: int = 0,
) -> Shops:
    """Make a bookshop (the source) and a film shop (the target), and know all about them.

    The bookshop is the same at every similarity. The film shop keeps its films and how much each customer
    chooses; what the dial turns is whose traits the customers have. Each trait is standard normal at every
    setting, so the target alone is equally hard throughout, and at 0 nothing about a person carries over:
    no taste, no leniency with stars, no following of the crowd. How much they choose never does.

    Parameters
    ----------
    similarity : float
        In [0, 1]: the correlation of a person's traits in the two shops.
    feedback : {"stars", "bought"}
        Ratings of 1 to 5 stars, or purchases, which are all 1. Who has which item is the same.
    n_users : int
        People, 50 to 5,000: 80 % shop in both, 10 % in either alone. Ids tell worlds of other seeds apart.
    n_items : int
        Films, 100 to 2,000; there are a quarter more books.
    seed : int
        The same seed gives the same shops.

    Returns
    -------
    Shops
        source and target, each a `Domain` whose items have title, category, pace and tone;
        source_truth and truth, the `Truth` about each.

    Raises
    ------
    BadInput
        If the feedback is unknown, or a number is out of its range.
    """
    require_known("feedback", feedback, FEEDBACK)
    _require_similarity(similarity)
    for name, value in {"n_users": n_users, "n_items": n_items, "seed": seed}.items():
        _require_whole(name, value)
    crowd, *shops = (np.random.default_rng([seed, stream]) for stream in (PEOPLE, SOURCE, TARGET))
    names = [f"u{seed}-{number:0{len(str(n_users))}d}" for number in range(1, n_users + 1)]
    readers, viewers = draw_people(names, similarity, crowd)
    order = crowd.permutation(n_users)
    shared, first = round(SHARED * n_users), round((SHARED + SOURCE_ONLY) * n_users)
    readers = readers.iloc[np.sort(order[:first])]
    viewers = viewers.iloc[np.sort(np.r_[order[:shared], order[first:]])]
    stars = feedback == "stars"
    source, source_truth = open_shop(BOOKS, readers, n_items * 5 // 4, stars, shops[0])
    target, truth = open_shop(FILMS, viewers, n_items, stars, shops[1])
    return Shops(source, target, source_truth, truth)


def shop_task(
    similarity: float = 0.8,
    feedback: str = "stars",
    metric: str = "ndcg@10",
    n_users: int = 1_000,
    n_items: int = 400,
    share: float = 0.2,
    pool: int = 10,
    seed: int = 0,
) -> ShopTask:
    """Make the cold-start task of the film shop: some customers of the bookshop have just come in.

    Parameters
    ----------
    similarity, feedback, n_users, n_items, seed
        As for `two_shops`.
    metric : str
        As for `RatingsTask`.
    share, pool
        Share of the shared users who are cold, and how many ratings each has to draw budgets from; all
        others of theirs are the test.

    Raises
    ------
    BadInput
        If an argument is out of range, or stars are to be predicted where there are none.
    """
    if feedback == "bought" and metric in RATING:
        raise BadInput(
            f"Purchases have no stars, which {metric!r} asks for. Use feedback='stars', or a metric of "
            "ranking such as 'ndcg@10'."
        )
    shops = two_shops(similarity, feedback, n_users, n_items, seed)
    world = {"feedback": feedback, "n_users": n_users, "n_items": n_items, "seed": seed}
    protocol = {"metric": metric, "share": share, "pool": pool}
    return ShopTask(shops, similarity, world | protocol)


class ShopTask(RatingsTask):
    """A ratings task in the film shop of the generated world; see `shop_task` for the parameters.

    Attributes
    ----------
    similarity : float
        How much of what people are like they take along from the bookshop, in [0, 1].
    truth : Truth
        What the ratings were drawn from.
    """

    def __init__(self, shops: Shops, similarity: float, made_of: dict[str, Any]):
        share, pool, seed = (made_of[name] for name in ("share", "pool", "seed"))
        train, test, cold = cold_users(shops.target.ratings, share, pool, seed, among=shops.source.users)
        scale = (STARS[0], STARS[-1]) if made_of["feedback"] == "stars" else None
        name = f"films at similarity {similarity:g}"
        super().__init__(
            train, test, shops.target.items, made_of["metric"], limited=cold, scale=scale, name=name
        )
        self.similarity = float(similarity)
        self.truth = shops.truth
        self.made_of = made_of

    def at_similarity(self, similarity: float) -> ShopTask:
        """Return the same task, all its training ratings, at another similarity in [0, 1]."""
        return shop_task(similarity, **self.made_of)

    def oracle(self) -> Oracle:
        """Return the recommender that knows this world: nobody does better but by luck."""
        return Oracle(truth=self.truth)


@hyperparameters
class Oracle(Recommender):
    """Knows with what probability each user chooses each item, and the stars to expect.

    It learns nothing from ratings. People choose items independently, so among those a user has not rated
    yet the order of these probabilities is the best there can be.

    Parameters
    ----------
    truth : Truth
        Of the world the ratings come from.
    """

    name = "oracle"
    title = "Oracle"
    idea = "Look up the probabilities that the ratings were drawn with."

    objectives: ClassVar[tuple[str, ...]] = OBJECTIVES

    truth: Truth

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Lay the truth out along the catalogue.

        Raises
        ------
        BadInput
            If users or items are not of the oracle's world.
        """
        known = self.truth.chance if self.objective_ == "ranking" else self.truth.stars
        rows = codes(known.index, self.users_, "user", known.columns)
        columns = codes(known.columns, self.items_, "item", known.index)
        self.known_ = known.to_numpy(np.float32)[np.ix_(rows, columns)]

    def is_known(self, profiles: csr_array, rows: np.ndarray | None = None) -> np.ndarray:
        """Everybody is known, without a single rating."""
        return np.ones(profiles.shape[0], dtype=bool)

    def score_rows(self, rows: np.ndarray) -> np.ndarray:
        """Look up every item for the users in `rows`, shape (len(rows), n_items)."""
        return self.known_[rows]

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Refuse: of people from outside the world nothing is known.

        Raises
        ------
        BadInput
            Always.
        """
        raise BadInput("The oracle knows the people of its world by id, and cannot judge others by ratings.")


def _require_similarity(similarity: Any) -> None:
    if not isinstance(similarity, numbers.Real) or not 0 <= float(similarity) <= 1:
        raise BadInput(
            "Similarity is a number from 0 (nothing about people carries over) to 1 (everything does); "
            f"got {similarity!r}."
        )


def _require_whole(name: str, value: Any) -> None:
    least, most = LIMITS[name]
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not least <= value <= (most or value):
        limits = f"{least} or more" if most is None else f"{least} to {most:,}"
        raise BadInput(f"For two shops, {name} is a whole number, {limits}; got {value!r}.")
