"""What ``11_collaborative_filtering`` finds in its numbers: tails, lists, factors, and what mistakes cost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from tlkit.exercises.collaborative_filtering import SWAPPED
from tlkit.figures.wording import MINUS


def categories(items: pd.DataFrame | None, catalogue: pd.Index) -> pd.Series:
    """Return the category of each item of a catalogue, or "item" where none is known."""
    if items is None or "category" not in items:
        return pd.Series("item", catalogue)
    return items["category"].reindex(catalogue).astype(str)


def head_share(table: pd.DataFrame) -> float:
    """Return how many of 100 ratings go to the tenth of the items that have most of them."""
    counts = table["item"].value_counts()
    return 100 * float(counts.iloc[: max(1, len(counts) // 10)].sum() / counts.sum())


def tail(table: pd.DataFrame, truth: Any) -> str:
    """Say how uneven ratings are, and how much higher than the missing ones, where the truth is known."""
    said = f"A tenth of the items has {head_share(table):.0f} % of the ratings."
    if truth is None:
        return said
    mean, everything = table["rating"].mean(), truth.stars.to_numpy().mean()
    return (
        f"{said} The ratings that are there have {mean:.2f} stars on average. "
        f"If everybody had rated everything, it would be {everything:.2f}."
    )


def same_category(vectors: np.ndarray, category: pd.Series) -> float:
    """Return which share of each item's five nearest, by direction, has its category.

    Parameters
    ----------
    vectors : ndarray of shape (n_items, n_factors)
        Of the items.
    category : Series
        Of each.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    nearest = np.argsort(-unit @ unit.T, axis=1)[:, 1:6]
    return float((category.to_numpy()[nearest] == category.to_numpy()[:, None]).mean())


def stayed(lists: pd.DataFrame, scores: pd.Series) -> str:
    """Say how many items two lists share, and which list is better on average over all users.

    Parameters
    ----------
    lists : DataFrame
        A column each: the items recommended to one user.
    scores : Series
        NDCG@10 over all users, under the same names.
    """
    first, second = lists.columns
    ahead = "better" if scores[second] > scores[first] else "no better"
    return (
        f"{shared(lists)} of the {len(lists)} items stayed. Over all users, the lists of *{second}* are "
        f"{ahead} than those of *{first}*: NDCG@10 is {scores[second]:.3f} and {scores[first]:.3f}."
    )


def shared(lists: pd.DataFrame) -> int:
    """Return how many items two columns share."""
    return len(set(lists.iloc[:, 0]) & set(lists.iloc[:, 1]))


def worse_lists(table: pd.DataFrame, than: str = "popularity", beside: str = "oracle of stars") -> pd.Series:
    """Return the NDCG@10 of those that predict stars, and make a worse list than one that predicts none."""
    scores = table["ndcg@10"].drop([name for name in (than, beside) if name in table.index])
    return scores[scores < table.loc[than, "ndcg@10"]]


def stars_and_lists(table: pd.DataFrame) -> str:
    """Say what the model with the smallest error has for a list, and who makes a worse one than popularity.

    Parameters
    ----------
    table : DataFrame
        A row a model; columns rmse and ndcg@10. The row "popularity" predicts no stars.
    """
    models = table.drop(index="oracle of stars", errors="ignore")
    best = models["rmse"].idxmin()
    worse = worse_lists(table)
    names = ", ".join(f"*{name}*" for name in worse.index)
    others = f" That is better than the lists of {names}." if len(worse) else ""
    return (
        f"*{best}* has the smallest error, {models.loc[best, 'rmse']:.3f}, and its list an NDCG@10 of "
        f"{models.loc[best, 'ndcg@10']:.3f}. Popularity predicts no stars and has "
        f"{models.loc['popularity', 'ndcg@10']:.3f}.{others}"
    )


def best_factors(tried: pd.DataFrame) -> str:
    """Say which number of factors was best, and what they found out about categories.

    Parameters
    ----------
    tried : DataFrame
        Columns factors, penalty, ndcg@10, same category (a share).
    """
    best = tried.loc[tried["ndcg@10"].idxmax()]
    return (
        f"The best setting inside the training ratings has {best['factors']:.0f} factors and a penalty of "
        f"{best['penalty']:g}. In its space, {100 * best['same category']:.0f} % of the five nearest items "
        "share the category, which the model was not told."
    )


def podium(scores: pd.Series, oracle: str = "oracle") -> str:
    """Say who makes the best lists, and how near they are to the best that can be known.

    Parameters
    ----------
    scores : Series
        Mean scores by model.
    """
    models = scores.drop(oracle, errors="ignore").sort_values(ascending=False)
    said = f"*{models.index[0]}* makes the best lists, {models.iloc[0]:.3f}, and *{models.index[-1]}* the "
    said += f"worst, {models.iloc[-1]:.3f}."
    if oracle in scores:
        said += f" The oracle has {scores[oracle]:.3f}: nobody can do better, but by luck."
    return said


def swaps(n_swapped: int, n_pairs: int) -> str:
    """Return the option of `SWAPPED` that is true."""
    if not n_swapped:
        return SWAPPED.options[0]
    return SWAPPED.options[1 if 2 * n_swapped < n_pairs else 2]


def misled(swapped: pd.DataFrame, n_pairs: int, negatives: int) -> str:
    """Say how many pairs a few negatives put in the wrong order, and which is the worst.

    Parameters
    ----------
    swapped : DataFrame
        `Contest.swapped`.
    n_pairs, negatives : int
        How many pairs are not tied, and how many negatives are drawn.
    """
    said = f"Among {negatives} negatives, {len(swapped)} of {n_pairs} pairs come out in the wrong order."
    if swapped.empty:
        return said
    worst = swapped.iloc[0]
    return (
        f"{said} The worst: *{worst['better']}* is {worst['lead']:.1f} points better than "
        f"*{worst['worse']}*, and stands {size(worst['lead_sampled'])} points below it."
    )


def size(points: float) -> str:
    """Write the size of a difference: one decimal, or as many as it takes to be above zero."""
    digits = 1 if abs(points) >= 0.05 else -math.floor(math.log10(abs(points)))
    return f"{abs(points):.{digits}f}"


def flattered(honest: pd.Series, leaked: pd.Series) -> str:
    """Say whom a leak pays most, and whether it changes who is first."""
    bonus = 100 * (leaked - honest)
    most, least = bonus.idxmax(), bonus.idxmin()
    first = "is then the first" if leaked.idxmax() == most else f"stays behind *{leaked.idxmax()}*"
    place = f"{list(honest.sort_values(ascending=False).index).index(most) + 1} of {len(honest)}"
    return (
        f"The leak pays *{most}* most: {bonus[most]:.0f} points, from place {place}; it {first}. "
        f"*{least}* gets {bonus[least]:.0f}.".replace("-", MINUS)
    )


def most_flattered(honest: pd.Series, leaked: pd.Series, among: list[str]) -> str:
    """Return which of some models the leak pays most."""
    return str((leaked - honest)[among].idxmax())


def too_good(chosen: pd.DataFrame) -> str:
    """Say by how much a score is too high that also chose the model, with few users and with many.

    Parameters
    ----------
    chosen : DataFrame
        A row for each number of users; columns reported and worth.
    """
    over = 100 * (chosen["reported"] - chosen["worth"])
    few, many = chosen.index.min(), chosen.index.max()
    return (
        f"Chosen on {few} users, the best model reports {over[few]:.1f} points more than it is worth to "
        f"others; on {many} users, {over[many]:.1f} points."
    )
