"""A cache and kept answers of the session's own, a worker for each core, and reasons for what is skipped."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tlkit.course.publish import find_chromium

pytest.register_assert_rewrite("conformance")

# What comes first in a run: each notebook in full, whose stored trials save time to those after it.
ORDER = ("notebooks/", "tests/course/test_other_parameters.py", "tests/browser/")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Give a whole run a worker for each core; files that are named run here, at once."""
    import joblib

    return joblib.cpu_count() if config.args_source is config.ArgsSource.TESTPATHS else 0


def pytest_configure(config: pytest.Config) -> None:
    # Whatever is set: what a learner keeps is not for tests.
    config.tlkit_progress = tempfile.TemporaryDirectory(prefix="tlkit-tests-", ignore_cleanup_errors=True)
    os.environ["TLKIT_PROGRESS"] = str(Path(config.tlkit_progress.name, "predictions.json"))
    if config.option.numprocesses:  # workers and the kernels of notebooks inherit it
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if "TLKIT_CACHE" not in os.environ:
        config.tlkit_cache = tempfile.TemporaryDirectory(prefix="tlkit-tests-", ignore_cleanup_errors=True)
        os.environ["TLKIT_CACHE"] = config.tlkit_cache.name


def pytest_unconfigure(config: pytest.Config) -> None:
    config.tlkit_progress.cleanup()
    if hasattr(config, "tlkit_cache"):
        config.tlkit_cache.cleanup()
        os.environ.pop("TLKIT_CACHE", None)


def _missing() -> dict[str, str]:
    """Why tests with a marker cannot run here; empty where they can."""
    missing = {}
    if not os.environ.get("TLKIT_DATA"):
        missing["realdata"] = "TLKIT_DATA is not set: set it to a folder with the real data (see README)"
    if find_chromium() is None:
        missing["browser"] = "no Chromium found: install Debian's package `chromium`, or set BROWSER_PATH"
    return missing


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave what tests only import to them: it has no examples, and several files share a name."""
    return True if collection_path.suffix == ".py" and not collection_path.name.startswith("test_") else None


@pytest.hookimpl(tryfirst=True)  # before pytest reads the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _missing()
    for item in items:
        if item.path.suffix == ".ipynb" or item.get_closest_marker("browser"):
            item.add_marker("slow")
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return next((place for place, start in enumerate(ORDER) if item.nodeid.startswith(start)), len(ORDER))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)
