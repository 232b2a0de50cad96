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

WORDS, LENGTH, WIDTH = 512, 8, 16
GOOD, BAD = ["warm", "kind", "bright", "sweet", "lovely"], ["cold", "rude", "grim", "sour", "dreadful"]
TOPICS = {"films": ["plot", "actor", "scene", "ending"], "food": ["soup", "bread", "waiter", "table"]}


class Bag(Classifier):
    def __init__(self, architecture, inputs, n_classes):
        backbone = nn.Sequential(nn.EmbeddingBag(WORDS, WIDTH, padding_idx=0), nn.LayerNorm(WIDTH))
        super().__init__(architecture, inputs, nn.Identity(), backbone, WIDTH, n_classes)


def as_words(X):
    """Number the words of texts, (N, LENGTH); what is numbered already stays."""
    if isinstance(X, np.ndarray) and X.dtype == np.int64:
        return X
    numbers = [[1 + zlib.crc32(word.encode()) % 511 for word in text.split()] for text in X]
    return np.array([(row + [0] * LENGTH)[:LENGTH] for row in numbers], dtype=np.int64).reshape(-1, LENGTH)


class TextStrategy(ClassificationStrategy):
    modality, examples, such_a_source = "toy text", "texts", "toy_films"
    network, as_inputs = Bag, staticmethod(as_words)
    inputs_for = staticmethod(lambda architecture, shape: {})


for kind in (scratch.Scratch, finetune.FineTune, frozen.Probe, frozen.Nearest):
    names = {"name": kind.__name__.lower(), "__module__": __name__, "__doc__": kind.__doc__}
    globals()[kind.__name__] = hyperparameters(type(kind.__name__, (TextStrategy, kind), names))


class TextTask(ClassificationTask):
    strategy_base = TextStrategy


@tasks.named("toy_reviews")
def reviews(topic="food", n=60, seed=0):
    draw, y = np.random.default_rng(seed), np.arange(n + 100) % 2
    said = [[*draw.choice([GOOD, BAD][label], 2), *draw.choice(TOPICS[topic], 5)] for label in y]
    X = [" ".join(draw.permutation(words)) for words in said]
    return TextTask(X[:n], y[:n], X[n:], y[n:], ("good", "bad"), topic)


@sources.named("toy_films")
def films():
    task = load_task("toy_reviews", topic="films", n=400)
    fitted = task.fit(task.strategy("scratch", architecture="bag", random_state=0))
    return Source.from_fitted(fitted, "films", task=task)
