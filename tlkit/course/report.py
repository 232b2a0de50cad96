"""The report of a run: one page to read, and the same in the terminal."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tlkit import __version__
from tlkit.figures.dark import dark_css
from tlkit.study.sentences import CLAIMS
from tlkit.system import files

WIDTH = 100  # columns of the terminal's summary
_OTHERWISE = {"failed": "failed", "interrupted": "was interrupted", "not run": "was not run"}


def page(run: Mapping[str, Any]) -> str:
    """Return a run as one self-contained HTML page.

    Parameters
    ----------
    run : mapping
        What ``results.json`` holds: ``began``, ``seconds`` and ``notebooks``.
    """
    from jinja2 import Environment, FileSystemLoader

    shelf = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    shelf.filters |= {"shown": shown, "lasting": lasting}
    books = run["notebooks"]
    return shelf.get_template("report.html").render(
        run=run,
        version=__version__,
        dark=dark_css(ink="var(--ink)", grid="var(--line)"),
        summary=" ".join(filter(None, [finding(books), in_a_sentence(books)])),
        plotly=_plotly() if any("figure" in record for book in books for record in book["records"]) else "",
    )


def in_a_sentence(books: Iterable[Mapping[str, Any]]) -> str:
    """Return how many notebooks passed, and which did not."""
    books = list(books)
    short = [book for book in books if book["status"] != "passed"]
    others = [f"{book['name']} {_OTHERWISE[book['status']]}" for book in short]
    passed = f"{len(books) - len(others)} of {len(books)} notebooks passed"
    return "; ".join([passed, *others]) + "."


def finding(books: Iterable[Mapping[str, Any]]) -> str:
    """Return in a sentence what all recorded verdicts come to; empty where none was recorded."""
    tables = [record["table"] for book in books for record in book["records"] if "table" in record]
    words = Counter(
        row[table["columns"].index("verdict")]
        for table in tables
        if "verdict" in table["columns"]
        for row in table["rows"]
    )
    told = ", ".join(f"{words[word]} {word}" for word in CLAIMS if words[word])
    return f"{words.total()} verdicts were recorded: {told}." if words else ""


def summary(books: Iterable[Mapping[str, Any]]) -> str:
    """Return the table that a run ends with in the terminal: status, seconds, results, and what failed."""
    books = list(books)
    width = max(len(book["name"]) for book in books)
    lines = [f"{'notebook':{width}}  {'status':11}  {'seconds':>7}  results"]
    for book in books:
        lines.append(
            f"{book['name']:{width}}  {book['status']:11}  {book['seconds']:7.1f}  {len(book['records']):7}"
        )
        for record in book["records"]:
            lines += _indented([*record.get("sentences", ()), *_failed(record)])
        lines += _failure(book["error"])
    return "\n".join([*lines, "", *filter(None, [finding(books)]), in_a_sentence(books)])


def shown(value: Any) -> str:
    """Return a table cell: three decimals of a share, four digits of a number, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}" if 0.001 <= abs(value) < 1 else f"{value:.4g}"
    return ", ".join(map(shown, value)) if isinstance(value, list | tuple) else str(value)


def lasting(seconds: float) -> str:
    """Return a duration in words."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _failed(record: Mapping[str, Any]) -> list[str]:
    number = len(record["failed"]["rows"]) if "failed" in record else 0
    return [f"{record['name']}: failed trials, {number}, which no verdict rests on."] if number else []


def _indented(sentences: Iterable[str]) -> list[str]:
    wrap = partial(textwrap.fill, width=WIDTH, initial_indent="    ", subsequent_indent="      ")
    return [wrap(sentence) for sentence in sentences]


def _failure(error: Mapping[str, Any] | None) -> list[str]:
    if error is None:
        return []
    return [
        f"    {error['name']} in {error['where']}: {error['message']}",
        *textwrap.indent(error["source"], "    | ").splitlines(),
    ]


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def write(into: Path, run: Mapping[str, Any]) -> None:
    """Write ``results.json`` and ``index.html`` into the folder of a run."""
    files.atomic_write(into / "results.json", json.dumps(run, indent=1))
    files.atomic_write(into / "index.html", page(run))
