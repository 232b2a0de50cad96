"""Under which name a trial is stored: the code that it rests on counts, and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn
from toys import Helper, Numbers

from tlkit.recsys.models import EASE, ImplicitALS
from tlkit.study import trial_cache
from tlkit.study.source import Card, Source
from tlkit.system import provenance
from tlkit.vision.strategies.frozen import Probe
from tlkit.vision.strategies.scratch import Scratch
from tlkit.vision.tasks import ImageTask


@pytest.fixture
def task(rng):
    X, y = rng.integers(0, 256, (8, 1, 8, 8), dtype=np.uint8), np.arange(8) % 2
    return ImageTask(X[:4], y[:4], X[4:], y[4:])


@pytest.fixture
def asked(monkeypatch):
    """The modules that keys have been made of."""
    calls = []
    monkeypatch.setattr(provenance, "code", lambda modules, alone: calls.append((modules, alone)) or "code")
    return calls


def modules_of(asked, estimator, task):
    trial_cache.key(estimator, task, 1, 0)
    modules, _ = asked[-1]
    return provenance.closure(modules)


def test_a_trial_of_pictures_rests_on_its_strategy_and_task_only(asked, task):
    needed = modules_of(asked, Probe(), task)
    assert {Probe.__module__, ImageTask.__module__, "tlkit.training.fitting"} <= needed
    assert "tlkit.vision.strategies.scratch" not in needed
    assert not [name for name in needed if name.startswith(("tlkit.panels", "tlkit.recsys", "tlkit.figures"))]


def test_what_draws_and_scores_a_trial_counts_without_the_figures(asked, task):
    trial_cache.key(Probe(), task, 1, 0)
    assert "tlkit.study.attempt" in asked[-1][1]


def test_estimators_inside_others_count(asked, task):
    alone = modules_of(asked, make_pipeline(Probe()), task)
    nested = modules_of(asked, GridSearchCV(make_pipeline(Probe(), EASE()), {"ease": [ImplicitALS()]}), task)
    assert Probe.__module__ in alone
    assert EASE.__module__ not in alone
    assert {EASE.__module__, ImplicitALS.__module__} <= nested


def load(name):
    return name


def test_what_loads_a_sources_task_counts(asked, task):
    card = Card(name="toy", title="Toy", architecture={"name": "none"})
    bare = modules_of(asked, Probe(source=Source(card, {})), task)
    card = replace(card, task={"name": "glyphs", "params": {}})
    with_task = modules_of(asked, Probe(source=Source(card, {})), task)
    assert "tlkit.vision.images.files" not in bare
    assert "tlkit.vision.images.files" in with_task


@pytest.mark.parametrize(
    "estimator",
    [Helper(), make_pipeline(FunctionTransformer(load), Probe()), GridSearchCV(Helper(), {"pause": [0]})],
    ids=["class", "function", "inner class"],
)
def test_a_users_code_may_use_anything_so_every_module_counts(asked, task, estimator):
    assert modules_of(asked, estimator, task) == provenance.everything()


class Mine(nn.Flatten):
    pass


def of_module(*layers):
    inputs = {"channels": 1, "size": 8, "mean": [0.5], "std": [0.5]}
    return Source.from_module(nn.Sequential(*layers), inputs=inputs, classes=("a", "b"))


def test_a_users_network_too_and_none_that_torch_wrote(asked, task):
    mine, theirs = (Probe(source=of_module(kind(), nn.Linear(64, 2))) for kind in (Mine, nn.Flatten))
    assert modules_of(asked, mine, task) == provenance.everything()
    assert "tlkit.recsys.tasks" not in modules_of(asked, theirs, task)


def test_of_a_network_that_is_not_transferred_the_weights_do_not_count(task):
    one, other = (of_module(nn.Flatten(), nn.Linear(64, 2)) for _ in range(2))
    wider = of_module(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 2))
    keys = [
        trial_cache.key(kind(source=each), task, 1, 0) for kind in (Scratch, Probe) for each in (one, other)
    ]
    assert keys[0] == keys[1] and keys[2] != keys[3]
    assert trial_cache.key(Scratch(source=wider), task, 1, 0) != keys[0]


def test_a_users_task_too(asked):
    assert modules_of(asked, Probe(), Numbers()) >= provenance.everything()
