"""A modality of numbers instead of pictures: strategies that guess a target mean, in milliseconds."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from tlkit.study.source import Card, Source
from tlkit.study.strategy import Strategy
from tlkit.study.task import Score, Task

STEPS = 5


class Guess(Strategy):
    """Base of the toy strategies: right on a share of the test examples that grows with the budget."""

    skill = 0.0

    def __init__(self, source=None, random_state=0, pause=0.0):
        self.source, self.random_state, self.pause = source, random_state, pause

    def fit(self, X, y=None, callbacks=()):
        self.n_trainable_, self.history_, self.right_ = 1, [], self.share(len(X))
        for step in range(1, STEPS + 1):
            time.sleep(self.pause)
            record = {"step": step, "steps": STEPS, "loss": 1 / step, "valid_loss": 1.2 / step}
            self.history_.append(record)
            for callback in callbacks:
                callback.on_step(record)
        return self

    def share(self, budget):
        return min(0.3 + 0.02 * budget + self.skill, 0.99)


class AtOnce(Guess):
    """As good as its base, without a training step."""

    name, title, idea = "at once", "At once", "Is solved in closed form."

    def fit(self, X, y=None, callbacks=()):
        self.n_trainable_, self.history_, self.right_ = 1, [], self.share(len(X))
        return self


class Climber(Guess):
    """Predicts while it trains: right on a share that starts at `least` and grows with each step."""

    predicts_in_training = True

    def __init__(self, source=None, random_state=0, pause=0.0, rate=1.0, least=0.3, rounds=1):
        super().__init__(source, random_state, pause)
        self.rate, self.least, self.rounds = rate, least, rounds

    def fit(self, X, y=None, callbacks=()):
        self.n_trainable_, self.history_ = 1, []
        for number in range(self.rounds * STEPS):
            self.tick()
            self.right_ = self.least + 0.01 * len(X) + 0.06 * self.rate * (number + 1)
            record = {"step": number % STEPS + 1, "steps": STEPS, "loss": 1 / (number + 1)}
            self.history_.append(record)
            for callback in callbacks:
                callback.on_step(record)
        return self

    def tick(self):
        time.sleep(self.pause)


class Alone(Guess):
    name, title, idea = "alone", "Alone", "Learns from the target only."
    uses_source = False


class Helper(Guess):
    name, title, idea = "helper", "Helper", "Brings knowledge that fits."
    skill = 0.3


class Mixture(Guess):
    """As good as it is by itself; its source adds nothing."""

    name, title, idea = "mixture", "Mixture", "Mixes several models, with or without a source."

    def __init__(self, source=None, random_state=0, pause=0.0, skill=0.3):
        super().__init__(source, random_state, pause)
        self.skill = skill

    def source_free(self):
        return Mixture(skill=self.skill)


class Misleader(Guess):
    name, title, idea = "misleader", "Misleader", "Brings knowledge that does not fit."
    skill = -0.25


class Broken(Guess):
    name, title, idea = "broken", "Broken", "Fails, to show how an error looks."

    def share(self, budget):
        raise ValueError("<b>broken</b> on purpose")


class Numbers(Task):
    """A task whose examples are right or wrong at random, as often as the strategy says."""

    name, metric, baseline, budget_unit, max_budget = "numbers", "accuracy", "alone", "labels a class", 20
    strategy_base = Guess
    min_budget, fingerprint, n_examples = 0, "", 300

    def __init__(self, rows=20, seed=0, similarity=None):
        self.rows, self.seed, self.similarity = rows, seed, similarity
        self.fingerprint = f"numbers {rows} {seed} {similarity}"

    def budget(self, n, seed=0):
        return type(self)(n, seed, self.similarity)

    def at_similarity(self, similarity):
        return type(self)(self.rows, self.seed, similarity)

    def fit(self, estimator, callbacks=()):
        return estimator.fit(np.zeros(self.rows), callbacks=callbacks)

    def example_names(self):
        return [f"unit {i}" for i in range(5)]

    def example(self, name, fitted):
        said = {
            label: ["right" if unit else "wrong <b>", self.rows, self.similarity]
            for label, estimator in fitted.items()
            for unit in [self.score(estimator).per_example[int(name.split()[1])]]
        }
        return pd.DataFrame(said, index=["outcome", "budget", "similarity"])

    def score(self, estimator):
        fit = 1 if self.similarity is None else self.similarity
        share = estimator.right_ if estimator.skill == 0 else estimator.right_ - (1 - fit) * 0.6
        right = (np.random.default_rng(self.seed).random(300) < share).astype(float)
        return Score({"accuracy": float(right.mean())}, right)


class Errors(Numbers):
    """The same, told by how often they are wrong."""

    name, metric, percent, greater_is_better = "errors", "mean_error", False, False

    def score(self, estimator):
        right = 1 - super().score(estimator).per_example
        return Score({"mean_error": float(right.mean())}, right)


def toy_source():
    """A source with nothing in it."""
    card = Card(name="toy", title="Toy source", architecture={"name": "none"}, inputs={}, classes=("a", "b"))
    return Source(card, {})
