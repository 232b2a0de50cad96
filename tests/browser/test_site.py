"""What a reader of the site sees: start page, course, API and search, with nothing from the network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> str:
    """Address of a site that `tlkit build docs` has made."""
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "tlkit.cli", "build", "docs"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return (place / "build" / "docs").as_uri()


@pytest.fixture
def page(browser, site):
    """A window without a network, at the start page; afterwards it must have asked for nothing but files."""
    with browser.new_context(offline=True) as context:
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site}/index.html")
        yield page
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def shown(picture) -> bool:
    """Whether a picture has arrived, which a lazy one does when it is scrolled to."""
    picture.scroll_into_view_if_needed()
    return picture.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")


def test_the_start_page_leads_to_the_course(page):
    assert shown(page.get_by_role("img", name="The panel"))
    page.get_by_role("main").get_by_role("link", name="01 Why transfer").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Why transfer?")


def test_a_notebook_shows_its_figures_and_formulas(page, site):
    page.goto(f"{site}/notebooks/01_why_transfer.html")
    figures = page.locator(".cell_output img")
    assert all(shown(figure) and len(figure.get_attribute("alt")) > 20 for figure in figures.all()[-2:])
    assert page.locator("math[display=block]").first.bounding_box()["height"] > 20


def test_the_search_finds_a_strategy_and_its_docstring(page):
    page.get_by_role("textbox", name="Search").fill("finetune")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="tlkit.vision.strategies.FineTune", exact=True).click()
    described = page.locator("dl.class", has=page.locator('[id="tlkit.vision.strategies.FineTune"]'))
    assert "Train on from the source’s weights" in described.inner_text()
    assert described.get_by_text("layer_decay").last.is_visible()
