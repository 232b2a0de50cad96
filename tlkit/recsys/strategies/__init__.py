"""Transfer strategies for ratings: one file a family, one class a strategy, no registration."""

import importlib
import pkgutil

from tlkit.recsys.strategies.base import RatingsStrategy

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["RatingsStrategy"]
