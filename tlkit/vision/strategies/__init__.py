"""Transfer strategies for pictures: one file a family, one class a strategy, no registration.

The package hands on the strategies of all its files: ``from tlkit.vision.strategies import FineTune``.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from tlkit.vision.strategies.base import ImageStrategy


def _strategies_in(file: str) -> dict[str, type[ImageStrategy]]:
    held = vars(importlib.import_module(f"{__name__}.{file}"))
    return {
        name: kind
        for name, kind in held.items()
        if isinstance(kind, type) and issubclass(kind, ImageStrategy)
    }


_found: dict[str, type] = {}
for _file in pkgutil.iter_modules(__path__):
    _found |= _strategies_in(_file.name)
globals().update(_found)

__all__ = sorted(_found)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
