"""A cache of its own for the whole session, and reasons for what is skipped."""

from __future__ import annotations

import os
import tempfile

import numpy as np
import pytest

from tlkit.course.publish import find_chromium

pytest.register_assert_rewrite("conformance")


def pytest_configure(config: pytest.Config) -> None:
    if "TLKIT_CACHE" not in os.environ:
        config.tlkit_cache = tempfile.TemporaryDirectory(prefix="tlkit-tests-", ignore_cleanup_errors=True)
        os.environ["TLKIT_CACHE"] = config.tlkit_cache.name


def pytest_unconfigure(config: pytest.Config) -> None:
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _missing()
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)
