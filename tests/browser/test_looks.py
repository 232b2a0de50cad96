"""How it looks: six panels and every kind of figure at three widths in both themes, measured."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import nbformat
import pytest
from lab_pages import PanelOnPage

pytestmark = pytest.mark.browser

WIDTHS, THEMES = (600, 900, 1280), ("JupyterLab Light", "JupyterLab Dark")
MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3
FOCUSED = """() => {
  const at = document.activeElement
  const name = at.getAttribute("aria-label") ?? at.closest("label")?.textContent ?? at.textContent
  return (at.getAttribute("role") ?? at.tagName) + ": " + name.trim()
}"""
CRAMPED = """box => [...box.querySelectorAll(".tlkit-card")].filter((card) => {
  const label = card.querySelector(".widget-label-basic"), words = document.createRange()
  words.selectNodeContents(label)
  const idea = card.querySelector(".widget-html").getBoundingClientRect()
  return words.getBoundingClientRect().bottom > idea.top + 1
}).map((card) => card.textContent.trim())"""  # a strategy's title lies on its idea
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

SETUP = """\
import pandas as pd
import tlkit
from tlkit.figures import charts, efficiency
from tlkit.recsys.tasks import RatingsTask

ways = ("scratch", "probe", "nearest", "finetune")
quick = {"min_steps": 4, "epochs": 1}
shops = {"n_users": 150, "n_items": 120}
def short(task, *names):
    return {name: task.strategy(name, **quick) if name in ("scratch", "finetune") else name for name in names}
digits, glyphs = tlkit.load_task("digits"), tlkit.load_source("glyphs")
films, books = tlkit.load_task("two_shops", **shops), tlkit.load_source("two_shops", **shops)
table = pd.concat([films.train, films.test], ignore_index=True)
cold = RatingsTask.split(table, films.items, by="cold", scale=films.scale, name="two_shops, newcomers")"""
PANELS = {
    "00": 'tlkit.panel(glyphs, digits, short(digits, *ways, "transplant"))',
    "01": 'tlkit.panel(glyphs, digits, short(digits, "scratch", "probe", "finetune"))',
    "02": 'worlds = tlkit.load_task("worlds", factor="shape", similarity=0.5)\n'
    'tlkit.panel(tlkit.load_source("shape"), worlds, short(worlds, *ways))',
    "11": 'tlkit.panel(None, cold, {"popularity": cold.strategy("target_only"), "ALS": "fusion"})',
    "12": 'tlkit.panel(books, films, ["joined", "cmf", "prior", "frozen", "features", "mapping"])',
    "13": 'tlkit.panel(None, cold, {"neighbours": cold.strategy("target_only"), "fusion": "fusion"})',
}
STUDY = """\
study = tlkit.compare(["joined", "prior", "frozen"], books, films, [0, 2, 10], 3, callbacks=[])
pets = ["cat", "dog"]
one = tlkit.compare(["joined", "prior", "frozen"], books, films, [2], 3, callbacks=[])"""
FIGURES = {
    "curve": "study.figure()",
    "forest": "one.figure()",
    "worth": 'efficiency.worth(study.worth(), "the target alone", "ratings a user")',
    "lines": 'charts.lines(study.curve(), "budget", "score", "strategy", "ratings a user", "NDCG@10")',
    "confusion": "charts.confusion(pd.DataFrame([[9, 1], [2, 8]], index=pets, columns=pets))",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the pictures go."""
    made = Path(os.environ.get("TLKIT_SCREENSHOTS") or tmp_path_factory.mktemp("looks"))
    print(f"Pictures of how it looks: {made}")
    return made


def opened(lab, open_notebook, name, sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), lab.folder / name)
    notebook = open_notebook(name)
    notebook.run_all()
    assert notebook.errors == []
    notebook.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    return notebook


def views(notebook):
    """Every theme at every width, once the page has settled."""
    for theme, width in itertools.product(THEMES, WIDTHS):
        notebook.use_theme(theme)
        notebook.page.set_viewport_size({"width": width, "height": 1500})
        notebook.page.wait_for_timeout(700)
        yield theme.rpartition(" ")[2].lower(), width


def too_faint(texts):
    return [f"{each['text']!r} {each['contrast']:.2f}" for each in texts if each["contrast"] < READABLE]


def overlaps(texts):
    """Pairs of texts of one chart that lie on each other by more than two pixels either way."""

    def on(one, other):
        across = min(one["right"], other["right"]) - max(one["left"], other["left"])
        down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
        return across > 2 and down > 4

    drawn = [each for each in texts if each["svg"]]
    return [f"{a['text']!r} on {b['text']!r}" for a, b in itertools.combinations(drawn, 2) if on(a, b)]


@pytest.fixture(scope="module")
def panels(lab, open_notebook):
    """A notebook with the panel of each lesson, made small; each was run at two budgets by its button."""
    notebook = opened(lab, open_notebook, "panels.ipynb", [SETUP, *PANELS.values()])
    for number in range(len(PANELS)):
        panel = PanelOnPage(notebook, number)
        panel.press("Run")
        panel.wait("^Done")
        panel.box.get_by_role("slider").first.press("ArrowRight")
        panel.press("Run")
        panel.wait("^Done")
    return notebook


def test_panels_are_legible_at_every_width_in_both_themes(panels, folder):
    faults = []
    boxes = panels.page.locator(".tlkit-panel")
    assert boxes.count() == len(PANELS)
    for theme, width in views(panels):
        for name, box in zip(PANELS, boxes.all(), strict=True):
            where = f"panel_{name}_{theme}_{width}"
            box.screenshot(path=folder / f"{where}.png")
            texts = box.evaluate(MEASURE)
            assert len(texts) > 20
            faults += [f"{where}: {fault}" for fault in too_faint(texts)]
            faults += [f"{where}: {title!r} lies on its idea" for title in box.evaluate(CRAMPED)]
            for plot in box.locator(".js-plotly-plot").all():
                faults += [f"{where}: {fault}" for fault in overlaps(plot.evaluate(MEASURE))]
            if not box.evaluate("box => box.scrollWidth <= box.clientWidth + 1"):
                faults.append(f"{where}: wider than its place")
            tops = [plot.bounding_box()["y"] for plot in box.locator(".js-plotly-plot").all()]
            if len(tops) == 2 and (abs(tops[0] - tops[1]) < 5) != (width == WIDTHS[-1]):
                faults.append(f"{where}: charts stand in the wrong way")
    assert not faults, "\n".join(faults)


def test_figures_are_legible_at_every_width_in_both_themes(lab, open_notebook, folder):
    sources = [SETUP, STUDY, *FIGURES.values()]
    notebook = opened(lab, open_notebook, "figures.ipynb", sources)
    faults, cells = [], notebook.page.locator(".jp-CodeCell")
    for theme, width in views(notebook):
        for number, name in enumerate(FIGURES, start=2):
            where, cell = f"figure_{name}_{theme}_{width}", cells.nth(number).locator(".jp-OutputArea").first
            cell.screenshot(path=folder / f"{where}.png")
            plot = cell.locator(".js-plotly-plot")
            texts = plot.evaluate(MEASURE)
            faults += [f"{where}: {fault}" for fault in [*too_faint(texts), *overlaps(texts)]]
            edges = plot.bounding_box()
            cut = [each["text"] for each in texts if each["left"] < edges["x"] - 1]
            cut += [each["text"] for each in texts if each["right"] > edges["x"] + edges["width"] + 1]
            faults += [f"{where}: {text!r} is cut" for text in cut]
    assert cells.nth(2).locator("details").get_attribute("aria-label").startswith("Line chart of NDCG@10")
    assert not faults, "\n".join(faults)


def test_tab_walks_through_a_panel_in_reading_order_and_names_what_it_meets(panels):
    panels.page.set_viewport_size({"width": 1280, "height": 1500})
    box = panels.page.locator(".tlkit-panel").nth(2)
    box.locator("input[type=checkbox]:not([disabled])").first.focus()
    said = []
    for _ in range(30):
        said.append(panels.page.evaluate(FOCUSED))
        panels.page.keyboard.press("Tab")
    walked = " | ".join(said)
    order = [
        "Nearest class mean",
        "slider: Labels a class",
        "slider: Seeds (draws)",
        "slider: Similarity",
        "Run",
    ]
    assert [walked.find(name) for name in order] == sorted(walked.find(name) for name in order), walked
    assert all(name in walked for name in order), walked
    assert "The chart as a table" in walked, walked
