"""A source: a trained model with a card, as safetensors beside JSON. Knows no modality."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from tlkit.errors import BadInput, FileProblem, TlkitError
from tlkit.study.register import load_task, of_modality
from tlkit.system import files

SUFFIXES = (".safetensors", ".json")
NESTED = 2  # levels of a checkpoint in which its state dict is looked for


@dataclass(frozen=True)
class Card:
    """What is known of a source.

    Parameters
    ----------
    name, title : str
        For code and for people.
    kind : str
        Its modality, such as vision; empty where nobody said.
    architecture : dict
        What rebuilds the model: its name and its parameters.
    inputs : dict
        What the model expects of its inputs.
    classes : tuple of str
        What it tells apart; empty where it does not classify.
    data, licence : str
        What it learned from, and the terms of the weights.
    task : dict
        How the source's own task is loaded: its ``name``, and the loader's ``params``; empty if it cannot be.
    metrics : dict of str to float
        On the source's own test data.
    sha256 : str
        Of the weight file.

    Examples
    --------
    >>> import tlkit
    >>> card = tlkit.load_source("glyphs").card
    >>> card.title, card.kind, card.classes[:3]
    ('Printed characters', 'vision', ('0', '1', '2'))
    """

    name: str
    title: str
    architecture: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    data: str = ""
    licence: str = ""
    task: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    sha256: str = ""
    kind: str = ""


class Source:
    """A trained model: its card and its weights. Immutable, so it clones as itself.

    Parameters
    ----------
    card : Card
        With or without the checksum.
    state : mapping of str to Tensor
        The weights by name.
    load_task : callable, optional
        Gives the source's own task; by default what the card says.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import ImplicitALS
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> tlkit.Source.from_fitted(task.fit(ImplicitALS(factors=8)), "films", task=task)
    Source('films', ImplicitALS)
    """

    def __init__(
        self, card: Card, state: Mapping[str, torch.Tensor], load_task: Callable[[], Any] | None = None
    ):
        self._state = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}
        self.card = card if card.sha256 else replace(card, sha256=self._digest)
        self._load_task = load_task

    def __sklearn_clone__(self) -> Source:
        return self

    def __repr__(self) -> str:
        classes = f", {len(self.card.classes)} classes" if self.card.classes else ""
        return f"Source({self.name!r}, {self.card.architecture['name']}{classes})"

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    @property
    def state(self) -> Mapping[str, torch.Tensor]:
        """The weights by name, not to be changed."""
        return MappingProxyType(self._state)

    @property
    def fingerprint(self) -> str:
        """Changes whenever the weights, the model or its inputs do."""
        return files.digest(self._digest, self.card.architecture, self.card.inputs)

    @cached_property
    def _digest(self) -> str:
        # Of the weights that are here: a card may have been copied from those of another source.
        return hashlib.sha256(save_tensors(self._state)).hexdigest()

    @property
    def has_task(self) -> bool:
        """Whether the source says how its own task is loaded."""
        return self._load_task is not None or bool(self.card.task)

    @property
    def task(self) -> Any:
        """The task that the source was trained on, for strategies that need its data.

        Raises
        ------
        BadInput
            If the source came without it, or it cannot be loaded as the card says.
        """
        return self._own_task

    @cached_property
    def _own_task(self) -> Any:
        if self._load_task is not None:
            return self._load_task()
        if not self.card.task:
            said = "came without its data; strategies that need source data cannot use it."
            raise BadInput(f"Source {self.name!r} {said}")
        try:
            return load_task(self.card.task["name"], **self.card.task.get("params", {}))
        except (TlkitError, TypeError, KeyError) as error:
            raise BadInput(
                f"The task of source {self.name!r} cannot be loaded as its card says "
                f"({self.card.task}): {error}"
            ) from error

    def predict(self, examples: Any) -> np.ndarray:
        """Say what the source sees, by the names of its own classes.

        Parameters
        ----------
        examples : array-like of shape (N, ...)
            In a form that its modality takes.

        Returns
        -------
        ndarray of str, shape (N,)

        Raises
        ------
        BadInput
            If the source tells no classes apart.
        """
        home: Any = of_modality(self.card.kind, "sources")
        if not self.card.classes or not hasattr(home, "answers"):
            raise BadInput(f"Source {self.name!r} tells no classes apart, so it has no names to say.")
        found = home.answers(self).predict_proba(examples).argmax(axis=1)
        return np.array(self.card.classes)[found]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_own_task"}

    @classmethod
    def from_fitted(cls, estimator: Any, name: str, title: str = "", task: Any = None) -> Source:
        """Make a source of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``export()``: fields of its `Card`, the architecture among them, and its weights.
        name, title : str
            For the card.
        task : Task, optional
            What it was fitted on: its test data measure the source, and strategies that need source data get
            it.

        Raises
        ------
        BadInput
            If the estimator has nothing to export.
        """
        if not hasattr(estimator, "export"):
            raise BadInput(
                f"No source can be made of {type(estimator).__name__}: it has no export(), "
                "which gives what a model has learned."
            )
        parts, state = estimator.export()
        known = {}
        if task:
            metrics = task.score(estimator).metrics
            known = {"data": task.name, "task": dict(task.loaded_by), "metrics": metrics}
        card = Card(name, title or name, **{"kind": getattr(estimator, "modality", ""), **known, **parts})
        return cls(card, state, partial(_itself, task) if task else None)

    def with_card(self, **changes: Any) -> Source:
        """Return this source, its task with it, under a card with other values in some fields."""
        return Source(replace(self.card, **changes), self._state, self._load_task)

    def save(self, path: str | Path) -> Path:
        """Write the weights to `path` (``.safetensors``) and the card beside it (``.json``).

        Raises
        ------
        BadInput
            If the card holds what JSON lacks; nothing is written then.
        """
        path, content = _weight_file(path), save_tensors(self._state)
        card = _as_json(replace(self.card, sha256=hashlib.sha256(content).hexdigest()))
        files.atomic_write(path, content)
        files.atomic_write(path.with_suffix(".json"), card)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Source:
        """Read a source that `save` wrote; the checksum is verified before a byte is used.

        Raises
        ------
        FileProblem
            If the weights or the card are missing, damaged, or not of this kind.
        """
        path = _weight_file(path)
        card = _read_card(path.with_suffix(".json"))
        files.verify(path, card.sha256)
        try:
            state = load_tensors(path.read_bytes())
        except SafetensorError as error:
            raise FileProblem(
                f"{path} is not a safetensors file ({error}). A pickle or a .pth file goes to "
                "load_source(architecture, weights=PATH), which reads tensors and nothing else."
            ) from error
        return cls(card, state)


class Sources:
    """Several sources as one value, for strategies that put them together; a list means one after the other.

    Parameters
    ----------
    *sources : Source
        Two or more, of one modality, in an order that counts.

    Raises
    ------
    BadInput
        If there are fewer, one is no source, one comes twice, or they are of two modalities.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.study.source import Sources
    >>> both = Sources(tlkit.load_source("shape"), tlkit.load_source("texture"))
    >>> task = tlkit.load_task("worlds", n_train=10, n_test=10)
    >>> tlkit.transfer("scratch", both, task, min_steps=5, epochs=0).source
    'shape+texture'
    """

    def __init__(self, *sources: Source):
        if len(sources) < 2 or not all(isinstance(each, Source) for each in sources):
            raise BadInput(f"Sources(...) puts two or more sources together; got {sources!r}.")
        kinds = sorted({each.card.kind for each in sources if each.card.kind})
        if len(kinds) > 1:
            raise BadInput(f"Sources(...) are of one modality; these are of {' and '.join(kinds)}.")
        if len({each.fingerprint for each in sources}) < len(sources):
            raise BadInput(f"Sources(...) differ from each other; one comes twice in {list(sources)}.")
        self.sources = sources

    def __sklearn_clone__(self) -> Sources:
        return self

    def __repr__(self) -> str:
        return f"Sources({', '.join(map(repr, self.sources))})"

    @property
    def name(self) -> str:
        """The sources' names, joined by a plus."""
        return "+".join(each.name for each in self.sources)

    @property
    def fingerprint(self) -> str:
        """Changes whenever one of the sources does, or their order."""
        return files.digest("sources", *(each.fingerprint for each in self.sources))

    def require_same_classes(self) -> tuple[str, ...]:
        """Return the classes that all sources tell apart, in the first one's order.

        Raises
        ------
        BadInput
            If the sources tell other classes apart.
        """
        first, *rest = self.sources
        for other in rest:
            if set(other.card.classes) != set(first.card.classes):
                raise BadInput(
                    f"These sources must tell the same classes apart: {first.name!r} has "
                    f"{len(first.card.classes)} ({', '.join(first.card.classes[:3])}, ...), {other.name!r} "
                    f"{len(other.card.classes)} ({', '.join(other.card.classes[:3])}, ...)."
                )
        return first.card.classes


def _itself(task: Any) -> Any:
    return task


def _weight_file(path: str | Path) -> Path:
    path = Path(path)
    # Whatever else follows a dot belongs to the name, as in "books_0.2".
    return path.with_name((path.stem if path.suffix in SUFFIXES else path.name) + SUFFIXES[0])


def _as_json(card: Card) -> str:
    try:
        return json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
    except TypeError as error:
        raise BadInput(
            f"Source {card.name!r} cannot be saved ({error}): a card holds text, numbers, and lists and "
            "dicts of them. Turn what else the model was given, such as dates, into text, and fit it again."
        ) from error


def _read_card(path: Path) -> Card:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Card(**content | {"classes": tuple(content.get("classes", ()))})
    except (OSError, ValueError, TypeError, KeyError) as error:
        expected = ", ".join(each.name for each in fields(Card))
        raise FileProblem(
            f"{path} cannot be read as a source's card ({error!r}). A card is JSON with {expected}."
        ) from error


def read_state_dict(path: str | Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """Read a PyTorch weight file, tensors only.

    Parameters
    ----------
    path : path
        A ``.pth`` or ``.safetensors`` file. Of a checkpoint, the state dict of most tensors is taken.
    sha256 : str, optional
        Verified before a byte is read; its first characters are enough.

    Raises
    ------
    FileProblem
        If the file is missing, has another checksum, or holds anything but tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileProblem(f"There is no weight file {path}.")
    if sha256:
        files.verify(path, sha256)
    if path.suffix == ".safetensors":
        try:
            return load_tensors(path.read_bytes())
        except SafetensorError as error:
            raise FileProblem(
                f"{path} is not a safetensors file ({error}); a pickled file must end in .pth."
            ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise FileProblem(f"{path} is damaged or holds more than tensors, and is refused: {error}") from error
    found = _state_dicts(content)
    if not found:
        raise FileProblem(f"{path} holds no state dict (names with tensors) but {type(content).__name__}.")
    return max(found, key=len)


def _state_dicts(content: Any, depth: int = NESTED) -> list[dict[str, torch.Tensor]]:
    """Find what a file holds of names with tensors, itself or in mappings within it, at most so deep."""
    if not isinstance(content, Mapping):
        return []
    own = {name: each for name, each in content.items() if isinstance(each, torch.Tensor)}
    inner = [found for each in content.values() if depth for found in _state_dicts(each, depth - 1)]
    return [own, *inner] if own and all(isinstance(name, str) for name in own) else inner
