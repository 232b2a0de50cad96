"""What a factorization is told beforehand: one value, checked in one place, for both of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from tlkit.errors import BadInput
from tlkit.recsys.models.bpr import BPR
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.knowledge import Knowledge
from tlkit.recsys.models.matrix_factorization import MatrixFactorization

USERS, ITEMS, FACTORS = 6, 5, 3
MATRIX = csr_array(np.tile(np.float32([[1, 0, 3, 5, 0], [0, 2, 3, 4, 0]]), (3, 1)))
WIDTHS = {ImplicitALS: FACTORS, MatrixFactorization: FACTORS + 2}
BOTH = pytest.mark.parametrize("kind", WIDTHS)


def rows(n: int, width: int) -> np.ndarray:
    return np.ones((n, width), dtype=np.float32)


@BOTH
@pytest.mark.parametrize(
    ("told", "message"),
    [
        (lambda w: {"user_start": rows(USERS, w + 2)}, r"user_start has the shape .* set factors=5\."),
        (lambda w: {"item_start": rows(USERS, w)}, r"item_start has the shape \(6, .* needed is \(5, "),
        (lambda w: {"user_prior": (rows(USERS, w - 1), np.ones(USERS))}, r"user_prior \(its means\) .*=2\."),
        (lambda w: {"user_prior": (rows(USERS, w), np.ones(2))}, r"weights\) has the shape \(2,\); .*\(6,\)"),
        (lambda w: {"fixed_users": np.ones(USERS, bool)}, "give their factors as user_start"),
        (lambda w: {"fixed_items": np.ones(ITEMS, bool)}, "give their factors as item_start"),
        (lambda w: {"item_weights": np.ones(USERS)}, r"item_weights has the shape \(6,\); needed is \(5,\)"),
        (lambda w: {"entry_weights": csr_array(MATRIX[:, ::-1])}, "a matrix with the same places"),
    ],
)
def test_what_does_not_fit_is_refused(kind, told, message):
    with pytest.raises(BadInput, match=message):
        kind(factors=FACTORS).fit_matrix(MATRIX, knowledge=Knowledge(**told(WIDTHS[kind])))


@BOTH
def test_a_new_user_is_known_by_a_prior_and_no_more(kind):
    model = kind(factors=FACTORS, random_state=0).fit_matrix(MATRIX)
    with pytest.raises(
        BadInput, match="fold_in cannot be told item_weights beforehand: it uses only user_pr"
    ):
        model.fold_in(MATRIX, Knowledge(item_weights=np.ones(ITEMS)))


def test_what_learns_from_ratings_alone_is_told_nothing():
    told = Knowledge(user_start=rows(USERS, 2), item_weights=np.ones(ITEMS))
    with pytest.raises(BadInput, match="BPR cannot be told user_start, item_weights .* ratings alone"):
        BPR().fit_matrix(MATRIX, knowledge=told)


def test_a_prior_without_doubt_is_a_fixed_row_and_others_start_at_their_means():
    means, strength = rows(3, 2) * np.float32([[1], [2], [3]]), np.array([0, 5, np.inf])
    known = Knowledge(user_prior=(means, strength)).settled()
    assert known.user_start.tolist() == [[0, 0], [2, 2], [3, 3]]
    assert known.fixed_users.tolist() == [False, False, True]
    assert known.user_prior[1].tolist() == [0, 5, 0]
    assert Knowledge(user_prior=(means, np.zeros(3))).settled().pieces == []


def test_what_is_fixed_and_where_others_start_stays_beside_a_prior_without_doubt():
    start, means, strength = rows(3, 2) * 7, rows(3, 2) * 2, np.array([0, 5, np.inf])
    fixed = np.array([True, False, False])
    known = Knowledge(user_start=start, user_prior=(means, strength), fixed_users=fixed).settled()
    assert known.user_start.tolist() == [[7, 7], [7, 7], [2, 2]]
    assert known.fixed_users.tolist() == [True, False, True]
