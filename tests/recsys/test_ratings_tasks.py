"""The ratings task: what counts, what is hidden, what a budget draws, and what is said of bad tables."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator

from tlkit.errors import BadInput, TrainingProblem, UnknownName
from tlkit.recsys.cross_validation import cross_validate
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.models.base import Recommender
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.tasks import RatingsTask, cold_start_task
from tlkit.study.strategy import hyperparameters
from tlkit.system import files

USERS, ITEMS = 30, 24


@hyperparameters
class Popular(Recommender):
    """Recommends what many have rated."""

    def learn(self, matrix, generator: torch.Generator) -> None:
        self.heard_ = self.item_table_

    def score_profiles(self, profiles):
        return np.tile(self.popularity_, (profiles.shape[0], 1))


@hyperparameters
class Mean(Popular):
    """Predicts the mean of all stars."""

    objectives = ("rating",)

    def score_profiles(self, profiles):
        return np.full(profiles.shape, self.matrix_.data.mean())


class Fixed(BaseEstimator):
    """Gives the scores it was made with, whatever it is fitted on."""

    def __init__(self, table=None, stars=None):
        self.table, self.stars = table, stars

    def fit(self, ratings):
        self.seen_ = ratings
        return self

    def scores(self, users):
        return self.table.loc[list(users)].to_numpy()

    def predict(self, users, items):
        return np.broadcast_to(self.stars, len(users))


def world(seed=0):
    rng = np.random.default_rng(seed)
    rated = rng.random((USERS, ITEMS)) < np.linspace(0.8, 0.4, ITEMS)
    user, item = np.nonzero(rated)
    table = {"user": [f"u{each:02d}" for each in user], "item": [f"i{each:02d}" for each in item]}
    return as_ratings(pd.DataFrame(table).assign(rating=rng.integers(1, 6, len(user))))


def described():
    index = pd.Index([f"i{each:02d}" for each in range(ITEMS - 1)], name="item")  # of one nothing is known
    titles = [f"Title {each}" for each in range(ITEMS - 1)]
    return pd.DataFrame({"title": titles, "category": "comedy"}, index)


def ratings(*rows):
    return pd.DataFrame(rows, columns=["user", "item", "rating"])


def small(metric="ndcg@2", **params):
    """Ann and Bob are tested on one item each; Cid is in training alone."""
    train = ratings(("ann", "a", 5), ("ann", "b", 1), ("bob", "a", 4), ("cid", "c", 3), ("cid", "d", 3))
    test = ratings(("ann", "c", 4), ("bob", "d", 2))
    return RatingsTask(train, test, metric=metric, **params)


def wish(**rows):
    """Scores of items a to d, a row a user."""
    return Fixed(pd.DataFrame.from_dict(rows, orient="index", columns=list("abcd")))


# what counts
def test_a_hand_worked_score():
    """Ann's seen a and b are hidden: her list is c, d. Bob's is b, c: the d comes too late."""
    score = small().score(wish(ann=[9, 8, 2, 1], bob=[9, 8, 2, 1]))
    assert score.per_example.tolist() == [1, 0]
    assert score.metrics == pytest.approx({
        "ndcg@2": 0.5, "recall@2": 0.5, "precision@2": 0.25, "mrr@2": 0.5, "map@2": 0.5,
        "coverage@2": 3 / 4,  # b, c and d
        "popularity@2": np.mean([0.375, 0.375, 0.375, 0.375]),  # each rated once; a alone has more
    })  # fmt: skip


@pytest.mark.parametrize("metric", ["ndcg@2", "recall@2", "precision@2", "mrr@2", "map@2"])
def test_units_are_of_the_headline(metric):
    task = small(metric)
    score = task.score(wish(ann=[0, 0, 2, 1], bob=[0, 1, 2, 3]))
    assert score.per_example.mean() == score.metrics[task.metric]


def test_who_has_nothing_held_out_is_left_out_and_counted():
    task = small()
    assert task.evaluated_users.tolist() == ["ann", "bob"]
    assert task.left_out == 1
    choosy = small(relevant=4)
    assert choosy.evaluated_users.tolist() == ["ann"]
    assert choosy.left_out == 2
    assert "1 users evaluated, 2 left out" in repr(choosy)
    assert choosy.score(wish(ann=[0, 0, 2, 1], bob=[0, 0, 0, 0])).per_example.tolist() == [1]


def test_stars_are_clipped_to_the_scale_and_shared_out_over_users():
    task = small("rmse")
    assert (task.objective, task.greater_is_better, task.percent) == ("rating", False, False)
    score = task.score(Fixed(stars=9.0))  # clipped to 5: errors 1 and 3
    assert score.metrics == pytest.approx({"rmse": 5**0.5, "mae": 2})
    assert score.per_example.mean() == pytest.approx(5**0.5)
    assert score.per_example[0] < score.per_example[1]
    assert small("mae").score(Fixed(stars=9.0)).per_example.tolist() == pytest.approx([1, 3])
    assert small("mae", scale=(1, 10)).score(Fixed(stars=9.0)).metrics["mae"] == pytest.approx(6)


def test_ranking_tasks_say_which_way_is_up():
    assert small("recall@2").percent
    assert not small().percent
    assert small().greater_is_better
    assert small().objective == "ranking"


def test_a_user_with_fewer_unseen_items_than_k_gets_a_shorter_list():
    score = small("precision@4").score(wish(ann=[9, 9, 2, 1], bob=[9, 1, 2, 3]))
    assert score.metrics["coverage@4"] == 3 / 4  # a is seen by both, and no recommendation
    assert score.per_example.tolist() == [1 / 4, 1 / 4]


def test_batches_do_not_change_the_score(monkeypatch):
    task = RatingsTask.split(world())
    whole = task.score(task.fit(Popular()))
    monkeypatch.setattr("tlkit.recsys.evaluation.scoring.CELLS", 3 * ITEMS)
    parts = task.score(task.fit(Popular()))
    assert (whole.per_example == parts.per_example).all()
    assert whole.metrics == pytest.approx(parts.metrics)


# fitting
def test_fit_hands_over_what_the_estimator_takes():
    task = RatingsTask.split(world(), described())
    assert task.fit(Popular()).heard_["title"].iloc[0] == "Title 0"
    plain = task.fit(Fixed())  # takes neither items nor objective nor callbacks
    assert plain.seen_ is task.train


def test_nothing_held_out_reaches_the_estimator():
    task = RatingsTask.split(world(), by="cold", share=0.3, pool=5)
    seen = task.budget(2).fit(Fixed()).seen_
    held_out = set(zip(task.test["user"], task.test["item"], strict=True))
    assert not held_out & set(zip(seen["user"], seen["item"], strict=True))


# budgets
def test_a_budget_is_n_ratings_of_each_limited_user_and_nested():
    task = RatingsTask.split(world(), by="cold", share=0.3, pool=5)
    warm = task.train[~task.train["user"].isin(task.limited)]
    smaller = set()
    for n in (0, 2, 5):
        part = task.budget(n, seed=1)
        cold = part.train[part.train["user"].isin(task.limited)]
        assert cold.groupby("user", observed=True).size().tolist() == [n] * len(task.limited) * (n > 0)
        assert len(part.train) - len(cold) == len(warm)
        drawn = set(zip(cold["user"], cold["item"], strict=True))
        assert smaller <= drawn
        smaller = drawn
        assert part.test is task.test
        assert (part.drawn, task.drawn) == (n, None)
        assert part.train["user"].cat.categories.equals(task.users)
        assert part.train.columns.equals(task.train.columns)
        assert part.train.index.equals(pd.RangeIndex(len(part.train)))
    assert (task.min_budget, task.max_budget) == (0, 5)


def test_a_user_with_fewer_ratings_than_the_budget_keeps_them_all():
    task = small()
    assert (task.min_budget, task.max_budget) == (1, 2)
    assert len(task.budget(2).train) == len(task.train)
    assert task.budget(1).train.groupby("user", observed=True).size().tolist() == [1, 1, 1]


@pytest.mark.parametrize("n", [0, 3, -1, 1.5, True, None])
def test_a_budget_out_of_range_is_refused(n):
    with pytest.raises(BadInput, match="whole number of ratings a user, 1 to 2 for 'ratings'; got"):
        small().budget(n)


def test_cold_users_without_ratings_are_in_the_catalogue():
    task = RatingsTask.split(world(), by="cold", share=0.3, pool=5).budget(0)
    model = task.fit(Popular())
    assert len(task.score(model).per_example) == len(task.limited)


# identity
def test_the_fingerprint_follows_the_content():
    task = small()
    assert task.fingerprint == small().fingerprint
    other_title = pd.DataFrame({"title": ["A"]}, index=["a"])
    changed = [
        small("recall@2"),
        small(relevant=2),
        small(limited=["ann"]),
        small(scale=(1, 6)),
        task.budget(1),
        task.budget(1, seed=1),
        RatingsTask(task.train, task.test, other_title, "ndcg@2"),
        RatingsTask(
            task.train, task.test, other_title.assign(since=pd.Timestamp("2020", tz="UTC")), "ndcg@2"
        ),
        RatingsTask(
            task.train.assign(rating=task.train["rating"].to_numpy()[::-1]), task.test, None, "ndcg@2"
        ),
        RatingsTask(task.train, task.test.assign(user=["bob", "ann"]), None, "ndcg@2"),
    ]
    prints = [task.fingerprint, *(each.fingerprint for each in changed)]
    assert len(set(prints)) == len(prints)
    assert files.digest(prints)


def test_training_and_test_share_a_catalogue():
    task = RatingsTask(ratings(("ann", "a", 1)), ratings(("bob", "b", 2)), metric="ndcg@1")
    assert task.users.tolist() == ["ann", "bob"]
    assert task.catalogue.tolist() == ["a", "b"]
    assert task.test["user"].cat.categories.equals(task.users)


# protocols
@pytest.mark.parametrize("by", ["per_user", "leave_one_out", "cold"])
def test_split_by_name(by):
    task = RatingsTask.split(world(), by=by, seed=3, name="mine", **({"pool": 5} if by == "cold" else {}))
    assert task.name == "mine"
    assert len(task.train) + len(task.test) == len(world())
    assert (len(task.limited) < USERS) == (by == "cold")


def test_split_names_what_it_does_not_know():
    with pytest.raises(UnknownName, match="no split 'leave_one'. Did you mean 'leave_one_out'?"):
        RatingsTask.split(world(), by="leave_one")
    with pytest.raises(
        UnknownName, match="no parameter of split 'per_user' 'test_size'. Did you mean 'test_share'"
    ):
        RatingsTask.split(world(), test_size=0.3)
    with pytest.raises(BadInput, match="needs a column timestamp"):
        RatingsTask.split(world(), by="time")


def test_a_split_that_holds_nothing_out_is_refused():
    rows = ratings(("ann", "a", 5), ("bob", "a", 4), ("cid", "b", 4))
    for by in ("per_user", "leave_one_out"):
        with pytest.raises(BadInput, match=f"The split '{by}' holds nothing out: no user has two ratings"):
            RatingsTask.split(rows, by=by, metric="ndcg@1")


def test_cold_start_draws_among_shared_users():
    books = Domain("books", "Books", world(), described())
    task = cold_start_task(books, [f"u{each:02d}" for each in range(10)], share=0.5, pool=4)
    assert len(task.limited) == 5
    assert set(task.limited) <= {f"u{each:02d}" for each in range(10)}
    assert task.name == "books"
    assert task.evaluated_users.isin(task.limited).all()
    with pytest.raises(BadInput, match=r"no users: 'books' has ids such as \['u00'\], the other \[7\]"):
        cold_start_task(books, [7, 8])


# what is seen
def test_an_example_shows_titles_categories_and_what_was_held_out():
    task = RatingsTask.split(world(), described())
    user = task.example_names()[0]
    shown = task.example(user, {"popular": task.fit(Popular()), "again": task.fit(Popular())})
    assert shown.columns.tolist() == ["popular", "again"]
    assert shown.index.tolist() == list(range(1, 11))
    said = {f"Title {each} (comedy)": f"i{each:02d}" for each in range(ITEMS - 1)} | {"i23": "i23"}
    tables = {"train": task.train, "test": task.test}
    mine = {part: set(table.loc[table["user"] == user, "item"]) for part, table in tables.items()}
    unseen = ITEMS - len(mine["train"])
    listed = shown["popular"].tolist()[:unseen]
    assert {said[line.removeprefix("✓ ")] for line in listed if line.startswith("✓")} <= mine["test"]
    assert not {said[line.removeprefix("✓ ")] for line in listed} & mine["train"]
    assert any(line.startswith("✓") for line in listed)


def test_an_example_of_an_unknown_user_is_refused():
    task = RatingsTask.split(world())
    with pytest.raises(BadInput, match="1 user id is not in the catalogue: 'u99'.*Did you mean"):
        task.example("u99", {"popular": task.fit(Popular())})


def test_titles_fall_back_on_ids():
    assert small().titles.to_dict() == {each: each for each in "abcd"}


# bad tables
def test_a_pair_in_training_and_test_is_refused():
    """One among others that are apart is enough, and it is the one that is named."""
    rows = ratings(("ann", "a", 5), ("bob", "a", 4), ("cem", "b", 3), ("ann", "b", 3))
    with pytest.raises(BadInput, match="1 test ratings are also in training, such as user 'bob', item 'a'"):
        RatingsTask(rows.iloc[:2], rows.iloc[[2, 1, 3]], metric="ndcg@1")


def test_k_beyond_the_catalogue_is_refused():
    with pytest.raises(BadInput, match="'ndcg@5' .* whole number from 1 to 4, the size of the catalogue"):
        small("ndcg@5")


def test_nobody_with_enough_stars_is_refused():
    with pytest.raises(
        BadInput, match="No held-out rating has 5 stars or more: the highest of the test is 4"
    ):
        small(relevant=5)


BAD_TABLES = {
    "lack the column 'user'. Did you mean 'usr'": lambda t: t.rename(columns={"user": "usr"}),
    "lack the column 'rating'.*found: user, item": lambda t: t.drop(columns="rating"),
    "1 rows have no rating, such as row 1": lambda t: t.assign(rating=t["rating"].where(t["item"] != "b")),
    "outside the scale 1 to 5, such as 9 in row 0": lambda t: t.assign(rating=9),
    "Ratings are numbers; found 'good'": lambda t: t.assign(rating="good"),
    "There are no ratings": lambda t: t.iloc[:0],
    "Ratings are numbers; found Timestamp": lambda t: t.assign(rating=pd.Timestamp("2020-03-09")),
    "Ratings are numbers; found Timedelta": lambda t: t.assign(rating=pd.Timedelta(3, "D")),
    "Ratings are numbers; found np.complex128": lambda t: t.assign(rating=3 + 0j),
}


@pytest.mark.parametrize("message", BAD_TABLES)
def test_a_table_that_cannot_be_used_is_refused(message):
    rows = ratings(("ann", "a", 5), ("ann", "b", 3), ("bob", "a", 4), ("bob", "c", 4))
    with pytest.raises(BadInput, match=message):
        RatingsTask.split(BAD_TABLES[message](rows), metric="ndcg@1", scale=(1, 5))


def test_repeated_rows_are_counted_and_the_last_stays():
    rows = ratings(("ann", "a", 5), ("ann", "b", 3), ("bob", "a", 4), ("bob", "c", 4), ("ann", "a", 1))
    with pytest.warns(UserWarning, match="1 of 5 rows repeat a user and item; the last of each stays"):
        task = RatingsTask.split(rows, metric="ndcg@1")
    both = pd.concat([task.train, task.test])
    assert both.loc[(both["user"] == "ann") & (both["item"] == "a"), "rating"].tolist() == [1]


def test_of_repeated_rows_the_latest_cannot_be_told_by_text():
    rows = ratings(("ann", "a", 1), ("ann", "a", 5), ("bob", "a", 4))
    when = ["9/3/2020", "10/3/2020", "1/1/2020"]
    with pytest.raises(BadInput, match="Timestamps are numbers or dates; found '9/3/2020', which sorts as"):
        as_ratings(rows.assign(timestamp=when))
    with pytest.warns(UserWarning, match="the latest of each stays"):
        found = as_ratings(rows.assign(timestamp=pd.to_datetime(when, dayfirst=True)))
    assert found["rating"].tolist() == [5, 4]
    assert len(as_ratings(rows.assign(timestamp=when)[1:])) == 2


def test_ids_of_several_types_are_looked_up_in_a_catalogue():
    rows = ratings(("ann", "a", 1), ("ann", 3, 5), ("bob", "a", 4))
    assert as_ratings(rows, items=["a", 3, "c"])["item"].cat.codes.tolist() == [0, 1, 0]
    with pytest.raises(BadInput, match="1 item id is not in the catalogue: 3"):
        as_ratings(rows, items=["a", "b"])


def test_a_catalogue_holds_each_id_once():
    with pytest.raises(BadInput, match="The catalogue of users repeats 'ann'; it holds each id once"):
        as_ratings(ratings(("ann", "a", 1)), users=["ann", "bob", "ann"])


def test_limited_users_are_in_the_catalogue():
    with pytest.raises(BadInput, match="1 user id is not in the catalogue: 'dan'"):
        small(limited=["ann", "dan"])
    with pytest.raises(BadInput, match="are users and items swapped"):
        small(limited=["a", "b"])


def test_a_table_of_other_items_is_refused():
    train, test = small().train, small().test
    known = pd.DataFrame({"title": ["A", "B"]}, index=["a", "b"])
    assert RatingsTask(train, test, known, "ndcg@2").titles.tolist() == ["A", "B", "c", "d"]
    more = pd.concat([known, pd.DataFrame({"title": ["Z"]}, index=["z"])])  # an item that nobody rated
    assert RatingsTask(train, test, more, "ndcg@2").titles.tolist() == ["A", "B", "c", "d"]
    with pytest.raises(
        BadInput, match=r"none of the rated items: its index begins \[0, 1\], the catalogue \['a'"
    ):
        RatingsTask(train, test, known.reset_index(), "ndcg@2")
    with pytest.raises(BadInput, match=r"repeats an id, such as \['a'\]"):
        RatingsTask(train, test, pd.concat([known, known]), "ndcg@2")
    with pytest.raises(BadInput, match="a DataFrame indexed by item id; got"):
        RatingsTask(train, test, ["a"], "ndcg@2")


# bad estimators
def test_an_estimator_that_cannot_score_is_refused():
    with pytest.raises(BadInput, match=r"BaseEstimator has no scores\(users\)"):
        small().score(BaseEstimator())
    with pytest.raises(BadInput, match=r"BaseEstimator has no predict\(users, items\)"):
        small("rmse").score(BaseEstimator())


def test_scores_that_are_no_numbers_or_of_another_shape_are_refused():
    with pytest.raises(TrainingProblem, match="Fixed scores items with what is not a number"):
        small().score(wish(ann=[1, 2, np.nan, 3], bob=[1, 2, 3, 4]))
    with pytest.raises(TrainingProblem, match="Fixed predicts stars that are not a number"):
        small("mae").score(Fixed(stars=np.nan))
    with pytest.raises(BadInput, match=r"gives scores of shape \(2, 3\).*make \(2, 4\)"):
        small().score(Fixed(pd.DataFrame(np.ones((2, 3)), index=["ann", "bob"])))


# cross-validation
def test_cross_validation_of_the_mean():
    table = world()
    found = cross_validate(Mean(), table, folds=4)
    assert found.columns.tolist() == ["fold", "rmse", "mae", "seconds"]
    assert found["fold"].tolist() == [1, 2, 3, 4]
    assert found["rmse"].mean() == pytest.approx(table["rating"].std(), rel=0.03)
    assert (found["seconds"] > 0).all()


# another catalogue, another purpose
def shuffled(task, seed=0):
    """The training ratings under the same catalogue in another order."""
    return as_ratings(task.train, items=task.catalogue[np.random.default_rng(seed).permutation(ITEMS)])


def test_an_estimator_is_judged_by_item_whatever_the_order_of_its_catalogue():
    task = RatingsTask.split(world(), described(), metric="ndcg@5")
    ours, theirs = task.fit(EASE(regularization=50)), EASE(regularization=50).fit(shuffled(task))
    assert not theirs.items_.equals(task.catalogue)
    assert theirs.objective_ == "ranking"
    assert task.score(theirs).metrics == pytest.approx(task.score(ours).metrics)
    shown = task.example("u03", {"ours": ours, "theirs": theirs})
    assert shown["ours"].equals(shown["theirs"])


def test_an_estimator_that_lacks_items_is_refused():
    task = RatingsTask.split(world(), metric="ndcg@5")
    fewer = task.train[task.train["item"] != "i07"].astype({"item": str})
    with pytest.raises(
        BadInput, match="EASE does not know 1 of the task's 24 items, such as 'i07'. Fit it with"
    ):
        task.score(EASE(random_state=0).fit(fewer))


def test_what_ranks_is_not_judged_by_stars():
    task = RatingsTask.split(world(), metric="rmse")
    with pytest.raises(BadInput, match="Popular ranks items and predicts no stars.*objective='rating'"):
        task.score(task.fit(Popular()))
    with pytest.raises(BadInput, match="EASE ranks items and predicts no stars"):
        cross_validate(EASE(random_state=0), world(), folds=2)
    assert task.score(task.fit(Mean())).metrics["rmse"] > 0


def test_an_example_shows_no_item_that_is_seen():
    task = small()
    shown = task.example("ann", {"mine": wish(ann=[9, 8, 2, 1])})
    assert shown["mine"].tolist() == ["✓ c", "d", "", ""]


# who is limited
def test_the_test_is_about_the_limited_users():
    for limited in (["ann"], "ann", pd.Index(["ann"])):
        task = small(limited=limited)
        assert task.limited.tolist() == task.evaluated_users.tolist() == ["ann"]
        assert task.test["user"].tolist() == ["ann"]
    with pytest.raises(BadInput, match=r"None of the `limited` users has a test rating.*\['ann', 'bob'\]"):
        small(limited=["cid"])


def test_stars_of_the_limited_users_alone_are_judged():
    task = small("rmse", limited=["bob"], scale=(1, 5))
    assert task.score(Fixed(stars=4.0)).metrics == {"rmse": 2, "mae": 2}


@pytest.mark.parametrize("scale", [5, (1,), (1, 2, 3)])
def test_a_scale_is_two_numbers(scale):
    with pytest.raises(BadInput, match=r"scale is the lowest and the highest rating.*\(1, 5\); got"):
        small(scale=scale)
    with pytest.raises(BadInput, match="scale is the lowest and the highest"):
        RatingsTask.split(world(), scale=scale)


def test_the_seed_of_a_budget_is_a_whole_number():
    for seed in (-1, None, "0"):
        with pytest.raises(BadInput, match="seed is a whole number, 0 or more; got"):
            small().budget(1, seed)


# domains of your own
def plain(seed=0):
    return world(seed).astype({"user": str, "item": str})


def test_cold_start_takes_tables_and_domains_in_either_place():
    ways = {"share": 0.5, "pool": 4, "metric": "ndcg@5"}
    others = plain(1).query("user < 'u15'")
    expected = cold_start_task(Domain("ratings", "Mine", world()), others["user"].unique(), **ways)
    theirs = [others, others["user"], Domain("other", "Other", others)]
    for target in (plain(), Domain("ratings", "Mine", plain())):
        for known in theirs:
            assert cold_start_task(target, known, **ways).fingerprint == expected.fingerprint


def test_a_domain_checks_its_ratings_once():
    assert Domain("mine", "Mine", plain()).ratings.equals(world())
    checked = world()
    assert Domain("mine", "Mine", checked).ratings is checked
    for odd in ([1, 2], plain()["user"], plain().drop(columns="item")):
        with pytest.raises(BadInput, match=r"Ratings come as a DataFrame|lack the column"):
            Domain("mine", "Mine", odd)


def test_users_may_belong_together():
    table = pd.DataFrame(
        [(user, item, 1.0) for user in "abcdef" for item in range(4)], columns=["user", "item", "rating"]
    )
    task = RatingsTask.split(table, by="leave_one_out", seed=0, metric="ndcg@2")
    homes = {user: place // 2 for place, user in enumerate("abcdef")}
    grouped = RatingsTask(task.train, task.test, metric="ndcg@2", groups=homes)
    assert grouped.groups.tolist() == [homes[user] for user in grouped.evaluated_users]
    with pytest.raises(
        BadInput, match=r"groups= says nothing of 1 of 6 evaluated users \(f\): give each a group"
    ):
        RatingsTask(task.train, task.test, metric="ndcg@2", groups=dict.fromkeys("abcde", 0))
