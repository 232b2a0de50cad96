"""A cache of its own for every session of tests, and a worker for each core in a whole run."""

from __future__ import annotations

import os
import tempfile

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Give a whole run a worker for each core; files that are named run here, at once."""
    import joblib

    return joblib.cpu_count() if config.args_source is config.ArgsSource.TESTPATHS else 0


def pytest_configure(config: pytest.Config) -> None:
    if config.option.numprocesses:  # workers and the kernels of notebooks inherit it
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if "TLKIT_CACHE" not in os.environ:
        config.tlkit_cache = tempfile.TemporaryDirectory(prefix="tlkit-tests-", ignore_cleanup_errors=True)
        os.environ["TLKIT_CACHE"] = config.tlkit_cache.name


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "tlkit_cache"):
        config.tlkit_cache.cleanup()
        os.environ.pop("TLKIT_CACHE", None)
