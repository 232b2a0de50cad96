"""What a strategy is: a scikit-learn estimator that a task finds by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from sklearn.base import BaseEstimator

from tlkit.errors import BadInput
from tlkit.study.register import descendants
from tlkit.study.source import Source, Sources

Kind = TypeVar("Kind")


def hyperparameters(kind: type[Kind]) -> type[Kind]:
    """Class decorator: a strategy's annotated fields become its ``__init__``, those of its bases included.

    scikit-learn wants every hyperparameter spelled out in ``__init__`` and stored as it came.
    """
    return dataclass(eq=False, repr=False, kw_only=True)(kind)


class Fitted(BaseEstimator):
    """What a study reads off a fitted estimator.

    Attributes
    ----------
    n_trainable_ : int
        Parameters that training could change.
    history_ : sequence of dict
        The reports of the training.
    predicts_in_training : bool
        Whether it can predict at the reports of its own training, as far as that has come.
    """

    predicts_in_training: bool = False
    n_trainable_: int = 0
    history_: Sequence[dict[str, float]] = ()


class Strategy(Fitted):
    """A way for a source's knowledge to enter the target model, as a scikit-learn estimator.

    A subclass that sets `name` is found by its modality's tasks without being registered.
    Hyperparameters, `source` among them, belong in ``__init__``; data in ``fit``.

    Attributes
    ----------
    name, title, idea : str
        For code, for figures, and in one sentence.
    modality : str
        What it works on; a source of another modality is refused.
    such_a_source : str
        Name of a source of this modality, for an error.

    Examples
    --------
    >>> import tlkit
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    >>> strategy = task.strategy("nearest", source=source)
    >>> strategy.fit(task.X, task.y).predict(task.X_test).shape
    (897,)
    """

    name: ClassVar[str]
    title: ClassVar[str]
    idea: ClassVar[str]
    modality: ClassVar[str] = ""
    such_a_source: ClassVar[str] = ""

    @property
    def uses_source(self) -> bool:
        """Whether the source's knowledge takes part, so that a gain may be put down to it."""
        return getattr(self, "source", None) is not None

    def source_free(self) -> BaseEstimator | None:
        """Return the source-free twin, unfitted: the same members without the source.

        By default None: the task's baseline is all that is left of the strategy without its source. One that
        brings more, such as another model than the baseline's or a mixture of several, names its twin, and
        `tlkit.compare` runs that beside, so that the source gets no credit for what the rest gains.
        """
        return None

    def identity(self) -> dict[str, Any]:
        """Return what decides the outcome of a fit besides data and seed: by default every parameter.

        A source that is not used is none.
        """
        params = self.get_params(deep=False)
        return params if self.uses_source or "source" not in params else params | {"source": None}

    def needed_sources(self) -> tuple[Source, ...]:
        """Return the source, or all of several.

        Raises
        ------
        BadInput
            If there is none, or one is of another modality.
        """
        given = self.get_params(deep=False).get("source")
        sources = given.sources if isinstance(given, Sources) else (given,)
        for source in sources:
            if not isinstance(source, Source):
                such = f", such as tlkit.load_source({self.such_a_source!r})" if self.such_a_source else ""
                raise BadInput(f"Strategy {self.name!r} needs a source{such}; got {source!r}.")
            if source.card.kind and source.card.kind != self.modality:
                raise BadInput(
                    f"Source {source.name!r} is of {source.card.kind}, and strategy {self.name!r} is of "
                    f"{self.modality}: it takes a source such as tlkit.load_source({self.such_a_source!r})."
                )
        return sources

    def needed_source(self) -> Source:
        """Return the source.

        Raises
        ------
        BadInput
            If there is none, there are several, or it is of another modality.
        """
        source, *more = self.needed_sources()
        if more:
            names = ", ".join(each.name for each in (source, *more))
            raise BadInput(f"Strategy {self.name!r} takes one source; got {1 + len(more)} ({names}).")
        return source


def uses_source(estimator: BaseEstimator) -> bool:
    """Whether an estimator makes use of a source: a strategy says so, others hold one in a parameter."""
    best = innermost(estimator)
    if isinstance(best, Strategy):
        return best.uses_source
    held = estimator.get_params().values()
    return any(isinstance(each, Source | Sources) or getattr(each, "uses_source", False) for each in held)


def innermost(estimator: Any) -> Any:
    """Return the estimator inside of others: a search's best or its candidate, a pipeline's last step."""
    while True:
        within = [getattr(estimator, name, None) for name in ("best_estimator_", "estimator")]
        within += [step for _, step in getattr(estimator, "steps", ())[-1:]]
        estimator, outer = next((each for each in within if each is not None), estimator), estimator
        if estimator is outer:
            return estimator


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


def strategies_by_name(base: type[Strategy]) -> dict[str, type[Strategy]]:
    """Return the subclasses of a modality's base that have a name of their own, by that name.

    A class that is defined again, as in a notebook's cell that runs twice, takes the place of the first.

    Raises
    ------
    BadInput
        If two different classes have the same name.
    """
    latest = {(kind.__module__, kind.__qualname__): kind for kind in descendants(base)}
    found: dict[str, type[Strategy]] = {}
    for kind in latest.values():
        if "name" not in vars(kind):
            continue
        other = found.setdefault(kind.name, kind)
        if other is not kind:
            raise BadInput(
                f"Two strategies are called {kind.name!r}: {_where(other)} and {_where(kind)}. "
                "Give yours a name of its own."
            )
    return found


def _where(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
