"""What every recommender and ratings strategy keeps, found where they lie: a new one is tested unasked."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conformance import Case, EveryEstimator, each
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from tlkit.errors import BadInput
from tlkit.recsys import models, strategies
from tlkit.recsys.evaluation.scoring import best_unseen
from tlkit.recsys.models import base
from tlkit.recsys.models.base import FactorModel, Recommender
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.knowledge import PIECES, Knowledge
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.neighbours import ItemNeighbours, UserNeighbours
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.sources import train_source
from tlkit.recsys.strategies.alone import LevelsOnly
from tlkit.recsys.tasks import cold_start_task
from tlkit.recsys.worlds.shops import two_shops
from tlkit.study.source import Source

FACTORIZATION = {"ranking": ImplicitALS(factors=6), "rating": MatrixFactorization(factors=3, spectral=4)}
SHORT = {"epochs": 2, "min_steps": 10}
# What takes long by default; who is not named here is tested as it comes.
QUICK: dict[str, dict[str, Any]] = {
    "BPR": SHORT,
    "SGDFactorization": SHORT,
    "AutoRec": {**SHORT, "hidden": 8},
    "UserAutoRec": {**SHORT, "hidden": 8},
    "MultiDAE": {**SHORT, "hidden": 8},
    "Fusion": {"members": {"linear": ItemNeighbours(), "content": models.ContentBased()}, "folds": 2},
}


@cache
def shops():
    return two_shops(n_users=150, n_items=100)


@cache
def source(objective: str) -> Source:
    return train_source(shops().source, "books", objective=objective, model=FACTORIZATION[objective])


@cache
def ratings() -> pd.DataFrame:
    """Of some users there are all ratings, of some one each, and of five none."""
    task = cold_start_task(shops().target, shops().source.users).budget(1)
    return task.train[~task.train["user"].isin(task.limited[:5])]


@cache
def users() -> pd.Index:
    return ratings()["user"].cat.categories


def found(package: Any) -> dict[str, type[Recommender]]:
    """The recommenders that the files of a package define, but for those that leave a method to others."""
    files = [f"{package.__name__}.{file.name}" for file in pkgutil.iter_modules(package.__path__)]
    held = [(file, item) for file in files for item in vars(importlib.import_module(file)).values()]
    kinds = [kind for file, kind in held if isinstance(kind, type) and kind.__module__ == file]
    return {
        kind.__name__: kind
        for kind in kinds
        if issubclass(kind, Recommender)
        and not any(getattr(getattr(kind, name), "__isabstractmethod__", False) for name in dir(kind))
    }


def make(kind: type[Recommender], objective: str) -> Recommender:
    its = {"source": source(objective)} if issubclass(kind, strategies.RatingsStrategy) else {}
    return kind(random_state=0, **its, **QUICK.get(kind.__name__, {}))


def scores(model: Recommender) -> np.ndarray:
    return model.scores(users())


def cases() -> list[Case]:
    turned = ratings().assign(user=ratings()["user"].cat.reorder_categories(users()[::-1]))
    items = shops().target.items
    return [
        Case(
            f"{name}, {objective}",
            partial(make, kind, objective),
            (ratings(), items, objective),
            (turned, items, objective),
            scores,
        )
        for name, kind in (found(models) | found(strategies)).items()
        for objective in kind.objectives
    ]


def lists(model: Recommender, whose: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is recommended, and what the evaluation judges, with scores."""
    seen = model.matrix_[model.users_.get_indexer(whose)] != 0
    judged, new = best_unseen(model, whose, model.items_, seen, 10)
    numbers = np.take_along_axis(model.scores(whose), judged, axis=1).astype(np.float32)
    table = {"user": np.repeat(whose, 10), "item": model.items_[judged.ravel()], "score": numbers.ravel()}
    recommended = model.recommend(whose, 10)[["user", "item", "score"]]
    return recommended, pd.DataFrame(table)[new.ravel()].reset_index(drop=True)


UNUSABLE = {
    "rows have no rating": lambda table: table.assign(rating=table["rating"].where(table.index != 3)),
    "rows have no user": lambda table: table.assign(user=table["user"].where(table.index != 3)),
    "lack the column 'item'": lambda table: table.drop(columns="item"),
    "come as a DataFrame": lambda table: table.to_numpy(),
    "no rows": lambda table: table[:0],
    "A rating is infinite": lambda table: table.assign(rating=np.inf),
}


@each(cases())
class TestEveryRecommender(EveryEstimator):
    def test_every_item_has_a_finite_score_for_what_was_asked(self, case):
        given = scores(case.fitted)
        assert given.shape == case.fitted.matrix_.shape and np.isfinite(given).all()
        assert case.fitted.objective_ == case.data[-1]
        # Three only keep or count the ratings.
        assert case.fitted.n_trainable_ > 0 or isinstance(
            case.fitted, Popularity | UserNeighbours | LevelsOnly
        )

    def test_nothing_is_said_before_a_fit(self, case):
        made, table = case.make(), ratings()
        for ask in (made.recommend, made.scores, lambda user: made.predict(user, table["item"][0])):
            with pytest.raises(NotFittedError):
                ask(users()[0])
        with pytest.raises(NotFittedError):
            made.recommend_to(table)

    @pytest.mark.parametrize("message", UNUSABLE)
    def test_a_table_that_cannot_be_used_is_refused(self, case, message):
        with pytest.raises(BadInput, match=message):
            case.make().fit(UNUSABLE[message](ratings()), *case.data[1:])

    def test_it_is_asked_for_what_it_knows(self, case):
        with pytest.raises(BadInput, match="1 user id is not in the catalogue: 'nobody'"):
            case.fitted.recommend("nobody")
        with pytest.raises(BadInput, match="Pairs are needed: got 2 users and 1 items"):
            case.fitted.predict(users()[:2], case.fitted.items_[:1])
        with pytest.raises(BadInput, match="no objective 'stars'"):
            case.make().fit(*case.data[:2], "stars")

    def test_stars_are_predicted_within_the_scale_or_refused(self, case):
        if "rating" not in case.fitted.objectives:
            with pytest.raises(BadInput, match="ranks items and predicts no stars"):
                case.make().fit(*case.data[:2], "rating")
        elif case.fitted.objective_ == "rating":
            stars = case.fitted.predict(users(), np.repeat(case.fitted.items_[0], len(users())))
            assert stars.min() >= case.fitted.scale_[0] and stars.max() <= case.fitted.scale_[1]

    def test_the_list_that_is_recommended_is_the_one_that_is_judged(self, case, monkeypatch):
        monkeypatch.setattr(base, "BLOCK", 16)
        same = partial(pd.testing.assert_frame_equal, check_exact=True, check_dtype=False)
        recommended, judged = lists(case.fitted, users())
        same(recommended, judged)
        some = users()[::15]
        alone = zip(*(lists(case.fitted, pd.Index([user])) for user in some), strict=True)
        for each_of_them in map(partial(pd.concat, ignore_index=True), alone):
            same(each_of_them, judged[judged["user"].isin(some)].reset_index(drop=True))

    def test_what_it_is_told_is_used_or_refused(self, case):
        told = Knowledge(item_weights=np.ones(len(case.fitted.items_)))
        if not case.fitted.uses_knowledge:
            with pytest.raises(BadInput, match="cannot be told item_weights beforehand"):
                case.make().fit_matrix(csr_array(case.fitted.matrix_), knowledge=told)
        else:
            assert set(case.fitted.uses_knowledge) == set(PIECES)

    def test_an_export_comes_back_with_the_same_scores(self, case, tmp_path):
        if not isinstance(case.fitted, FactorModel):
            pytest.skip("has no factors to export")
        Source.from_fitted(case.fitted, "mine").save(tmp_path / "mine")
        again = Source.load(tmp_path / "mine")
        assert again.card.inputs["users"] == case.fitted.users_.tolist()
        said = again.state["user_factors"] @ again.state["item_factors"].T
        wanted = case.fitted.score_rows(np.arange(len(users())))
        np.testing.assert_allclose(said, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_the_package_hands_on_every_recommender_that_its_files_define():
    assert set(models.__all__) == set(found(models))


def test_a_grid_search_hands_the_objective_on():
    def closeness(model, table):
        return -np.abs(model.predict(table["user"], table["item"]) - table["rating"]).mean()

    search = GridSearchCV(ItemNeighbours(), {"k": [1, 20]}, scoring=closeness, cv=2)
    search.fit(ratings(), objective="rating")
    assert search.best_estimator_.objective_ == "rating"
    assert search.best_params_ == {"k": 20}
