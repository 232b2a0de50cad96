"""Backward transfer: what learning the target did to the score on the source's own task."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tlkit.study.source import Source, Sources
from tlkit.study.strategy import innermost


def kept_of_source(estimator: Any, source: Source | Sources | None) -> dict[str, float]:
    """Score a fitted strategy, and its source before, on the source's task, where it still answers that.

    A strategy says so with ``on_source_task()``, which gives a fitted estimator for the source's task, or
    None, and with ``before_transfer(source)``, which gives the source as such an estimator.

    Returns
    -------
    dict
        ``source_<headline>`` after the transfer and ``source_<headline>_before`` it; empty where the strategy
        no longer answers, or the source came without its task.
    """
    best = innermost(estimator)
    after = best.on_source_task() if hasattr(best, "on_source_task") else None
    if after is None or not isinstance(source, Source) or not source.has_task:
        return {}
    name = f"source_{source.task.metric}"
    return {
        name: source.task.score(after).metrics[source.task.metric],
        f"{name}_before": _before(best.before_transfer, source),
    }


@lru_cache(maxsize=8)
def _before(as_it_is: Callable[[Source], Any], source: Source) -> float:
    return source.task.score(as_it_is(source)).metrics[source.task.metric]
