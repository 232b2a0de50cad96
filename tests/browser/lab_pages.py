"""A running JupyterLab, a notebook open in it, and a panel on its page, used as a person would."""

from __future__ import annotations

import os
import re
import secrets
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it answers, what lets you in, and the folder it serves."""

    address: str
    token: str
    folder: Path

    def call(self, path: str, method: str = "GET") -> bytes:
        """Answer of the server's API."""
        request = urllib.request.Request(
            f"{self.address}{path}", method=method, data=b"" if method == "POST" else None
        )
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def url(self, notebook: str) -> str:
        """Address of a notebook in a workspace that nobody has used."""
        return f"{self.address}/lab/workspaces/{secrets.token_hex(4)}/tree/{notebook}?token={self.token}"


class Notebook:
    """A notebook open in JupyterLab, used as a person would."""

    def __init__(self, page, lab: Lab, name: str):
        self.page, self._lab, self._name = page, lab, name
        page.goto(lab.url(name))
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        page.get_by_text(re.compile(r"Python 3.* \| Idle")).wait_for(timeout=60_000)

    def run_all(self, seconds: float = 300) -> None:
        """Choose Run All Cells and wait until every cell that has code has a number."""
        cells = nbformat.read(self._lab.folder / self._name, as_version=4).cells
        count = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        done = """count => {
            const cells = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
            const prompts = cells.map(cell => cell.textContent)
            const failed = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]')
            const all = prompts.filter(p => /\\[\\d+\\]/.test(p)).length >= count
            return failed || (all && !prompts.some(p => p.includes('*')))
        }"""
        try:
            self.page.wait_for_function(done, arg=count, timeout=seconds * 1000)
        finally:
            self.shoot("run_all", whole=True)

    def use_theme(self, name: str) -> None:
        """Choose one of JupyterLab's themes."""
        command = "name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
        self.page.evaluate(command, name)
        light = "true" if "Light" in name else "false"
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")

    @property
    def errors(self) -> list[str]:
        """Text of every error output."""
        return self.page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()

    def shoot(self, name: str, whole: bool = False) -> None:
        """Save a picture of the panel or of the whole window, if the environment names a folder for it."""
        if folder := os.environ.get("TLKIT_SCREENSHOTS"):
            what = self.page if whole else self.page.locator(".tlkit-panel").first
            what.screenshot(path=Path(folder) / f"{name}.png")


class PanelOnPage:
    """A panel of an open notebook, the first by default."""

    def __init__(self, notebook: Notebook, number: int = 0):
        self.notebook, self.box = notebook, notebook.page.locator(".tlkit-panel").nth(number)
        self.box.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)

    def toggle(self, name: str):
        """Return the checkbox of a strategy, by the code name on its card."""
        card = self.box.locator(".tlkit-card").filter(
            has=self.notebook.page.locator(f"code:text-is('{name}')")
        )
        return card.get_by_role("checkbox")

    def names(self) -> list[str]:
        """Return the code names on the cards, the baseline first."""
        return self.box.locator(".tlkit-card code").all_inner_texts()

    def switch_on(self, *names: str) -> None:
        """Leave exactly these switched on beside the baseline."""
        for name in self.names()[1:]:
            self.toggle(name).set_checked(name in names)

    def press(self, button: str) -> None:
        """Press a button, noting what the status said before."""
        self.box.get_by_role("status").evaluate("status => status.dataset.old = true")
        self.box.get_by_role("button", name=button).click()

    def wait(self, text: str, seconds: float = 120) -> None:
        """Wait until the status says something since the last button."""
        self.box.locator('[role="status"]:not([data-old])').filter(has_text=re.compile(text)).wait_for(
            timeout=seconds * 1000
        )

    @property
    def alert(self):
        """The place of the error message."""
        return self.box.get_by_role("alert")

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return " ".join(self.box.locator(".tlkit-verdicts li").all_inner_texts())

    @property
    def gains(self) -> dict[str, list[float]]:
        """The gains as the page draws them, by strategy."""
        return self.box.locator(".js-plotly-plot").last.evaluate(
            "plot => Object.fromEntries(plot.data.filter(t => t.error_y && t.y && t.y.length)"
            ".map(t => [t.name, Array.from(t.y)]))"
        )
