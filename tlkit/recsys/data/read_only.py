"""Tables that nobody can change, for whoever stores results under a digest of them."""

from __future__ import annotations

from typing import Any, NoReturn

import pandas as pd

from tlkit.errors import BadInput


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise BadInput(
        "This table belongs to a task, which is what its scores are stored under, and is read-only. Change a "
        "copy, such as task.train.copy(), and make another task of it."
    )


def _guarded(name: str) -> Any:
    """Return an indexer of tables that reads as pandas' does, and refuses to write."""
    kind = type(getattr(pd.DataFrame(), name))
    reader = type(f"ReadOnly{kind.__name__}", (kind,), {"__setitem__": _refuse})
    return property(lambda table: reader(name, table), doc=f"Read as ``DataFrame.{name}`` does.")


class ReadOnlyTable(pd.DataFrame):
    """A table that refuses to be changed; what is selected or computed from it is a plain DataFrame.

    Examples
    --------
    >>> import pandas as pd
    >>> from tlkit.recsys.data.read_only import ReadOnlyTable
    >>> table = ReadOnlyTable(pd.DataFrame({"rating": [4.0]}))
    >>> table["rating"] = 5.0
    Traceback (most recent call last):
        ...
    tlkit.errors.BadInput: This table belongs to a task, ...
    >>> table.assign(rating=5.0)["rating"].tolist()
    [5.0]
    """

    loc, iloc, at, iat = map(_guarded, ("loc", "iloc", "at", "iat"))
    # All that pandas changes a table by, whatever it is asked with.
    __setitem__ = __delitem__ = insert = isetitem = _update_inplace = _refuse
    _iset_item = _iset_item_mgr = _set_item = _set_item_mgr = _set_value = _refuse

    def __init__(self, table: pd.DataFrame):
        super().__init__(table.copy())
        for block in self._mgr.blocks:  # before pandas 3, an array of a column leads into the table
            inner = getattr(block.values, "_ndarray", block.values)
            inner.flags.writeable = False

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            _refuse()
        super().__setattr__(name, value)
