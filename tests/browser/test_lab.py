"""What a learner sees: JupyterLab in a real browser, Run All, and the panel under their hands."""

from __future__ import annotations

import re

import nbformat
import pytest
from lab_pages import PanelOnPage

pytestmark = pytest.mark.browser

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
TOY = """\
import tlkit
from toys import Broken, Helper, Misleader, Numbers, toy_source
strategies = {"helper": "helper", "misleader": "misleader", "broken": "broken", "slow": Helper(pause=0.3)}
tlkit.panel(toy_source(), Numbers(), strategies)"""


@pytest.fixture(scope="module")
def shared(lab, open_notebook):
    """A small notebook that shows a panel of toy strategies, opened and run once."""
    cell = nbformat.v4.new_code_cell(TOY)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL), lab.folder / "small.ipynb")
    notebook = open_notebook("small.ipynb")
    notebook.run_all()
    assert notebook.errors == []
    return PanelOnPage(notebook)


@pytest.fixture
def toy(shared):
    """The small notebook's panel, cleared."""
    shared.press("Clear")
    shared.box.locator(".tlkit-verdicts").wait_for(state="detached")
    return shared


def change_and_run(panel: PanelOnPage, add: str) -> None:
    """Switch a strategy on, press Run, and see chart and verdict change."""
    before, verdict = panel.gains, panel.verdict
    assert add not in before
    panel.toggle(add).check()
    panel.press("Run")
    panel.wait("^Done")
    after = panel.gains
    assert len(after[add]) == 1
    assert {name: after[name] for name in before if name in after} == before
    assert panel.verdict != verdict
    assert add in panel.verdict


def test_toggle_and_run_change_the_chart_and_the_verdict(toy):
    toy.notebook.shoot("fresh")
    toy.switch_on("helper")
    toy.press("Run")
    toy.wait("^Done")
    assert "helper from toy helps" in toy.verdict
    change_and_run(toy, "misleader")
    assert "misleader from toy hurts" in toy.verdict
    toy.box.locator("summary").click()
    assert "misleader" in toy.box.locator("table").inner_text()
    toy.notebook.shoot("toy")


def test_the_chart_is_as_wide_as_the_panel_before_the_first_run(lab, open_notebook):
    cell = nbformat.v4.new_code_cell(TOY)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL), lab.folder / "fresh.ipynb")
    notebook = open_notebook("fresh.ipynb")
    notebook.run_all()
    panel = PanelOnPage(notebook)
    for width in (1400, 900):
        notebook.page.set_viewport_size({"width": width, "height": 1500})
        notebook.page.wait_for_function(
            "() => { const box = document.querySelector('.tlkit-panel'),"
            " drawn = [...box.querySelectorAll('.main-svg')].map(svg => svg.getBoundingClientRect()),"
            " [left, right] = [drawn.map(each => each.left), drawn.map(each => each.right)],"
            " gap = box.clientWidth - (Math.max(...right) - Math.min(...left));"
            " return drawn.length > 0 && gap >= 0 && gap < 60 }"
        )
    assert panel.box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_an_example_changes_when_a_strategy_is_toggled_without_a_run(toy):
    toy.switch_on("helper")
    toy.box.get_by_label("Example of").select_option("unit 1")
    heads = toy.box.locator(".tlkit-example thead")
    heads.filter(has_text="helper").wait_for()
    toy.toggle("misleader").check()
    heads.filter(has_text="misleader").wait_for()
    toy.notebook.shoot("example")
    toy.toggle("helper").uncheck()
    heads.filter(has_text=re.compile(r"^\s*alone\s+misleader\s*$")).wait_for()
    toy.box.get_by_label("Example of").select_option("Choose one")
    heads.wait_for(state="detached")


def test_error_shows_and_the_next_run_works(toy):
    toy.switch_on("broken")
    toy.press("Run")
    toy.alert.wait_for()
    assert "<b>broken</b> on purpose" in toy.alert.inner_text()
    toy.notebook.shoot("error")
    toy.switch_on("helper")
    toy.press("Run")
    toy.wait("^Done")
    assert toy.alert.count() == 0
    assert "helper" in toy.verdict


def test_stop_ends_a_run_and_keeps_what_is_done(toy):
    toy.switch_on("slow")
    toy.press("Run")
    toy.wait("slow, seed 1")
    toy.press("Stop")
    toy.wait("^Stopped after [34] of 6 trials")
    assert "slow" in toy.gains
    toy.press("Run")
    toy.wait("^Done: 6 trials")


def test_narrow_window_needs_no_horizontal_scroll(toy):
    toy.notebook.page.set_viewport_size({"width": 900, "height": 1500})
    toy.switch_on("helper", "misleader")
    toy.press("Run")
    toy.wait("^Done")
    assert toy.box.evaluate("box => box.scrollWidth <= box.clientWidth")
    plot = "box => box.querySelector('.main-svg').getBoundingClientRect().width <= box.clientWidth"
    toy.notebook.page.wait_for_timeout(500)
    toy.notebook.shoot("narrow")
    assert toy.box.evaluate(plot)


def test_course_notebook_runs_and_its_panel_answers(open_notebook):
    notebook = open_notebook("02_features_and_fine_tuning.ipynb")
    notebook.run_all()
    assert notebook.errors == []
    panel = PanelOnPage(notebook)
    panel.switch_on("probe")
    panel.press("Run")
    panel.wait("^Done")
    notebook.shoot("course")
    change_and_run(panel, "nearest")
    panel.switch_on()
    panel.press("Run")
    panel.alert.wait_for()
    assert "Only the baseline is switched on" in panel.alert.inner_text()
    panel.switch_on("probe")
    panel.press("Run")
    panel.wait("^Done")
    assert panel.alert.count() == 0
    notebook.shoot("course_compared")
