"""The site's build says what is missing and what is wrong."""

from __future__ import annotations

import shutil
import sys

import pytest

from tlkit.course import docs
from tlkit.course.notebooks import folder
from tlkit.errors import FileProblem, TlkitError


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    with pytest.raises(TlkitError, match=r'site needs myst_nb, .*pip install "tlkit\[docs\]"'):
        docs.build_docs(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_without_a_clone_it_asks_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(docs, "folder", lambda: tmp_path / "notebooks")
    with pytest.raises(FileProblem, match=r"has no README.md: clone tlkit"):
        docs.build_docs(tmp_path / "site")


@pytest.mark.parametrize(
    ("fault", "named"),
    [("[gone](notebooks/99_gone.ipynb)", "99_gone.ipynb"), (r"$\nonsense x$", r"\nonsense")],
)
def test_a_page_with_a_fault_is_named(tmp_path, monkeypatch, capfd, fault, named):
    clone = tmp_path / "clone"
    for path in docs.PROSE.values():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(f"# A page\n\n{fault if path == 'README.md' else ''}\n", encoding="utf-8")
    shutil.copytree(folder().parent / "data" / "pictures", clone / "data" / "pictures")
    monkeypatch.setattr(docs, "folder", lambda: clone / "notebooks")
    monkeypatch.setattr(docs, "_course", lambda root: {})
    monkeypatch.setattr(docs, "_packages", list)
    with pytest.raises(TlkitError, match="has the faults that are named above"):
        docs.build_docs(tmp_path / "site")
    assert named in capfd.readouterr().err


def test_links_hold_when_a_page_moves_to_the_top():
    page = "![Binder](https://a.org/b.svg) ![g](../../data/g.png) [c](../../.github/CONTRIBUTING.md#map)"
    moved = docs._moved(page, "tests/benchmarks/README.md")
    assert moved == "Binder ![g](data/g.png) [c](contributing.md#map)"
    assert docs._moved("[s](../README.md) [b](background.ipynb)", docs.PROJECT) == (
        "[s](../index.md) [b](background.ipynb)"
    )


def test_the_course_in_the_site_is_syllabus_background_lessons_and_project():
    pages = list(docs._course(folder().parent))
    assert pages[:3] == ["syllabus.md", "notebooks/background.ipynb", "notebooks/00_start_here.ipynb"]
    assert pages[-1] == "notebooks/project.md"
    assert not any("answers" in page for page in pages)
