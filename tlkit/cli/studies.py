"""``tlkit compare``: a study in the terminal."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tlkit.cli.statuses import FAILED
from tlkit.errors import BadInput, by_beginning

if TYPE_CHECKING:
    from tlkit.study.study import Study


def compare(options: argparse.Namespace) -> int:
    """Compare strategies, and print scores, verdicts of gains and labels and speed, and what failed."""
    from tlkit import catalogue
    from tlkit.study import comparing

    task = catalogue.load_task(catalogue.task_name(options.task), **_literals(options.parameters))
    known = list(task.strategies())
    chosen = [by_beginning("strategy", name, known) for name in options.strategies]
    baseline = options.baseline and by_beginning("strategy", options.baseline, known)
    names = [catalogue.source_name(name) for name in options.source]
    study = comparing.compare(
        chosen,
        [catalogue.load_source(name, **_literals(options.of_source)) for name in names],
        task,
        options.budgets,
        options.seeds,
        baseline=baseline,
        n_jobs=options.jobs,
        curves=options.curves,
    )
    if study.trials:
        print(f"{task.metric}, with its 95 % interval; a budget counts {task.budget_unit}:\n")
        _report(study, options)
    if options.save:
        print(f"Saved: {study.save(options.save)}")
    for failed in study.failures:
        print(f"Failed: {failed}")
    if study.missing:  # nothing but an interrupt leaves trials out
        raise KeyboardInterrupt
    return FAILED if study.failures else 0


def _report(study: Study, options: argparse.Namespace) -> None:
    print(study.curve().to_string(index=False, float_format="{:.3f}".format))
    _say(["", *study.sentences(options.adjust), *filter(None, [study.multiplicity(options.adjust)])])
    with suppress(BadInput):  # without two budgets, or a score that both reach, there is none
        _say(["", *study.worth()["sentence"]])
    if options.curves:
        speed = study.speed()
        print("\n" + speed.drop(columns="sentence").to_string(index=False, float_format="{:.3g}".format))
        _say(["", *speed["sentence"]])


def _say(sentences: Iterable[str]) -> None:
    """Print one sentence a line, which a terminal's lines wrap between words."""
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for sentence in sentences:
        print(textwrap.fill(sentence, wide, subsequent_indent="  "))


def _literals(given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Read a loader's parameters as Python does (0.4, True, [1, 5]), and what is no literal as text."""
    from tlkit.course.parameters import typed

    return {name: typed(name, text, None) for name, text in given}
