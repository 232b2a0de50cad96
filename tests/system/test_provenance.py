"""What a result rests on: the modules that its code imports, found by reading, and no others."""

from __future__ import annotations

import ast
import shutil

import pytest

from tlkit.system import provenance

FROZEN = "tlkit.vision.strategies.frozen"
FINDING = {"tlkit.vision.strategies", "tlkit.recsys.strategies"}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package, read instead of it; a function that edits a file of it."""
    folder = tmp_path / "tlkit"
    shutil.copytree(provenance.PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", folder)

    def edit(name, text="\n# edited\n"):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)
        for cached in (provenance._code, provenance.imported):
            cached.cache_clear()

    yield edit
    for cached in (provenance._code, provenance.imported):
        cached.cache_clear()


def test_a_picture_strategy_rests_on_its_training_and_on_no_other_room():
    needed = provenance.closure([FROZEN])
    assert {FROZEN, "tlkit.training.fitting", "tlkit.training.phases", "tlkit.errors"} <= needed
    rooms = {name.split(".")[1] for name in needed if "." in name}
    assert rooms.isdisjoint({"panels", "course", "figures", "recsys", "exercises"})


@pytest.mark.parametrize("modality", ["vision", "recsys"])
def test_a_task_rests_on_the_strategies_base_and_on_no_strategy(modality):
    package = f"tlkit.{modality}.strategies"
    needed = provenance.closure([f"tlkit.{modality}.tasks"])
    assert {name for name in needed if name.startswith(package)} == {package, f"{package}.base"}


def taken(module):
    """The names that a module imports from a package that finds its strategies itself."""
    nodes = ast.walk(ast.parse(provenance._file(module).read_text(encoding="utf-8")))
    origins = (node for node in nodes if isinstance(node, ast.ImportFrom))
    return {alias.name for node in origins if node.module in FINDING for alias in node.names}


def test_no_module_takes_a_strategy_from_where_reading_does_not_find_it():
    bases = {"ImageStrategy", "RatingsStrategy"}
    assert {module for module in provenance.everything() if taken(module) - bases} == set()


def test_code_changes_with_what_is_needed_and_with_nothing_else(copy):
    before = provenance.code([FROZEN])
    own = ("vision/strategies/scratch.py", "classification/strategies/scratch.py")
    for other in ("panels/panel.py", "recsys/models/ease.py", *own):
        copy(other)
        assert provenance.code([FROZEN]) == before
    copy("training/fitting.py")
    assert provenance.code([FROZEN]) != before


def test_a_module_that_counts_alone_brings_nothing_along(copy):
    before = provenance.code([FROZEN], alone=["tlkit.study.comparing"])
    copy("study/study.py")
    assert provenance.code([FROZEN], alone=["tlkit.study.comparing"]) == before
    copy("study/comparing.py")
    assert provenance.code([FROZEN], alone=["tlkit.study.comparing"]) != before


def test_imports_count_wherever_they_stand_but_for_those_of_type_checkers(copy):
    lines = (
        "import tlkit.study.callbacks as c",
        "from tlkit.figures import style, wording as w",
        "def later():\n    from tlkit.panels.page import anything",
        "if TYPE_CHECKING:\n    import tlkit.cli\nelse:\n    import tlkit.cli.doctor",
        "import numpy, tlkit.nothing",
    )
    copy("new.py", "\n".join(lines))
    assert provenance.imported("tlkit.new") == {
        "tlkit.study.callbacks",
        "tlkit.figures.style",
        "tlkit.figures.wording",
        "tlkit.panels.page",
        "tlkit.cli.doctor",
    }


def test_a_circle_ends(copy):
    copy("one.py", "import tlkit.two")
    copy("two.py", "import tlkit.one")
    assert provenance.closure(["tlkit.one"]) == {"tlkit.one", "tlkit.two"}
