"""Predictions and quizzes as widgets: labelled controls, a button, and a line that says what was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tlkit.errors import TlkitError
from tlkit.lessons.notes import Outcome

CSS = Path(__file__).with_name("lesson.css").read_text(encoding="utf-8")


class Control(NamedTuple):
    """What is seen, and how it is read."""

    widget: Any
    read: Callable[[], Any]


def ask(question: str, control: Control, keep: Callable[[Any], str], said: str) -> None:
    """Show a question with its control, a button that keeps what that holds, and what is kept so far.

    Parameters
    ----------
    question : str
        Markdown.
    control : Control
        Where the answer is given.
    keep : callable
        Takes the answer, and returns what to say of it; an error of tlkit's is said instead.
    said : str
        What to say before that.
    """
    import ipywidgets as widgets

    status = widgets.HTML(_status(said))
    button = widgets.Button(description="Keep my prediction", icon="check", button_style="primary")

    def on_click(_button: Any) -> None:
        try:
            status.value = _status(keep(control.read()))
        except TlkitError as error:
            status.value = _status(str(error))

    button.on_click(on_click)
    _display([_html(f"<b>Predict.</b> {_marked_up(question)}"), control.widget, button, status])


def ask_all(questions: Mapping[str, Sequence[str]], judge: Callable[[list[Any]], list[Outcome]]) -> None:
    """Show questions with their options as radio buttons, and one button that checks them all.

    Parameters
    ----------
    questions : mapping of str to sequence of str
        Each question, in Markdown, with its options.
    judge : callable
        From the answers, None where there is none, to an outcome each.
    """
    import ipywidgets as widgets

    groups = [radio(options).widget for options in questions.values()]
    results = [widgets.HTML() for _ in groups]
    score = widgets.HTML(_status(""))
    button = widgets.Button(description="Check", icon="check", button_style="primary")

    def check(_button: Any) -> None:
        outcomes = judge([group.value for group in groups])
        for result, outcome in zip(results, outcomes, strict=True):
            remark = f'<div class="tlkit-remark">{_marked_up(outcome.text)}</div>'
            result.value = f'<div role="status" aria-live="polite">{remark}</div>'
        right = sum(outcome.status == "right" for outcome in outcomes)
        score.value = _status(f"{right} of {len(outcomes)} right.")

    button.on_click(check)
    parts = []
    for i, (question, group, result) in enumerate(zip(questions, groups, results, strict=True), start=1):
        parts += [_html(f"<b>{i}.</b> {_marked_up(question)}"), group, result]
    _display([*parts, button, score])


def slider(low: float, high: float, value: float | None, label: str, step: float | None = None) -> Control:
    """Return a slider from `low` to `high`, in the middle where there is no value yet."""
    import ipywidgets as widgets

    digits = 0 if high - low >= 20 else 1 if high - low >= 2 else 2
    made = widgets.FloatSlider(
        value=(low + high) / 2 if value is None else value,
        min=low,
        max=high,
        step=step or 10.0**-digits,
        description=label,
        readout_format=f".{digits}f",
        style={"description_width": "140px"},
    )
    return Control(made, lambda: made.value)


def radio(options: Sequence[str], value: str | None = None) -> Control:
    """Return a radio button for each option, none of them chosen where there is no value yet."""
    import ipywidgets as widgets

    made = widgets.RadioButtons(options=list(options), value=value)
    return Control(made, lambda: made.value)


def places(items: Sequence[str], value: Sequence[str]) -> Control:
    """Return a dropdown of all items for each place in an order."""
    import ipywidgets as widgets

    return together(
        widgets.Dropdown(options=list(items), value=item, description=f"{i}.")
        for i, item in enumerate(value, start=1)
    )


def together(made: Iterable[Any]) -> Control:
    """Return several widgets below each other, read as the list of their values."""
    import ipywidgets as widgets

    parts = list(made)
    return Control(widgets.VBox(parts), lambda: [part.value for part in parts])


def _status(text: str) -> str:
    return f'<div role="status" aria-live="polite">{escape(text)}</div>'


def _marked_up(text: str) -> str:
    """Turn the little Markdown of a question into HTML: code, bold and italics."""
    shown = escape(text)
    for mark, tag in (("`", "code"), ("**", "b"), ("*", "i")):
        first, *rest = shown.split(mark)
        if len(rest) % 2 == 0:
            shown = first + "".join(f"<{'/' * (i % 2)}{tag}>{part}" for i, part in enumerate(rest))
    return shown


def _html(content: str) -> Any:
    import ipywidgets as widgets

    return widgets.HTML(content)


def _display(children: list[Any]) -> None:
    import ipywidgets as widgets
    from IPython.display import display

    box = widgets.VBox([_html(f"<style>{CSS}</style>"), *children])
    box.add_class("tlkit-lesson")
    display(box)


def available() -> bool:
    """Say whether there are widgets to ask with."""
    return find_spec("ipywidgets") is not None
