"""Where and how numbers are computed: device, precision, seeds, and honest clocks."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import joblib
import torch
from threadpoolctl import ThreadpoolController

from tlkit.errors import BadInput, DeviceProblem

# torch's own generator is one for all threads, and a panel trains in a thread of its own.
_RANDOM = threading.RLock()

Made = TypeVar("Made")
Done = TypeVar("Done")


def choose_device(name: str | None = None) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str, optional
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``; by default the environment variable
        ``TLKIT_DEVICE``, or else the best device there is.

    Raises
    ------
    BadInput
        If the name is none of these.
    DeviceProblem
        If the device was asked for and is absent.
    """
    name = name or os.environ.get("TLKIT_DEVICE") or None
    if name is None:
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if _available(kind)))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput(f"There is no device {name!r}. Valid: 'cpu', 'cuda', 'cuda:N', 'mps'.") from None
    if not _available(device.type) or (device.index or 0) >= max(_count(device.type), 1):
        raise DeviceProblem(
            f"Device {name!r} was asked for, but this machine offers {', '.join(_present())}. "
            "Leave the device out to take the best one, or install the torch build for your hardware."
        )
    return device


def _available(kind: str) -> bool:
    checks: dict[str, Callable[[], bool]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    return kind in checks and checks[kind]()


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def _present() -> list[str]:
    return [repr(kind) for kind in ("cuda", "mps", "cpu") if _available(kind)]


def autocast(device: torch.device) -> torch.autocast:
    """Return the mixed-precision context of a device: bfloat16 on CUDA cards that have it, else off."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


@cache
def fair_threads() -> int:
    """Return how many threads torch should use at most: no more than this process has cores.

    In a container, torch counts the host's cores and not this one's share: threads that wait for each other
    then take many times longer than one would.
    """
    return min(torch.get_num_threads(), joblib.cpu_count())


def training_threads() -> int:
    """Return how many threads a fit uses: 1, or what the environment variable ``TLKIT_THREADS`` says.

    Raises
    ------
    BadInput
        If that is no whole number, 1 or more.
    """
    asked = os.environ.get("TLKIT_THREADS") or "1"
    if not asked.isdecimal() or int(asked) < 1:
        raise BadInput(f"TLKIT_THREADS is a whole number, 1 or more; got {asked!r}.")
    return int(asked)


@contextmanager
def steady_threads() -> Iterator[None]:
    """Compute inside the block with the same number of threads on every machine.

    Several threads add up a gradient in another order than one, and a trial's result must not depend on the
    machine. numpy and scipy keep to one as well: their wheels bring pools of their own, whose idle threads
    spin for a while on the cores that torch's then wait for.
    """
    fair_threads()  # counted once, before the limit
    with _RANDOM, torch_threads(training_threads()), _numpy_pools().limit(limits=1):
        yield


@contextmanager
def fast_threads() -> Iterator[None]:
    """Use every fair thread inside the block, for what is the same with any number: the forward pass."""
    with torch_threads(fair_threads()):
        yield


def one_ahead(work: Callable[[Made], Done], making: Iterable[Made]) -> Iterator[Done]:
    """Yield `work(each)`, in order; where torch has a second thread, the next is made there meanwhile.

    Both take one thread each. Threads that share a small operation wait for each other longer than they
    compute, and a sum that several share may end in another last digit.
    """
    alone = torch.get_num_threads() == 1
    with torch_threads(1), ThreadPoolExecutor(1) as second:
        if alone:
            yield from map(work, making)
            return
        before = None
        for each in making:
            task = second.submit(work, each)
            if before:
                yield before.result()
            before = task
        if before:
            yield before.result()


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Use so many threads inside torch's operations inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[torch.Generator]:
    """Seed torch inside the block only, hold its threads, and give a generator on `device` for what is drawn.

    Parameters
    ----------
    seed : int or None
        None draws a fresh seed.
    device : torch.device
        Where the generator lives.
    """
    seed = int(torch.empty((), dtype=torch.int64).random_().item() % 2**31) if seed is None else int(seed)
    cards = [device] if device.type == "cuda" else []
    with steady_threads(), torch.random.fork_rng(devices=cards):
        torch.manual_seed(seed)
        yield torch.Generator(device).manual_seed(seed)


@cache
def _numpy_pools() -> ThreadpoolController:
    return ThreadpoolController().select(prefix="libscipy_openblas")


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all its work."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


class Stopwatch:
    """Context manager whose `seconds` is the wall time inside, the device's pending work included."""

    def __enter__(self) -> Stopwatch:
        self._wait()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._wait()
        self.seconds = time.perf_counter() - self._start

    @staticmethod
    def _wait() -> None:
        synchronize(choose_device())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's memory is full."""
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def describe() -> dict[str, str]:
    """Say in words what this machine computes with."""
    device = choose_device()
    name = (
        torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    )
    precision = "bfloat16 (autocast)" if autocast(device)._enabled else "float32"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": f"{device.type} ({name})",
        "precision": precision,
        "threads": f"{training_threads()} to train, {fair_threads()} to predict",
    }
