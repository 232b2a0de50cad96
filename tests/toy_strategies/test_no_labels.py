"""Unlabelled pictures and a budget of 0: who gets them, and who is told that they need labels."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from test_coral import Coral

import tlkit
from tlkit.errors import BadInput
from tlkit.vision.strategies import FineTune


def test_a_search_gets_the_unlabelled_too_and_other_strategies_need_labels(stripes, marks):
    search = GridSearchCV(Coral(source=stripes, augment="none", min_steps=2), {"weight": [0.0, 0.01]}, cv=2)
    fitted = stripes.task.budget(4).fit(search)
    assert fitted.best_estimator_.history_[-1]["steps"] == 2
    with pytest.raises(BadInput, match=r"budget of 0 labels a class is for strategies that need none; got"):
        tlkit.compare(["finetune"], stripes, marks, [0])
    with pytest.raises(BadInput, match=r"Strategy 'probe' needs labels, and a budget of 0 has none"):
        tlkit.transfer("probe", stripes, marks.budget(0))


def test_a_budget_keeps_what_it_does_not_label(marks):
    drawn = marks.budget(4, seed=1)
    assert len(drawn.unlabelled) == len(marks.X) - 12
    seen = {picture.tobytes() for picture in np.concatenate([drawn.X, drawn.unlabelled])}
    assert seen == {picture.tobytes() for picture in marks.X}
    nothing = marks.budget(0)
    assert (len(nothing.X), len(nothing.unlabelled), nothing.classes) == (0, len(marks.X), marks.classes)


def test_labels_of_minus_one_are_unlabelled_beside_two_classes_only(stripes, marks):
    quick = FineTune(source=stripes, min_steps=1, epochs=0)
    X, y = marks.X[:9], marks.y[:9].copy()
    y[:3] = -1
    assert quick.fit(X, y).classes_.tolist() == [0, 1, 2]
    assert quick.score(X[3:], y[3:]) == quick.score(X, y)
    with pytest.raises(BadInput, match=r"-1 means that an example has none.*re-code"):
        quick.fit(X, np.where(y == 0, 1, -1))
