"""``tlkit doctor`` and ``tlkit build``: this machine, and what tlkit ships."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from tlkit.cli.statuses import FAILED
from tlkit.errors import BadInput, by_beginning

NOTEBOOKS = "notebooks"


def doctor(options: argparse.Namespace) -> int:
    """Say what this machine has and what is missing."""
    from tlkit.cli import doctor

    print(doctor.report())
    return FAILED if doctor.damaged_files() else 0


def build(options: argparse.Namespace) -> None:
    """Make again what tlkit ships, and the site that shows it."""
    from tlkit import catalogue
    from tlkit.course import answers, docs, publish, slides, syllabus

    of_notebooks = {
        NOTEBOOKS: publish.build_notebooks,
        "answers": answers.build_answers,
        "slides": slides.build_slides,
    }
    builders: dict[str, Callable[[], object]] = {
        **catalogue.builders(),
        **{name: partial(builder, options.names) for name, builder in of_notebooks.items()},
        "syllabus": syllabus.build_syllabus,
        "docs": docs.build_docs,
    }
    known = list(builders)
    wanted = [by_beginning("thing to build", options.what, known)] if options.what else known
    if options.names and wanted[0] not in of_notebooks:
        raise BadInput(f"Names are of notebooks: tlkit build {NOTEBOOKS} {' '.join(options.names)}")
    for name in wanted:
        print(f"Building {name}")
        builders[name]()
