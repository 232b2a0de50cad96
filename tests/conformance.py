"""What every estimator keeps, of whatever modality: a suite inherits it and finds its cases itself."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError


@dataclass(repr=False)
class Case:
    """An estimator and what it is fitted on.

    Parameters
    ----------
    label : str
        For the test's name.
    make : callable
        Gives the estimator, unfitted and with a seed.
    data, other : tuple
        The arguments of its `fit`, and those of another fit, to be forgotten.
    predict : callable
        Takes a fitted estimator and gives an array.
    """

    label: str
    make: Callable[[], BaseEstimator]
    data: tuple[Any, ...]
    other: tuple[Any, ...]
    predict: Callable[[Any], np.ndarray]

    @cached_property
    def fitted(self) -> Any:
        """A fit that all tests share: none may change it."""
        return self.make().fit(*self.data)

    def __repr__(self) -> str:
        return self.label


def each(cases: list[Case]) -> pytest.MarkDecorator:
    """Mark a suite to be run for each of the cases."""
    return pytest.mark.parametrize("case", cases, ids=str)


class EveryEstimator:
    """Tests of one `case`; a suite is a subclass under `each`, with tests of its own beside these."""

    def test_parameters_go_in_as_they_come_out(self, case):
        made = case.make()
        params = made.get_params(deep=False)
        again = type(made)(**params)
        assert again.get_params(deep=False) == params
        assert clone(again).set_params(**params).get_params(deep=False) == params

    def test_a_clone_of_a_fit_has_its_parameters_and_knows_nothing(self, case):
        copy = clone(case.fitted)
        assert repr(copy) == repr(case.fitted)
        assert vars(copy).keys() == vars(case.make()).keys()

    def test_nothing_is_predicted_before_a_fit(self, case):
        with pytest.raises(NotFittedError):
            case.predict(case.make())

    def test_a_fit_changes_neither_data_nor_parameters(self, case):
        made = case.make()
        data, params, said = joblib.hash(case.data), made.get_params(deep=False), repr(made)
        assert made.fit(*case.data) is made
        case.predict(made)
        assert joblib.hash(case.data) == data
        assert all(value is params[name] for name, value in made.get_params(deep=False).items())
        assert repr(made) == said

    def test_the_same_seed_gives_the_same_predictions(self, case):
        again = clone(case.fitted).fit(*case.data)
        np.testing.assert_array_equal(case.predict(again), case.predict(case.fitted))

    def test_a_second_fit_forgets_the_first(self, case):
        twice = case.make().fit(*case.other)
        case.predict(twice)
        np.testing.assert_array_equal(case.predict(twice.fit(*case.data)), case.predict(case.fitted))

    def test_a_pickle_predicts_the_same(self, case):
        copy = pickle.loads(pickle.dumps(case.fitted))
        np.testing.assert_array_equal(case.predict(copy), case.predict(case.fitted))
