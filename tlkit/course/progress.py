"""The bar that a run shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """A bar over the cells of all notebooks, or over notebooks, which names those that are running."""

    def __init__(self, total: int, unit: str = "cell"):
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit=unit)
        self._lock = threading.Lock()
        self._running: list[str] = []

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    @contextmanager
    def of(self, name: str, steps: int) -> Iterator[Callable[[], None]]:
        """Count a notebook's steps; those that it did not come to count as made when it is over."""
        left = steps

        def step() -> None:
            nonlocal left
            left -= 1
            self._show(1)

        self._running.append(name)
        self._show(0)
        yield step
        self._running.remove(name)
        self._show(left)

    def _show(self, steps: int) -> None:
        with self._lock:
            self._bar.set_description(", ".join(self._running), refresh=False)
            self._bar.update(steps)
