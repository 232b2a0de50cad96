"""Pictures that strategies tell apart in a second, and a small source that knows them."""

from __future__ import annotations

import functools

import numpy as np
import torch

from tlkit.study.source import Card, Source
from tlkit.vision.networks.backbones import Network
from tlkit.vision.strategies import Scratch

ARCHITECTURE = {"name": "convnet", "channels": 1, "width": 4}
INPUTS = {"channels": 1, "size": None, "mean": [0.3], "std": [0.3]}
QUICK = {"min_steps": 30, "epochs": 1, "augment": "none"}


@functools.cache
def stripes(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """16x16 pictures of vertical, horizontal or diagonal stripes under noise: pictures and labels."""
    draw, y = np.random.default_rng(0), np.arange(n) % 3
    row, column = np.mgrid[:16, :16]
    patterns = np.stack([column % 4 < 2, row % 4 < 2, (row + column) % 4 < 2]) * 120.0
    return (patterns[y] + draw.uniform(0, 120, (n, 16, 16))).astype(np.uint8)[:, None], y


@functools.cache
def source() -> Source:
    """A small network that tells the stripes apart."""
    torch.manual_seed(0)
    card = Card("start", "", ARCHITECTURE, INPUTS, ("v", "h", "d"), kind="vision")
    start = Source(card, Network(ARCHITECTURE, INPUTS, 3).state_dict())
    fitted = Scratch(source=start, random_state=0, **QUICK | {"min_steps": 60}).fit(*stripes())
    return Source.from_fitted(fitted, "stripes")
