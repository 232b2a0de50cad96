"""How people shop in a generated world: what they are like, what they choose, and how many stars they give.

A person has traits: a liking for each theme and each mood, leniency with stars, and how far they follow the
crowd. An item has a theme, moods, popularity and quality. Together they say how probably the person rates the
item and with how many stars; the rest is chance. People choose what they like, so ratings are missing not at
random: those that are there are higher than those that are not would have been.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.worlds.catalogue import THEMES, Shelf

STARS = (1, 2, 3, 4, 5)
MOODS = ("pace", "tone", "wit", "depth")
DESCRIBED = ("pace", "tone")  # the catalogue is silent about the other moods
TASTES = (*THEMES, *MOODS)
TRAITS = (*TASTES, "leniency", "follows_crowd")

# Items. Popularity falls with the rank r as (HEAD + r) ** -TAIL.
THEME_SHARE = 0.6  # of the variance of what is liked; moods hold the rest
TAIL, HEAD = 1.6, 15
FAME = 0.5  # correlation of popularity and quality

# Choosing: weights in the log-odds of rating an item, and ratings a user (log-normal, clipped).
PULL, CROWD = 2.2, 0.3
MEDIAN, SPREAD, LEAST, MOST = 30, 0.35, 20, 90
ROUNDS = 6

# Stars: an average person's opinion of an average item, and the weights of what moves it.
OPINION, LENIENCY, QUALITY, LIKING = 2.7, 0.5, 0.35, 0.8
WHIM = 0.4  # scale of the logistic noise

DATA = "Generated; no person, shop or title is real."
LICENCE = "CC0-1.0"


@dataclass(frozen=True)
class Truth:
    """What a shop's ratings were drawn from.

    Parameters
    ----------
    traits : DataFrame of shape (n_users, n_traits)
        Standard normal: the liking for themes and moods, leniency, following of the crowd.
    chance : DataFrame of shape (n_users, n_items)
        The probability that the user rates, or buys, the item; independent of all other items.
    stars : DataFrame of shape (n_users, n_items)
        The expected number of stars if they do.
    """

    traits: pd.DataFrame
    chance: pd.DataFrame
    stars: pd.DataFrame


def draw_people(
    names: list[str], similarity: float, generator: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the traits that people show in the source and in the target, each (n_users, n_traits).

    Every trait is standard normal in both; its correlation across the two is the similarity.
    """
    shape = len(names), len(TRAITS)
    index = pd.Index(names, name="user")
    there, own = (pd.DataFrame(generator.standard_normal(shape), index, TRAITS) for _ in range(2))
    return there, similarity * there + np.sqrt(1 - similarity**2) * own


def open_shop(
    shelf: Shelf, traits: pd.DataFrame, n_items: int, stars: bool, generator: np.random.Generator
) -> tuple[Domain, Truth]:
    """Fill a shop with items, and let people with these traits rate them in stars, or buy them: all 1."""
    items, appeal, popularity, quality = _stock(shelf, n_items, generator)
    liking = traits[list(TASTES)].to_numpy() @ appeal.T
    leniency, follows = (traits[[name]].to_numpy() for name in ("leniency", "follows_crowd"))

    activity = np.exp(generator.normal(np.log(MEDIAN), SPREAD, size=len(traits)))
    activity = activity.clip(LEAST, min(MOST, n_items / 2))
    chance = reach(PULL * liking + np.exp(CROWD * follows) * popularity, activity)
    opinion = OPINION + LENIENCY * leniency + QUALITY * quality + LIKING * liking
    steps = [expit((opinion - (star + 0.5)) / WHIM) for star in STARS[:-1]]  # P(more stars than this)

    users, columns = np.nonzero(generator.random(chance.shape) < chance)
    luck = generator.random(chance.shape)[users, columns]
    given = 1 + sum(luck < step[users, columns] for step in steps) if stars else 1
    table = pd.DataFrame({"user": traits.index[users], "item": items.index[columns], "rating": given})
    ratings = as_ratings(table, traits.index, items.index)
    domain = Domain(f"{shelf.kind}s", f"{shelf.kind.capitalize()}s", ratings, items, DATA, LICENCE)
    frames = (pd.DataFrame(values, traits.index, items.index) for values in (chance, 1 + sum(steps)))
    return domain, Truth(traits, *frames)


def reach(wish: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """Turn log-odds (n_users, n_items) into probabilities that add up to each user's activity (n_users,).

    Newton's method finds the constant to add to each user's log-odds; the logarithm of the sum bends so
    little that a few rounds do.
    """
    level = np.zeros(len(wish))
    for _ in range(ROUNDS):
        chance = expit(wish + level[:, None])
        total = chance.sum(axis=1)
        level += np.log(activity / total) * total / (chance * (1 - chance)).sum(axis=1)
    return expit(wish + level[:, None])


def _stock(
    shelf: Shelf, n: int, generator: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Draw the catalogue, and each item's appeal to each taste (n, n_tastes), popularity and quality (n,)."""
    themes = generator.permutation(np.arange(n) % len(THEMES))
    moods = generator.standard_normal((n, len(MOODS)))
    of_theme = np.sqrt(THEME_SHARE) * np.eye(len(THEMES))[themes]
    of_moods = np.sqrt((1 - THEME_SHARE) / len(MOODS)) * moods
    popularity = -TAIL * np.log(HEAD + generator.permutation(n))
    fame = (popularity - popularity.mean()) / popularity.std()
    quality = FAME * fame + np.sqrt(1 - FAME**2) * generator.standard_normal(n)
    catalogue = {
        "title": shelf.titles(themes, generator),
        "category": np.array(list(THEMES))[themes],
        **{mood: moods[:, MOODS.index(mood)].round(1) for mood in DESCRIBED},
    }
    ids = [f"{shelf.kind[0]}{number:0{len(str(n))}d}" for number in range(1, n + 1)]
    items = pd.DataFrame(catalogue, pd.Index(ids, name="item"))
    return items, np.hstack([of_theme, of_moods]), popularity, quality
