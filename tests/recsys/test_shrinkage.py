"""How EASE chooses its shrinkage: users left out in closed form, and paths over the size of a profile."""

import numpy as np
import pandas as pd
import torch
from references import ease_reference
from scipy.sparse import csr_array

from tlkit.recsys.models import ease, shrinkage
from tlkit.recsys.models.ease import EASE, Inverse
from tlkit.recsys.models.shrinkage import Shrinkage
from tlkit.recsys.worlds.shops import two_shops

CPU = torch.device("cpu")


def test_users_are_left_out_as_if_they_had_never_been_there():
    taken = csr_array((np.random.default_rng(0).random((30, 20)) < 0.4).astype(np.float32))
    users, known = np.array([4, 0, 7]), taken[[4, 0, 7]].toarray()
    known[:, ::2] = 0
    left_out = shrinkage.LeftOut(Inverse(taken, CPU)(5.0), taken)
    found = left_out.scores(users, csr_array(known))
    for user, profile, scores in zip(users, known, found, strict=True):
        others = np.delete(taken.toarray(), user, axis=0)
        np.testing.assert_allclose(scores, profile @ ease_reference(others, 5.0), atol=1e-5)


def test_penalties_fall_with_the_size_of_a_profile_in_steps():
    path = Shrinkage(full=100.0, thin=8.0, crowd=2.0)
    # 100 * (1 + (8 / n)²) is 6500, 1700, 500, 200 and 106: powers of 4 times 100 are next to them.
    assert path.penalties(np.array([1, 2, 4, 8, 32])).tolist() == [6400, 1600, 400, 100, 100]
    assert path.shares(np.array([0, 1, 2, 6])).tolist() == [2 / 3, 2 / 3, 1 / 2, 1 / 4]
    assert Shrinkage(full=7.0).penalties(np.arange(3)).tolist() == [7, 7, 7]


def test_the_best_path_is_found_between_the_penalties_that_were_tried():
    sizes, wanted = np.array([2.0, 8.0, 100.0]), np.log([2600, 260, 105])  # of full 100, thin 10
    quality = -((np.log(shrinkage.PENALTIES)[:, None] - wanted) ** 2)
    found = shrinkage._best_path(quality, sizes, np.ones(3))
    np.testing.assert_allclose(np.log([found.full, found.thin]), np.log([100, 10]), atol=0.25)


def test_popularity_is_mixed_in_on_the_scale_of_the_scores():
    scores, popularity = np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]]), np.array([9.0, 3.0, 0.0])
    kept, half, all_of_it = (shrinkage.with_crowd(scores, popularity, np.full(2, x)) for x in (0, 0.5, 1))
    np.testing.assert_array_equal(kept, scores)
    np.testing.assert_allclose(half[0], (scores + all_of_it)[0] / 2)
    np.testing.assert_allclose(all_of_it.mean(axis=1), scores.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(all_of_it.std(axis=1), scores.std(axis=1), atol=1e-6)
    assert (all_of_it.argmax(axis=1) == 0).all()


def test_a_thin_profile_wants_more_shrinkage_than_a_full_one():
    shops = [two_shops(seed=seed, n_users=400, n_items=100).target.ratings for seed in range(3)]
    assert all(EASE(random_state=0).fit(ratings).shrinkage_.thin > 1 for ratings in shops)


def test_where_only_the_crowd_is_followed_ease_follows_it():
    draw = np.random.default_rng(0)
    appeal = draw.gumbel(size=(300, 60)) - np.log(np.arange(1, 61))
    pairs = [(user, item) for user, each in enumerate(appeal) for item in np.argsort(-each)[:6]]
    crowd = pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=1.0)
    assert EASE(random_state=0).fit(crowd).shrinkage_.crowd >= 1  # 1, 20, 20, 1e9 and 1e9 over five draws


def test_a_choice_is_remembered_for_the_same_ratings_and_seed_alone(monkeypatch):
    made = []
    choice = shrinkage.choose

    def counted(*args):
        made.append(1)
        return choice(*args)

    monkeypatch.setattr(ease, "CHOSEN", {})
    monkeypatch.setattr(ease, "choose", counted)
    films = two_shops(0.8, n_users=120, n_items=100).target.ratings
    for ratings, seed, chosen in (
        (films, 0, 1),
        (films, 0, 1),
        (films, 1, 2),
        (films[:-1], 0, 3),
        (films, None, 4),
    ):
        EASE(random_state=seed).fit(ratings)
        assert len(made) == chosen


def test_what_was_chosen_is_not_chosen_again():
    ratings = two_shops(0.8, n_users=120, n_items=100).target.ratings
    chosen = EASE(random_state=0).fit(ratings)
    settled = chosen.settled().set_params(random_state=1).fit(ratings)
    assert settled.shrinkage_ == chosen.shrinkage_ and not settled.history_
    np.testing.assert_array_equal(
        settled.scores(ratings["user"].unique()), chosen.scores(ratings["user"].unique())
    )


def test_a_choice_among_some_items_is_made_by_these_and_knows_the_others_whole():
    """Noise about items that nobody is recommended changes what is known, not who judges."""
    rng = np.random.default_rng(0)
    ours = (rng.random((80, 12)) < 0.4).astype(np.float32)
    theirs = (rng.random((80, 20)) < 0.5).astype(np.float32)
    ours[:, :2] = 1
    judges, offered = csr_array(np.hstack([theirs, ours])), np.arange(32) >= 20
    for each in shrinkage._judgements(judges, offered, np.random.default_rng(1)):
        assert each.seen[:, :20].all() and not each.wanted[:, :20].any()
        np.testing.assert_array_equal(each.known.toarray()[:, :20], theirs[each.users])
        taken = (each.known.toarray()[:, 20:] > 0) | each.wanted[:, 20:]
        np.testing.assert_array_equal(taken, ours[each.users] > 0)
