"""Each notebook runs with other parameters than its own; the trials are those that a full run has stored."""

from __future__ import annotations

import json

import pytest
from shortened import fewer

from tlkit.course import notebooks, running
from tlkit.course.parameters import defaults


@pytest.mark.slow
@pytest.mark.parametrize("book", notebooks.notebooks(), ids=lambda book: book.name)
def test_it_runs_with_other_parameters_than_its_own(book, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    others = fewer(book)
    assert others["seeds"] != book.parameters["seeds"]
    into, [result] = running.run([book.name], [(name, str(value)) for name, value in others.items()])
    assert result.status == "passed", result.error
    assert result.records, "a notebook records what it found"
    content = json.loads((into / book.path.name).read_text(encoding="utf-8"))
    tagged = (cell for cell in content["cells"] if "injected-parameters" in cell["metadata"].get("tags", ()))
    [injected] = ["".join(cell["source"]) for cell in tagged]
    assert dict(defaults(book.name, injected)) == others
