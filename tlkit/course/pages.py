"""Small pages to read: one look for grades, syllabus and answer sheets, in light, in dark and on paper."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from tlkit.course.notebooks import need

_FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)


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
    need("nbconvert", "lab", "Making pages")
    from markupsafe import Markup
    from nbconvert.filters import markdown2html

    prose = _FORMULA.sub(_mathml, markdown2html(text))
    return render("prose.html", title=title, prose=Markup(prose))


def _mathml(formula: re.Match) -> str:
    """Return a formula as browsers draw it by themselves; MathJax would come from the network."""
    math = need("docutils.utils.math", "docs", "Writing formulas")
    from docutils.utils.math import latex2mathml

    text = html.unescape(formula["block"] or formula["inline"])
    try:
        return latex2mathml.tex2mathml(text.replace(r"\dots", r"\ldots"), formula["block"] is not None)
    except math.MathError:  # a command that docutils does not know
        return f"<code>{html.escape(text)}</code>"
