"""``tlkit tasks``, ``sources``, ``strategies`` and ``notebooks``: what there is, a line each."""

from __future__ import annotations

import argparse
import inspect
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlkit.study.register import Listed

WIDEST = 100  # columns: what is longer reads badly


def tasks(options: argparse.Namespace) -> None:
    """List the tasks of each modality, with its usual metric and what a budget counts."""
    from tlkit import catalogue
    from tlkit.study import register

    kinds = {kind.strategy_base.modality: kind for kind in catalogue.task_kinds()}
    heads = {
        name: f" (usually {_usual_metric(kind)}; a budget counts {kind.budget_unit})"
        for name, kind in kinds.items()
    }
    _print_by_modality(register.tasks.listed(), heads)
    print("\nOr the path of your own data: tlkit compare PATH ...")


def sources(options: argparse.Namespace) -> None:
    """List the sources of each modality."""
    from tlkit.study import register

    _print_by_modality(register.sources.listed(), {})
    print("\nOr the path of a source that you saved: tlkit compare ... --source PATH.safetensors")


def strategies(options: argparse.Namespace) -> None:
    """List the strategies of a task, or those of every modality."""
    from tlkit import catalogue

    task = catalogue.load_task(catalogue.task_name(options.task)) if options.task else None
    groups = {task.name: task.strategies()} if task else catalogue.strategies()
    for number, (title, kinds) in enumerate(groups.items()):
        print("\n" * (number > 0) + f"For {title}:")
        for name, kind in kinds.items():
            print(f"{name}: {kind.title}\n{_filled(kind.idea, '    ')}")


def notebooks(options: argparse.Namespace) -> None:
    """List the course's notebooks, and those beside it, with the time that each takes."""
    from tlkit.course import notebooks, syllabus

    books = [*notebooks.notebooks(), *notebooks.companions()]
    _print_table([(book.name, book.title, syllabus.time(book).partition(";")[0]) for book in books])


def _usual_metric(kind: Any) -> str:
    """Return a kind of task's metric, which its tasks may be given another of."""
    return getattr(kind, "metric", None) or inspect.signature(kind).parameters["metric"].default


def _print_by_modality(listed: Iterable[Listed], heads: dict[str, str]) -> None:
    from tlkit import catalogue

    groups: dict[str, list[Listed]] = {}
    for each in listed:
        groups.setdefault(catalogue.modality_of(each.module), []).append(each)
    for number, (modality, entries) in enumerate(groups.items()):
        print("\n" * (number > 0) + f"For {modality}{heads.get(modality, '')}:")
        _print_table([(each.names[0], each.words, each.comes) for each in entries if len(each.names) == 1])
        for each in entries:
            if len(each.names) > 1:
                print(f"\n{each.words} ({each.comes}):\n{_filled(', '.join(each.names), '  ')}")


def _print_table(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print names in a column, and beside each what it is, with a remark in brackets."""
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, words, remark in rows:
        text = f"{words} ({remark})" if remark else words
        print(_filled(text, f"{name:{width}}  ", " " * (width + 2)).rstrip() if text else name)


def _filled(text: str, first: str, others: str | None = None) -> str:
    wide = min(WIDEST, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text, wide, initial_indent=first, subsequent_indent=first if others is None else others
    )
