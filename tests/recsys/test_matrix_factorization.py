"""Matrix factorization for ratings: closed forms against references, knowledge from elsewhere, odd input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array, random_array

from tlkit.errors import BadInput
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.sgd_factorization import SGDFactorization
from tlkit.recsys.solvers.spectral import SpectralEmbedding
from tlkit.recsys.solvers.variational import LearnedPrior, Posterior, VariationalSide

SEEDS = (0, 1, 2)


def world(
    seed: int, n_users: int = 60, n_items: int = 50, density: float = 0.3
) -> tuple[csr_array, csr_array]:
    """Ratings with biases and two factors of taste, 3.5 stars in the mean: training and test."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    stars = 3.5 + 0.7 * taste + 0.4 * rng.normal(size=(n_users, 1)) + 0.4 * rng.normal(size=n_items)
    stars = (stars + 0.3 * rng.normal(size=stars.shape)).clip(1, 5).astype(np.float32)
    chance = rng.random(stars.shape)
    return csr_array(stars * (chance < density)), csr_array(stars * (chance > 0.8))


def error(model, test: csr_array) -> float:
    rows, columns = test.nonzero()
    return float(np.sqrt(np.mean((model.predict(rows, columns) - test.data) ** 2)))


def side(matrix: csr_array, rng: np.random.Generator, **told) -> tuple[VariationalSide, np.ndarray]:
    """Users with three features each, two factors and a bias; and how much their ratings count."""
    features = torch.tensor(np.c_[rng.normal(size=(matrix.shape[0], 2)), np.ones(matrix.shape[0])]).float()
    prior = LearnedPrior(
        features,
        torch.tensor(rng.normal(size=(3, 3))).float(),
        torch.tensor([4.0, 2.0, 3.0]),
        torch.ones(matrix.shape[0], dtype=torch.bool),
    )
    weights = matrix.copy()
    weights.data = rng.random(matrix.nnz).astype(np.float32) + 0.5
    made = VariationalSide(matrix, weights, prior, -1, **told)
    made.posterior.mean[:, -1] = 1
    return made, weights.toarray()


def posterior(n: int, rng: np.random.Generator) -> Posterior:
    """Items' rows (1, two factors, bias), with covariances."""
    mean = rng.normal(size=(n, 4))
    mean[:, 0] = 1
    roots = 0.5 * rng.normal(size=(n, 4, 4))
    roots[:, 0] = 0
    return Posterior(torch.tensor(mean).float(), torch.tensor(roots @ roots.swapaxes(1, 2)).float())


def test_a_posterior_solves_the_normal_equations(rng):
    matrix = csr_array(random_array((6, 9), density=0.5, rng=rng), dtype=np.float32)
    items = posterior(9, rng)
    held = rng.normal(size=(6, 4)).astype(np.float32)
    users, weights = side(matrix, rng, held=(held, np.array([0, 1, 2, 0, 5, 0], dtype=np.float32)))
    users.update(items, noise=0.3)
    prior = users.prior
    for user in range(6):
        hold = users.hold[user].item()
        normal = np.diag(prior.precision.double().numpy() + hold)
        right = prior.precision.numpy() * prior.mean[user].numpy() + hold * held[user, :3]
        for item in np.flatnonzero(weights[user]):
            moment = items.second_moments()[item].numpy().astype(float)
            weight = weights[user, item] / 0.3
            normal += weight * moment[:3, :3]
            right = right + weight * (matrix[user, item] * items.mean[item, :3].numpy() - moment[:3, 3])
        found = users.posterior.mean[user].numpy()
        np.testing.assert_allclose(normal @ found[:3], right, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(users.posterior.covariance[user, :3, :3], np.linalg.inv(normal), atol=1e-5)
        assert found[3] == 1


def test_the_misfit_is_the_expected_squared_error(rng):
    matrix = csr_array(random_array((5, 7), density=0.5, rng=rng), dtype=np.float32)
    items = posterior(7, rng)
    users, weights = side(matrix, rng)
    users.update(items, noise=0.5)

    def drawn(rows: Posterior) -> np.ndarray:
        roots = np.linalg.cholesky(rows.covariance.double().numpy() + 1e-9 * np.eye(4))
        noise = rng.normal(size=(20_000, *rows.mean.shape))
        return rows.mean.numpy() + np.einsum("nij,snj->sni", roots, noise)

    said = np.einsum("sui,svi->suv", drawn(users.posterior), drawn(items))
    expected = (weights * (matrix.toarray() - said) ** 2).sum(axis=(1, 2))
    assert users.misfit == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(20_000))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_free_energy_never_rises(seed):
    model = MatrixFactorization(factors=3, spectral=4, iterations=25, random_state=seed)
    losses = [record["loss"] for record in model.fit_matrix(world(seed)[0]).history_]
    assert len(losses) == 25
    assert (np.diff(losses) < 1e-4).all()
    assert losses[-1] < losses[0] - 0.1


def test_it_beats_biases_and_comes_near_the_noise():
    gains = []
    for seed in SEEDS:
        train, test = world(seed)
        found = error(MatrixFactorization(random_state=seed).fit_matrix(train), test)
        gains.append(error(Biases().fit_matrix(train), test) - found)
        assert found < 0.6
    assert min(gains) > 0.1


def test_who_rated_what_helps_where_it_tells_taste():
    def selected(seed: int) -> tuple[csr_array, csr_array]:
        rng = np.random.default_rng(seed)
        taste = rng.normal(size=(120, 2)) @ rng.normal(size=(2, 80))
        stars = (3 + taste + 0.3 * rng.normal(size=taste.shape)).clip(1, 5).astype(np.float32)
        taken = rng.random(taste.shape) < 0.25 / (1 + np.exp(-2 * taste))
        return csr_array(stars * taken), csr_array(stars * ~taken)

    gains = []
    for seed in SEEDS:
        train, test = selected(seed)
        without, with_it = (
            error(MatrixFactorization(factors=4, spectral=n, random_state=0).fit_matrix(train), test)
            for n in (0, 8)
        )
        gains.append(without - with_it)
    assert min(gains) > 0


def test_folding_in_gives_the_training_rows():
    train, _ = world(0)
    model = MatrixFactorization(factors=3, random_state=0).fit_matrix(train)
    np.testing.assert_allclose(model.fold_in(train), model.user_factors, atol=1e-4)
    np.testing.assert_allclose(model.score_profiles(train[:5]), model.score_rows(np.arange(5)), atol=1e-3)


def source_and_target() -> tuple[MatrixFactorization, csr_array]:
    train, _ = world(0)
    return MatrixFactorization(factors=3, random_state=1).fit_matrix(train[:, :25]), csr_array(train[:, 25:])


def test_a_prior_without_weight_changes_nothing():
    source, target = source_and_target()
    alone, with_prior = (MatrixFactorization(factors=3, random_state=0) for _ in range(2))
    alone.fit_matrix(target)
    nothing = Knowledge(user_prior=(source.user_factors, np.zeros(60, dtype=np.float32)))
    with_prior.fit_matrix(target, knowledge=nothing)
    np.testing.assert_array_equal(alone.user_factors, with_prior.user_factors)


def test_a_prior_of_infinite_weight_is_the_source_and_a_large_one_is_near():
    source, target = source_and_target()
    found = {}
    for weight in (10.0, 1e5, np.inf):
        model = MatrixFactorization(factors=3, random_state=0)
        prior = Knowledge(user_prior=(source.user_factors, np.full(60, weight, dtype=np.float32)))
        found[weight] = model.fit_matrix(target, knowledge=prior).user_factors
        np.testing.assert_allclose(model.fold_in(target, prior), found[weight], atol=1e-3)
    np.testing.assert_array_equal(found[np.inf], source.user_factors)
    np.testing.assert_allclose(found[1e5], source.user_factors, atol=0.02)
    apart = [np.abs(found[weight] - source.user_factors).mean() for weight in (10.0, 1e5)]
    assert apart[0] > 10 * apart[1]


def test_fixed_rows_stay_bit_by_bit_and_others_move():
    source, target = source_and_target()
    fixed = np.arange(60) < 30
    model = MatrixFactorization(factors=3, random_state=0)
    model.fit_matrix(target, knowledge=Knowledge(user_start=source.user_factors, fixed_users=fixed))
    np.testing.assert_array_equal(model.user_factors[fixed], source.user_factors[fixed])
    assert np.abs(model.user_factors[~fixed] - source.user_factors[~fixed]).mean() > 0.01
    assert model.n_trainable_ == (30 + 25) * 4
    items = MatrixFactorization(factors=3, random_state=0)
    kept = Knowledge(item_start=model.item_factors, fixed_items=np.ones(25, dtype=bool))
    items.fit_matrix(target, knowledge=kept)
    np.testing.assert_array_equal(items.item_factors, model.item_factors)


def test_items_without_weight_teach_nothing_about_users():
    train, _ = world(0)
    shouted = train.copy()
    loud = shouted.indices >= 25
    shouted.data[loud] = 6 - shouted.data[loud]
    weights = Knowledge(item_weights=np.repeat([1.0, 0.0], 25))
    found = [
        MatrixFactorization(factors=3, random_state=0).fit_matrix(each, knowledge=weights).user_factors
        for each in (train, shouted)
    ]
    np.testing.assert_array_equal(*found)


def test_a_rating_of_half_weight_counts_half():
    train, _ = world(0)
    halves = csr_array((np.full(train.nnz, 0.5), train.indices, train.indptr), shape=train.shape)
    found = [
        MatrixFactorization(factors=3, random_state=0).fit_matrix(train, knowledge=told).user_factors
        for told in (Knowledge(entry_weights=halves), Knowledge(item_weights=np.full(50, 0.5)), None)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 0.01


def test_unseen_users_and_items_get_the_others_level():
    train, _ = world(0)
    rows = train.toarray()
    rows[3], rows[:, 7] = 0, 0
    model = MatrixFactorization(factors=3, random_state=0).fit_matrix(csr_array(rows))
    scores = model.score_rows(np.arange(60))
    seen = np.arange(50) != 7
    item_means = rows.sum(0)[seen] / (rows > 0).sum(0)[seen]
    assert np.corrcoef(scores[3][seen], item_means)[0, 1] > 0.9
    others = np.arange(60) != 3
    user_means = rows.sum(1)[others] / (rows > 0).sum(1)[others]
    assert np.corrcoef(scores[others, 7], user_means)[0, 1] > 0.7
    assert scores[3, 7] == pytest.approx(rows[rows > 0].mean(), abs=0.4)


@pytest.mark.parametrize("kind", [MatrixFactorization, SGDFactorization])
def test_one_rating_and_ratings_all_the_same(kind):
    one = csr_array((np.float32([4]), ([1], [2])), shape=(3, 4))
    model = kind(random_state=0).fit_matrix(one)
    np.testing.assert_allclose(model.predict([1], [2]), 4, atol=0.1)
    assert np.isfinite(model.score_rows(np.arange(3))).all()
    same = csr_array(np.full((8, 6), 3, dtype=np.float32))
    np.testing.assert_allclose(kind(random_state=0).fit_matrix(same).predict([0, 7], [0, 5]), 3, atol=0.05)


@pytest.mark.parametrize("stars", [100, 10_000])
def test_ratings_all_the_same_far_from_zero(stars):
    same = world(0)[0]
    same.data[:] = stars
    model = MatrixFactorization(random_state=0).fit_matrix(same)
    np.testing.assert_allclose(model.score_rows(np.arange(60)), stars, rtol=1e-3)


def test_ratings_far_from_zero():
    far = world(0)[0]
    far.data += 10_000
    model = MatrixFactorization(random_state=0).fit_matrix(far)
    np.testing.assert_allclose(model.score_rows(np.arange(60)), 10_000, atol=20)


def test_rounding_is_no_variance():
    same = world(0)[0]
    same.data[:] = 3
    weights = csr_array((np.full_like(same.data, 0.3), same.indices, same.indptr), shape=same.shape)
    model = MatrixFactorization(random_state=0)
    model.fit_matrix(same, knowledge=Knowledge(entry_weights=weights))
    np.testing.assert_allclose(model.score_rows(np.arange(60)), 3, atol=0.01)


def test_ids_may_be_text():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "user": rng.choice(list("abcdef"), 30),
            "item": rng.choice(list("uvwxyz"), 30),
            "rating": rng.integers(1, 6, 30),
        }
    ).drop_duplicates(["user", "item"])
    model = MatrixFactorization(factors=2, random_state=0).fit(table)
    assert 1 <= model.predict("a", "u")[0] <= 5
    with pytest.raises(BadInput, match="swapped"):
        model.predict("u", "a")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factors": -1}, "factors is a whole number, 0 or more; got -1"),
        ({"spectral": -2}, "spectral is a whole number, 0 or more; got -2"),
        ({"iterations": 0}, "iterations is a whole number, 1 or more; got 0"),
    ],
)
def test_sizes_out_of_range(params, message):
    with pytest.raises(BadInput, match=message):
        MatrixFactorization(**params).fit_matrix(world(0)[0])


def test_the_smallest_sizes_will_do():
    model = MatrixFactorization(factors=0, spectral=0, iterations=1).fit_matrix(world(0)[0])
    assert np.isfinite(model.user_factors).all()


def test_the_embedding_is_the_singular_vectors(rng):
    matrix = csr_array(random_array((30, 20), density=0.4, rng=rng), dtype=np.float32)
    embedding = SpectralEmbedding(matrix, size=20, seed=0)
    ones = (matrix.toarray() > 0).astype(float)
    scaled = ones / np.sqrt(ones.sum(1, keepdims=True) * ones.sum(0))
    np.testing.assert_allclose(embedding.items @ embedding.items.T, 20 * scaled.T @ scaled, atol=1e-3)
    np.testing.assert_allclose(
        embedding.users(matrix) @ embedding.users(matrix).T, 30 * scaled @ scaled.T, atol=1e-3
    )
    assert not embedding.users(csr_array((2, 20), dtype=np.float32)).any()


def test_sgd_beats_biases_and_its_fold_in_agrees_with_its_scores():
    for seed in SEEDS:
        train, test = world(seed)
        model = SGDFactorization(factors=4, random_state=seed).fit_matrix(train)
        assert error(model, test) < error(Biases().fit_matrix(train), test) - 0.05
        folded = model.score_profiles(train)
        assert np.sqrt(np.mean((folded - model.score_rows(np.arange(60))) ** 2)) < 0.15


def test_sgd_folds_in_where_the_loss_is_least(rng):
    train, _ = world(0)
    model = SGDFactorization(factors=4, random_state=0).fit_matrix(train)
    row = torch.tensor(model.fold_in(train[:1])[0, :-1], requires_grad=True)
    stars, items = train[:1].toarray()[0], torch.tensor(model.item_factors)
    rated = torch.tensor(stars > 0)
    errors = items[rated] @ torch.cat([row, torch.ones(1)]) - torch.tensor(stars)[rated]
    (errors.square() + model.reg * row.square().sum()).sum().backward()
    assert row.grad.abs().max() < 1e-3


def test_sgd_bad_hyperparameters():
    with pytest.raises(BadInput, match="reg is a number above 0; got 0"):
        SGDFactorization(reg=0).fit_matrix(world(0)[0])
