"""What the panel looks like: its style, its pieces of HTML and its controls. No work is done here."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from tlkit.errors import BadInput, first_few
from tlkit.figures import style
from tlkit.figures.dark import DARK_LAB
from tlkit.panels.choices import Choice
from tlkit.study.task import Task
from tlkit.study.trial import FailedTrial
from tlkit.study.verdicts import MIN_SEEDS

try:
    import ipywidgets as widgets

    from tlkit.panels.page import PageHelper
except ImportError as error:
    raise ImportError(
        'The panel needs ipywidgets and anywidget: python -m pip install "tlkit[lab]".'
    ) from error

CSS = Path(__file__).with_name("panel.css").read_text(encoding="utf-8") + DARK_LAB
SIGNS = {
    "helps": "▲",
    "hurts": "▼",
    "better": "▲",
    "worse": "▼",
    "cheaper": "▲",
    "dearer": "▼",
    "practically equal": "■",
    "no evidence": "○",
    "no verdict": "×",
}


def status_html(text: str) -> str:
    """Return a line that a screen reader speaks when it changes."""
    return f'<div class="tlkit-muted" role="status" aria-live="polite">{escape(text)}</div>'


def live_html(text: str) -> str:
    """Return a line that is spoken when it changes, but is not the panel's status."""
    return f'<div class="tlkit-muted" aria-live="polite">{escape(text)}</div>'


def error_text(error: Exception) -> str:
    """Return what an error says, or its kind where it says nothing."""
    return str(error) or type(error).__name__


def failures_text(failures: Sequence[FailedTrial]) -> str:
    """Return how many trials failed, and why the first ones did."""
    return f"Failed: {len(failures)} trials, which no verdict rests on: {first_few(failures, 2)}"


def alert_html(text: str) -> str:
    """Return an error message that is announced at once; its text is shown as it is, never as markup."""
    return f'<div class="tlkit-alert" role="alert"><b>That did not work.</b> {escape(text)}</div>'


def verdict_html(rows: pd.DataFrame, setting: str, note: str) -> str:
    """Return the verdicts as sentences, each with its sign and colour, and a note on their number.

    Parameters
    ----------
    rows : DataFrame
        Columns verdict and sentence.
    setting : str
        What they are verdicts of.
    note : str
        What to say below.
    """
    shown = _sentences_html(f"Verdict: {setting}", rows)
    return shown + (f'<p class="tlkit-note">{escape(note)}</p>' if shown and note else "")


def worth_html(rows: pd.DataFrame) -> str:
    """Return in sentences what budgets are worth; empty where there are none."""
    return _sentences_html("What the budgets are worth", rows)


def _sentences_html(title: str, rows: pd.DataFrame) -> str:
    items = "".join(
        f'<li style="border-color: {style.VERDICT_MARKS[row.verdict].colour}">'
        f'<span aria-hidden="true">{SIGNS[row.verdict]}</span> {escape(row.sentence)}</li>'
        for row in rows.itertuples()
    )
    shown = f'<h4>{escape(title)}</h4><ul class="tlkit-verdicts" aria-live="polite">{items}</ul>'
    return shown if items else ""


def example_html(outcome: Any) -> str:
    """Return a test example's outcome: a table's text escaped, or what the object itself gives as HTML."""
    if isinstance(outcome, pd.DataFrame):
        with pd.option_context("display.max_colwidth", None):
            shown = outcome.to_html(border=0, index_names=False, float_format="{:.3f}".format, na_rep="–")
    else:
        shown = outcome._repr_html_() if hasattr(outcome, "_repr_html_") else escape(str(outcome))
    return f'<div class="tlkit-scroll">{shown}</div>' if shown else ""


def table_html(table: pd.DataFrame, history: pd.DataFrame) -> str:
    """Return the chart's numbers as a table that unfolds, and every trial as a file to download."""
    if history.empty:
        return ""
    data = base64.b64encode(history.to_csv(index=False).encode()).decode()
    name = f"all {len(history)} trials (CSV)"
    link = f'Download <a download="trials.csv" href="data:text/csv;base64,{data}">{name}</a>'
    shown = table.to_html(index=False, border=0, float_format="{:.3f}".format, na_rep="–")
    twin = (
        f'<details><summary>The chart as a table</summary><div class="tlkit-scroll">{shown}</div></details>'
    )
    return f"{twin if len(table) else ''}<p>{link}</p>"


def toggle(label: str, idea: str, always: bool) -> widgets.Checkbox:
    """Make a strategy's checkbox, its idea as the tooltip; the baseline's cannot be unticked."""
    box = widgets.Checkbox(value=always, description=label, indent=False, disabled=always)
    # ipywidgets 8 renamed the trait.
    setattr(box, "tooltip" if box.has_trait("tooltip") else "description_tooltip", idea)
    return box


def cards(toggles: Mapping[str, widgets.Checkbox], choices: Mapping[str, Choice]) -> widgets.Box:
    """Lay the strategies' checkboxes out as cards, each with its name in code and its idea in words."""
    made = []
    for label, box in toggles.items():
        text = f'<div class="tlkit-muted"><code>{escape(label)}</code> {escape(choices[label].idea)}</div>'
        made.append(classed("tlkit-card", widgets.VBox([box, widgets.HTML(text)])))
    return classed("tlkit-cards", widgets.Box(made))


def classed(name: str, widget: widgets.DOMWidget) -> widgets.DOMWidget:
    """Give a widget a CSS class."""
    widget.add_class(name)
    return widget


def button(label: str, icon: str, help_text: str, on_click: Callable[[Any], None]) -> widgets.Button:
    """Make a button; Run is the one that stands out."""
    made = widgets.Button(description=label, icon=icon, tooltip=help_text)
    made.button_style = "primary" if label == "Run" else ""
    made.on_click(on_click)
    return made


def budget_slider(task: Task) -> widgets.SelectionSlider:
    """Make the budget's slider: 0, 1, 2, 5, 10 ... from the least to the most that the data allow."""
    steps = [0, *(digit * 10**power for power in range(7) for digit in (1, 2, 5))]
    options = [step for step in steps if task.min_budget <= step <= task.max_budget] or [task.min_budget]
    value = max([option for option in options if option <= 5] or options[:1])
    return _slider(widgets.SelectionSlider, task.budget_unit.capitalize(), options=options, value=value)


def seeds_slider() -> widgets.IntSlider:
    """Make the slider for the number of draws; three are the least that give a verdict."""
    return _slider(widgets.IntSlider, "Seeds (draws)", min=MIN_SEEDS, max=10, value=MIN_SEEDS)


def similarity_slider(value: float) -> widgets.FloatSlider:
    """Make the dial of how much source and target have in common."""
    return _slider(
        widgets.FloatSlider, "Similarity", min=0, max=1, step=0.1, value=value, readout_format=".1f"
    )


def set_slider(slider: widgets.DOMWidget, name: str, value: float) -> None:
    """Set a slider from code, a budget between its steps included.

    Raises
    ------
    BadInput
        If the value is beyond its ends.
    """
    options = getattr(slider, "options", None)
    low, high = (min(options), max(options)) if options else (slider.min, slider.max)
    if not low <= value <= high:
        raise BadInput(f"{name} = {value!r} is out of range: this panel takes {low:g} to {high:g}.")
    if options:
        slider.options = sorted({*options, value})
    slider.value = value


def charts(shown: Sequence[Any]) -> widgets.Box:
    """Lay charts out side by side, or one below the other where there is no room; each under its title."""
    columns = [
        widgets.VBox([widgets.HTML(f"<h4>{escape(each.title)}</h4>"), each.widget, PageHelper()])
        for each in shown
    ]
    parts = [classed("tlkit-chart", column) for column in columns]
    return classed("tlkit-charts", widgets.Box(parts))


def alt_html(told: Sequence[str]) -> str:
    """Return what the charts show, for those who listen; the table below has it for all."""
    return f'<div class="tlkit-unseen">{escape(" ".join(told))}</div>'


def layout(panel: Any, source: Any, task: Task, choices: Mapping[str, Choice]) -> list[widgets.Widget]:
    """Put a panel's controls and displays in their places, from top to bottom."""
    # The slider says at which similarity: the name of the task given says where it began.
    name = task.name.partition(" at similarity")[0] if task.similarity is not None else task.name
    heading = f"{source.card.title} → {name}" if source else name
    dials = [dial for dial in (panel.budget, panel.seeds, panel.similarity) if dial is not None]
    go = [panel.run_button, panel.stop_button, panel.clear_button, panel.progress]
    return [
        widgets.HTML(f"<style>{CSS}</style><h3>{escape(heading)}</h3><h4>Strategies</h4>"),
        cards(panel.toggles, choices),
        classed("tlkit-settings", widgets.Box(dials)),
        classed("tlkit-go", widgets.Box(go)),
        panel.status,
        panel.alert,
        charts(panel.charts),
        panel.alt,
        panel.verdict,
        *([panel.examples] if panel.examples else []),
        panel.details,
    ]


def _slider(kind: type, description: str, **settings: Any) -> Any:
    return kind(description=description, style={"description_width": "112px"}, **settings)
