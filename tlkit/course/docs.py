"""`tlkit build docs`: README, course and API pages as one static site, whose search needs no network."""

from __future__ import annotations

import importlib
import json
import pkgutil
import posixpath
import re
import shutil
import tempfile
from pathlib import Path

import tlkit
from tlkit.course.notebooks import Notebook, companions, folder, need, notebooks
from tlkit.course.publish import PLOTLY
from tlkit.course.records import figure_alt
from tlkit.course.syllabus import syllabus
from tlkit.errors import FileProblem, TlkitError

PROJECT = "notebooks/project.md"
PROSE = {
    "index.md": "README.md",
    "contributing.md": ".github/CONTRIBUTING.md",
    "benchmarks.md": "tests/benchmarks/README.md",
}
CONTENTS = "\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
TABLES = """\
table.dataframe { border: 0; border-collapse: collapse; font-size: var(--font-size--small); }
table.dataframe :is(th, td) { border: 0; border-bottom: 1px solid var(--color-table-border); }
table.dataframe :is(th, td) { padding: 0.2rem 0.7rem; font-variant-numeric: tabular-nums; }
"""
HIDDEN = ("tlkit.exercises",)  # they hold the solutions
REMOTE_PICTURE = re.compile(r"!\[([^\]]*)\]\(https?://[^)]*\)")
LINK = re.compile(r"(?<=\]\()[^):#]+(?=[)#])")


def build_docs(into: Path = Path("build", "docs")) -> Path:
    """Make the site from a clone; the notebooks are shown as they are committed.

    Parameters
    ----------
    into : Path
        The folder to write into.

    Returns
    -------
    Path
        The start page.

    Raises
    ------
    FileProblem
        When there is no clone around the package.
    TlkitError
        When the extra ``docs`` is not installed, or a page has a fault, such as a link that leads nowhere.
    """
    for module in ("sphinx", "furo", "myst_nb"):
        need(module, "docs", "Building the site")
    from sphinx.cmd.build import main as sphinx

    with tempfile.TemporaryDirectory() as scratch:
        source, site = Path(scratch, "source"), Path(scratch, "site")
        site.mkdir()
        _lay_out(source)
        failed = sphinx(["--builder=html", "--fail-on-warning", str(source), str(site)])
        # myst-nb writes beside the site's folder too, hence this detour.
        shutil.copytree(site, into, dirs_exist_ok=True)
    if failed:
        raise TlkitError(f"The site in {into} has the faults that are named above.")
    print(f"Site: {into / 'index.html'}")
    return into / "index.html"


def _lay_out(into: Path) -> None:
    """Write what Sphinx reads: prose, pictures and notebooks where links expect them, a page a package."""
    root = folder().parent
    if not (root / "README.md").exists():
        raise FileProblem(f"The site is made from a clone, and {root} has no README.md: clone tlkit.")
    parts = {
        "Course": _course(root),
        "Reference": {f"api/{package}.rst": _described(package) for package in _packages()},
        "Development": {page: _moved((root / path).read_text("utf-8"), path) for page, path in PROSE.items()},
    }
    pages = {name: text for part in parts.values() for name, text in part.items()}
    for caption, part in parts.items():
        listed = [posixpath.splitext(name)[0] for name in part if name != "index.md"]
        pages["index.md"] += CONTENTS.format(caption=caption, pages="\n".join(listed))
    pages |= {"conf.py": "from tlkit.course.docs_settings import *\n", "_static/tables.css": TABLES}
    shutil.copytree(root / "data" / "pictures", into / "data" / "pictures")
    for name, text in pages.items():
        (into / name).parent.mkdir(exist_ok=True)
        (into / name).write_text(text, encoding="utf-8")


def _course(root: Path) -> dict[str, str]:
    """Return the course's pages: the syllabus, each notebook, and the closing project."""
    lessons, beside = notebooks(), companions()
    project = _moved((root / PROJECT).read_text("utf-8"), PROJECT)
    return {
        "syllabus.md": syllabus(lessons, beside, place="notebooks/"),
        **{f"notebooks/{book.path.name}": _shown(book) for book in [*beside, *lessons]},
        PROJECT: project,
    }


def _moved(text: str, path: str) -> str:
    """Return a clone's Markdown with its links as they are from its page of the site."""
    places = {path: page for page, path in PROSE.items()}
    home = posixpath.dirname(places.get(path, path)) or "."

    def relink(match: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match.group()))
        return posixpath.relpath(places.get(target, target), home)

    return LINK.sub(relink, REMOTE_PICTURE.sub(r"\1", text))


def _shown(book: Notebook) -> str:
    """Return a committed notebook whose figures are still ones, with their descriptions."""
    content = json.loads(REMOTE_PICTURE.sub(r"\1", json.dumps(book.content)))
    for cell in content["cells"]:
        for output in cell.get("outputs", ()):
            if PLOTLY in output.get("data", {}):
                alt = figure_alt(output["data"].pop(PLOTLY), otherwise="A figure.")
                cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
    return json.dumps(content)


def _packages() -> list[str]:
    found = pkgutil.walk_packages(tlkit.__path__, "tlkit.")
    return ["tlkit", *(each.name for each in found if each.ispkg and not each.name.startswith(HIDDEN))]


def _described(package: str) -> str:
    """Write a package's page: what it hands on, then file by file what else there is."""
    home = importlib.import_module(package)
    files = [each.name for each in pkgutil.iter_modules(home.__path__, f"{package}.") if not each.ispkg]
    page = f"{package}\n{'=' * len(package)}\n\n.. automodule:: {package}\n"
    handed_on = {name: getattr(door, name) for door in (tlkit, home) for name in getattr(door, "__all__", ())}
    for file in files:
        own = vars(importlib.import_module(file))
        described = [name for name, thing in handed_on.items() if own.get(name) is thing]
        page += f"\n{file}\n{'-' * len(file)}\n\n.. automodule:: {file}\n"
        page += f"   :exclude-members: {', '.join(described)}\n" if described else ""
    return page
