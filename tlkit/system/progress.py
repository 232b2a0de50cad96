"""Progress of what takes more than two seconds."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

_BARS: weakref.WeakSet[tqdm] = weakref.WeakSet()  # a bar that was closed is disabled


def bar(steps: Iterable[Any] | None = None, **settings: Any) -> tqdm:
    """Return a bar that shows up after two seconds, with an estimate, and leaves nothing behind.

    Within another's progress there is none: two bars of one line each are no lines.

    Parameters
    ----------
    steps : iterable, optional
        What to go through.
    **settings
        As for `tqdm.tqdm`: ``desc``, ``total``, ``unit``.
    """
    # A notebook paints whatever comes by stderr red, be it blank.
    stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    within = any(not each.disable for each in _BARS)
    made = tqdm(steps, **{"delay": 2, "leave": False, "file": stream, "disable": within} | settings)
    _BARS.add(made)
    return made
