"""What ``01_why_transfer`` finds in its numbers: a gap and its end, what pairs and tuning are worth."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from tlkit.exercises.why_transfer import TOGETHER
from tlkit.figures.wording import amount, budget_in_words, score_text, size_text


def gap(verdicts: pd.DataFrame, strategy: str, budget_unit: str) -> str:
    """Say how far a strategy is from the baseline with the smallest budget, and with the largest."""
    rows = verdicts[verdicts["strategy"] == strategy].set_index("budget")["gain"].sort_index()
    few, many = (budget_in_words(int(rows.index[end]), budget_unit) for end in (0, -1))
    at_first, at_last = (
        f"{size_text(gain, True)} points {'above' if gain >= 0 else 'below'}" for gain in rows.iloc[[0, -1]]
    )
    return f"With {few} `{strategy}` is {at_first} `scratch`. With {many} it is {at_last}."


def labels_worth(worth: pd.DataFrame) -> float:
    """Return what the smallest budget is worth in labels of the baseline, at most the largest budget.

    Parameters
    ----------
    worth : DataFrame
        `Study.worth` of one strategy.
    """
    return float(min(worth.loc[worth["budget"].idxmin(), "worth"], worth["budget"].max()))


def gain_ends(verdicts: pd.DataFrame, worth: pd.DataFrame, budget_unit: str) -> str:
    """Say with which budgets a strategy helps, and what its smallest one is worth.

    Parameters
    ----------
    verdicts, worth : DataFrame
        Of one strategy.
    budget_unit : str
        In the plural.
    """
    strategy, most = verdicts["strategy"].iloc[0], verdicts["budget"].max()
    helps = [int(budget) for budget in verdicts.loc[verdicts["verdict"] == "helps", "budget"]]
    first = worth.loc[worth["budget"].idxmin()]
    labels = amount(first["worth"]) if math.isfinite(first["worth"]) else f"more than {most}"
    return (
        f"With {_budgets(helps, budget_unit)} `{strategy}` clearly helps. Its accuracy with "
        f"{budget_in_words(int(first['budget']), budget_unit)} is worth {labels} {budget_unit} of "
        "`scratch`."
    )


def _budgets(budgets: list[int], budget_unit: str) -> str:
    if not budgets:
        return "no budget"
    others = ", ".join(str(budget) for budget in budgets[:-1])
    last = budget_in_words(budgets[-1], budget_unit)
    return f"{others} and {last}" if others else last


def spreads(table: pd.DataFrame, metric: str, one: str, other: str) -> pd.DataFrame:
    """Return how much a difference of two strategies varies, on the same draws and on different ones.

    Parameters
    ----------
    table : DataFrame
        Of a study.
    metric : str
        The column of the scores.
    one, other : str
        The strategies.

    Returns
    -------
    DataFrame
        A row a budget: standard deviations over the draws, in points.
    """
    scores = table.pivot(index=["budget", "seed"], columns="strategy", values=metric)
    alone = scores.groupby("budget").std()
    paired = (scores[other] - scores[one]).groupby("budget").std()
    apart = np.hypot(alone[one], alone[other])
    return 100 * pd.DataFrame({"on the same draws": paired, "on different draws": apart})


def move(spread: pd.DataFrame) -> str:
    """Return the option of `TOGETHER` that holds for most budgets."""
    return TOGETHER.options[0 if _narrower(spread) * 2 > len(spread) else 1]


def worth_of_pairs(spread: pd.DataFrame) -> str:
    """Say for how many budgets a difference in pairs varies less, and by how much with the smallest."""
    paired, apart = spread.sort_index().iloc[0]
    budgets = f"{len(spread)} budget{'s' if len(spread) > 1 else ''}"
    return (
        f"With {_narrower(spread)} of {budgets}, the difference varies less on the same draws. With the "
        f"smallest budget it varies by {paired:.1f} points, and by {apart:.1f} on different draws."
    )


def _narrower(spread: pd.DataFrame) -> int:
    return int((spread["on the same draws"] < spread["on different draws"]).sum())


def won_back(scores: pd.Series, ahead: str = "finetune", as_it_is: str = "scratch") -> float:
    """Return how many points the best setting of the baseline is above the one of the study."""
    return 100 * float(scores.drop(ahead).max() - scores[as_it_is])


def honesty(scores: pd.Series, ahead: str = "finetune", as_it_is: str = "scratch") -> str:
    """Say what the best setting of the baseline won, and what is left of the distance to a strategy."""
    best = scores.drop(ahead).idxmax()
    left = 100 * float(scores[ahead] - scores[best])
    kept = f"`{ahead}` is {abs(left):.1f} points {'ahead of' if left > 0 else 'behind'} it"
    if best == as_it_is:
        return f"No other setting was better than the one in the study: {kept}."
    return f"The best setting, *{best}*, won {won_back(scores, ahead, as_it_is):.1f} points: {kept}."


def most_honest(errors: pd.Series, accuracies: pd.Series) -> str:
    """Say who has the smallest calibration error and who the largest, with their accuracies."""
    told = [
        f"`{name}` has the {end} calibration error, {errors[name]:.3f}, and is right on "
        f"{score_text(accuracies[name], True)}"
        for name, end in ((errors.idxmin(), "smallest"), (errors.idxmax(), "largest"))
    ]
    return f"{told[0]}. {told[1]}."
