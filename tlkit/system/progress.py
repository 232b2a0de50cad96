"""Progress of what takes more than two seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def bar(steps: Iterable[Any] | None = None, **settings: Any) -> tqdm:
    """Return a bar that shows up after two seconds, with an estimate, and leaves nothing behind.

    Parameters
    ----------
    steps : iterable, optional
        What to go through.
    **settings
        As for `tqdm.tqdm`: ``desc``, ``total``, ``unit``.
    """
    # A notebook paints whatever comes by stderr red, be it blank.
    stream = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    return tqdm(steps, **{"delay": 2, "leave": False, "file": stream} | settings)
