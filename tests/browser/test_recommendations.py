"""Notebook 12 in a real browser: what one person is recommended, and how it changes with the strategies."""

from __future__ import annotations

import re

import pytest
from lab_pages import PanelOnPage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def panel(open_notebook):
    """The panel of the notebook on recommendation transfer, after Run All."""
    notebook = open_notebook("12_recommendation_transfer.ipynb")
    notebook.run_all()
    assert notebook.errors == []
    return PanelOnPage(notebook)


def choose(panel: PanelOnPage, place: int) -> None:
    """Choose a person under Example, and wait until the table is theirs."""
    people = panel.box.get_by_label("Example of")
    people.select_option(index=place)
    name = people.locator("option").nth(place).inner_text()
    panel.box.locator(".tlkit-example").get_by_text(f"{name}, with").wait_for(timeout=60_000)


def lists(panel: PanelOnPage, *strategies: str) -> dict[str, list[str]]:
    """Wait for a column each of the baseline and these strategies, and read what they recommend."""
    table = panel.box.locator(".tlkit-example table")
    titles = r"\s+".join(["target_only", *strategies])
    table.locator("thead").filter(has_text=re.compile(rf"^\s*{titles}\s*$")).wait_for(timeout=60_000)
    rows = table.locator("tbody tr").all()
    columns = zip(*(row.locator("td").all_inner_texts() for row in rows), strict=True)
    return dict(zip(["target_only", *strategies], map(list, columns), strict=True))


def test_one_persons_list_changes_when_a_strategy_is_toggled(panel):
    panel.switch_on()
    choose(panel, 1)
    alone = lists(panel)["target_only"]
    assert len(set(alone)) == 10
    panel.toggle("joined").check()
    both = lists(panel, "joined")
    assert both["target_only"] == alone
    assert len(set(both["joined"])) == 10
    assert set(both["joined"]) != set(alone)
    panel.notebook.shoot("recommendations")
    panel.toggle("joined").uncheck()
    assert lists(panel) == {"target_only": alone}


def test_the_list_is_the_chosen_persons(panel):
    panel.switch_on("frozen")
    choose(panel, 1)
    first = lists(panel, "frozen")
    choose(panel, 2)
    second = lists(panel, "frozen")
    assert all(second[name] != first[name] for name in first)


def test_a_run_judges_what_the_list_shows(panel):
    panel.switch_on("joined", "prior")
    panel.press("Run")
    panel.wait("^Done")
    for judged in ("joined domains from books", "source as prior"):
        assert judged in panel.verdict
    panel.notebook.shoot("recommendations_run")
