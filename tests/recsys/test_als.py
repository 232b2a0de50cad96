"""Alternating least squares: against normal equations written out, and what knowledge from elsewhere does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from tlkit.errors import BadInput, DeviceProblem, UnknownName
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.solvers.als import LeastSquaresSide
from tlkit.recsys.solvers.singular import singular_start
from tlkit.study.callbacks import Callback

CPU = torch.device("cpu")
MANY = 40  # steps of conjugate gradients, enough for every system here


class Case:
    """A random side with everything that can decide its rows, and the same written out densely.

    Lengths go from empty rows to rows with more entries than factors.
    """

    def __init__(self, seed: int, prior: bool, weights: bool, n_factors: int = 6, shape: tuple = (12, 20)):
        rng = np.random.default_rng(seed)
        share = np.linspace(0, 0.9, shape[0])[:, None]
        dense = (rng.random(shape) < share) * rng.uniform(0.5, 4, shape)
        self.extra = csr_array(dense.astype(np.float32))
        self.columns = rng.normal(size=(shape[1], n_factors)).astype(np.float32)
        self.start = rng.normal(size=(shape[0], n_factors)).astype(np.float32)
        self.penalty = rng.uniform(0.5, 2, shape[0])
        self.means = rng.normal(size=self.start.shape) if prior else np.zeros(self.start.shape)
        self.pull = rng.uniform(0, 3, shape[0]) * prior
        self.row_weights = rng.uniform(0, 2, shape[0]) if weights else np.ones(shape[0])
        self.column_weights = rng.uniform(0, 2, shape[1]) if weights else np.ones(shape[1])
        self.weights = dense + np.outer(self.row_weights, self.column_weights)
        self.targets = (dense > 0).astype(float)
        self.given = {
            "prior": (self.means, self.pull) if prior else None,
            "row_weights": self.row_weights if weights else None,
            "column_weights": self.column_weights if weights else None,
        }

    def side(self, **more: object) -> LeastSquaresSide:
        return LeastSquaresSide(self.extra, self.columns.shape[1], self.penalty, CPU, **self.given, **more)

    def solve(self, steps: int | None = None, **more: object) -> tuple[np.ndarray, float]:
        found, loss = self.side(**more).solve(torch.tensor(self.columns), torch.tensor(self.start), steps)
        return found.numpy(), loss

    def expected(self) -> np.ndarray:
        y, eye = self.columns.astype(float), np.eye(self.columns.shape[1])
        return np.stack(
            [
                np.linalg.solve(y.T @ (c[:, None] * y) + (penalty + pull) * eye, y.T @ (c * t) + pull * mean)
                for c, t, penalty, pull, mean in zip(
                    self.weights, self.targets, self.penalty, self.pull, self.means, strict=True
                )
            ]
        )

    def objective(self, x: np.ndarray) -> float:
        errors = self.weights * (self.targets - x @ self.columns.T) ** 2
        penalties = self.penalty @ (x**2).sum(1) + self.pull @ ((x - self.means) ** 2).sum(1)
        return errors.sum() + penalties


@pytest.fixture(params=[(False, False), (True, False), (False, True), (True, True)])
def case(request) -> Case:
    return Case(0, *request.param)


@pytest.fixture
def bought() -> csr_array:
    """Two tastes: users of each take mostly items of their own."""
    rng = np.random.default_rng(1)
    liked = np.where(np.arange(60)[:, None] % 2 == np.arange(40) % 2, 0.4, 0.05)
    return csr_array((rng.random((60, 40)) < liked).astype(np.float32))


def als(**params: object) -> ImplicitALS:
    return ImplicitALS(**{"factors": 5, "regularization": 0.5, "random_state": 0, "device": "cpu", **params})


@pytest.mark.parametrize("steps", [None, MANY])
def test_rows_solve_their_normal_equations(case, steps):
    found, _ = case.solve(steps)
    assert np.allclose(found, case.expected(), atol=2e-5)


@pytest.mark.parametrize("steps", [None, 1, 2])
def test_the_loss_is_the_objective(case, steps):
    found, loss = case.solve(steps)
    assert loss == pytest.approx(case.objective(found.astype(float)), rel=1e-5)


def test_the_solution_has_no_gradient_and_a_start_has(case):
    def gradient(x: np.ndarray) -> float:
        at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        weights, targets, y = (
            torch.tensor(each).double() for each in (case.weights, case.targets, case.columns)
        )
        loss = (weights * (targets - at @ y.T) ** 2).sum()
        loss = loss + (torch.tensor(case.penalty) * (at**2).sum(1)).sum()
        loss = loss + (torch.tensor(case.pull) * ((at - torch.tensor(case.means)) ** 2).sum(1)).sum()
        return float(torch.autograd.grad(loss, at)[0].abs().max())

    assert gradient(case.solve()[0]) < 1e-3 < 1 < gradient(case.start)


def test_every_step_of_conjugate_gradients_brings_the_loss_down(case):
    losses = [case.objective(case.start)] + [case.solve(steps)[1] for steps in range(1, 6)]
    assert all(after < before for before, after in pairwise(losses))


def test_two_steps_from_a_solution_stay_there(case):
    case.start = case.solve()[0]
    assert np.allclose(case.solve(2)[0], case.start, atol=1e-5)


def test_long_and_short_rows_in_batches_of_any_size(monkeypatch):
    case = Case(3, prior=True, weights=True, shape=(40, 30))
    whole = case.solve()[0]
    monkeypatch.setattr("tlkit.recsys.solvers.als.HELD", {"cpu": 200})
    assert len(case.side().batches) > 20
    assert np.allclose(case.solve()[0], whole, atol=1e-5)


def test_a_matrix_without_entries_leaves_the_prior_means():
    case = Case(0, prior=True, weights=False)
    case.extra = csr_array(case.extra.shape, dtype=np.float32)
    case.columns = np.zeros_like(case.columns)
    expected = case.means * (case.pull / (case.pull + case.penalty))[:, None]
    assert np.allclose(case.solve()[0], expected, atol=1e-6)


def test_fixed_rows_do_not_move_by_a_bit_and_count_in_the_loss(case):
    fixed = np.arange(12) % 3 == 0
    for steps in (None, 2):
        found, loss = case.solve(steps, fixed=fixed)
        free, _ = case.solve(steps)
        assert np.array_equal(found[fixed], case.start[fixed])
        assert np.allclose(found[~fixed], free[~fixed], atol=1e-5)
        assert loss == pytest.approx(case.objective(found.astype(float)), rel=1e-5)


def test_the_start_spans_the_leading_singular_vectors(bought):
    start = singular_start(bought, 3, torch.Generator().manual_seed(0)).numpy()
    left, values, _ = np.linalg.svd(bought.toarray())
    # Two tastes stand out; the third vector is noise, and close to the fourth.
    for column in range(2):
        assert abs(start[:, column] / np.sqrt(values[column]) @ left[:, 1 - column]) < 0.2
    sizes = np.linalg.norm(start, axis=0)[::-1] ** 2
    assert np.allclose(np.sort(sizes)[::-1][:2], values[:2], rtol=0.02)


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_the_loss_never_rises_and_is_that_of_the_factors(bought, solver):
    model = als(solver=solver).fit_matrix(bought)
    losses = [record["loss"] for record in model.history_]
    assert len(losses) == model.iterations
    assert all(after <= before * (1 + 1e-6) for before, after in pairwise(losses))
    x, y, taken = model.user_factors, model.item_factors, bought.toarray()
    errors = ((1 + model.alpha * taken) * (taken - x @ y.T) ** 2).sum()
    whole = errors + model.penalty_ * ((x**2).sum() + (y**2).sum())
    assert losses[-1] == pytest.approx(whole / 60, rel=1e-5)


def test_both_solvers_end_at_the_same_loss(bought):
    ends = [als(solver=solver, iterations=60).fit_matrix(bought) for solver in ("cg", "cholesky")]
    assert ends[0].history_[-1]["loss"] == pytest.approx(ends[1].history_[-1]["loss"], rel=1e-3)


def test_folding_in_a_training_user_gives_the_factors_that_were_solved_for(bought):
    model = als(solver="cholesky").fit_matrix(bought)
    assert np.allclose(model.fold_in(bought), model.user_factors, atol=1e-4)
    quick = als(iterations=60).fit_matrix(bought)
    assert np.allclose(quick.fold_in(bought), quick.user_factors, atol=2e-2)


def test_users_are_recommended_their_own_taste(bought):
    model = als().fit_matrix(bought)
    table = model.recommend(model.users_, 5)
    assert (table["user"] % 2 == table["item"] % 2).mean() > 0.9


def test_seeds_reproduce_and_stars_do_not_matter(bought):
    stars = bought.copy()
    stars.data[:] = np.arange(stars.nnz) % 5 + 1
    first, again, other = (als().fit_matrix(each).user_factors for each in (bought, bought, stars))
    assert np.array_equal(first, again) and np.array_equal(first, other)


def test_callbacks_hear_every_iteration(bought):
    heard = []

    class Listener(Callback):
        def on_step(self, record):
            heard.append(record["step"])

    als(iterations=3).fit_matrix(bought, callbacks=[Listener()])
    assert heard == [1, 2, 3]


def test_a_prior_without_weight_is_none_and_one_without_doubt_decides(bought):
    means = np.random.default_rng(2).normal(size=(60, 5)).astype(np.float32)
    nothing, everything = np.zeros(60), np.full(60, np.inf)
    plain = als().fit_matrix(bought).user_factors
    assert np.array_equal(
        als().fit_matrix(bought, knowledge=Knowledge(user_prior=(means, nothing))).user_factors, plain
    )
    assert np.array_equal(
        als().fit_matrix(bought, knowledge=Knowledge(user_prior=(means, everything))).user_factors, means
    )
    strong = als(solver="cholesky").fit_matrix(
        bought, knowledge=Knowledge(user_prior=(means, np.full(60, 1e7)))
    )
    assert np.allclose(strong.user_factors, means, atol=1e-3)


def test_folding_in_under_a_prior_gives_the_factors_of_that_prior(bought):
    means = np.random.default_rng(2).normal(size=(60, 5)).astype(np.float32)
    weights = np.where(np.arange(60) < 10, np.inf, np.arange(60.0))
    told, nothing = (Knowledge(user_prior=(means, each)) for each in (weights, np.zeros(60)))
    model = als(solver="cholesky").fit_matrix(bought, knowledge=told)
    assert np.allclose(model.fold_in(bought, told), model.user_factors, atol=1e-4)
    assert np.array_equal(model.fold_in(bought, nothing), model.fold_in(bought))
    assert model.fold_in(bought[:0]).shape == (0, 5)


def test_a_stronger_prior_pulls_closer(bought):
    means = np.random.default_rng(2).normal(size=(60, 5)).astype(np.float32)
    found = [
        als().fit_matrix(bought, knowledge=Knowledge(user_prior=(means, np.full(60, w))))
        for w in (1, 10, 100, 1000)
    ]
    gaps = [np.linalg.norm(model.user_factors - means) for model in found]
    assert gaps == sorted(gaps, reverse=True)


def test_the_loss_with_a_prior_never_rises(bought):
    means = np.random.default_rng(2).normal(size=(60, 5)).astype(np.float32)
    model = als().fit_matrix(bought, knowledge=Knowledge(user_prior=(means, np.arange(60.0))))
    losses = [record["loss"] for record in model.history_]
    assert all(after <= before * (1 + 1e-6) for before, after in pairwise(losses))


def test_fixed_users_and_items_keep_their_factors(bought):
    users = np.random.default_rng(2).normal(size=(60, 5)).astype(np.float32)
    items = np.random.default_rng(3).normal(size=(40, 5)).astype(np.float32)
    half = np.arange(60) < 30
    model = als().fit_matrix(bought, knowledge=Knowledge(user_start=users, fixed_users=half))
    assert np.array_equal(model.user_factors[half], users[half])
    assert not np.isclose(model.user_factors[~half], users[~half]).any()
    assert model.n_trainable_ == 5 * (30 + 40)
    model = als(solver="cholesky", iterations=1).fit_matrix(
        bought, knowledge=Knowledge(item_start=items, fixed_items=np.ones(40, dtype=bool))
    )
    assert np.array_equal(model.item_factors, items)
    assert np.allclose(model.user_factors, model.fold_in(bought), atol=1e-4)


def test_a_start_near_the_end_needs_fewer_iterations(bought):
    far = als(iterations=1).fit_matrix(bought)
    end = als(iterations=60).fit_matrix(bought)
    near = als(iterations=1).fit_matrix(
        bought, knowledge=Knowledge(user_start=end.user_factors, item_start=end.item_factors)
    )
    assert near.history_[-1]["loss"] < far.history_[-1]["loss"]
    assert near.history_[-1]["loss"] == pytest.approx(end.history_[-1]["loss"], rel=1e-4)


def test_items_without_weight_teach_nothing_of_users(bought):
    other = bought.toarray()[:, ::-1].copy()
    other[:, 20:] = np.random.default_rng(4).random((60, 20)) < 0.3
    weights = np.where(np.arange(40) < 20, 1.0, 0.0)
    found = [
        als(solver="cholesky", iterations=40).fit_matrix(matrix, knowledge=Knowledge(item_weights=weights))
        for matrix in (csr_array(other), csr_array(np.hstack([other[:, :20], bought.toarray()[:, 20:]])))
    ]
    assert found[0].history_[-1]["loss"] == pytest.approx(found[1].history_[-1]["loss"], rel=2e-3)
    assert np.abs(found[0].item_factors[20:]).max() < 1e-6
    assert np.allclose(found[0].fold_in(csr_array(other)), found[0].user_factors, atol=1e-4)


def test_more_factors_than_users_or_items():
    model = als(factors=8).fit_matrix(csr_array(np.eye(4, 5, dtype=np.float32)))
    assert np.isfinite(model.user_factors).all() and np.isfinite(model.item_factors).all()
    table = pd.DataFrame({"user": ["a", "b", "b"], "item": ["x", "x", "y"], "rating": [3.0, 4.0, 5.0]})
    assert np.isfinite(als(factors=8).fit(table).scores(["a", "b"])).all()


@pytest.mark.parametrize("seed", range(5))
def test_factors_beyond_the_rank_are_zero_and_spoil_nothing(seed):
    draw = np.random.default_rng(seed)
    bought = csr_array(np.float32([draw.permutation([1, 1, 1] + [0] * 6) for _ in range(60)]))
    start = singular_start(bought, 64, torch.Generator().manual_seed(seed))
    assert (start.norm(dim=0) > 0).sum() <= 9
    found = als(factors=64, regularization=None, random_state=seed).fit_matrix(bought)
    assert len(found.recommend(1, 6)) == 6


@pytest.mark.parametrize("shape", [(1, 12), (30, 1), (6, 5)])
def test_a_matrix_of_rank_one_takes_no_more_than_one_factor(shape):
    everything = csr_array(np.ones(shape, dtype=np.float32))
    one, many = (als(factors=f, regularization=None).fit_matrix(everything) for f in (1, 64))
    assert many.history_[-1]["loss"] == pytest.approx(one.history_[-1]["loss"], rel=1e-4)


def test_the_penalty_is_half_of_what_noise_would_need(bought):
    rng = np.random.default_rng(5)
    noise = csr_array((rng.random((300, 200)) < 0.05).astype(np.float32))
    model = als(regularization=None, alpha=3.0).fit_matrix(noise)
    centred = noise.toarray() - noise.mean()
    assert model.penalty_ == pytest.approx((1 + 3) / 2 * np.linalg.svd(centred)[1][0], rel=0.1)
    assert als(regularization=None).fit_matrix(bought).penalty_ < 20


def test_who_took_nothing_is_at_zero(bought):
    model = als(regularization=None).fit_matrix(bought)
    assert not model.fold_in(csr_array((2, 40), dtype=np.float32)).any()


def test_bad_input_is_said(bought):
    with pytest.raises(BadInput, match="regularization is a number, 1e-06 or more; got 0"):
        als(regularization=0).fit_matrix(bought)
    with pytest.raises(BadInput, match="iterations is a whole number, 1 or more; got 0"):
        als(iterations=0).fit_matrix(bought)
    with pytest.raises(UnknownName, match="There is no solver 'cgs'. Did you mean 'cg'"):
        als(solver="cgs").fit_matrix(bought)


def test_the_device_is_the_one_asked_for(bought):
    if torch.cuda.is_available():
        near = [als(device=device).fit_matrix(bought).history_[-1]["loss"] for device in ("cpu", "cuda")]
        assert near[0] == pytest.approx(near[1], rel=1e-3)
    else:
        with pytest.raises(DeviceProblem, match="'cuda' was asked for"):
            als(device="cuda").fit_matrix(bought)
