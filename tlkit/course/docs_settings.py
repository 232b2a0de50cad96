"""Sphinx's settings for `tlkit build docs`; they stand in the place of a ``conf.py``."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.util.logging import getLogger

from tlkit import __version__
from tlkit.study.strategy import Strategy

project = "tlkit"
html_title = f"tlkit {__version__}"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_copyright = False
html_copy_source = False
html_math_renderer = "mathml"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
default_role = "py:obj"
add_module_names = False
python_maximum_signature_line_length = 80
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say more
napoleon_google_docstring = False
napoleon_use_rtype = False
suppress_warnings = ["ref.python"]  # a word of a shape, such as n_examples, is no reference
myst_enable_extensions = ["amsmath", "dollarmath"]
nb_execution_mode = "off"


def setup(app: Any) -> None:
    """Add to Sphinx what the site needs beside the usual."""
    # MathJax would come from the network.
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("autodoc-process-docstring", _introduce_strategy)
    app.connect("autodoc-skip-member", _is_generated)


def _formula(writer: Any, node: nodes.Element) -> None:
    """Write a formula as MathML, which browsers draw by themselves."""
    try:
        writer.body.append(latex2mathml.tex2mathml(node.astext(), isinstance(node, nodes.math_block)))
    except MathError as error:
        getLogger(__name__).warning("%s", error, location=node)
    raise nodes.SkipNode


def _introduce_strategy(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Say under a strategy's class by which name it is asked for."""
    if what == "class" and issubclass(thing, Strategy) and "name" in vars(thing):
        lines[:0] = [f"``{thing.name!r}``: {thing.idea}", ""]


def _is_generated(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn adds to every estimator that takes more than X and y."""
    return True if name.startswith("set_") and name.endswith("_request") else None
