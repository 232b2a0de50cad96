"""Numbers in words never say another thing than the numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tlkit.figures.wording import (
    budget_in_words,
    difference,
    gain_text,
    interval_words,
    metric_words,
    signed_text,
    within,
)  # fmt: skip

SCALES = 10.0 ** np.arange(-7, 1)


def intervals(n=400):
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(n, 2)) * rng.choice(SCALES, size=(n, 2))
    return np.sort(ends, axis=1)


@pytest.mark.parametrize("percent", [True, False])
def test_an_interval_without_zero_never_shows_zero(percent):
    for low, high in intervals():
        if low > 0 or high < 0:
            near, far = map(float, interval_words(low, high, percent).split(" to "))
            assert 0 < near <= far


@pytest.mark.parametrize("percent", [True, False])
def test_an_interval_with_zero_says_both_sides(percent):
    for low, high in intervals():
        if low < 0 < high:
            said = re.fullmatch(r"([\d.]+) lower to ([\d.]+) higher", interval_words(low, high, percent))
            assert float(said[1]) > 0 and float(said[2]) > 0


def test_an_end_at_zero_is_zero():
    assert interval_words(0.0, 0.014, percent=True) == "0 to 1.4 higher"
    assert interval_words(-0.014, 0.0, percent=True) == "1.4 lower to 0"


def test_there_is_one_minus_sign_and_no_negative_zero():
    for low, high in intervals():
        text = gain_text((low + high) / 2, low, high, percent=True)
        assert "-" not in text
        for value in re.findall(r"[+−]([\d.]+)", text):
            assert float(value) > 0
    assert signed_text(0.0, percent=True) == "+0.0"


def test_a_difference_says_its_side_and_unit():
    assert difference(0.031, percent=True) == "3.1 points higher"
    assert difference(-0.043, percent=False) == "0.043 lower"
    assert difference(-0.0000123, percent=False) == "0.00001 lower"
    assert difference(0.0, percent=True) == "the same"


def test_metrics_and_titles_are_written_as_people_write_them():
    assert [metric_words(each) for each in ("rmse", "ndcg@10", "balanced_accuracy", "maple")] == [
        "RMSE",
        "NDCG@10",
        "balanced accuracy",
        "maple",
    ]
    assert [within(each) for each in ("Linear probe", "EASE", "A")] == ["linear probe", "EASE", "a"]
    assert budget_in_words(1, "labels a class") == "1 label a class"
