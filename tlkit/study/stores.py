"""Where a study's finished trials go: nowhere, or to disk, where several processes share the work."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from tlkit.errors import FileProblem
from tlkit.study import trial_cache
from tlkit.study.trial import Trial
from tlkit.system import files

LOOK = 0.2  # seconds between two looks at what another process holds
PATIENCE = 600  # seconds; then the other is taken to hang, and its trial is run twice


class Memory:
    """Keeps nothing, so that every trial is this study's to run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give back what is still claimed."""

    def load(self, key: str) -> Trial | None:
        """Return the trial that is stored under a key, or None."""
        return None

    def claim(self, key: str, wait: bool = False) -> bool:
        """Take a trial on, and say whether it is this study's to run; `wait` until it is."""
        return True

    def store(self, key: str, trial: Trial) -> None:
        """Store a trial that has ended."""

    def let_go(self, key: str) -> None:
        """End a claim."""


class Disk(Memory):
    """Keeps trials in the cache folder.

    A claim is a lock of the operating system, which ends with the process that holds it, however that ends.
    Where none can be had, because the folder is read-only or its file system knows no locks, the work is not
    shared; where nothing can be written, that is said once, and the study goes on.
    """

    def __init__(self) -> None:
        self._held: dict[str, FileLock | None] = {}
        self._writes = True

    def __exit__(self, *_: object) -> None:
        for key in list(self._held):
            self.let_go(key)

    def load(self, key: str) -> Trial | None:
        return trial_cache.load(key)

    def claim(self, key: str, wait: bool = False) -> bool:
        if key in self._held:
            return True
        try:
            path = trial_cache.path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            name = path.with_name(f"{files.UNFINISHED}{key}.lock")
            lock = FileLock(name, thread_local=False)  # a pool asks for the next trial in a thread of its own
            lock.acquire(timeout=PATIENCE if wait else 0, poll_interval=LOOK)
        except Timeout:
            if wait:
                self._held[key] = None
            return wait
        except (OSError, NotImplementedError, RuntimeError):
            return True
        self._held[key] = lock
        return True

    def store(self, key: str, trial: Trial) -> None:
        try:
            trial_cache.store(key, trial)
        except FileProblem as error:
            if self._writes:
                warnings.warn(
                    f"Finished trials cannot be stored, so that the next call will run them again: {error} "
                    "TLKIT_CACHE names the folder they go to.",
                    stacklevel=2,
                )
            self._writes = False

    def let_go(self, key: str) -> None:
        lock = self._held.pop(key, None)
        if lock is not None:
            lock.release()
            with suppress(OSError):  # on Windows, where another process has opened it
                Path(lock.lock_file).unlink()
