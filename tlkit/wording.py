"""Amounts in words, the same in sentences and in figures."""

from __future__ import annotations


def amount(budget: int | str | None, unit: str) -> str:
    """Say a budget in words: "1 label a class", "5 labels a class", "all the labels".

    Parameters
    ----------
    budget : int, "all" or None
        How much; "all" and None are all the training data.
    unit : str
        What is counted, in the plural, such as "labels a class".
    """
    counted, *rest = unit.split()
    if budget in (None, "all"):
        return f"all the {counted}"
    return " ".join([str(budget), counted.removesuffix("s") if budget == 1 else counted, *rest])
