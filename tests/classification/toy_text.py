"""A modality of short texts: one task, one loader, one base; its strategies are inherited."""

import zlib

import numpy as np
from torch import nn

from tlkit.classification.networks import Classifier
from tlkit.classification.strategies import finetune, frozen, scratch
from tlkit.classification.strategies.base import ClassificationStrategy
from tlkit.classification.tasks import ClassificationTask
from tlkit.study.register import load_task, sources, tasks
from tlkit.study.source import Source
from tlkit.study.strategy import hyperparameters

SAID = ["warm", "kind", "bright", "sweet", "lovely"], ["cold", "rude", "grim", "sour", "dreadful"]
TOPICS = {"films": ["plot", "actor", "scene", "ending"], "food": ["soup", "bread", "waiter", "table"]}


class Bag(Classifier):
    def __init__(self, architecture, inputs, n_classes):
        bag = nn.Sequential(nn.EmbeddingBag(512, 16, padding_idx=0), nn.LayerNorm(16))
        super().__init__(architecture, inputs, nn.Identity(), bag, 16, n_classes)


def as_words(X):
    """Number the first eight words of texts, (N, 8); what is numbered already stays."""
    if isinstance(X, np.ndarray) and X.dtype == np.int64:
        return X
    numbers = [[1 + zlib.crc32(word.encode()) % 511 for word in text.split()] for text in X]
    return np.array([(row + [0] * 8)[:8] for row in numbers], dtype=np.int64).reshape(-1, 8)


class TextStrategy(ClassificationStrategy):
    modality, examples, network, as_inputs = "toy text", "texts", Bag, staticmethod(as_words)
    inputs_for = staticmethod(lambda architecture, shape: {})


for kind in (scratch.Scratch, finetune.FineTune, frozen.Probe, frozen.Nearest):
    said = {"name": kind.__name__.lower(), "__module__": __name__, "__doc__": kind.__doc__}
    globals()[kind.__name__] = hyperparameters(type(kind.__name__, (TextStrategy, kind), said))


class TextTask(ClassificationTask):
    strategy_base = TextStrategy


@tasks.named("toy_reviews")
def reviews(topic="food", n=60, seed=0):
    draw, y = np.random.default_rng(seed), np.arange(n + 100) % 2
    words = ([*draw.choice(SAID[label], 2), *draw.choice(TOPICS[topic], 5)] for label in y)
    X = [" ".join(draw.permutation(each)) for each in words]
    return TextTask(X[:n], y[:n], X[n:], y[n:], ("good", "bad"), topic)


@sources.named("toy_films")
def films():
    task = load_task("toy_reviews", topic="films", n=400)
    scratch = task.strategy("scratch", architecture="bag", random_state=0)
    return Source.from_fitted(task.fit(scratch), "films", task=task)
