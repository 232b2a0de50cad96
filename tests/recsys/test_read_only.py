"""Tables that a task holds: nobody changes them under the scores that are stored of it."""

import pickle

import numpy as np
import pandas as pd
import pytest

from tlkit import compare, load_source, load_task
from tlkit.errors import BadInput
from tlkit.recsys.data.read_only import ReadOnlyTable
from tlkit.recsys.models import Popularity
from tlkit.recsys.strategies.alone import TargetOnly
from tlkit.recsys.tasks import RatingsTask

EDITS = {
    "a cell": "table.loc[0, 'rating'] = 5",
    "a cell by place": "table.iloc[0, 2] = 5",
    "a cell, fast": "table.at[0, 'rating'] = 5",
    "a cell by place, fast": "table.iat[0, 2] = 5",
    "a column": "table['rating'] *= 2",
    "a column as an attribute": "table.rating = 5",
    "a column by place": "table.isetitem(2, 5)",
    "rows of a mask": "table[table['rating'] > 3] = 0",
    "a new column": "table.insert(0, 'weight', 1)",
    "a column less": "del table['rating']",
    "a column taken out": "table.pop('rating')",
    "a row more": "table.loc[len(table)] = table.iloc[0]",
    "other names": "table.columns = ['user', 'rating', 'item']",
    "another index": "table.index = table.index[::-1]",
    "another order": "table.sort_values('rating', inplace=True)",
    "rows less": "table.drop(index=0, inplace=True)",
    "values replaced": "table.replace({'rating': 4.0}, 1.0, inplace=True)",
    "values from elsewhere": "table.update(pd.DataFrame({'rating': [5.0]}))",
    "an expression": "table.eval('rating = rating * 2', inplace=True)",
    "the array of a column": "table['rating'].to_numpy()[0] = 5",
    "the codes of a column": "table['user'].array.codes[0] = 1",
}


def ratings(seed=0):
    draw = np.random.default_rng(seed)
    pairs = np.argwhere(draw.random((12, 15)) < 0.5)
    return pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=draw.integers(1, 6, len(pairs)) * 1.0)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("drawn", [False, True], ids=["whole", "drawn"])
def test_a_table_of_a_task_cannot_be_edited(edit, drawn):
    task = RatingsTask.split(ratings())
    task = task.budget(2) if drawn else task
    before = task.train.copy()
    with pytest.raises(ValueError, match="read-only"):
        exec(edit, {"table": task.train, "pd": pd})
    pd.testing.assert_frame_equal(task.train.copy(), before)


@pytest.mark.parametrize("name", ["train", "test", "items"])
def test_a_table_of_a_task_cannot_be_replaced(name):
    task = RatingsTask.split(ratings())
    with pytest.raises(AttributeError):
        setattr(task, name, ratings(1))


def test_the_refusal_says_what_to_do():
    with pytest.raises(
        BadInput, match=r"belongs to a task.* Change a copy, such as task.train.copy\(\), and"
    ):
        RatingsTask.split(ratings()).test.loc[0, "rating"] = 1


def test_what_was_given_may_change_and_the_task_does_not():
    given, items = ratings(), pd.DataFrame({"genre": np.arange(15)})
    task, other = (RatingsTask.split(given, items) for _ in "ab")
    print_before, train = task.fingerprint, task.train.copy()
    given["rating"] = 0.0
    items.loc[:, "genre"] = 7
    pd.testing.assert_frame_equal(task.train.copy(), train)
    assert task.items["genre"].tolist() == list(range(15))
    assert other.fingerprint == print_before  # made before the edit, digested after it
    with pytest.raises(BadInput, match="read-only"):
        task.items.loc[0, "genre"] = 3


def test_the_ratings_of_a_source_cannot_be_edited():
    source = load_source("two_shops", n_users=60, n_items=100)
    with pytest.raises(BadInput, match="read-only"):
        source.task.train["rating"] = 1.0
    with pytest.raises(AttributeError):
        source.task = load_task("two_shops", n_users=60, n_items=100)


def test_a_study_of_an_edited_copy_is_not_the_one_that_is_stored():
    task = load_task("two_shops", n_users=60, n_items=100)
    edited = task.train.copy()
    edited["item"] = edited["item"].cat.rename_categories(
        dict(zip(task.catalogue, task.catalogue[::-1], strict=True))
    )
    other = RatingsTask(edited.query("user not in @task.limited"), task.test, metric=task.metric)
    found = [
        compare({"popular": TargetOnly(model=Popularity())}, None, each, seeds=1, callbacks=[]).table
        for each in (task, other, task)
    ]
    first, second, again = (table["ndcg@10"].mean() for table in found)
    assert first == again != second


def test_a_selection_is_a_plain_table_and_a_pickle_stays_read_only():
    table = ReadOnlyTable(ratings())
    for plain in (table.copy(), table[table["rating"] > 3], table.assign(rating=1.0), table.head(3)):
        assert type(plain) is pd.DataFrame
        plain["rating"] = 2.0
    again = pickle.loads(pickle.dumps(table))
    pd.testing.assert_frame_equal(again.copy(), ratings())
    with pytest.raises(BadInput, match="read-only"):
        again["rating"] = 1.0
