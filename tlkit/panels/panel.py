"""The panel: strategies to switch on and off, a Run button, and what they buy, with an honest interval."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from tlkit.errors import BadInput, TlkitError, require_known
from tlkit.figures.wording import budget_in_words
from tlkit.panels import view
from tlkit.panels.chart import GainsChart, LearningChart
from tlkit.panels.choices import Strategies, choices, refuse_string
from tlkit.panels.examples import Examples
from tlkit.panels.listener import PanelListener, time_left
from tlkit.panels.runs import Runs
from tlkit.panels.view import widgets
from tlkit.study.comparing import compare
from tlkit.study.planning import lay_out
from tlkit.study.sentences import multiplicity
from tlkit.study.source import Source
from tlkit.study.study import Study
from tlkit.study.task import Task
from tlkit.study.trial import TaskSummary


def panel(source: Source | None, task: Task, strategies: Strategies = None) -> Panel:
    """Make a panel that compares strategies on a task, to be the last line of a notebook's cell.

    Parameters
    ----------
    source : Source or None
        What is transferred.
    task : Task
        The target.
    strategies : names, estimators, or a mapping of labels to either, optional
        What can be switched on; by default every strategy of the task's modality.

    Returns
    -------
    Panel

    Raises
    ------
    UnknownName
        If a strategy is not one of the task's.

    Examples
    --------
    >>> import tlkit
    >>> source = tlkit.load_source("two_shops", n_users=100, n_items=100)
    >>> task = tlkit.load_task("two_shops", n_users=100, n_items=100)
    >>> panel = tlkit.panel(source, task, ["joined"])
    >>> panel.run(budget=2, seeds=3)
    Study(6 trials on films at similarity 0.8)
    """
    return Panel(source, task, strategies)


class Panel(widgets.VBox):
    """Strategy toggles, budget, seeds, Run and Stop; live learning curve, gains so far, verdict in words.

    Parameters
    ----------
    source, task, strategies
        As for `panel`.

    Attributes
    ----------
    toggles : dict of str to Checkbox
        By strategy; the baseline's is always on.
    budget, seeds, similarity : slider
        The settings; `similarity` is None where the task has no such dial.
    examples : Examples or None
        What the strategies make of one test example, where the task shows any.
    """

    def __init__(self, source: Source | None, task: Task, strategies: Strategies = None):
        super().__init__()
        self._source, self._task = source, task
        self._choices = choices(task, strategies)
        self._runs = Runs(task)
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self.toggles = {
            label: view.toggle(choice.title, choice.idea, always=label == task.baseline)
            for label, choice in self._choices.items()
        }
        starters = [label for label in task.starters if label in self._choices]
        for label in starters or [*self._choices][1:3]:
            self.toggles[label].value = True
        self.budget, self.seeds = view.budget_slider(task), view.seeds_slider()
        self.similarity = None if task.similarity is None else view.similarity_slider(task.similarity)
        self.run_button = view.button("Run", "play", "Compare what is switched on", self._run_in_background)
        self.stop_button = view.button("Stop", "stop", "End the run; finished trials are kept", self._on_stop)
        self.clear_button = view.button("Clear", "trash", "Forget every run", self._on_clear)
        self.progress = widgets.FloatProgress(min=0, max=1, description="Progress")
        self.status, self.alert, self.alt, self.verdict, self.details = (widgets.HTML() for _ in range(5))
        summary, budgets = TaskSummary.of(task), self.budget.options
        self.learning = LearningChart([*self._choices]) if task.losses_compare else None
        self.gains = GainsChart([*self._choices], summary, budgets, self.similarity is not None)
        self.charts: list[LearningChart | GainsChart] = [*filter(None, [self.learning]), self.gains]
        shown = (source, task, self._choices, self.toggles, self.budget, self.similarity)
        self.examples = Examples(*shown) if len(task.example_names()) else None
        self.children = view.layout(self, source, task, self._choices)
        self.add_class("tlkit-panel")
        self._shown_budget = self.budget.value
        self._busy(False)
        for control in filter(None, [*self.toggles.values(), self.budget, self.seeds, self.similarity]):
            control.observe(self._announce, "value")
        self._announce()

    def __repr__(self) -> str:
        source = self._source.name if self._source else "no source"
        return f"Panel({source} → {self._task.name}, {len(self._choices)} strategies)"

    def run(
        self,
        strategies: Iterable[str] | None = None,
        budget: int | None = None,
        seeds: int | None = None,
        similarity: float | None = None,
    ) -> Study:
        """Set the controls that are given, compare what they say, and show it: what the Run button does.

        Parameters
        ----------
        strategies : iterable of str, optional
            What to switch on, and nothing else; the baseline always runs.
        budget, seeds : int, optional
            Labels a class or ratings a user, and how many draws.
        similarity : float, optional
            In [0, 1], where the task has this dial.

        Returns
        -------
        Study
            This run's trials; those of all runs are in `history`.

        Raises
        ------
        BadInput
            If a setting is impossible. This and any other error is also shown in the panel.
        TlkitError
            If the panel is running already.
        """
        with self._running():
            self._set(strategies, budget=budget, seeds=seeds, similarity=similarity)
            return self._compare()

    def stop(self) -> None:
        """End the run at its next training step; finished trials are kept."""
        self._stopping.set()
        self.say("Stopping …")

    def clear(self) -> None:
        """Forget every run."""
        self._runs.clear()
        for chart in self.charts:
            chart.clear()
        self.alert.value = self.alt.value = self.verdict.value = self.details.value = ""
        self.progress.value = 0
        self._announce()

    @property
    def history(self) -> pd.DataFrame:
        """One row a trial of every run: `Study.table`, and the similarity where the task has that dial."""
        return self._runs.gather(lambda study: study.table)

    @property
    def table(self) -> pd.DataFrame:
        """One row a strategy and setting: `Study.verdicts` of every run, and the similarity likewise."""
        return self._runs.gather(Study.verdicts)

    def say(self, text: str) -> None:
        """Show one line of status."""
        self.status.value = view.status_html(text)

    def show_gains(self) -> None:
        """Draw the gains of every run; where there is a similarity dial, those at the chosen budget."""
        table = self.table
        self.gains.compare(table if self.similarity is None else table[table["budget"] == self._shown_budget])

    def show_training(self, strategy: str, records: list[dict[str, float]]) -> None:
        """Draw the learning curve of what trains now, where losses compare."""
        if self.learning:
            self.learning.live(strategy, records)

    def close(self) -> None:
        """End a run that is going on, and take the panel off the page."""
        self._stopping.set()
        super().close()

    def _compare(self) -> Study:
        chosen = {label: self._choices[label].strategy for label, box in self.toggles.items() if box.value}
        if len(chosen) < 2:
            others = ", ".join([*self._choices][1:])
            raise BadInput(f"Only the baseline is switched on: add at least one of {others}.")
        task = self._task if self.similarity is None else self._task.at_similarity(self.similarity.value)
        budget, seeds = self.budget.value, self.seeds.value
        self._shown_budget = budget
        kept = self._runs.at(task.similarity)
        plan = [(each.label, each.seed) for each in lay_out(chosen, self._source, task, [budget], seeds)]
        listener = PanelListener(self, kept, self._stopping, plan, self._runs.seconds(budget))
        try:
            study = compare(chosen, self._source, task, [budget], seeds, n_jobs=1, callbacks=[listener])
        finally:
            self._show_results(chosen, budget, task.similarity)
        self.say(listener.summary(study.missing))
        if study.failures:
            self.alert.value = view.alert_html(view.failures_text(study.failures))
        return study

    def _show_results(self, chosen: Iterable[str], budget: int, similarity: float | None) -> None:
        self.show_gains()
        table, history = self.table, self.history
        self.alt.value = view.alt_html([chart.alt for chart in self.charts])
        self.details.value = view.table_html(table.drop(columns="sentence"), history)
        rows = table[table["strategy"].isin(list(chosen)) & (table["budget"] == budget)]
        if similarity is not None:
            rows = rows[rows["similarity"] == similarity]
        judged = bool(len(rows)) and "no verdict" not in set(rows["verdict"])
        if self._stopping.is_set() and self.verdict.value and not judged:
            return  # an earlier verdict says more than half a run
        note = multiplicity(int((table["verdict"] != "no verdict").sum()))
        verdicts = view.verdict_html(rows, self._setting(), note and f"So far this panel has shown {note}")
        self.verdict.value = verdicts + view.worth_html(self._worth(chosen, similarity))

    def _announce(self, _change: Any = None) -> None:
        """Say how much the chosen setting is to run, and about how long that takes."""
        if self._lock.locked():
            return
        similarity = None if self.similarity is None else self.similarity.value
        on = [label for label, box in self.toggles.items() if box.value]
        asked = [(label, self.budget.value, seed) for label in on for seed in range(self.seeds.value)]
        done = {(label, budget, seed) for label, _, budget, seed in self._runs.at(similarity)}
        new = [label for label, *rest in asked if (label, *rest) not in done]
        took = time_left(new, self._runs.seconds(self.budget.value))
        self.say(f"Ready: {len(asked)} trials, {len(new)} of them new{took and ', ' + took}.")

    def _setting(self) -> str:
        """What a run is of, in words."""
        parts = [budget_in_words(self.budget.value, self._task.budget_unit), f"{self.seeds.value} draws"]
        dial = [] if self.similarity is None else [f"similarity {self.similarity.value:.1f}"]
        return ", ".join([*parts, *dial])

    def _worth(self, chosen: Iterable[str], similarity: float | None) -> pd.DataFrame:
        """What each budget is worth that has been run at this similarity; nothing before there are two."""
        study = self._runs.study(similarity)
        try:
            table = study.worth()
        except BadInput:  # one budget alone, or no score in common
            return pd.DataFrame()
        return table[table["strategy"].isin(list(chosen))]

    def _set(self, strategies: Iterable[str] | None, **settings: float | None) -> None:
        refuse_string(strategies)
        if strategies is not None:
            on = {require_known("strategy", name, self._choices) for name in strategies}
            for label, box in self.toggles.items():
                box.value = label in on or label == self._task.baseline
        for name, value in settings.items():
            if value is not None and getattr(self, name) is None:
                raise BadInput(f"Task {self._task.name!r} has no {name} dial; generated worlds have one.")
            if value is not None:
                view.set_slider(getattr(self, name), name, value)

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        """Hold the panel for one run: a second is refused, an error is shown, the controls come back."""
        if not self._lock.acquire(blocking=False):
            raise TlkitError("This panel is running already: wait for it to end, or press Stop.")
        try:
            self._stopping.clear()
            self._busy(True)
            self.alert.value, self.progress.value = "", 0
            self.say("Starting …")
            with self.examples.paused() if self.examples else contextlib.nullcontext():
                yield
        except KeyboardInterrupt:
            self.say("Interrupted; finished trials are kept.")
            raise
        except Exception as error:
            self.say("")
            self.alert.value = view.alert_html(view.error_text(error))
            raise
        finally:
            self._lock.release()
            self._busy(False)

    def _on_stop(self, _button: Any) -> None:
        self.stop()

    def _on_clear(self, _button: Any) -> None:
        self.clear()

    def _run_in_background(self, _button: Any) -> None:
        """Leave the kernel free to hear the Stop button."""
        self._busy(True)
        threading.Thread(target=self._run_quietly, daemon=True).start()

    def _run_quietly(self) -> None:
        with contextlib.suppress(Exception):  # shown in the panel
            self.run()

    def _busy(self, busy: bool) -> None:
        self.run_button.disabled = self.clear_button.disabled = busy
        self.stop_button.disabled = not busy
