"""A pool of recommenders on one task, judged as one should, and in ways that mislead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binom, rankdata
from sklearn.base import BaseEstimator, clone

from tlkit.recsys.data.train_test import marks
from tlkit.recsys.evaluation.metrics import ndcg_units
from tlkit.recsys.tasks import RatingsTask

PLACES = 10
GAIN = 1 / np.log2(1 + np.arange(1, PLACES + 1))  # of a hit, by its rank
TIE = 0.005


class Contest:
    """NDCG@10 of every model for every user, right and wrong.

    Each model is fitted once on the task's training ratings.

    Parameters
    ----------
    task : RatingsTask
        With stars or without; its test ratings are what should be found.
    pool : mapping of str to recommender
        By label; they are cloned.

    Attributes
    ----------
    units : DataFrame
        NDCG@10 over all items that a user has not seen: a row a user, a column a model.
    honest : Series
        Its mean over users, the best model first.

    Examples
    --------
    >>> from tlkit.recsys.evaluation.contest import Contest
    >>> from tlkit.recsys.models.ease import EASE
    >>> from tlkit.recsys.models.popularity import Popularity
    >>> from tlkit.recsys.tasks import RatingsTask
    >>> from tlkit.recsys.worlds.shops import two_shops
    >>> films = two_shops(n_users=100, n_items=100, seed=1).target
    >>> task = RatingsTask.split(films.ratings, films.items, seed=0)
    >>> contest = Contest(task, {"popularity": Popularity(), "EASE": EASE(regularization=50)})
    >>> (contest.leaked() > contest.honest)["EASE"]
    np.True_
    """

    def __init__(self, task: RatingsTask, pool: Mapping[str, BaseEstimator]):
        self._task, self._pool, users = task, dict(pool), task.evaluated_users
        self._seen, self._held_out = (marks(part, users).toarray() > 0 for part in (task.train, task.test))
        fitted = {label: task.fit(clone(model)) for label, model in pool.items()}
        self._scores = {label: model.scores(users) for label, model in fitted.items()}
        self.units = pd.DataFrame(
            {label: ndcg_units(found, self._seen, self._held_out) for label, found in self._scores.items()},
            index=users,
        )
        self.honest = self.units.mean().sort_values(ascending=False)

    def one_by_one(self, negatives: int | None = None) -> pd.Series:
        """Return the mean over held-out items of what each gains alone, among all unrated items or a few.

        Parameters
        ----------
        negatives : int, optional
            How many unrated items are drawn for each held-out one. The rank is then 1 plus a binomial number
            (Krichene and Rendle, KDD 2020), and the mean over such draws is taken in closed form.
        """
        above = pd.DataFrame({label: self._betters(label) for label in self.honest.index})
        if negatives is None:
            return ((above < PLACES) / np.log2(2 + above)).mean()
        unrated = (~self._seen & ~self._held_out).sum(axis=1)
        shares = above.div(np.repeat(unrated, self._held_out.sum(axis=1)), axis=0)
        places = np.arange(PLACES)[:, None]
        return shares.apply(lambda share: (GAIN @ binom.pmf(places, negatives, share)).mean())

    def swapped(self, negatives: int) -> pd.DataFrame:
        """Return the pairs of models that a few negatives put in the wrong order, the worst first.

        Returns
        -------
        DataFrame
            Columns better, worse; lead and lead_sampled of the better one, in points. Models less than half
            a point apart are tied.
        """
        few, rows = self.one_by_one(negatives), []
        for better, worse in self.pairs():
            lead, sampled = self.honest[better] - self.honest[worse], few[better] - few[worse]
            if sampled < 0:
                rows.append((better, worse, 100 * lead, 100 * sampled))
        table = pd.DataFrame(rows, columns=["better", "worse", "lead", "lead_sampled"])
        return table.sort_values("lead", ascending=False, ignore_index=True)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of models that are not tied, the better one first."""
        both = combinations(self.honest.index, 2)
        return [(better, worse) for better, worse in both if self.honest[better] - self.honest[worse] >= TIE]

    def leads(self, pairs: Iterable[tuple[str, str]], sizes: Sequence[int]) -> pd.DataFrame:
        """Return the lead of one model over another, in points, by the number of negatives.

        Returns
        -------
        DataFrame
            Columns pair, negatives, lead.
        """
        few = {size: self.one_by_one(size) for size in sizes}
        rows = [
            (f"{better} over {worse}", size, 100 * (few[size][better] - few[size][worse]))
            for better, worse in pairs
            for size in sizes
        ]
        return pd.DataFrame(rows, columns=["pair", "negatives", "lead"])

    def leaked(self) -> pd.Series:
        """Return what each model would report that has learned from the test ratings too."""
        table = pd.concat([self._task.train, self._task.test], ignore_index=True)
        users = self._task.evaluated_users
        found = {label: clone(model).fit(table).scores(users) for label, model in self._pool.items()}
        return self._reported(found, self._seen)

    def seen_left_in(self) -> pd.Series:
        """Return what each model would report if lists may hold what the user has already rated."""
        return self._reported(self._scores, np.zeros_like(self._seen))

    def chosen_on(self, n: int, draws: int = 1000) -> pd.Series:
        """Choose the best model by the test scores of some users, many times over.

        Parameters
        ----------
        n : int
            How many users choose.
        draws : int
            How often they are drawn.

        Returns
        -------
        Series
            ``reported``: the mean score of the chosen one for those who chose; ``worth``: for all others.
        """
        rng, values = np.random.default_rng(0), self.units.to_numpy()
        found = np.empty((draws, 2))
        for draw in range(draws):
            order = rng.permutation(len(values))
            mine, others = values[order[:n]].mean(0), values[order[n:]].mean(0)
            found[draw] = mine.max(), others[mine.argmax()]
        return pd.Series(found.mean(0), ["reported", "worth"])

    def cost(self, reported: pd.Series, sound: str) -> dict[str, object]:
        """Return whom a mistaken ranking chooses, what it reports, and what is lost against a sound choice.

        Parameters
        ----------
        reported : Series
            Scores by model.
        sound : str
            The model of the sound choice.
        """
        chosen = str(reported.idxmax())
        worth = self.honest[chosen]
        lost = 100 * (self.honest[sound] - worth)
        return {"chosen": chosen, "reported": reported.max(), "worth": worth, "lost": lost}

    def _reported(self, scores: Mapping[str, np.ndarray], hidden: np.ndarray) -> pd.Series:
        means = {label: ndcg_units(each, hidden, self._held_out).mean() for label, each in scores.items()}
        return pd.Series(means)[self.honest.index]

    def _betters(self, label: str) -> np.ndarray:
        """How many unrated items stand above each held-out one."""
        found = self._scores[label]
        among_all = rankdata(np.where(self._seen, np.inf, -found), axis=1)
        among_held_out = rankdata(np.where(self._held_out, -found, np.inf), axis=1)
        return (among_all - among_held_out)[self._held_out]
