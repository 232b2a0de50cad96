"""A source: a trained model with a card, as safetensors beside JSON. Knows no modality."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from tlkit.errors import BadInput, FileProblem, TlkitError, first_few
from tlkit.study.card import Card as Card
from tlkit.study.card import as_json, read_card
from tlkit.study.register import load_task, of_modality
from tlkit.system import files

SUFFIXES = (".safetensors", ".json")


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
        made = cls(Card(name, title or name, **{"kind": getattr(estimator, "modality", "")} | parts), state)
        return made._measured(estimator, task) if task else made

    @classmethod
    def from_module(
        cls,
        module: torch.nn.Module,
        name: str = "",
        title: str = "",
        task: Any = None,
        *,
        inputs: dict[str, Any],
        classes: Sequence[str] = (),
        kind: str = "vision",
    ) -> Source:
        """Make a source of a network of your own, a copy: it is cut into backbone and head.

        It lives in memory: `save` refuses, since no file holds the code. `task` is as for `from_fitted`.

        Parameters
        ----------
        module : Module
            Its last layer is linear, or a 1x1 convolution before a global average; a softmax may follow.
        name, title : str
            For the card; by default the module's class.
        inputs : dict
            What it was trained on, in the modality's terms: of pictures channels, size (None for any), and
            mean and std of each channel on the scale [0, 1].
        classes : sequence of str
            What its outputs stand for, in their order; without, they are features, or maps to be averaged.
        kind : str
            The modality.

        Raises
        ------
        BadInput
            If the modality takes none, the module does not run on such inputs, or has no head.

        Examples
        --------
        >>> import tlkit
        >>> from torch import nn
        >>> layers = nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
        >>> inputs = {"channels": 3, "size": None, "mean": [0.5] * 3, "std": [0.25] * 3}
        >>> tlkit.Source.from_module(nn.Sequential(*layers), inputs=inputs, classes=["cat", "dog"])
        Source('Sequential', Sequential, 2 classes)
        """
        parts, state = _asked(kind, "parts_of_module")(module, inputs, classes)
        name = name or type(module).__name__
        made = cls(Card(name, title or name, **{"kind": kind} | parts), state)
        return made if task is None else made._measured(_asked(kind, "answers")(made), task)

    def randomized(self, seed: int = 0) -> Source:
        """Return a source of the same structure with random weights (Saxe et al., ICML 2011).

        Beside a trained source it shows what the structure gives by itself. Weights are drawn as the layers
        draw theirs when they are made; batch normalisation has seen nothing, its statistics are 0 and 1.
        Classes stay, and so does the task, for strategies that need its data.

        Raises
        ------
        BadInput
            If the modality has no networks, or the network holds weights that nothing draws.

        Examples
        --------
        >>> import tlkit
        >>> tlkit.load_source("shape").randomized()
        Source('shape (random weights)', convnet, 10 classes)
        """
        state = _asked(self.card.kind, "random_state")(self.card, seed)
        how = f"random weights, seed {seed}" if seed else "random weights"
        name, title, data = f"{self.name} ({how})", f"{self.card.title}, {how}", "Nothing: drawn at random"
        card = replace(self.card, name=name, title=title, data=data, licence="", metrics={}, sha256="")
        return Source(card, state, self._load_task)

    def _measured(self, estimator: Any, task: Any) -> Source:
        """Return this source with a task as its own, and an estimator's score on it."""
        metrics = task.score(estimator).metrics
        known = {"data": task.name, "task": dict(task.loaded_by), "metrics": metrics}
        return Source(replace(self.card, **known), self._state, partial(_itself, task))

    def with_card(self, **changes: Any) -> Source:
        """Return this source, its task with it, under a card with other values in some fields."""
        return Source(replace(self.card, **changes), self._state, self._load_task)

    def save(self, path: str | Path) -> Path:
        """Write the weights to `path` (``.safetensors``) and the card beside it (``.json``).

        Raises
        ------
        BadInput
            If the card holds what JSON lacks, or a module of your own; nothing is written then.
        """
        path, content = _weight_file(path), save_tensors(self._state)
        card = as_json(replace(self.card, sha256=hashlib.sha256(content).hexdigest()))
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
        card = read_card(path.with_suffix(".json"))
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
    >>> both.name
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
                    f"{len(first.card.classes)} ({first_few(first.card.classes, 3)}), {other.name!r} "
                    f"{len(other.card.classes)} ({first_few(other.card.classes, 3)})."
                )
        return first.card.classes


def _itself(task: Any) -> Any:
    return task


def _asked(kind: str, what: str) -> Callable[..., Any]:
    """Return what a modality does for its sources.

    Raises
    ------
    BadInput
        If there is no such modality, or its sources are no networks.
    """
    done = getattr(of_modality(kind, "sources"), what, None)
    if done is None:
        raise BadInput(f"No source of {kind or 'unknown kind'} is a network; those of 'vision' are.")
    return done


def _weight_file(path: str | Path) -> Path:
    path = Path(path)
    # Whatever else follows a dot belongs to the name, as in "books_0.2".
    return path.with_name((path.stem if path.suffix in SUFFIXES else path.name) + SUFFIXES[0])
