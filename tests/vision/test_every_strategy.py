"""What every picture strategy keeps; a new one is found and tested without being listed."""

from __future__ import annotations

import functools
import inspect

import conformance
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from stripes import QUICK, source, stripes

from tlkit.errors import BadInput
from tlkit.study.source import Source
from tlkit.vision.tasks import ImageTask


def strategy(kind: type, **params):
    """One with a seed, and few steps where it takes any by default."""
    own = inspect.signature(kind).parameters
    steps = QUICK if "min_steps" in own and own["min_steps"].default else {}
    return kind(source=source(), random_state=0, **steps, **params)


SHIPPED = [kind for kind in ImageTask.strategies().values() if kind.__module__.startswith("tlkit.")]
CASES = [
    conformance.Case(
        kind.name,
        functools.partial(strategy, kind),
        stripes(),
        (stripes()[0][:40, :, ::-1], stripes()[1][:40] % 2),
        lambda fitted: fitted.predict_proba(stripes()[0]),
    )
    for kind in SHIPPED
]


@conformance.each(CASES)
class TestEveryStrategy(conformance.EveryEstimator):
    def test_it_learns_easy_pictures(self, case):
        (X, y), fitted = stripes(150), case.fitted
        assert fitted.score(X[90:], y[90:]) > 0.8
        assert np.allclose(fitted.predict_proba(X).sum(1), 1, atol=1e-5)

    def test_it_works_in_searches(self, case):
        X, y = stripes()
        assert case.make().source is source()
        assert cross_val_score(case.make(), X, y, cv=2).shape == (2,)
        search = GridSearchCV(case.make(), {"random_state": [0, 1]}, cv=2).fit(X, y)
        assert search.best_estimator_.classes_.tolist() == [0, 1, 2]

    def test_labels_may_be_words_and_unlabelled_examples_are_left_aside(self, case):
        X, y = stripes()
        words = np.array(["vertical", "horizontal", "diagonal"])[y]
        fitted = case.make().fit(X, words)
        assert set(fitted.predict(X[:5])) <= set(words)
        some = case.make().fit(X, np.where(np.arange(90) < 60, y, -1))
        np.testing.assert_array_equal(case.predict(some), case.predict(case.make().fit(X[:60], y[:60])))

    def test_bad_input_is_refused(self, case):
        X, y = stripes()
        with pytest.raises(BadInput, match="90 pictures and 89 labels"):
            case.make().fit(X, y[:-1])
        with pytest.raises(BadInput, match="NaN of"):
            case.make().fit(np.where(X.max() == X, np.nan, X / 255), y)
        with pytest.raises(BadInput, match=r"found shape \(90, 256\)"):
            case.make().fit(X.reshape(90, -1), y)
        with pytest.raises(BadInput, match="at least two classes"):
            case.make().fit(X, np.zeros(90, int))
        with pytest.raises(BadInput, match="needs labels, and all 90 are -1"):
            case.make().fit(X, np.full(90, -1))
        with pytest.raises(BadInput, match=r"Fitted on pictures of shape \(1, 16, 16\)"):
            case.fitted.predict(X[:, :, :8, :8])
        with pytest.raises(BadInput, match=f"Strategy '{case.label}' needs a source"):
            clone(case.make()).set_params(source=None).fit(X, y)

    def test_what_it_exports_predicts_the_same_after_a_reload(self, case, tmp_path):
        made = Source.from_fitted(case.fitted, "made")
        back = Source.load(made.save(tmp_path / "made"))
        assert (back.card, back.fingerprint) == (made.card, made.fingerprint)
        as_it_is = type(case.fitted).before_transfer(back)
        np.testing.assert_allclose(as_it_is.predict_proba(stripes()[0]), case.predict(case.fitted), atol=1e-6)
