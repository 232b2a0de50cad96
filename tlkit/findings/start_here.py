"""What ``00_start_here`` finds in its numbers: two trials, the luck of draws, where a gain is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tlkit.exercises.start_here import FEWER, MORE, SPREAD
from tlkit.figures.wording import budget_in_words, score_text
from tlkit.study.trial import Trial


def ahead(trials: Sequence[Trial], metric: str, n_pictures: int) -> str:
    """Say what the second of two trials has over the first on so many pictures, and in what time."""
    scores = [trial.metrics[metric] for trial in trials]
    names = [f"`{trial.strategy}`" for trial in trials]
    points = 100 * (scores[1] - scores[0])
    place = f"{abs(points):.0f} points {'ahead of' if points > 0 else 'behind'}"
    if round(points) == 0:
        place = "level with"
    times = [f"{trial.seconds:.1f} s" if trial.seconds >= 0.1 else "less than 0.1 s" for trial in trials]
    return (
        f"On the same {n_pictures} pictures, {names[1]} is {place} {names[0]}. "
        f"It trained for {times[1]}, {names[0]} for {times[0]}."
    )


def spreads(table: pd.DataFrame, metric: str) -> pd.Series:
    """Return how far the best draw lies from the worst, the largest distance first.

    Parameters
    ----------
    table : DataFrame
        Of a study: `scratch` and `probe` on two budgets or more.
    metric : str
        The column of the scores.
    """
    few, many = table["budget"].min(), table["budget"].max()
    scores = table.groupby(["strategy", "budget"])[metric]
    apart = scores.max() - scores.min()
    asked = [("probe", few), ("scratch", many), ("scratch", few)]
    found = pd.Series([apart[each] for each in asked], index=SPREAD.items, name="best draw minus worst")
    return found.sort_values(ascending=False, kind="stable")


def draws_differ(apart: pd.Series) -> str:
    """Say between which scores of the same strategy chance alone decides."""
    most = f"*{apart.index[0]}*: its best draw lies {100 * apart.iloc[0]:.0f} points above its worst"
    least = f"*{apart.index[-1]}* changes by {100 * apart.iloc[-1]:.0f}"
    return f"The draw of the pictures matters most for {most}. {least}."


def larger(verdicts: pd.DataFrame, strategy: str = "finetune") -> str:
    """Return the option of `LARGER` that is true of a strategy."""
    gains = verdicts[verdicts["strategy"] == strategy].set_index("budget")["gain"]
    return FEWER if gains[gains.index.min()] >= gains[gains.index.max()] else MORE


def worth(verdicts: pd.DataFrame, budget_unit: str, strategy: str = "finetune") -> str:
    """Say what a strategy and the baseline got with the smallest budget and with the largest."""
    rows = verdicts[verdicts["strategy"] == strategy].sort_values("budget")
    told = [
        f"With {budget_in_words(row.budget, budget_unit)}, `{strategy}` got {score_text(row.score, True)} "
        f"and `scratch` {score_text(row.baseline, True)}."
        for row in rows.iloc[[0, -1][: len(rows)]].itertuples()
    ]
    return " ".join(told)
