"""What ``tlkit build`` makes of the ratings part: nothing; its worlds and sources are made on call."""

from __future__ import annotations

from collections.abc import Callable

BUILDERS: dict[str, Callable[[], object]] = {}
