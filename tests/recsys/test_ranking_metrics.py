"""Metrics: hand-worked cases, scikit-learn where it has them, ties, and units whose mean is the whole."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, mean_absolute_error, mean_squared_error, ndcg_score

from tlkit.errors import BadInput, UnknownName
from tlkit.recsys.evaluation import metrics
from tlkit.study.intervals import crossed_interval


def scored(n_users=40, n_items=30, seed=0):
    """Scores without ties, what is relevant (something for everyone), and nothing seen."""
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(n_items, dtype=float), (n_users, 1)), axis=1)
    relevant = rng.random((n_users, n_items)) < 0.2
    relevant[:, 0] |= ~relevant.any(axis=1)
    return scores, relevant, np.zeros_like(relevant)


# lists
def test_top_k_is_best_first_without_what_was_seen():
    scores = np.array([[0.1, 0.9, 0.5, 0.7], [4.0, 3.0, 2.0, 1.0]])
    seen = np.array([[False, True, False, False], [True, False, False, True]])
    assert metrics.top_k(scores, seen, 2).tolist() == [[3, 2], [1, 2]]


def test_top_k_takes_the_earlier_of_equal_items_in_the_list_and_at_its_end():
    scores = np.array([[1, 2, 1, 2, 1, 0], [0, 0, 0, 0, 0, 0]], dtype=np.float32)
    nothing = np.zeros(scores.shape, bool)
    assert metrics.top_k(scores, nothing, 3).tolist() == [[1, 3, 0], [0, 1, 2]]
    assert metrics.top_k(scores, nothing, 6).tolist() == [[1, 3, 0, 2, 4, 5], [0, 1, 2, 3, 4, 5]]


def test_top_k_is_the_head_of_a_stable_sort(rng):
    scores = rng.integers(0, 8, (50, 60)).astype(float)
    seen = rng.random(scores.shape) < 0.3
    expected = np.argsort(-np.where(seen, -np.inf, scores), axis=1, kind="stable")
    assert (metrics.top_k(scores, seen, 10) == expected[:, :10]).all()


def test_top_k_ends_with_seen_items_where_others_run_out():
    scores, seen = np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])
    assert metrics.top_k(scores, seen, 3).tolist() == [[1, 0, 2]]


# ranking by hand
def test_a_hand_worked_list():
    """Hits at ranks 2 and 4 of a list of 5; three items are relevant."""
    relevant = np.zeros((1, 8), bool)
    relevant[0, [1, 3, 7]] = True
    found = metrics.ranking_units(np.array([[0, 1, 2, 3, 4]]), relevant)
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    by_hand = {
        "precision": 2 / 5,
        "recall": 2 / 3,
        "mrr": 1 / 2,
        "map": (1 / 2 + 2 / 4) / 3,
        "ndcg": (1 / np.log2(3) + 1 / np.log2(5)) / ideal,
    }
    assert {name: value[0] for name, value in found.items()} == pytest.approx(by_hand)


def test_the_best_list_scores_1_even_where_more_is_relevant_than_fits():
    relevant = np.array([[True, True, True, False], [True, False, False, False]])
    found = metrics.ranking_units(np.array([[0, 1], [0, 3]]), relevant)
    for name in ("ndcg", "map", "mrr"):
        assert found[name] == pytest.approx([1, 1])
    assert found["recall"] == pytest.approx([2 / 3, 1])
    assert found["precision"] == pytest.approx([1, 1 / 2])


def test_a_list_without_a_hit_scores_0():
    found = metrics.ranking_units(np.array([[0, 1, 2]]), np.array([[False, False, False, True]]))
    assert all(value == [0] for value in found.values())


# against scikit-learn
def test_ndcg_is_scikit_learns():
    scores, relevant, seen = scored()
    found = metrics.ranking_units(metrics.top_k(scores, seen, 10), relevant)["ndcg"]
    assert found.mean() == pytest.approx(ndcg_score(relevant, scores, k=10), abs=1e-12)


@pytest.mark.parametrize("k", [3, 40])
def test_ndcg_of_scores_judges_the_first_k_or_as_many_as_there_are(k):
    scores, relevant, seen = scored()
    found = metrics.ndcg_units(scores, seen, relevant, k)
    assert found.mean() == pytest.approx(ndcg_score(relevant, scores, k=k), abs=1e-12)


def test_average_precision_of_a_whole_list_is_scikit_learns():
    scores, relevant, seen = scored()
    found = metrics.ranking_units(metrics.top_k(scores, seen, scores.shape[1]), relevant)["map"]
    expected = [average_precision_score(*row) for row in zip(relevant, scores, strict=True)]
    assert found == pytest.approx(expected, abs=1e-12)


# lists of all users together
def test_coverage_is_the_share_of_the_catalogue_that_anyone_sees():
    assert metrics.coverage(np.array([[0, 1], [1, 2]]), 10) == 0.3


def test_popularity_bias_is_the_mean_percentile():
    popularity = np.array([1, 2, 3, 4])
    assert metrics.popularity_bias(np.array([3, 3]), popularity) == pytest.approx(3.5 / 4)
    assert metrics.popularity_bias(np.arange(4), popularity) == 0.5  # everything alike, as a random draw
    assert metrics.popularity_bias(np.array([0]), np.ones(4)) == 0.5


# stars
def errors_by_user(n_users=200, seed=0, rmse=1.0):
    """Errors whose size and number differ between users."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(n_users), rng.geometric(0.1, n_users))
    return rmse * rng.normal(0, rng.lognormal(0, 0.3, n_users)[user]), user


@pytest.mark.parametrize("n_users", [1, 7, 200])
def test_units_average_to_the_whole_error(n_users):
    errors, user = errors_by_user(n_users)
    nothing = np.zeros_like(errors)
    rmse, mae = metrics.rmse_units(errors, user), metrics.mae_units(errors, user)
    assert rmse.shape == mae.shape == (n_users,)
    assert rmse.mean() == pytest.approx(mean_squared_error(nothing, errors) ** 0.5)
    assert mae.mean() == pytest.approx(mean_absolute_error(nothing, errors))


@pytest.mark.parametrize("name", metrics.RATING)
def test_a_users_unit_is_what_the_error_gains_where_the_user_counts_for_more(name):
    errors, user = errors_by_user(n_users=20)

    def whole(weights):
        sizes, share = np.abs(errors), weights[user] / weights[user].sum()
        return np.sqrt(share @ sizes**2) if name == "rmse" else share @ sizes

    step = 1e-5 * np.eye(20)
    slopes = np.array([whole(1 + each) - whole(1 - each) for each in step]) / 2e-5
    found = metrics.RATING[name](errors, user)
    assert found == pytest.approx(whole(np.ones(20)) + 20 * slopes, rel=1e-6)


def test_no_error_is_zero_for_everyone():
    assert metrics.rmse_units(np.zeros(5), np.array([0, 0, 1, 2, 2])).tolist() == [0, 0, 0]


def test_who_is_hard_to_predict_has_the_larger_unit():
    errors, user = np.array([2.0, 2.0, 0.1, 0.1]), np.array([0, 0, 1, 1])
    assert metrics.rmse_units(errors, user)[0] > metrics.rmse_units(errors, user)[1]


def test_the_interval_of_a_difference_in_rmse_covers_the_truth_and_is_no_wider_than_it_must():
    """Two models on the same 150 drawn users and 10 seeds, errors related, busy users harder to predict.

    Of 300 draws from a population of 20,000 users, 95 % intervals should cover the difference in all of it
    285 times, with a standard deviation of 3.8; eight streams of random numbers gave 288 to 296. The width
    was 1.1 to 1.3 times that of a normal interval with the spread that the differences really had.
    """
    rng = np.random.default_rng(1)
    count = rng.geometric(0.1, 20_000)
    hard = rng.lognormal(0, 0.3, len(count)) * (1 + 0.3 * (count > 10))
    truth = 0.05 * np.sqrt((count * hard**2).sum() / count.sum())

    def units(drawn, shared, scale):
        user = np.repeat(np.arange(len(drawn)), count[drawn])
        own = rng.normal(size=len(user))
        return metrics.rmse_units(scale * hard[drawn][user] * (0.8 * shared + 0.6 * own), user)

    intervals = []
    for _ in range(300):
        drawn = rng.integers(len(count), size=150)
        shared = rng.normal(size=count[drawn].sum())
        gains = np.stack([units(drawn, shared, 1.05) - units(drawn, shared, 1.0) for _ in range(10)])
        intervals.append(crossed_interval(gains))
    mean, low, high = np.array([(each.mean, each.low, each.high) for each in intervals]).T
    assert ((low <= truth) & (truth <= high)).sum() >= 274
    assert (high - low).mean() < 1.5 * 2 * 1.96 * mean.std()


# names
def test_names_of_metrics():
    assert metrics.parse("ndcg@10", 50) == ("ndcg", 10)
    assert metrics.parse("map@50", 50) == ("map", 50)
    assert metrics.parse("rmse", 50) == ("rmse", None)


@pytest.mark.parametrize("name", ["ndgc@10", "ndcg", "accuracy", "rmse@10", ""])
def test_an_unknown_metric_is_refused(name):
    with pytest.raises(
        UnknownName, match="no metric.*Valid: ndcg@10, recall@10, precision@10, mrr@10, map@10, rmse"
    ):
        metrics.parse(name, 50)


@pytest.mark.parametrize("k", ["0", "51", "ten", "-1", "1.5"])
def test_k_lies_in_the_catalogue(k):
    with pytest.raises(BadInput, match="a whole number from 1 to 50, the size of the catalogue"):
        metrics.parse(f"ndcg@{k}", 50)
