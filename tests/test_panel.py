"""The panel without a browser: it does what its controls say, shows what came of it, and outlives errors."""

from __future__ import annotations

import inspect
import re
import threading

import pytest
from toys import Guess, Misleader, Numbers, toy_source

import tlkit
from tlkit import panels
from tlkit.errors import BadInput, TlkitError, UnknownName
from tlkit.study import Study


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path))


def make(similarity=None, strategies=("helper", "misleader", "broken")):
    return tlkit.panel(toy_source(), Numbers(similarity=similarity), strategies)


def press_run(panel):
    """Press the button and wait for the thread it starts."""
    before = set(threading.enumerate())
    panel.run_button.click()
    for thread in set(threading.enumerate()) - before:
        thread.join(20)


def gains_drawn(panel):
    traces = [trace for trace in panel.chart.widget.data if trace.error_y.color]
    return {trace.name: (list(trace.x), list(trace.y)) for trace in traces if trace.x}


def test_run_shows_verdicts_in_words_table_and_chart():
    panel = make()
    study = panel.run(strategies=["helper", "misleader"], budget=5, seeds=4)
    assert isinstance(study, Study)
    assert len(panel.history) == 12
    assert panel.table.set_index("strategy")["verdict"].to_dict() == {"helper": "helps", "misleader": "hurts"}
    for sentence in study.sentences():
        assert sentence in panel.verdict.value
    drawn = gains_drawn(panel)
    assert drawn["helper"][1] == pytest.approx(100 * panel.table.query("strategy == 'helper'")["gain"])
    assert drawn["alone"][1] == [0, 0]
    assert "<details>" in panel.details.value
    assert "12 trials (CSV)" in panel.details.value
    assert "Done: 12 trials" in panel.status.value
    assert panel.progress.value == 1


def test_button_does_what_run_does():
    pressed, called = make(), make()
    called.run()
    press_run(pressed)
    assert pressed.verdict.value == called.verdict.value != ""
    assert gains_drawn(pressed) == gains_drawn(called)


def test_learning_curve_follows_training():
    panel = make()
    panel.run(strategies=["helper"])
    loss, valid, _ = panel.chart.widget.data[3:6]
    assert list(loss.y) == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert list(valid.x) == [1, 2, 3, 4, 5]


def test_live_drawing_is_throttled(monkeypatch):
    panel = make(strategies=["helper"])
    drawn = []
    monkeypatch.setattr(panel.chart, "live", lambda name, records: drawn.append((name, len(records))))
    monkeypatch.setattr("tlkit.panel_listener.REDRAW_SECONDS", 1e9)
    panel.run(seeds=3)
    assert drawn == [("alone", 5), ("helper", 5)] * 3


def test_comparison_accumulates_over_runs_and_clear_forgets():
    panel = make()
    panel.run(strategies=["helper"], budget=2)
    panel.run(strategies=["misleader"], budget=10)
    assert len(panel.history) == 12
    assert set(gains_drawn(panel)) == {"alone", "helper", "misleader"}
    assert "With 10" in panel.verdict.value
    assert "With 2 " not in panel.verdict.value
    panel.run(strategies=["helper"], budget=10)
    assert [round(x) for x in gains_drawn(panel)["helper"][0]] == [2, 10]
    panel.clear()
    assert panel.history.empty
    assert panel.table.empty
    assert set(gains_drawn(panel)) == {"alone"}
    assert panel.verdict.value == panel.details.value == ""


def test_more_seeds_join_the_earlier_ones():
    panel = make()
    panel.run(strategies=["helper"], seeds=3)
    panel.run(strategies=["helper"], seeds=5)
    assert panel.table["seeds"].tolist() == [5]


def test_similarity_dial_changes_the_gain_and_is_kept_in_history():
    panel = make(similarity=1.0)
    for similarity in (1.0, 0.0):
        panel.run(strategies=["helper"], budget=5, similarity=similarity)
    verdicts = panel.table.set_index("similarity")["verdict"]
    assert verdicts.to_dict() == {1.0: "helps", 0.0: "hurts"}
    assert panel.history["similarity"].tolist() == [1.0] * 6 + [0.0] * 6
    assert len(gains_drawn(panel)["helper"][0]) == 2


def test_there_is_no_dial_where_the_task_has_none():
    panel = make()
    assert panel.similarity is None
    assert "similarity" not in panel.history
    with pytest.raises(BadInput, match="no similarity dial"):
        panel.run(similarity=0.5)


def test_error_is_shown_as_text_and_the_panel_lives_on():
    panel = make()
    with pytest.raises(ValueError, match="on purpose"):
        panel.run(strategies=["broken"])
    assert 'role="alert"' in panel.alert.value
    assert "&lt;b&gt;broken&lt;/b&gt; on purpose" in panel.alert.value
    assert not panel.run_button.disabled
    panel.run(strategies=["helper"])
    assert panel.alert.value == ""
    assert "helper" in panel.verdict.value


def test_error_after_the_button_stays_in_the_panel():
    panel = make()
    for box in panel.toggles.values():
        box.value = False
    panel.toggles["alone"].value = True
    press_run(panel)
    assert "Only the baseline is switched on: add at least one of helper" in panel.alert.value
    assert not panel.run_button.disabled


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"budget": 21}, BadInput, "budget = 21 is out of range: this panel takes 1 to 20."),
        ({"seeds": 2}, BadInput, "seeds = 2 is out of range: this panel takes 3 to 10."),
        ({"strategies": ["helpr"]}, UnknownName, "Did you mean 'helper'?"),
        ({"strategies": "helper"}, BadInput, "Strategies come as a list: ['helper']."),
    ],
)
def test_impossible_settings_are_refused_and_shown(settings, kind, message):
    panel = make()
    with pytest.raises(kind, match=re.escape(message)):
        panel.run(**settings)
    assert 'role="alert"' in panel.alert.value


def test_budget_between_the_steps_is_taken():
    panel = make()
    panel.run(strategies=["helper"], budget=7)
    assert panel.budget.value == 7
    assert panel.table["budget"].tolist() == [7]


def test_stop_keeps_finished_trials(monkeypatch):
    panel = make()
    seen = []
    original = panels.PanelListener.on_trial

    def stop_after_four(listener, trial, done, total):
        seen.append(trial)
        if len(seen) == 4:
            panel.stop_button.click()
        original(listener, trial, done, total)

    monkeypatch.setattr(panels.PanelListener, "on_trial", stop_after_four)
    study = panel.run(strategies=["helper"], seeds=5)
    assert study.missing == 6
    assert len(panel.history) == len(seen) == 4
    assert "Stopped after 4 of 10 trials" in panel.status.value
    assert not panel.run_button.disabled
    assert panel.run(strategies=["helper"], seeds=5).missing == 0


def test_stop_reaches_a_training_that_is_going_on():
    panel = make(strategies={"slow": Misleader(pause=0.05)})
    panel.run_button.click()
    while not panel.history.shape[0]:
        threading.Event().wait(0.01)
    panel.stop_button.click()
    with panel._lock:
        pass
    assert "Stopped after" in panel.status.value


def test_second_run_is_refused_while_one_goes_on(monkeypatch):
    panel, refusals = make(), []
    original = panels.PanelListener.on_step

    def run_again(listener, record):
        if not refusals:
            with pytest.raises(TlkitError, match="running already") as refusal:
                panel.run()
            refusals.append(refusal.value)
            assert panel.run_button.disabled
        original(listener, record)

    monkeypatch.setattr(panels.PanelListener, "on_step", run_again)
    assert panel.run(strategies=["helper"]).missing == 0
    assert len(refusals) == 1
    assert not panel.run_button.disabled


@pytest.mark.parametrize("where", ["tlkit.panels.PanelListener.on_step", "tlkit.panels.compare"])
def test_interrupting_the_kernel_leaves_the_panel_usable(where, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    panel = make()
    with monkeypatch.context() as patched:
        patched.setattr(where, interrupt)
        try:
            assert panel.run(strategies=["helper"]).missing == 6
        except KeyboardInterrupt:
            assert "Interrupted" in panel.status.value
    assert not panel.run_button.disabled
    assert panel.run(strategies=["helper"]).missing == 0


def test_new_strategy_appears_as_a_toggle():
    class Newcomer(Guess):
        name, title, idea = "newcomer", "Newcomer", "Was defined a moment ago."
        skill = 0.2

    panel = tlkit.panel(toy_source(), Numbers())
    assert panel.toggles["newcomer"].description == "Newcomer"
    assert inspect.getattr_static(panel.toggles["newcomer"], "tooltip") is not None
    assert panel.toggles["newcomer"].tooltip == "Was defined a moment ago."
    panel.run(strategies=["newcomer"])
    assert "newcomer" in panel.verdict.value


def test_estimators_can_be_given_under_labels_of_ones_own():
    panel = make(strategies={"bad <i>idea</i>": Misleader(), "helper": "helper"})
    assert list(panel.toggles) == ["alone", "bad <i>idea</i>", "helper"]
    panel.run(strategies=["bad <i>idea</i>"])
    assert "bad &lt;i&gt;idea&lt;/i&gt; from toy hurts" in panel.verdict.value
    assert "<i>" not in panel.details.value


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        (["helpr"], "Did you mean 'helper'?"),
        ("helper", "come as a list"),
        (["alone"], "needs a strategy to compare"),
    ],
)
def test_wrong_strategies_are_refused(strategies, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        make(strategies=strategies)


def test_every_control_is_described_and_the_text_form_is_stable():
    panel = make(similarity=0.5)
    controls = [
        panel.budget,
        panel.seeds,
        panel.similarity,
        panel.run_button,
        panel.stop_button,
        panel.clear_button,
    ]
    assert all(control.description for control in [*controls, *panel.toggles.values(), panel.progress])
    assert panel.toggles["alone"].disabled
    assert repr(panel) == repr(make(similarity=0.5)) == "Panel(toy → numbers, 4 strategies)"
    assert 'aria-live="polite"' in panel.status.value
