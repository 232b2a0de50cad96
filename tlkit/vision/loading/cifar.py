"""Published weights of CIFAR-10's residual networks, as sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from torch import Tensor

from tlkit.classification.networks import load_state
from tlkit.study.register import Loader
from tlkit.study.source import Card, Source
from tlkit.study.weight_files import read_state_dict
from tlkit.system import files
from tlkit.vision.loading.weights import COUNTER, own_name
from tlkit.vision.networks.backbones import IMAGENET, Network

PUBLISHED = "https://raw.githubusercontent.com/akamaster/pytorch_resnet_cifar10/master/pretrained_models/"
FILES = {"resnet20": "resnet20-12fca82f.th", "resnet56": "resnet56-4bfd9763.th"}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
INPUTS = IMAGENET | {"size": 32}  # they were trained with ImageNet's mean and spread


def names() -> tuple[str, ...]:
    """Return the names of the networks."""
    return tuple(FILES)


def find(name: str) -> Loader | None:
    """Find the loader of a residual network with weights of CIFAR-10."""
    return partial(published, name) if name in FILES else None


def published(name: str, /, *, weights: str | Path | None = None, sha256: str | None = None) -> Source:
    """Load a residual network that was trained on CIFAR-10 by Yerlan Idelbayev (2018).

    Parameters
    ----------
    name : {"resnet20", "resnet56"}
    weights : path, optional
        A local weight file; by default the published one: from ``weights/`` in ``TLKIT_DATA``, from the
        cache, or downloaded.
    sha256 : str, optional
        Checksum of `weights`, verified before it is read.

    Raises
    ------
    BadInput
        If the weights are of another architecture.
    FileProblem
        If a file is missing, damaged, or of another kind.
    """
    path = Path(weights) if weights is not None else _published_file(FILES[name])
    card = Card(
        name=name,
        title=f"{name}, CIFAR-10",
        architecture={"name": "cifar_resnet", "depth": int(name.removeprefix("resnet"))},
        inputs=INPUTS,
        classes=CLASSES,
        data=f"CIFAR-10's 50,000 training pictures (weights: {path.name})",
        licence="BSD-3-Clause, (c) 2018 Yerlan Idelbayev; see also the data's terms.",
        kind="vision",
    )
    return Source(card, _as_named(card, read_state_dict(path, sha256), path.name))


def _published_file(name: str) -> Path:
    """Find or fetch a file; its name ends in the first characters of its SHA-256."""
    prefix = Path(name).stem.rpartition("-")[2]
    local = files.find_local(f"weights/{name}")
    if local is None:
        return files.download(PUBLISHED + name, files.cache_dir() / "data" / "weights" / name, sha256=prefix)
    files.verify(local, prefix)
    return local


def _as_named(card: Card, state: Mapping[str, Tensor], file: str) -> dict[str, Tensor]:
    """Return a file's weights under a `Network`'s names, all of which it must have."""
    network = Network(card.architecture, card.inputs, len(card.classes))
    own = network.state_dict()
    places = {name.removeprefix("backbone.").replace("head.", "linear."): name for name in own}
    counters = {name: value for name, value in own.items() if COUNTER in name}
    found = {places.get(own_name(given, places) or given, given): value for given, value in state.items()}
    load_state(network, counters | found, file)
    return network.exported()
