"""Amounts in words, the same in sentences and in figures."""

from __future__ import annotations


def budget_in_words(budget: int | str | None, budget_unit: str) -> str:
    """Say a budget in words: "0 labels a class", "1 label a class", "all the labels".

    Parameters
    ----------
    budget : int, "all" or None
        How much; "all" and None are all the training data.
    budget_unit : str
        What is counted, in the plural, such as "labels a class".
    """
    counted, *rest = budget_unit.split()
    if budget in (None, "all"):
        return f"all the {counted}"
    return " ".join([str(budget), counted.removesuffix("s") if budget == 1 else counted, *rest])


def amount(budget: float) -> str:
    """Write how many labels, where that is no whole number: "0.4", "14.2", "1,250"."""
    return f"{budget:.1f}".removesuffix(".0") if budget < 100 else f"{budget:,.0f}"


def metric_words(metric: str, greater_is_better: bool = True) -> str:
    """Name a score: "balanced accuracy", "rmse (lower is better)"."""
    return metric.replace("_", " ") + ("" if greater_is_better else " (lower is better)")


def gain_words(metric: str, greater_is_better: bool = True) -> str:
    """Name what a positive gain is: "gain in accuracy"; of an error, "fall in rmse"."""
    return ("gain in " if greater_is_better else "fall in ") + metric.replace("_", " ")
