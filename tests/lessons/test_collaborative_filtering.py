"""What lesson 11 says of its numbers stays true whatever they are."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tlkit.exercises import collaborative_filtering as asked
from tlkit.findings import collaborative_filtering as lesson


def test_the_head_is_the_tenth_of_the_items_with_most_ratings():
    table = pd.DataFrame({"item": ["a"] * 6 + list("bcdefghijk")[:9] * 1, "rating": 4.0})
    assert lesson.head_share(table) == pytest.approx(100 * 6 / 15)
    assert lesson.tail(table, None) == "A tenth of the items has 40 % of the ratings."
    truth = SimpleNamespace(stars=pd.DataFrame([[1.0, 3.0]]))
    assert "have 4.00 stars on average. If everybody had rated everything, it would be 2.00." in lesson.tail(
        table, truth
    )


def test_categories_are_known_or_items():
    catalogue = pd.Index(["a", "b"])
    assert list(lesson.categories(None, catalogue)) == ["item", "item"]
    items = pd.DataFrame({"category": ["sea", "fun"]}, index=["b", "a"])
    assert list(lesson.categories(items, catalogue)) == ["fun", "sea"]


def test_neighbours_of_one_direction_share_their_category():
    vectors = np.vstack([np.eye(2)[[0] * 7], np.eye(2)[[1] * 7]]) + 0.01
    assert lesson.same_category(vectors, pd.Series(["x"] * 7 + ["y"] * 7)) == 1
    assert lesson.same_category(vectors, pd.Series(list("xy") * 7)) < 0.6


@pytest.mark.parametrize(("score", "word"), [(0.3, "are better than"), (0.1, "are no better than")])
def test_what_stayed_is_counted_and_the_better_list_is_named(score, word):
    lists = pd.DataFrame({"popularity": list("abcd"), "neighbours": list("dcxy")})
    said = lesson.stayed(lists, pd.Series({"popularity": 0.2, "neighbours": score}))
    assert said.startswith("2 of the 4 items stayed.")
    assert f"the lists of *neighbours* {word} those of *popularity*" in said


def test_stars_and_lists_are_two_orders():
    rows = {
        "popularity": (np.nan, 0.2),
        "biases": (0.9, 0.1),
        "factors": (0.8, 0.3),
        "oracle of stars": (0.5, 0.0),
    }
    table = pd.DataFrame(rows, index=["rmse", "ndcg@10"]).T
    assert list(lesson.worse_lists(table).index) == ["biases"]
    said = lesson.stars_and_lists(table)
    assert said.startswith("*factors* has the smallest error, 0.800, and its list an NDCG@10 of 0.300.")
    assert said.endswith("has 0.200. That is better than the lists of *biases*.")
    assert lesson.stars_and_lists(table.drop(index="biases")).endswith("has 0.200.")


def test_the_best_setting_is_named_with_what_it_found():
    columns = ["factors", "penalty", "ndcg@10", "same category"]
    tried = pd.DataFrame([(2, 5, 0.1, 0.2), (12, 50, 0.3, 0.9)], columns=columns)
    assert "has 12 factors and a penalty of 50. In its space, 90 % of" in lesson.best_factors(tried)


def test_the_podium_leaves_the_oracle_out():
    scores = pd.Series({"popularity": 0.1, "ALS": 0.4, "oracle": 0.5})
    assert lesson.podium(scores).startswith("*ALS* makes the best lists, 0.400, and *popularity* the worst")
    assert "oracle" not in lesson.podium(scores.drop("oracle"))


@pytest.mark.parametrize(("n", "option"), [(0, 0), (6, 1), (90, 2)])
def test_how_many_pairs_are_swapped(n, option):
    assert lesson.swaps(n, 126) == asked.SWAPPED.options[option]


def test_the_worst_swap_is_told():
    rows = [("EASE", "popularity", 5.4, -2.3), ("a", "b", 1.0, -0.004)]
    swapped = pd.DataFrame(rows, columns=["better", "worse", "lead", "lead_sampled"])
    assert lesson.misled(swapped, 126, 20) == (
        "Among 20 negatives, 2 of 126 pairs come out in the wrong order. The worst: *EASE* is 5.4 points "
        "better than *popularity*, and stands 2.3 points below it."
    )
    assert lesson.misled(swapped[:0], 126, 20).endswith("0 of 126 pairs come out in the wrong order.")
    assert "stands 0.004 points below" in lesson.misled(swapped[1:], 126, 20)


def test_whom_a_leak_pays_and_whether_it_wins():
    honest = pd.Series({"ALS": 0.4, "EASE": 0.2, "popularity": 0.1})
    said = lesson.flattered(honest, pd.Series({"ALS": 0.5, "EASE": 0.8, "popularity": 0.09}))
    assert said == (
        "The leak pays *EASE* most: 60 points, from place 2 of 3; it is then the first. "
        "*popularity* gets \N{MINUS SIGN}1."
    )
    assert "stays behind *ALS*" in lesson.flattered(
        honest, pd.Series({"ALS": 0.5, "EASE": 0.45, "popularity": 0.1})
    )
    assert (
        lesson.most_flattered(honest, honest + np.array([0.1, 0.0, 0.05]), ["EASE", "popularity"])
        == "popularity"
    )


def test_a_choice_on_few_users_is_too_good():
    chosen = pd.DataFrame({"reported": [0.40, 0.38], "worth": [0.36, 0.378]}, index=[5, 200])
    assert lesson.too_good(chosen) == (
        "Chosen on 5 users, the best model reports 4.0 points more than it is worth to others; "
        "on 200 users, 0.2 points."
    )
