"""Where and how numbers are computed: device, precision, seeds, and honest clocks."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import joblib
import torch
from threadpoolctl import ThreadpoolController

from tlkit.errors import BadInput, DeviceProblem

# torch's own generator is one for all threads, and a panel trains in a thread of its own.
_RANDOM = threading.RLock()


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
    checks = {"cpu": lambda: True, "cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    return kind in checks and checks[kind]()


def _count(kind: str) -> int:
    return torch.cuda.device_count() if kind == "cuda" else 1


def _present() -> list[str]:
    return [repr(kind) for kind in ("cuda", "mps", "cpu") if _available(kind)]


def autocast(device: torch.device) -> torch.autocast:
    """Return the mixed-precision context of a device: bfloat16 on CUDA cards that have it, else off."""
    enabled = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def fair_threads() -> int:
    """Return how many threads torch should use: no more than this process has cores.

    In a container, torch counts the host's cores and not this one's share: threads that wait for each other
    then take many times longer than one would.
    """
    return min(torch.get_num_threads(), joblib.cpu_count())


@cache
def limit_threads() -> None:
    """Give torch its fair number of threads, once: who sets another later is left alone."""
    torch.set_num_threads(fair_threads())


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[torch.Generator]:
    """Seed torch inside the block only, and give a generator on `device` for what is drawn there.

    Parameters
    ----------
    seed : int or None
        None draws a fresh seed.
    device : torch.device
        Where the generator lives.
    """
    limit_threads()
    seed = int(torch.empty((), dtype=torch.int64).random_().item() % 2**31) if seed is None else int(seed)
    cards = [device] if device.type == "cuda" else []
    with _RANDOM, torch.random.fork_rng(devices=cards):
        torch.manual_seed(seed)
        yield torch.Generator(device).manual_seed(seed)


@contextmanager
def torch_threads_only() -> Iterator[None]:
    """Keep numpy and scipy to one thread inside the block.

    Their wheels bring pools of their own, whose idle threads spin for a while on the cores that torch's then
    wait for: on two cores, a small matrix factorization took 1.6 times as long. To be used inside `seeded`,
    so that no other thread changes the limit meanwhile.
    """
    with _numpy_pools().limit(limits=1):
        yield


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
        "threads": str(fair_threads()),
    }
