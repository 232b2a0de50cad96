"""Small pages to read: one look for grades, syllabus and answer sheets, in light, in dark and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def render(template: str, **values: Any) -> str:
    """Return a page from a template of this folder; text is escaped unless it is marked as HTML."""
    from jinja2 import Environment, FileSystemLoader

    from tlkit import __version__

    shelf = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return shelf.get_template(template).render(version=__version__, **values)


def from_markdown(title: str, text: str) -> str:
    """Return a page from Markdown, whose formulas are MathML."""
    from markupsafe import Markup
    from nbconvert.filters import markdown2html

    return render("prose.html", title=title, prose=Markup(markdown2html(text)))
