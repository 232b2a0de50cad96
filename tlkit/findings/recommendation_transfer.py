"""What ``12_recommendation_transfer`` finds in its numbers: pulls, gains, gates, what is owed to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from tlkit.exercises.recommendation_transfer import FAR, MOVES
from tlkit.figures.wording import budget_in_words, gain_text, signed_text
from tlkit.study.intervals import crossed_interval
from tlkit.study.study import Study


def ranking(scores: pd.Series) -> str:
    """Say who is first on one draw, and how far behind the last one is."""
    ordered = scores.sort_values(ascending=False)
    behind = 100 * (ordered.iloc[0] - ordered.iloc[-1])
    return (
        f"On this draw `{ordered.index[0]}` is the first with {ordered.iloc[0]:.3f}, and "
        f"`{ordered.index[-1]}` the last, {behind:.1f} points behind. One draw ranks nothing yet."
    )


def far_pull(pulled: np.ndarray, source: np.ndarray, alone: np.ndarray) -> str:
    """Return the option of `FAR` that a vector under a very strong pull is nearest to."""
    places = [source, alone, np.zeros_like(source)]
    return FAR.options[int(np.argmin([np.linalg.norm(pulled - place) for place in places]))]


def ends_of_the_pull(pulled: np.ndarray, source: np.ndarray, alone: np.ndarray) -> str:
    """Say how near a strong pull comes to the source's vector, of the way from the target's own."""
    way = np.linalg.norm(source - alone)
    gone = 100 * (1 - np.linalg.norm(pulled - source) / way) if way else 100.0
    return f"With a very large weight, the vector has gone {gone:.0f} % of the way to the source's."


def best_weights(curve: pd.DataFrame) -> pd.Series:
    """Return the weight with the best mean score for each budget.

    Parameters
    ----------
    curve : DataFrame
        Columns budget, weight, score.
    """
    best = curve.loc[curve.groupby("budget")["score"].idxmax()]
    return best.set_index("budget")["weight"].sort_index()


def moved(best: pd.Series) -> str:
    """Return the option of `MOVES` that is true of the best weights."""
    change = np.sign(best.iloc[-1] - best.iloc[0])
    return MOVES.options[int(change) + 1]


def pull(curve: pd.DataFrame, budget_unit: str) -> str:
    """Say which weight is best with the fewest ratings, and what it costs with the most.

    Parameters
    ----------
    curve : DataFrame
        Columns budget, weight, score.
    budget_unit : str
        In the plural.
    """
    best = best_weights(curve)
    few, many = best.index[0], best.index[-1]
    scores = curve.set_index(["budget", "weight"])["score"]
    cost = 100 * (scores[many, best[many]] - scores[many, best[few]])
    said = f"With {budget_in_words(int(few), budget_unit)} the best weight is {best[few]:g}"
    if few == many:
        return f"{said}."
    later = f"with {budget_in_words(int(many), budget_unit)} it is {best[many]:g}"
    return f"{said}, {later}. There, the first of these would cost {cost:.1f} points."


def gains_at_ends(verdicts: pd.DataFrame, strategies: Iterable[str], budget_unit: str) -> str:
    """Say what each strategy gains with the fewest ratings, and with the most.

    Parameters
    ----------
    verdicts : DataFrame
        Of a study over budgets.
    strategies : sequence of str
        Which of them.
    budget_unit : str
        In the plural.
    """
    gains = verdicts.pivot(index="strategy", columns="budget", values="gain")
    few, many = gains.columns.min(), gains.columns.max()
    told = [
        f"`{name}` from {signed_text(first, True)} to {signed_text(last, True)}"
        for name, first, last in gains.loc[list(strategies), [few, many]].itertuples()
    ]
    ends = f"{budget_in_words(int(few), budget_unit)} to {budget_in_words(int(many), budget_unit)}"
    return f"From {ends}, the gain goes: {', '.join(told)} points."


def leaders(weights: pd.DataFrame) -> str:
    """Say which expert leads without a rating, and which with the most.

    Parameters
    ----------
    weights : DataFrame
        A row for each number of ratings, a column an expert.
    """
    ordered = weights.sort_index()
    first, last = ordered.iloc[0], ordered.iloc[-1]
    most = ordered.index[-1]
    if first.idxmax() == last.idxmax():
        return f"*{first.idxmax()}* has the largest weight without a rating, and with {most} ratings as well."
    return (
        f"Without a rating, *{first.idxmax()}* has the largest weight, {first.max():.2f}. "
        f"With {most} ratings it is *{last.idxmax()}*, {last.max():.2f}."
    )


def turns(gains: pd.DataFrame, careful: str = "gated") -> str:
    """Say who hurts at the lowest level, and what the careful one does there.

    Parameters
    ----------
    gains : DataFrame
        Columns strategy, level, gain, low, high, verdict.
    careful : str
        The strategy that asks its training data.
    """
    lowest = gains[gains["level"] == gains["level"].min()].set_index("strategy")
    harm = [f"`{name}`" for name in lowest.index if lowest.loc[name, "verdict"] == "hurts"]
    who = " and ".join([", ".join(harm[:-1]), harm[-1]] if len(harm) > 1 else harm) or "no strategy"
    said = f"At {gains['level'].min():g}, {who} clearly {'hurt' if len(harm) > 1 else 'hurts'}."
    row = lowest.loc[careful]
    return f"{said} `{careful}` gains {gain_text(row['gain'], row['low'], row['high'], True)} points there."


def owed(study: Study, placebo: Study, strategies: Sequence[str]) -> pd.DataFrame:
    """Return the gain of each strategy, the gain with strangers' histories, and the difference.

    Parameters
    ----------
    study, placebo : Study
        Of the same strategies on the same draws and test users, from the source and from its placebo.
    strategies : sequence of str
        Which of them.

    Returns
    -------
    DataFrame
        A row a strategy: gain, with strangers, owed to the people, low and high of that.
    """
    gains = [each.verdicts().set_index("strategy")["gain"] for each in (study, placebo)]
    rows = {}
    for name in strategies:
        units = [_units(each, name) for each in (study, placebo)]
        apart = crossed_interval(units[0] - units[1])
        rows[name] = (gains[0][name], gains[1][name], apart.mean, apart.low, apart.high)
    columns = ["gain", "with strangers", "owed to the people", "low", "high"]
    return pd.DataFrame(rows, index=columns).T


def owed_to_people(table: pd.DataFrame, strategy: str) -> str:
    """Say what a strategy gains, what is left with strangers' histories, and what the people are worth."""
    row = table.loc[strategy]
    apart = gain_text(row["owed to the people"], row["low"], row["high"], True)
    return (
        f"`{strategy}` gains {signed_text(row['gain'], True)} points, and "
        f"{signed_text(row['with strangers'], True)} with strangers' histories. To know the people is worth "
        f"{apart} points."
    )


def _units(study: Study, strategy: str) -> np.ndarray:
    return np.stack([trial.per_example for trial in study.trials if trial.strategy == strategy])
