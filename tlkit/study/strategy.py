"""What a strategy is: a scikit-learn estimator that a task finds by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.base import BaseEstimator


def hyperparameters(kind: type) -> type:
    """Class decorator: a strategy's annotated fields become its ``__init__``, those of its bases included.

    scikit-learn wants every hyperparameter spelled out in ``__init__`` and stored as it came.
    """
    return dataclass(eq=False, repr=False, kw_only=True)(kind)


class Strategy(BaseEstimator):
    """A way for a source's knowledge to enter the target model, as a scikit-learn estimator.

    A subclass that sets `name` is found by its modality's tasks without being registered.
    Hyperparameters, `source` among them, belong in ``__init__``; data in ``fit``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    idea: ClassVar[str]

    n_trainable_: int = 0
    history_: Sequence[dict[str, float]] = ()

    def identity(self) -> dict[str, Any]:
        """Return what decides the outcome of a fit besides data and seed: by default every parameter."""
        return self.get_params(deep=False)


def strategies_in(package: str, places: Iterable[str], base: type[Strategy]) -> dict[str, type[Strategy]]:
    """Import every file of a package and return the strategies they hold, by class name.

    Parameters
    ----------
    package : str
        Its dotted name.
    places : iterable of str
        Its ``__path__``.
    base : type
        Whose subclasses are meant, itself among them.
    """
    rooms = [importlib.import_module(f"{package}.{file.name}") for file in pkgutil.iter_modules(places)]
    held = [item for room in rooms for item in vars(room).items()]
    return {name: kind for name, kind in held if isinstance(kind, type) and issubclass(kind, base)}
