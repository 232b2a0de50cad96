"""Transfer strategies for pictures: one file a family, one class a strategy, no registration.

The package hands on the strategies of all its files: ``from tlkit.vision.strategies import FineTune``.
"""

from typing import TYPE_CHECKING, Any

from tlkit.study.strategy import strategies_in
from tlkit.vision.strategies.base import ImageStrategy

_found = strategies_in(__name__, __path__, ImageStrategy)
globals().update(_found)

__all__ = sorted(_found)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
