"""Bars of progress."""

import io

from tlkit.system import progress


def test_within_another_bar_there_is_none():
    outer = progress.bar(total=2, delay=0, file=io.StringIO())
    assert progress.bar([1, 2]).disable and not outer.disable
    outer.close()
    after = progress.bar([1, 2], file=io.StringIO())
    assert not after.disable
    after.close()


def test_what_is_short_shows_nothing():
    shown = io.StringIO()
    assert list(progress.bar([1, 2, 3], file=shown)) == [1, 2, 3]
    assert not shown.getvalue().strip()
