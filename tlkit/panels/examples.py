"""The panel's examples: what the strategies that are switched on make of one test example."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tlkit.figures.wording import budget_in_words
from tlkit.panels import view
from tlkit.panels.choices import Choice
from tlkit.panels.listener import StopWhen
from tlkit.panels.view import widgets
from tlkit.study.callbacks import Stop
from tlkit.study.planning import labelled, with_seed
from tlkit.study.source import Source
from tlkit.study.task import Task

SEED = 0
KEPT = 3  # settings whose fits stay in memory
ASK = ("Choose one", "")

Dials = tuple[int, float | None]


@dataclass(frozen=True)
class Setting:
    """A task at one budget and similarity, and what was fitted on it, by label."""

    task: Task
    fitted: dict[str, Any] = field(default_factory=dict)


class Examples(widgets.VBox):
    """A choice of test units, and a table with one column for each strategy that is switched on.

    Nothing is fitted before one is chosen. Then what is missing is fitted in the background, one
    strategy after the other, and given up where nobody waits for it any longer.

    Parameters
    ----------
    source : Source or None
        What is transferred.
    task : Task
        With `example_names`.
    choices : mapping of str to Choice
        The strategies by label.
    toggles : mapping of str to Checkbox
        Which of them are on.
    budget, similarity : slider
        The panel's; `similarity` is None where there is no such dial.

    Attributes
    ----------
    choice : Dropdown
        The test units, after a first line that stands for none.
    status, alert, table : HTML
        What goes on, what went wrong, and the outcome.
    """

    def __init__(
        self,
        source: Source | None,
        task: Task,
        choices: Mapping[str, Choice],
        toggles: Mapping[str, widgets.Checkbox],
        budget: widgets.SelectionSlider,
        similarity: widgets.FloatSlider | None,
    ):
        super().__init__()
        self._source, self._task, self._choices = source, task, choices
        self._toggles, self._budget, self._similarity = toggles, budget, similarity
        self._settings: dict[Dials, Setting] = {}
        self._failed: dict[tuple[Dials, str], str] = {}
        self._fitting, self._guard = threading.Lock(), threading.RLock()
        self._run = threading.Event()
        self._worker: threading.Thread | None = None
        options = [ASK, *((str(name), name) for name in task.example_names())]
        self.choice = widgets.Dropdown(description="Example of", options=options)
        self.status, self.alert, self.table = (widgets.HTML() for _ in range(3))
        self.children = [widgets.HTML("<h4>Example</h4>"), self.choice, self.status, self.alert, self.table]
        self.add_class("tlkit-example")
        for control in (self.choice, budget, similarity, *toggles.values()):
            if control is not None:
                control.observe(self._on_change, names="value")
        self.show()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Fit nothing meanwhile: a fit that is going on ends at its next training step."""
        self._run.set()
        try:
            with self._fitting:
                yield
        finally:
            self._run.clear()

    def show(self) -> None:
        """Show what is fitted of what is switched on, and say what is still to come."""
        with self._guard:
            dials, on = self._dials(), self._on()
            setting = self._settings.get(dials, Setting(self._task))
            fitted = {label: setting.fitted[label] for label in on if label in setting.fitted}
            failed = {label: self._failed.get((dials, label)) for label in on}
            problems = [f"{label}: {text}" for label, text in failed.items() if text]
            try:
                outcome = setting.task.example(self.choice.value, fitted) if fitted else ""
                self.table.value = view.example_html(outcome)
            except Exception as error:
                problems.append(view.error_text(error))
                self.table.value = ""
            self.alert.value = "".join(map(view.alert_html, problems))
            self.status.value = view.live_html(self._state())

    def _state(self) -> str:
        """Say what is shown, or what it waits for."""
        if not self.choice.index:
            return "Choose one to see what each strategy that is switched on makes of it."
        if missing := self._missing():
            return f"{missing[1]} waits for the run …" if self._run.is_set() else f"Fitting {missing[1]} …"
        budget, similarity = self._dials()
        at = "" if similarity is None else f" at similarity {similarity:.1f}"
        return (
            f"{self.choice.value}, with {budget_in_words(budget, self._task.budget_unit)}{at}, seed {SEED}."
        )

    def _on(self) -> list[str]:
        """The strategies to show: none before one is chosen."""
        return [label for label, box in self._toggles.items() if box.value and self.choice.index]

    def _dials(self) -> Dials:
        return self._budget.value, None if self._similarity is None else self._similarity.value

    def _missing(self) -> tuple[Dials, str] | None:
        """What to fit next for what is to be shown now."""
        dials = self._dials()
        known = {*self._settings.get(dials, Setting(self._task)).fitted}
        known |= {label for where, label in self._failed if where == dials}
        return next(((dials, label) for label in self._on() if label not in known), None)

    def _on_change(self, _change: Any) -> None:
        with self._guard:
            on = self._on()  # what failed and is switched on again is tried again
            self._failed = {at: text for at, text in self._failed.items() if at[1] in on}
            alive = self._worker is not None and self._worker.is_alive()
            if not alive and self._missing():
                self._worker = threading.Thread(target=self._work, daemon=True)
                self._worker.start()
        self.show()

    def _work(self) -> None:
        """Fit what is missing until nothing is."""
        while missing := self._next():
            with self._fitting:
                self._fit(*missing)
            self.show()

    def _next(self) -> tuple[Dials, str] | None:
        """What is missing; the worker that hears of nothing goes, and the next change makes another."""
        with self._guard:
            missing = self._missing()
            if missing is None:
                self._worker = None
            return missing

    def _fit(self, dials: Dials, label: str) -> None:
        """Fit a strategy as `compare` does, if somebody waits for it."""
        over = partial(self._unwanted, dials, label)
        if over():
            return
        try:
            setting = self._setting(*dials)
            _, estimator = labelled(label, self._choices[label].strategy, self._source, setting.task)
            estimator = with_seed(estimator, SEED)
            setting.task.fit(estimator, callbacks=[StopWhen(over)])
            setting.fitted[label] = estimator
        except Stop:
            pass
        except Exception as error:
            self._failed = {**self._failed, (dials, label): view.error_text(error)}

    def _unwanted(self, dials: Dials, label: str) -> bool:
        return self._run.is_set() or dials != self._dials() or label not in self._on()

    def _setting(self, budget: int, similarity: float | None) -> Setting:
        """The task at these dials, drawn if it is not at hand; the one asked for longest ago is let go."""
        dials, kept = (budget, similarity), dict(self._settings)
        setting = kept.pop(dials, None)
        if setting is None:
            task = self._task if similarity is None else self._task.at_similarity(similarity)
            setting = Setting(task.budget(budget, SEED))
        self._settings = {**dict([*kept.items()][1 - KEPT :]), dials: setting}
        return setting
