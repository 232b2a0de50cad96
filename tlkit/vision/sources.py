"""Picture sources: shipped ones, torchvision's networks with ImageNet weights, local weight files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from tlkit.classification import networks
from tlkit.classification.networks import HEAD
from tlkit.study import register
from tlkit.study.register import Loader, sources
from tlkit.study.source import Card, Source
from tlkit.study.weight_files import read_state_dict
from tlkit.system import files
from tlkit.vision.loading import cifar, modules
from tlkit.vision.loading.weights import load_into
from tlkit.vision.networks import backbones
from tlkit.vision.networks.backbones import Network
from tlkit.vision.strategies.base import ImageStrategy

# What `Source.predict`, `Source.randomized` and `Source.from_module` ask.
answers = ImageStrategy.before_transfer
random_state = partial(networks.random_state, Network)
parts_of_module = modules.parts_of_module

SHIPPED = {  # titles as on the cards
    "glyphs": "Printed characters",
    "shape": "Generated worlds: shape",
    "texture": "Generated worlds: texture",
}


def shipped(name: str) -> Source:
    """Load a source that tlkit ships."""
    return Source.load(files.shipped(f"sources/{name}.safetensors"))


for _name, _title in SHIPPED.items():
    sources.named(_name, _title, register.SHIPPED)(partial(shipped, _name))


@sources.finder(backbones.torchvision_names, "Networks with ImageNet weights", register.DOWNLOADED)
def find(name: str) -> Loader | None:
    """Find the loader of a torchvision network with its ImageNet weights."""
    return partial(published, name) if name in backbones.torchvision_names() else None


sources.finder(cifar.names, "Residual networks trained on CIFAR-10", register.DOWNLOADED)(cifar.find)


def published(name: str, /, *, weights: str | Path | None = None, sha256: str | None = None) -> Source:
    """Load a torchvision network with its ImageNet weights, or with a file's.

    Parameters
    ----------
    name : str
        As torchvision calls it, such as ``resnet18``.
    weights : path, optional
        A local weight file, of any number of classes or of none; by default torchvision's own: from
        ``weights/`` in ``TLKIT_DATA``, from the cache, or downloaded. Of a checkpoint the state dict is
        taken, and names are freed of what wrapped the network.
    sha256 : str, optional
        Checksum of `weights`, verified before it is read.

    Raises
    ------
    BadInput
        If the weights are of another architecture; names and shapes are named.
    FileProblem
        If a file is missing, damaged, or of another kind.
    """
    from torchvision.models import get_model_weights

    edition = get_model_weights(name).DEFAULT
    path = Path(weights) if weights is not None else _published_file(edition)
    whole, n_classes = load_into(name, read_state_dict(path, sha256), path.name)
    return _as_source(name, whole, n_classes, edition, path)


def _published_file(published: Any) -> Path:
    """Find or fetch torchvision's file; its name ends in the first characters of its SHA-256."""
    file_name = published.url.rsplit("/", 1)[-1]
    prefix = Path(file_name).stem.rsplit("-", 1)[-1]
    local = files.find_local(f"weights/{file_name}")
    if local is None:
        return files.download(
            published.url, files.cache_dir() / "data" / "weights" / file_name, sha256=prefix
        )
    files.verify(local, prefix)
    return local


def _as_source(name: str, whole: torch.nn.Module, n_classes: int, published: Any, path: Path) -> Source:
    """Cut the network into backbone and head, with the picture size and classes it was trained for."""
    cut = backbones.split(whole)
    imagenet = tuple(published.meta["categories"])
    classes = imagenet if n_classes == len(imagenet) else tuple(map(str, range(n_classes)))
    preset = published.transforms()
    inputs = {"channels": 3, "size": preset.crop_size[0], "mean": list(preset.mean), "std": list(preset.std)}
    state = {f"backbone.{key}": value for key, value in cut.backbone.state_dict().items()}
    state |= {"head.weight": cut.weight[:n_classes], "head.bias": cut.bias[:n_classes]}
    head = {HEAD: cut.head} if classes and cut.head != "linear" else {}
    card = Card(
        name=name,
        title=f"{name}, ImageNet" if classes is imagenet else f"{name}, {path.name}",
        architecture={"name": name, **head},
        inputs=inputs,
        classes=classes,
        data=f"ImageNet-1k (weights: {path.name})" if classes is imagenet else f"Weights: {path.name}",
        licence="See the publisher's terms; ImageNet itself is for research.",
        kind="vision",
    )
    return Source(card, state)
