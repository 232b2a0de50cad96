"""Strategies for ratings: what each carries over, its limits, and that it helps or hurts where it should."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import norm, poisson
from sklearn.base import clone
from sklearn.linear_model import Ridge

from tlkit.errors import BadInput
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.models.bpr import BPR
from tlkit.recsys.models.content import ContentBased
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.neighbours import ItemNeighbours
from tlkit.recsys.sources import train_source
from tlkit.recsys.strategies.alone import TargetOnly
from tlkit.recsys.strategies.base import aligned, rows_of
from tlkit.recsys.strategies.fusion import Fusion
from tlkit.recsys.strategies.joined import Joined
from tlkit.recsys.strategies.patterns import Excess, Lift
from tlkit.recsys.tasks import RatingsTask, cold_start_task
from tlkit.recsys.worlds.shops import two_shops
from tlkit.study import comparing
from tlkit.study.source import Card, Source

NAMES = sorted(RatingsTask.strategies())
NEED_SHARED = ("joined", "cmf", "warm_start", "prior", "frozen", "mapping", "features", "distill", "gated")


def small(similarity=0.8, metric="ndcg@10"):
    shops = two_shops(similarity, n_users=250, n_items=100)
    task = cold_start_task(shops.target, shops.source.users, metric=metric)
    return shops, task


@pytest.fixture(scope="module")
def shops():
    return small()[0]


@pytest.fixture(scope="module")
def task():
    return small()[1].budget(2, seed=0)


@pytest.fixture(scope="module")
def stars_task():
    return small(metric="rmse")[1].budget(5, seed=0)


@pytest.fixture(scope="module")
def source(shops):
    return train_source(shops.source, "books", model=ImplicitALS(factors=16, random_state=0))


@pytest.fixture(scope="module")
def stars_source(shops):
    return train_source(shops.source, "books", model=MatrixFactorization(factors=8, random_state=0))


def fitted(task, name, source=None, **params):
    return task.fit(task.strategy(name, source=source, random_state=0, **params))


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_predicts_stars(name, stars_task, stars_source):
    strategy = fitted(stars_task, name, stars_source)
    score = stars_task.score(strategy)
    spread = stars_task.test["rating"].std()
    assert score.metrics["rmse"] < 1.1 * spread
    top = strategy.recommend(stars_task.evaluated_users[0], 3)
    assert top["rank"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", NAMES)
def test_every_strategy_serves_somebody_new(name, task, source):
    newcomer = pd.DataFrame({"user": "new", "item": task.catalogue[:3], "rating": 5.0})
    found = fitted(task, name, source).recommend_to(newcomer, 5)
    assert not set(found["item"]) & set(newcomer["item"])
    assert len(found) == 5


def test_target_only_hears_nothing_of_the_source(task, source):
    with_source, without = fitted(task, "target_only", source), fitted(task, "target_only")
    np.testing.assert_array_equal(with_source.scores(task.users), without.scores(task.users))


def test_somebody_without_ratings_gets_popularity_from_target_only_and_more_from_joined(task, source):
    cold = task.budget(0)
    users = cold.evaluated_users[:5]
    alone, joined = fitted(cold, "target_only"), fitted(cold, "joined", source)
    assert (alone.scores(users) == alone.popularity_).all()
    assert np.ptp(joined.scores(users), axis=0).max() > 0


def test_a_prior_without_weight_is_the_factorization_of_the_target_alone(task, source):
    alone = fitted(task, "target_only", model=ImplicitALS(factors=16))
    prior = fitted(task, "prior", source, weight=0.0)
    np.testing.assert_array_equal(alone.model_.user_factors, prior.model_.user_factors)
    np.testing.assert_array_equal(alone.model_.item_factors, prior.model_.item_factors)


def test_a_prior_of_endless_weight_is_the_source(task, source):
    prior = fitted(task, "prior", source, weight=1e8)
    known = prior.shared_users >= 0
    np.testing.assert_allclose(prior.model_.user_factors[known], prior.source_factors[known], atol=1e-3)
    assert not known.all()


def test_frozen_factors_are_bitwise_the_source_s(task, source):
    frozen = fitted(task, "frozen", source)
    known = frozen.shared_users >= 0
    np.testing.assert_array_equal(frozen.model_.user_factors[known], frozen.source_factors[known])
    assert np.abs(frozen.model_.user_factors[~known]).max() > 0


def test_factors_of_shared_items_can_be_frozen_too(task, shops):
    same_items = task.train.assign(user="other " + task.train["user"].astype(str))
    source = train_source(as_ratings(same_items), "elsewhere", model=ImplicitALS(factors=8, random_state=0))
    frozen = fitted(task, "frozen", source, shared="items")
    rows = pd.Index(source.card.inputs["items"]).get_indexer(task.catalogue)
    known = rows >= 0
    np.testing.assert_array_equal(
        frozen.model_.item_factors[known], source.state["item_factors"].numpy()[rows[known]]
    )


def test_a_warm_start_is_forgotten_with_more_iterations(task, source):
    def distance(iterations):
        model = ImplicitALS(iterations=iterations)
        warm = fitted(task, "warm_start", source, model=model)
        cold = fitted(task, "target_only", model=ImplicitALS(iterations=iterations, factors=16))
        users = task.evaluated_users
        return np.abs(warm.scores(users) - cold.scores(users)).mean()

    assert distance(30) < distance(1)


def test_a_mapping_is_fitted_on_well_known_shared_users_and_used_for_thin_ones(task, source):
    mapping = fitted(task, "mapping", source)
    thin = (np.diff(mapping.matrix_.indptr) < mapping.enough) & (mapping.shared_users >= 0)
    assert thin.any() and not thin.all()
    np.testing.assert_array_equal(mapping.user_factors[~thin], mapping.model_.user_factors[~thin])
    expected = mapping.map_.predict(mapping.source_factors[thin])
    np.testing.assert_allclose(mapping.user_factors[thin], expected, rtol=1e-5)


def test_a_linear_mapping_is_a_ridge_regression(task, source):
    mapping = fitted(task, "mapping", source)
    known = (np.diff(mapping.matrix_.indptr) >= mapping.enough) & (mapping.shared_users >= 0)
    ridge = Ridge(mapping.map_.alpha_).fit(mapping.source_factors[known], mapping.model_.user_factors[known])
    np.testing.assert_allclose(mapping.map_.coef_, ridge.coef_, atol=1e-4)


def test_a_mapping_by_a_network_works_too(task, source):
    mapping = fitted(task, "mapping", source, kind="mlp")
    assert mapping.map_.regressor_[-1].n_layers_ == 3
    assert task.score(mapping).metrics["ndcg@10"] > 0


def test_a_mapping_by_a_network_works_with_few_pairs_too(task, source):
    many = np.sort(np.diff(fitted(task, "mapping", source).matrix_.indptr))[-5]
    mapping = fitted(task, "mapping", source, kind="mlp", enough=int(many))
    assert np.isfinite(mapping.user_factors).all()


def test_a_codebook_of_stars_all_the_same_says_them(stars_task, shops):
    def same(ratings):
        return ratings.assign(rating=3.0)

    source = train_source(same(shops.source.ratings), "books", model=MatrixFactorization(factors=8))
    strategy = stars_task.strategy("codebook", source=source, random_state=0)
    strategy.fit(same(stars_task.train), objective="rating")
    np.testing.assert_allclose(strategy.score_rows(np.arange(5)), 3, atol=1e-3)


def test_collective_factorization_hears_the_source_through_its_weight(task, source):
    scores = [fitted(task, "cmf", source, weight=w).scores(task.evaluated_users) for w in (0.0, 0.5)]
    cold = fitted(task.budget(0), "cmf", source, weight=0.0)
    blind = cold.score_rows(cold.users_.get_indexer(task.evaluated_users))
    np.testing.assert_allclose(blind, 0, atol=1e-4)
    assert np.abs(scores[0] - scores[1]).max() > 0.01


def kinds_and_stars():
    """Stars of 8 users for 6 items of 2 kinds, and a book of 3 kinds of users."""
    draw = np.random.default_rng(0)
    stars = draw.integers(1, 6, (8, 6)) * (draw.random((8, 6)) < 0.7)
    return csr_array(stars.astype(np.float32)), np.eye(2)[[0, 1, 0, 1, 0, 1]], draw.uniform(0.5, 2, (3, 2))


def test_costs_of_stars_are_gaussian_likelihoods():
    matrix, items, book = kinds_and_stars()
    pattern = Excess(matrix)
    excess = pattern.observed(matrix)
    costs = pattern.cost(excess @ items, pattern.exposure(excess, items), book)
    rated = matrix.toarray() > 0
    surprise = -norm.logpdf(
        excess.toarray()[:, None], book @ items.T, excess.data.std()
    )  # users, kinds, items
    expected = (surprise * rated[:, None]).sum(axis=2)
    np.testing.assert_allclose(costs - costs[:, :1], expected - expected[:, :1], rtol=1e-5)


def test_costs_of_lists_are_poisson_likelihoods():
    matrix, items, book = kinds_and_stars()
    pattern = Lift(matrix)
    taken = pattern.observed(matrix)
    chance = pattern.exposure(taken, items)
    np.testing.assert_allclose(chance.sum(axis=1), taken.sum(axis=1))  # as many as they took
    np.testing.assert_allclose(pattern.item_exposure(taken, np.eye(8)).sum(axis=1), taken.sum(axis=0))
    costs = pattern.cost(taken @ items, chance, book)
    expected = -poisson.logpmf((taken @ items)[:, None], chance[:, None] * book).sum(axis=2)
    np.testing.assert_allclose(costs - costs[:, :1], expected - expected[:, :1], rtol=1e-5)


def test_a_codebook_needs_nothing_in_common(task, shops):
    strangers = shops.source.ratings.assign(user="x" + shops.source.ratings["user"].astype(str))
    source = train_source(as_ratings(strangers), "elsewhere", model=ImplicitALS(factors=16, random_state=0))
    codebook = fitted(task, "codebook", source)
    assert codebook.book_.shape == (codebook.kinds, codebook.kinds)
    assert np.isfinite(task.score(codebook).per_example).all()


def test_features_take_any_regressor(task, source):
    given = fitted(task, "features", source, model=Ridge(alpha=100.0))
    rows = np.arange(3)
    expected = given.regressor_.predict(given.source_factors[rows])
    np.testing.assert_allclose(given.score_rows(rows), expected, rtol=1e-5)


def test_a_student_who_is_taught_nothing_is_the_target_alone(task, source):
    student = fitted(task, "distill", source, n_teacher_items=0, teacher_weight=1.0)
    alone = fitted(task, "target_only", model=ImplicitALS(factors=16))
    np.testing.assert_array_equal(student.model_.user_factors, alone.model_.user_factors)


def test_a_student_recommends_more_like_its_teacher():
    def shared_with_teacher(strategy):
        pairs = zip(first_ten(strategy, cold), first_ten(teacher, cold), strict=True)
        return np.mean([len(set(mine) & set(theirs)) for mine, theirs in pairs])

    cold, source = middling()
    cold = cold.budget(0)
    teacher = fitted(cold, "joined", source)
    alone = fitted(cold, "target_only", model=ImplicitALS(factors=16))
    assert shared_with_teacher(fitted(cold, "distill", source)) > shared_with_teacher(alone) + 0.4


def first_ten(strategy, task):
    found = strategy.recommend(task.evaluated_users, 10)
    return found["item"].to_numpy().reshape(-1, 10)


def test_the_gate_lets_go_of_the_source_as_ratings_come(task, source):
    weights = fitted(task, "gated", source).weights_
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all().all()
    assert weights["features"].iloc[0] > weights["features"].iloc[-1]


def test_the_gate_gives_people_unknown_to_the_source_the_target_s_word(task, source):
    gated = fitted(task, "gated", source)
    strangers = np.flatnonzero((gated.shared_users < 0) & (np.diff(gated.matrix_.indptr) > 0))[:4]
    found, alone = gated.score_rows(strangers), gated.experts_["target_only"].score_rows(strangers)
    for ours, theirs in zip(found, alone, strict=True):
        assert np.corrcoef(ours, theirs)[0, 1] > 0.9999


@pytest.mark.parametrize("name", NEED_SHARED)
def test_a_source_is_asked_for_where_one_is_needed(name, task):
    with pytest.raises(BadInput, match=f"Strategy '{name}' needs a source"):
        fitted(task, name)


@pytest.mark.parametrize("name", [*NEED_SHARED, "codebook"])
def test_a_source_of_another_domain_is_refused(name, task):
    card = Card("pictures", "Pictures", {"name": "convnet"}, {}, ("a", "b"))
    with pytest.raises(BadInput, match="has no user and item factors, so it is no source for ratings"):
        fitted(task, name, Source(card, {}))


def test_the_first_user_of_the_source_alone_is_an_overlap(task, source):
    strategy = task.strategy("frozen", source=source)
    strategy.shared_users = np.array([-1, 0])
    assert strategy.need_shared_users().tolist() == [-1, 0]


@pytest.mark.parametrize("name", NEED_SHARED)
def test_no_overlap_is_said_where_it_is_needed(name, task, shops):
    strangers = shops.source.ratings.assign(user="x" + shops.source.ratings["user"].astype(str))
    elsewhere = train_source(as_ratings(strangers), "elsewhere", model=ImplicitALS(factors=4, random_state=0))
    with pytest.raises(BadInput, match="needs users whom source and target share; there are none"):
        fitted(task, name, elsewhere)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("frozen", {"shared": "user"}, "There is no side to share 'user'. Did you mean 'users'"),
        ("frozen", {"shared": "items"}, "needs items that source and target share; there are none"),
        ("mapping", {"kind": "quadratic"}, "There is no kind of map 'quadratic'"),
        ("mapping", {"enough": 1000}, r"users with 1000 or more target ratings .* there are 0"),
        ("codebook", {"kinds": 10_000}, "10000 clusters cannot be made of"),
        ("distill", {"teacher_weight": 0.0}, r"`teacher_weight` is in \(0, 1\]"),
        ("distill", {"teacher_weight": 1.5}, "got teacher_weight=1.5"),
        ("distill", {"n_teacher_items": -1}, "got .*n_teacher_items=-1"),
        ("distill", {"n_teacher_items": 10_000}, "got .*n_teacher_items=10000"),
        ("cmf", {"weight": -1.0}, "weight"),
        ("prior", {"weight": -1.0}, "weight"),
    ],
)
def test_impossible_parameters_say_what_is_possible(name, params, message, task, source):
    with pytest.raises(BadInput, match=message):
        fitted(task, name, source, **params)


# What members of a mixture get, and what they may be


@pytest.mark.parametrize("name", ["frozen", "mapping"])
def test_what_a_user_is_said_to_like_is_what_the_strategy_recommends(name, task, source):
    one = fitted(task, name, source)
    rows = np.flatnonzero(np.isin(one.users_, task.evaluated_users))
    np.testing.assert_allclose(
        one.member_scores(rows, one.matrix_[rows]), one.scores(one.users_[rows]), atol=1e-4
    )


def test_a_student_keeps_what_it_was_taught_of_users_without_ratings(shops, source):
    task = small()[1].budget(0)
    student = fitted(task, "distill", source)
    rows = np.flatnonzero((student.shared_users >= 0) & (np.diff(student.matrix_.indptr) == 0))
    assert len(rows)
    np.testing.assert_allclose(
        student.member_scores(rows, student.matrix_[rows]), student.score_rows(rows), atol=1e-5
    )


def test_stars_of_zero_teach_a_student_like_others(task, source):
    table = task.train.assign(rating=task.train["rating"] - task.train["rating"].min())
    zeros = RatingsTask.strategies()["distill"](source=source, random_state=0).fit(table, relevant=0)
    ones = RatingsTask.strategies()["distill"](source=source, random_state=0).fit(task.train)
    assert zeros.model_.matrix_.nnz == ones.model_.matrix_.nnz


def test_members_keep_sources_of_their_own(task, source, shops):
    other = train_source(shops.source, "others", model=ImplicitALS(factors=4, random_state=1))
    members = {"own": task.strategy("prior", source=other), "shared": task.strategy("prior")}
    fusion = fitted(task, "fusion", source, members=members)
    assert [member.source.name for member in fusion.members_.values()] == ["others", "books"]


def test_strangers_are_served_by_the_target_alone_wherever_it_stands(task, source):
    kinds = RatingsTask.strategies()
    gated = fitted(
        task, "gated", source, experts={"features": kinds["features"](), "alone": kinds["target_only"]()}
    )
    stranger = np.flatnonzero((gated.shared_users < 0) & (np.diff(gated.matrix_.indptr) > 0))[:1]
    found, alone = gated.score_rows(stranger), gated.experts_["alone"].score_rows(stranger)
    assert np.corrcoef(found[0], alone[0])[0, 1] > 0.9999
    with pytest.raises(BadInput, match="One of the experts is a TargetOnly"):
        fitted(task, "gated", source, experts={"features": kinds["features"]()})
    for experts in ({}, {"als": ImplicitALS()}, ["joined"]):
        with pytest.raises(BadInput, match="experts maps labels to RatingsStrategy objects, one or more"):
            fitted(task, "gated", source, experts=experts)


def test_a_model_that_only_ranks_is_refused_where_stars_are_wanted(stars_task):
    with pytest.raises(BadInput, match="EASE ranks items and predicts no stars"):
        fitted(stars_task, "target_only", model=EASE())
    assert fitted(stars_task, "target_only", model=ItemNeighbours()).model_.objective_ == "rating"


@pytest.mark.parametrize("name", ["prior", "warm_start", "frozen", "cmf"])
def test_only_a_factorization_can_be_told_what_to_know(name, task, source):
    with pytest.raises(
        BadInput, match="BPR cannot be told .* beforehand: it uses ratings alone. .* ImplicitALS and Matrix"
    ):
        fitted(task, name, source, model=BPR())


@pytest.mark.parametrize("name", ["prior", "warm_start", "frozen"])
def test_factors_of_another_kind_are_refused(name, stars_task, task, source, shops):
    with pytest.raises(BadInput, match="with MatrixFactorization, and these are of ImplicitALS"):
        fitted(stars_task, name, source)
    other = train_source(shops.source, "others", model=BPR(factors=4, epochs=1, random_state=0))
    with pytest.raises(BadInput, match=r"are of BPR: both .* Train the source with model=ImplicitALS\(\)"):
        fitted(task, name, other)


def test_content_is_learned_from_the_items_of_both_domains(task, source):
    joined = fitted(task, "joined", source, model=ContentBased())
    table = joined.model_.item_table_
    assert len(table) == joined.other_.shape[1] + len(joined.items_)
    assert np.isfinite(joined.scores(task.evaluated_users)).all()


def test_rows_are_taken_with_empty_ones_for_the_absent():
    matrix = csr_array(np.arange(1, 7, dtype=np.float32).reshape(3, 2))
    rows = np.array([2, -1, 0])
    np.testing.assert_array_equal(rows_of(matrix, rows).toarray(), [[5, 6], [0, 0], [1, 2]])
    np.testing.assert_array_equal(aligned(matrix.toarray(), rows), [[5, 6], [0, 0], [1, 2]])


WITH_TWIN = sorted(name for name in RatingsTask.strategies() if name not in ("target_only", "fusion"))


@pytest.mark.parametrize("name", WITH_TWIN)
def test_a_twin_knows_nothing_of_the_source(name, task, source):
    twin = task.strategy(name, source=source).source_free()
    assert not twin.uses_source and twin.source is None
    alone, beside = (task.fit(clone(twin).set_params(random_state=0, source=each)) for each in (None, source))
    np.testing.assert_array_equal(*(each.scores(task.evaluated_users) for each in (alone, beside)))


def test_a_prior_without_weight_is_its_own_twin(task, source):
    prior = task.strategy("prior", source=source, weight=0.0, random_state=0)
    twin = prior.source_free().set_params(random_state=0)
    found = [task.fit(each).scores(task.evaluated_users) for each in (prior, twin)]
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-6)


def test_the_twin_of_a_mixture_has_the_members_twins(task, source):
    gated = task.strategy("gated", source=source)
    assert gated.uses_source
    kinds = {label: type(each).__name__ for label, each in gated.source_free().experts.items()}
    assert kinds == {"target_only": "TargetOnly", "prior": "FactorsOnly", "features": "LevelsOnly"}
    members = {"linear": EASE(), "both": Joined(model=EASE())}
    fusion = Fusion(source=source, members=members)
    assert fusion.uses_source and not Fusion(source=source, members={"linear": EASE()}).uses_source
    twin = fusion.source_free()
    assert not twin.uses_source and isinstance(twin.members["both"], TargetOnly)
    assert Fusion(source=source).source_free().members is None and not Fusion().uses_source
    assert not TargetOnly(source=source).uses_source
    assert not TargetOnly(source=source, model=EASE()).uses_source


def middling(similarity=0.8):
    shops = two_shops(similarity, n_users=500, n_items=150)
    task = cold_start_task(shops.target, shops.source.users)
    return task, train_source(shops.source, "books", model=ImplicitALS(random_state=0))


@pytest.mark.slow
def test_transfer_helps_between_similar_shops_and_not_between_strange_ones():
    def verdicts(similarity):
        task, source = middling(similarity)
        study = comparing.compare(["joined", "frozen", "gated"], source, task, [2], seeds=5, callbacks=())
        tables = study.verdicts(), study.credit()
        return (table.set_index("strategy")["verdict"].to_dict() for table in tables)

    (near, owed_near), (far, owed_far) = verdicts(0.8), verdicts(0.0)
    assert set(near.values()) == set(owed_near.values()) == {"helps"}
    assert far["joined"] == far["frozen"] == "hurts"
    assert far["gated"] not in ("helps", "hurts") and owed_far["gated"] != "helps"
