"""Recommending by the features of items, and the ridge regressions it rests on."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures

from tlkit.errors import BadInput, UnknownName
from tlkit.recsys.models.content import EXTRACTORS, ContentBased
from tlkit.recsys.solvers.ridge import ridge_rows


def some_ratings(n_users=30, n_items=20, share=0.4, seed=0):
    draw = np.random.default_rng(seed)
    pairs = np.argwhere(draw.random((n_users, n_items)) < share)
    table = pd.DataFrame(pairs, columns=["user", "item"])
    return table.assign(rating=draw.integers(1, 6, len(table)).astype(float))


def some_items(ratings, seed=0):
    draw = np.random.default_rng(seed)
    ids = np.unique(ratings["item"])
    kinds = draw.choice(["comedy", "drama", "crime"], len(ids))
    year = 1950 + draw.integers(0, 50, len(ids))
    return pd.DataFrame({"title": "T", "category": kinds, "year": year}, index=ids)


def test_a_ridge_a_row_is_scikit_learns_and_zero_without_entries():
    draw = np.random.default_rng(1)
    features = draw.normal(size=(20, 4)).astype(np.float32)
    whole = np.where(draw.random((9, 20)) < 0.4, draw.normal(size=(9, 20)), 0).astype(np.float32)
    whole[5] = 0
    found = ridge_rows(csr_array(whole), torch.from_numpy(features), 2.0).numpy()
    for row, coefficients in zip(whole, found, strict=True):
        known = row != 0
        wanted = (
            Ridge(2.0, fit_intercept=False).fit(features[known], row[known]).coef_
            if known.any()
            else np.zeros(4)
        )
        np.testing.assert_allclose(coefficients, wanted, atol=1e-5)


def test_raw_content_is_plain_ridge_for_each_user():
    ratings = some_ratings()
    for objective in ("ranking", "rating"):
        model = ContentBased(reg=2).fit(ratings, some_items(ratings), objective)
        stars = model.matrix_.toarray()
        base = model.baseline_.predict(model.matrix_) if objective == "rating" else np.zeros_like(stars)
        for row in range(5):
            known = stars[row] > 0 if objective == "rating" else np.ones(20, bool)
            y = (stars - base)[row] if objective == "rating" else stars[row] > 0
            ridge = Ridge(2, fit_intercept=False).fit(model.features_[known], y[known])
            wanted = base[row] + ridge.predict(model.features_)
            np.testing.assert_allclose(model.scores(row)[0], wanted, atol=2e-4)


def test_features_are_standardised_numbers_categories_and_a_constant():
    ratings = some_ratings()
    table = some_items(ratings)
    table.loc[3, "year"] = np.nan
    features = ContentBased().fit(ratings, table).features_
    assert features.shape == (20, 1 + 3 + 1)
    np.testing.assert_allclose(features[:, :-1].mean(0), 0, atol=1e-6)
    assert features[3, 0] == 0 and (features[:, -1] == 1).all()
    assert np.square(features[:, :-1]).sum(1).mean() == pytest.approx(1)


@pytest.mark.parametrize("extractor", [*EXTRACTORS, PolynomialFeatures(2, include_bias=False)])
@pytest.mark.parametrize("model", ["ridge", "svm"])
@pytest.mark.parametrize("objective", ["ranking", "rating"])
@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning", "error::FutureWarning")
def test_content_learns_who_likes_what_with_every_extractor(extractor, model, objective):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 2))
    table = pd.DataFrame({"category": np.where(x[:, 0] > 0, "new", "old"), "tone": x[:, 1]})
    likes = np.where(np.arange(40)[:, None] % 2 == 0, x[:, 0], -x[:, 0])
    chance = 0.5 if objective == "rating" else np.where(likes > 0, 0.6, 0.2)
    pairs = np.argwhere(draw.random((40, 60)) < chance)
    stars = np.where(likes > 0, 5.0, 2.0)[*pairs.T]
    ratings = pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=stars)
    fitted = ContentBased(extractor=extractor, model=model, reg=1, random_state=0)
    scores = fitted.fit(ratings, table, objective).scores(np.arange(40))
    right = [np.corrcoef(row, wanted > 0)[0, 1] for row, wanted in zip(scores, likes, strict=True)]
    assert np.mean(right) > 0.6
    folded = fitted.score_profiles(fitted.matrix_[[7, 2]])
    np.testing.assert_allclose(folded, fitted.score_rows(np.array([7, 2])), atol=1e-4)


def test_an_extractor_may_give_a_sparse_matrix():
    ratings = some_ratings()
    dense, sparse = (
        ContentBased(extractor=OneHotEncoder(sparse_output=kind)).fit(ratings, some_items(ratings))
        for kind in (False, True)
    )
    np.testing.assert_array_equal(dense.features_, sparse.features_)


def test_content_refuses_what_it_cannot_describe_items_by():
    ratings = some_ratings()
    items = some_items(ratings)
    with pytest.raises(BadInput, match="there is no table of items"):
        ContentBased().fit(ratings)
    with pytest.raises(BadInput, match="neither a column of numbers nor one named category; it has: title"):
        ContentBased().fit(ratings, items[["title"]])
    with pytest.raises(UnknownName, match="Did you mean 'mixture'?"):
        ContentBased(extractor="mixtures").fit(ratings, items)
    with pytest.raises(BadInput, match="An extractor is one of 'raw', 'mixture', 'rbf' or a transformer"):
        ContentBased(extractor=3).fit(ratings, items)
    with pytest.raises(UnknownName, match="Valid: ridge, svm"):
        ContentBased(model="forest").fit(ratings, items)
    with pytest.raises(BadInput, match="reg is a number above 0"):
        ContentBased(reg=0).fit(ratings, items)


UNUSABLE = {
    "knows none of the rated items": lambda items: items.reset_index(drop=True).set_axis(items.index + 1000),
    "repeats an id": lambda items: items.set_axis([items.index[0]] * len(items)),
    "comes as a DataFrame indexed by item id": lambda items: items["year"],
    r"does not tell items apart \(there are 20\)": lambda items: items.assign(category="comedy", year=2000),
    "holds infinite numbers": lambda items: items.assign(year=np.inf),
}


@pytest.mark.parametrize("message", UNUSABLE)
def test_a_table_that_tells_nothing_of_the_items_is_refused(message):
    ratings = some_ratings()
    with pytest.raises(BadInput, match=message):
        ContentBased().fit(ratings, UNUSABLE[message](some_items(ratings)))


def test_a_single_item_cannot_be_told_apart():
    ratings = some_ratings().query("item == 3")
    with pytest.raises(BadInput, match="does not tell items apart"):
        ContentBased().fit(ratings, some_items(ratings))


def test_an_extractor_that_finds_nothing_leaves_finite_scores():
    ratings = some_ratings()
    nothing = FunctionTransformer(np.zeros_like)
    model = ContentBased(extractor=nothing).fit(ratings, some_items(ratings))
    assert np.isfinite(model.scores([0, 1])).all()
