"""What ``13_fusing_recommenders`` finds in its numbers: who adds to whom, what weights say, what pays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from tlkit.exercises.fusing_recommenders import AVERAGE, PENALTY
from tlkit.figures import charts
from tlkit.figures.described import Figure
from tlkit.figures.wording import budget_in_words, score_text, size_text
from tlkit.study.study import Study


def swings(tried: pd.DataFrame) -> tuple[float, float]:
    """Return how far RMSE moves over the descriptions of items, and over the penalties, on average.

    Parameters
    ----------
    tried : DataFrame
        RMSE: a row a description, a column a penalty.
    """
    over_rows, over_columns = (np.ptp(tried.to_numpy(), axis=axis).mean() for axis in (0, 1))
    return float(over_rows), float(over_columns)


def what_moves_more(tried: pd.DataFrame) -> str:
    """Return the option of `PENALTY` that is true."""
    described, penalised = swings(tried)
    return PENALTY.options[int(penalised > described)]


def content_settings(tried: pd.DataFrame) -> str:
    """Say what the description of items and the penalty are worth."""
    described, penalised = (size_text(each, False) for each in swings(tried))
    row, column = tried.stack().idxmin()
    return (
        f"From the best description to the worst, RMSE rises by {described} on average; from the best "
        f"penalty to the worst, by {penalised}. *{row}* with a penalty of {column:g} has the lowest error."
    )


def opinions(rmse: pd.Series, said: pd.DataFrame) -> str:
    """Say who is best and worst alone, and how far the members' predictions lie apart.

    Parameters
    ----------
    rmse : Series
        By member.
    said : DataFrame
        A column a member, a row a rating.
    """
    ranked = rmse.sort_values()
    best, worst = (
        f"*{ranked.index[end]}* has an RMSE of {score_text(ranked.iloc[end], False)}" for end in (0, -1)
    )
    apart = (said.max(axis=1) - said.min(axis=1)).mean()
    return (
        f"{best}, {worst}. On an average rating, the highest and the lowest prediction are "
        f"{apart:.2f} stars apart."
    )


def worth_mixing(pairs: pd.DataFrame) -> str:
    """Say in how many pairs the worse member helps, and what the best pair gains.

    Parameters
    ----------
    pairs : DataFrame
        `tlkit.recsys.evaluation.mixtures.pairs`.
    """
    helped = f"{int(pairs['helps'].sum())} of {len(pairs)}"
    said = f"In {helped} pairs, some of the worse member helps the better one."
    if not pairs["helps"].any():
        return said
    first = pairs.iloc[0]
    return (
        f"{said} The pair *{pairs.index[0]}* gains most: with a share of {first['best share']:.2f} of the "
        f"worse member, RMSE is {score_text(first['rmse'], False)}, {size_text(first['gain'], False)} lower."
    )


def place_of_average(best: float, average: float, mean: float) -> str:
    """Return the option of `AVERAGE` that is true of three mean squared errors."""
    return AVERAGE.options[0 if average < best else 1 if average <= mean * (1 + 1e-9) else 2]


def average(best: float, error: float, mean: float) -> str:
    """Say what disagreement takes off, and how the average stands to the best member.

    Parameters
    ----------
    best, error, mean : float
        Mean squared errors: of the best member, of the average, and the mean over the members.
    """
    way = "below" if error < best else "above" if error > best else "the same as"
    apart = f"{size_text(error - best, False)} {way}" if error != best else way
    return (
        f"Disagreement takes {1 - error / mean:.1%} off the mean squared error. The average of all is "
        f"{apart} the best member."
    ).replace("%", " %")


def stacking(rows: pd.DataFrame, seen: str = "in-fold", unseen: str = "out-of-fold") -> str:
    """Say how far each way to learn weights deceives itself, and which is better on the test.

    Parameters
    ----------
    rows : DataFrame
        A row a way; columns claimed and test: RMSE.
    """
    off = rows["test"] - rows["claimed"]
    claims = [
        f"{size_text(off[way], False)} too {'low' if off[way] > 0 else 'high'}" for way in (seen, unseen)
    ]
    ahead = rows.loc[seen, "test"] - rows.loc[unseen, "test"]
    test = "the same" if ahead == 0 else f"{size_text(ahead, False)} {'lower' if ahead > 0 else 'higher'}"
    return (
        f"The RMSE that {seen} weights claim is {claims[0]}. The claim of {unseen} weights is {claims[1]}. "
        f"On the test, the RMSE of {unseen} weights is {test}."
    )


def where_it_pays(verdicts: pd.DataFrame, budget_unit: str) -> str:
    """Say with which budgets a fusion clearly beats its best member, and with which it does not.

    Parameters
    ----------
    verdicts : DataFrame
        Of the fusion against its best member: budget, gain, verdict.
    budget_unit : str
        In the plural.
    """
    words = {
        "better": "the fusion is clearly better than its best member",
        "worse": "the fusion is clearly worse than its best member",
        "": "there is no clear difference",
    }
    kinds = verdicts["verdict"].where(verdicts["verdict"].isin(["better", "worse"]), "")
    told = []
    for kind, said in words.items():
        rows = verdicts[kinds == kind]
        if len(rows):
            sizes = f", by {listed(size_text(gain, False) for gain in rows['gain'])}" if kind else ""
            told.append(f"With {listed(map(str, rows['budget']))} {budget_unit}, {said}{sizes}.")
    return " ".join(told)


def listed(parts: Iterable[str]) -> str:
    """Join parts: "a", "a and b", "a, b and c"."""
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last


def lists(weights: pd.DataFrame, verdict: pd.Series, member: str = "content") -> str:
    """Say what a weak member gets in a fusion of rankings, and how the fusion stands to its best member.

    Parameters
    ----------
    weights : DataFrame
        `Fusion.weights_`.
    verdict : Series
        A row of `Study.verdicts`.
    member : str
        The weak one.
    """
    mine, best = weights.loc[member], weights["ndcg@10"].max()
    stands = {"better": "are clearly better than", "worse": "are clearly worse than"}
    return (
        f"Alone, *{member}* has {mine['ndcg@10'] / best:.0%} of the NDCG@10 of the best member where the "
        f"weights were learned. It gets {mine['weight']:.0%} of the weight. The lists of the fusion "
        f"{stands.get(verdict['verdict'], 'are not clearly different from')} those of the best member."
    ).replace("%", " %")


def best_with(newcomers: pd.DataFrame, n: int) -> str:
    """Return which member is best with so many ratings, or with the nearest number that was tried."""
    table = by_amount(newcomers).drop(columns="fusion")
    return str(table.loc[nearest(table.index, n)].idxmin())


def nearest(amounts: Sequence[int], n: int) -> int:
    """Return the amount that is nearest to one."""
    return min(amounts, key=lambda each: abs(each - n))


def by_amount(newcomers: pd.DataFrame) -> pd.DataFrame:
    """Return RMSE with a row a number of ratings and a column a member, in the order they came in."""
    table = newcomers.pivot(index="ratings", columns="member", values="rmse")
    return table[list(newcomers["member"].unique())]


def left_behind(newcomers: pd.DataFrame) -> str:
    """Say where a fusion is furthest behind its best member, and from where on it is ahead of all.

    Parameters
    ----------
    newcomers : DataFrame
        `tlkit.recsys.evaluation.mixtures.newcomers`.
    """
    table = by_amount(newcomers)
    members = table.drop(columns="fusion")
    behind = table["fusion"] - members.min(axis=1)
    if (behind <= 0).all():
        return "The fusion is never behind a member."
    most = behind.idxmax()
    said = (
        f"With {budget_in_words(int(most), 'ratings')}, the fusion is furthest behind the best member: by "
        f"{size_text(behind[most], False)}."
    )
    ahead = [n for n in table.index if (behind[table.index >= n] < 0).all()]
    if not ahead:
        last = budget_in_words(int(table.index[-1]), "ratings")
        return f"{said} With {last}, it is still not ahead of all members."
    return f"{said} From {budget_in_words(int(ahead[0]), 'ratings')} on, it is ahead of all members."


def from_elsewhere(scores: pd.Series, twin: str = "fusion without source") -> str:
    """Say how a fusion with a source stands to its best member, and to the same fusion without the source.

    Parameters
    ----------
    scores : Series
        RMSE of ``fusion``, of its members, and of twins, whose names end in "without source".
    twin : str
        The one of the fusion.
    """
    twins = [name for name in scores.index if name.endswith(" without source")]
    members = scores.drop(["fusion", *twins])
    return (
        f"The fusion has an RMSE of {score_text(scores['fusion'], False)}. Its best member, "
        f"*{members.idxmin()}*, has {score_text(members.min(), False)}. The same fusion without the bookshop "
        f"has {score_text(scores[twin], False)}."
    )


def beside_both(study: Study) -> Figure:
    """Draw what a fusion gains over the baseline, a member of it, and over its twin, as two rows.

    Parameters
    ----------
    study : Study
        Of a strategy ``fusion``, by RMSE.
    """
    both = (each[each["strategy"] == "fusion"] for each in (study.verdicts(), study.credit()))
    rows = pd.concat(both).assign(strategy=["over a member", "over its twin"]).drop(columns="source")
    unit = study.summary.budget_unit
    return charts.gains(rows, percent=False, metric=study.metric, budget_unit=unit, greater_is_better=False)
