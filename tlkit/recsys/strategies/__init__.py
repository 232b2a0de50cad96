"""Transfer strategies for ratings: one file a family, one class a strategy, no registration.

The package hands on the strategies of all its files: ``from tlkit.recsys.strategies import Gated``.
"""

from typing import TYPE_CHECKING, Any

from tlkit.recsys.strategies.base import RatingsStrategy
from tlkit.study.strategy import strategies_in

_found = strategies_in(__name__, __path__, RatingsStrategy)
globals().update(_found)

__all__ = sorted(_found)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
