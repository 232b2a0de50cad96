"""What recommenders are worth to each other: pairs by their errors, and a fusion beside its parts."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from tlkit.recsys.data.ratings import to_matrix
from tlkit.recsys.strategies.fusion import Fusion
from tlkit.recsys.tasks import RatingsTask
from tlkit.study.study import Study
from tlkit.study.trial import TaskSummary, Trial

BEST, INSIDE, EQUAL = "best member", "chosen inside", "equal parts"


def pairs(errors: pd.DataFrame) -> pd.DataFrame:
    """Say of each two members whether a little of the worse one helps the better one, and how much.

    It does if and only if the errors correlate less than the ratio of the errors' sizes (Bates and Granger,
    Operational Research Quarterly 20(4), 1969). All is about zero: no means are taken off.

    Parameters
    ----------
    errors : DataFrame of shape (n_ratings, n_members)
        A column a member: what it predicted, less the rating.

    Returns
    -------
    DataFrame
        A row a pair, the better member first, the pair that gains most at the top. Columns correlation,
        ratio (of the RMSEs, the better one's on top), helps, best share (of the worse one, none below zero),
        rmse (at this share), gain (by how much that is below the better one's).

    Examples
    --------
    >>> import pandas as pd
    >>> from tlkit.recsys.evaluation.mixtures import pairs
    >>> pairs(pd.DataFrame({"a": [1.0, -1, 0], "b": [0.0, -1, 1.5]}))["best share"].round(2).to_dict()
    {'a + b': 0.31}
    """
    moments, rows = errors.T @ errors / len(errors), {}
    for better, worse in combinations(moments.index[np.diag(moments).argsort(kind="stable")], 2):
        a, b, ab = moments.loc[better, better], moments.loc[worse, worse], moments.loc[better, worse]
        apart = a + b - 2 * ab
        share = max((a - ab) / apart, 0.0) if apart > 0 else 0.0
        mixed = np.sqrt((1 - share) ** 2 * a + 2 * share * (1 - share) * ab + share**2 * b)
        rows[f"{better} + {worse}"] = {
            "correlation": ab / np.sqrt(a * b),
            "ratio": np.sqrt(a / b),
            "helps": share > 0,
            "best share": share,
            "rmse": mixed,
            "gain": np.sqrt(a) - mixed,
        }
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("gain", ascending=False)


def correlations(errors: pd.DataFrame, named: Iterable[str]) -> pd.Series:
    """Return how the errors of pairs correlate, about zero, for pairs that are named as by `pairs`."""
    sizes = (errors**2).mean() ** 0.5
    both = {pair: pair.split(" + ") for pair in named}
    found = {pair: (errors[a] * errors[b]).mean() / (sizes[a] * sizes[b]) for pair, (a, b) in both.items()}
    return pd.Series(found, dtype=float)


def shares(errors: pd.DataFrame, n: int = 21) -> pd.DataFrame:
    """Mix the best member with each other one, in all shares.

    Parameters
    ----------
    errors : DataFrame of shape (n_ratings, n_members)
        As for `pairs`.
    n : int
        How many shares, from 0 to 1.

    Returns
    -------
    DataFrame
        Columns partner, share (of the partner), rmse; partners in the order of their own RMSE.
    """
    best, *others = (errors**2).mean().sort_values().index
    rows = [
        (other, share, np.sqrt((((1 - share) * errors[best] + share * errors[other]) ** 2).mean()))
        for other in others
        for share in np.linspace(0, 1, n)
    ]
    return pd.DataFrame(rows, columns=["partner", "share", "rmse"])


def rivals(trials: Sequence[Trial], task: RatingsTask) -> list[Trial]:
    """Return what fusions are held against, as trials on the same draws.

    A fusion ends with each member fitted on all training ratings, so this takes no further fit.

    Parameters
    ----------
    trials : sequence of Trial
        Of one fusion, at any budgets; `tlkit.transfer` returns them with what was fitted.
    task : RatingsTask
        What they were tested on.

    Returns
    -------
    list of Trial
        For each trial: each member alone; ``equal parts``, the members' mean; ``chosen inside``, the member
        that was best where the weights were learned; and ``best member``, the one that is best on the test
        over all draws of the budget. The last is the strictest rival: nobody could choose it so.
    """
    found = [each for trial in trials for each in _beside(trial, task)]
    members = [each for each in found if each.strategy not in (INSIDE, EQUAL)]
    table = pd.DataFrame([(t.budget, t.strategy, t.metrics[task.metric]) for t in members])
    means = table.groupby([0, 1], dropna=False)[2].mean().unstack()
    best = means.idxmax(axis=1) if task.greater_is_better else means.idxmin(axis=1)
    first = [replace(t, strategy=BEST) for t in members if t.strategy == _at(best, t.budget)]
    return [*found, *first]


def study(trials: Iterable[Trial], task: RatingsTask, only: Sequence[str] | None = None) -> Study:
    """Make the study of fusions and their `rivals`, whose baseline is the best member.

    Parameters
    ----------
    trials : iterable of Trial
        Fusions and rivals.
    task : RatingsTask
        What they were tested on.
    only : sequence of str, optional
        The strategies to compare with the best member; by default all.
    """
    kept = [trial for trial in trials if only is None or trial.strategy in (BEST, *only)]
    return Study(kept, replace(TaskSummary.of(task), baseline=BEST))


def _at(best: pd.Series, budget: int | None) -> str:
    return str(best.iloc[0] if budget is None else best[budget])


def _beside(trial: Trial, task: RatingsTask) -> list[Trial]:
    fusion = trial.fitted
    measure = fusion.weights_.columns[-1]
    alone = fusion.weights_[measure]
    judged = {label: task.score(member) for label, member in fusion.members_.items()}
    judged[INSIDE] = judged[alone.idxmin() if measure == "rmse" else alone.idxmax()]
    judged[EQUAL] = task.score(in_equal_parts(fusion))
    return [
        replace(trial, strategy=label, metrics=score.metrics, per_example=score.per_example)
        for label, score in judged.items()
    ]


def in_equal_parts(fusion: Fusion) -> Fusion:
    """Return a fitted fusion with the same members, one weight for all, and no intercept."""
    plain = copy.copy(fusion)
    plain.weights_ = fusion.weights_.assign(weight=1 / len(fusion.weights_))
    plain.intercept_ = 0.0
    return plain


def newcomers(fusion: Fusion, task: RatingsTask, amounts: Sequence[int]) -> pd.DataFrame:
    """Let people come in one rating after the other, to a fusion that was fitted without them.

    Parameters
    ----------
    fusion : Fusion
        Fitted on the task with a budget of 0.
    task : RatingsTask
        Of stars; its limited users are the newcomers.
    amounts : sequence of int
        How many ratings of each are folded in. Those above the task's largest budget are left out.

    Returns
    -------
    DataFrame
        Columns member, ratings, rmse (over the newcomers' test ratings); ``fusion`` comes first.
    """
    rows = task.users.get_indexer(task.limited)
    who = task.limited.get_indexer(task.test["user"])
    what, given = task.test["item"].cat.codes.to_numpy(), task.test["rating"].to_numpy(float)
    found = []
    for n in (n for n in amounts if n <= task.max_budget):
        profiles = to_matrix(task.budget(n).train)[rows]
        for label, model in {"fusion": fusion, **fusion.members_}.items():
            said = model.score_profiles(profiles).clip(*task.scale)[who, what]
            found.append((label, n, float(np.sqrt(np.mean((said - given) ** 2)))))
    return pd.DataFrame(found, columns=["member", "ratings", "rmse"])
