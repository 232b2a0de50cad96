"""The panel without a browser: it does what its controls say, shows what came of it, and outlives errors."""

from __future__ import annotations

import html
import inspect
import re
import threading
import time

import numpy as np
import pytest
from toys import AtOnce, Errors, Guess, Helper, Misleader, Numbers, toy_source

import tlkit
from tlkit.errors import BadInput, TlkitError, UnknownName
from tlkit.panels import panel as panels
from tlkit.panels.listener import time_left
from tlkit.study.study import Study


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
    traces = [trace for trace in panel.gains.widget.data if trace.error_y.color]
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
    loss, valid = panel.learning.widget.data[2:4]
    assert list(loss.y) == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert list(valid.x) == [1, 2, 3, 4, 5]


def test_live_drawing_is_throttled(monkeypatch):
    panel = make(strategies=["helper"])
    drawn = []
    monkeypatch.setattr(panel.learning, "live", lambda name, records: drawn.append((name, len(records))))
    monkeypatch.setattr("tlkit.panels.listener.REDRAW_SECONDS", 1e9)
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
    assert [round(2**x - 1) for x in gains_drawn(panel)["helper"][0]] == [2, 10]
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
    with pytest.warns(UserWarning, match="3 of 6 trials failed"):
        panel.run(strategies=["broken"])
    assert 'role="alert"' in panel.alert.value
    assert "Done: 6 trials, of which 3 failed, in" in panel.status.value
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
        ({"budget": 21}, BadInput, "budget = 21 is out of range: this panel takes 0 to 20."),
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


def test_the_budget_begins_where_the_task_says(monkeypatch):
    panel = make()
    assert panel.budget.options == (0, 1, 2, 5, 10, 20)
    panel.run(strategies=["helper"], budget=0)
    assert "With 0 labels a class, helper from toy helps" in panel.verdict.value
    assert gains_drawn(panel)["helper"][0] == pytest.approx([0], abs=0.2)
    monkeypatch.setattr(Numbers, "min_budget", 1)
    assert make().budget.options == (1, 2, 5, 10, 20)


def test_intervals_of_many_strategies_stand_side_by_side():
    many = {f"helper {i}": "helper" for i in range(12)}
    panel = make(strategies=many)
    for budget in (1, 2):
        panel.run(strategies=many, budget=budget)
    drawn = {name: x for name, (x, _) in gains_drawn(panel).items() if name in many}
    places = np.sort(np.array([*drawn.values()]), axis=0)
    assert (np.diff(places, axis=0) > 0.01).all()
    assert (np.diff([places.min(axis=0)[1:], places.max(axis=0)[:-1]], axis=0) < 0).all()


def test_a_falling_error_is_a_gain():
    panel = tlkit.panel(toy_source(), Errors(), ["helper", "misleader"])
    study = panel.run(["helper", "misleader"], budget=5)
    table = panel.table.set_index("strategy")
    assert table["verdict"].to_dict() == {"helper": "helps", "misleader": "hurts"}
    assert gains_drawn(panel)["helper"][1] == [table["gain"]["helper"]]
    assert table["gain"]["helper"] == pytest.approx(table["baseline"]["helper"] - table["score"]["helper"])
    assert panel.gains.widget.layout.yaxis.title.text == "fall in mean error"
    helps, hurts = study.sentences()
    assert re.search(
        r"helper from toy helps: mean error 0\.\d+ against 0\.\d+ for alone, 0\.\d+ lower", helps
    )
    assert re.search(
        r"misleader from toy hurts: mean error 0\.\d+ against 0\.\d+ for alone, 0\.\d+ higher", hurts
    )
    assert study.figure().layout.xaxis.title.text == "fall in mean error"


def test_what_has_no_training_steps_leaves_a_word_in_place_of_its_curve():
    panel = make(strategies={"alone": AtOnce(), "quick": AtOnce(), "helper": "helper"})
    word = panel.learning.widget.layout.annotations[-1]
    assert word.text == "Nothing has run yet"
    panel.run(["quick"])
    assert word.text.startswith("No training steps")
    assert not panel.learning.widget.layout.xaxis.showticklabels
    panel.run(["quick", "helper"])
    assert word.text == ""
    assert panel.learning.widget.layout.xaxis.showticklabels
    panel.clear()
    assert word.text == "Nothing has run yet"


def test_a_stored_trial_draws_the_curve_of_its_training():
    ran, stored = make(), make()
    ran.run(["helper"])
    stored.run(["helper"])
    drawn, again = (panel.learning.widget.data[2:4] for panel in (ran, stored))
    assert [(trace.x, trace.y) for trace in again] == [(trace.x, trace.y) for trace in drawn]
    assert len(again[0].x) == 5
    assert stored.learning.widget.layout.annotations[-1].text == ""


def test_what_a_budget_is_worth_is_said_once_two_have_been_run():
    panel = make()
    panel.run(["helper", "misleader"], budget=1)
    assert "worth" not in panel.verdict.value
    panel.run(["helper"], budget=20)
    said = panel.verdict.value.partition("What the budgets are worth")[2]
    assert "With 1 label a class, helper from toy is cheaper: its" in said
    assert "With 20 labels a class, helper from toy is cheaper" in said
    assert "misleader" not in said
    panel.clear()
    assert panel.verdict.value == ""


def settled(panel, text="seed 0."):
    """Wait until the examples have what they were asked for."""
    wait_until(lambda: text in panel.examples.status.value)
    return columns(panel)


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def columns(panel):
    return re.findall(r"<th>([a-z ]+)</th>", panel.examples.table.value.split("<tbody>")[0])


@pytest.fixture
def fits(monkeypatch):
    """The strategies that were fitted, with their budgets."""
    seen, original = [], Numbers.fit

    def counted(task, estimator, callbacks=()):
        seen.append((type(estimator).name, task.rows))
        return original(task, estimator, callbacks)

    monkeypatch.setattr(Numbers, "fit", counted)
    return seen


def test_nothing_is_fitted_before_an_example_is_chosen(fits):
    panel = make()
    panel.toggles["misleader"].value = True
    panel.budget.value = 10
    assert (panel.examples.choice.index, panel.examples.choice.label) == (0, "Choose one")
    assert panel.examples._worker is None
    assert fits == []
    assert "Choose one" in panel.examples.status.value
    assert columns(panel) == []


def test_an_example_changes_with_the_toggles_without_a_run(fits):
    panel = make()
    panel.toggles["misleader"].value = False
    panel.examples.choice.value = "unit 0"
    assert settled(panel) == ["alone", "helper"]
    assert fits == [("alone", 5), ("helper", 5)]
    panel.toggles["helper"].value = False
    assert columns(panel) == ["alone"]
    panel.toggles["helper"].value = True
    assert columns(panel) == ["alone", "helper"]
    panel.toggles["misleader"].value = True
    assert settled(panel) == ["alone", "helper", "misleader"]
    assert len(fits) == 3
    panel.examples.choice.value = "unit 1"
    assert "unit 1, with 5 labels a class, seed 0." in panel.examples.status.value
    assert len(fits) == 3
    assert "wrong &lt;b&gt;" in panel.examples.table.value
    assert 'aria-live="polite"' in panel.examples.status.value


def test_an_example_shows_what_a_trial_with_the_first_seed_makes_of_it():
    panel = make(strategies=["helper"])
    panel.examples.choice.value = "unit 0"
    settled(panel)
    task = Numbers().budget(5, 0)
    trial = tlkit.transfer("helper", toy_source(), task, seed=0)
    expected = task.example("unit 0", {"helper": trial.fitted})["helper"]["outcome"]
    assert f"<td>{expected}</td>" in panel.examples.table.value


def test_an_example_follows_budget_and_similarity_and_remembers_the_last_ones(fits):
    panel = make(similarity=1.0, strategies=["helper"])
    panel.examples.choice.value = "unit 0"
    settled(panel, "with 5 labels a class at similarity 1.0")
    assert "<td>1.000</td>" in panel.examples.table.value
    panel.similarity.value = 0.3
    settled(panel, "at similarity 0.3, seed 0")
    assert "<td>0.300</td>" in panel.examples.table.value
    panel.budget.value = 0
    settled(panel, "with 0 labels a class at similarity 0.3")
    assert len(fits) == 6
    panel.similarity.value = 1.0
    settled(panel, "with 0 labels a class at similarity 1.0")
    panel.similarity.value = 0.3
    panel.budget.value = 5
    settled(panel, "with 5 labels a class at similarity 0.3")
    assert len(fits) == 8
    panel.similarity.value = 1.0
    settled(panel, "with 5 labels a class at similarity 1.0")
    assert len(fits) == 10


def test_an_example_that_fails_says_so_and_the_others_are_shown():
    panel = make()
    panel.toggles["broken"].value = True
    panel.examples.choice.value = "unit 0"
    assert settled(panel) == ["alone", "helper", "misleader"]
    assert "broken: &lt;b&gt;broken&lt;/b&gt; on purpose" in panel.examples.alert.value
    panel.toggles["broken"].value = False
    assert panel.examples.alert.value == ""
    panel.toggles["broken"].value = True
    settled(panel)
    assert "on purpose" in panel.examples.alert.value


def test_a_table_that_fails_says_so(monkeypatch):
    monkeypatch.setattr(Numbers, "example", lambda task, name, fitted: [][0])
    panel = make(strategies=["helper"])
    panel.examples.choice.value = "unit 0"
    settled(panel)
    assert "list index out of range" in panel.examples.alert.value


def test_a_setting_that_cannot_be_drawn_says_so(monkeypatch):
    def refuse(task, n, seed=0):
        raise BadInput("too few")

    monkeypatch.setattr(Numbers, "budget", refuse)
    panel = make(strategies=["helper"])
    panel.examples.choice.value = "unit 0"
    settled(panel)
    assert "helper: too few" in panel.examples.alert.value
    assert columns(panel) == []


def test_what_nobody_waits_for_any_longer_is_given_up(fits):
    panel = make(strategies={"slow": Helper(pause=0.3), "quick": "misleader"})
    panel.toggles["quick"].value = False
    panel.examples.choice.value = "unit 0"
    settled(panel, "Fitting slow")
    wait_until(lambda: len(fits) == 2)
    panel.toggles["slow"].value = False
    assert columns(panel) == ["alone"]
    panel.toggles["quick"].value = True
    assert settled(panel) == ["alone", "quick"]
    panel.toggles["slow"].value = True
    assert "Fitting slow" in panel.examples.status.value


def test_a_run_goes_before_the_examples(monkeypatch):
    panel = make(strategies={"slow": Helper(pause=0.1), "quick": "misleader"})
    panel.examples.choice.value = "unit 0"
    settled(panel, "Fitting slow")
    said, original = [], panels.PanelListener.on_trial

    def look(listener, trial, done, total):
        panel.examples.show()
        said.append(panel.examples.status.value)
        original(listener, trial, done, total)

    monkeypatch.setattr(panels.PanelListener, "on_trial", look)
    assert panel.run(strategies=["quick"], budget=2).missing == 0
    assert all("waits for the run" in text for text in said)
    assert settled(panel, "with 2 labels a class, seed 0.") == ["alone", "quick"]


def test_a_task_without_examples_has_no_such_section(monkeypatch):
    monkeypatch.setattr(Numbers, "example_names", tlkit.Task.example_names)
    panel = make()
    assert panel.examples is None
    assert panel.run(strategies=["helper"]).missing == 0
    with pytest.raises(BadInput, match="'numbers' shows no examples"):
        tlkit.Task.example(Numbers(), "unit 0", {})


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


@pytest.mark.parametrize("where", ["tlkit.panels.panel.PanelListener.on_step", "tlkit.panels.panel.compare"])
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


def test_a_stop_keeps_the_verdicts_of_the_run_before(monkeypatch):
    panel = make(similarity=0.5)
    panel.run(strategies=["helper"], budget=5)
    before = panel.verdict.value
    assert "Verdict: 5 labels a class, 3 draws, similarity 0.5" in before
    monkeypatch.setattr(panels.PanelListener, "on_begin", lambda listener, total: panel.stop())
    panel.run(strategies=["misleader"], budget=10)
    assert "Stopped after" in panel.status.value
    assert panel.verdict.value == before


def test_a_verdict_says_its_setting_whatever_the_controls_say_now():
    panel = make()
    panel.run(strategies=["helper"], budget=5)
    panel.budget.value = 20
    assert "Verdict: 5 labels a class, 3 draws<" in panel.verdict.value


def test_a_long_run_says_how_long_it_will_still_take(monkeypatch):
    panel, said = make(strategies={"slow": Helper(pause=0.2)}), []
    monkeypatch.setattr(panel, "say", said.append)
    panel.run()
    assert said[1] == "Trial 1 of 6: alone, seed 0"
    assert re.search(r"^Trial 3 of 6: alone, seed 1; about [2-4] s left$", said[3])


@pytest.mark.parametrize(
    ("pending", "seconds", "said"),
    [
        (["a", "a"], {"a": [10.0, 20.0]}, "about 30 s"),
        (["a", "b"], {"a": [100.0]}, "about 3 min"),
        (["a"], {}, ""),
        (["a"], {"a": [0.1]}, ""),
    ],
)
def test_the_time_left_goes_by_the_trials_that_have_been(pending, seconds, said):
    assert time_left(pending, seconds) == said


def test_the_status_says_what_a_run_would_take_before_it_is_begun():
    panel = make(strategies={"slow": Helper(pause=0.3), "other": Helper(pause=0.3)})
    panel.toggles["other"].value = False
    assert "Ready: 6 trials, 6 of them new." in panel.status.value
    panel.run(budget=5, seeds=3)
    panel.seeds.value = 5
    assert re.search(r"Ready: 10 trials, 4 of them new, about [2-4] s\.", panel.status.value)
    panel.toggles["other"].value = True
    assert "Ready: 15 trials, 9 of them new, about" in panel.status.value
    panel.clear()
    assert "Ready: 15 trials, 15 of them new." in panel.status.value


def test_a_panel_that_is_closed_ends_its_run_and_keeps_its_trials():
    panel = make(strategies={"slow": Misleader(pause=0.05)})
    panel.run_button.click()
    wait_until(lambda: panel.history.shape[0])
    panel.close()
    wait_until(lambda: not panel._lock.locked())
    assert 0 < len(panel.history) < 6


def test_charts_say_in_words_what_they_show():
    panel = make()
    assert "nothing yet" in panel.learning.alt and "nothing yet" in panel.gains.alt
    panel.run(["helper"], budget=5)
    assert "helper from 1 to 0.2" in panel.learning.alt
    assert re.search(r"helper 5 labels a class: \+\d+\.\d \(.*\), helps", panel.gains.alt)
    assert panel.gains.alt in html.unescape(panel.alt.value)


def test_where_losses_do_not_compare_there_are_gains_alone(monkeypatch):
    monkeypatch.setattr(Numbers, "losses_compare", False)
    panel = make()
    assert panel.learning is None and panel.charts == [panel.gains]
    assert panel.run(["helper"]).missing == 0
    panel.clear()
