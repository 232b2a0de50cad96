"""Commands, their exit statuses, and errors of one line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import toys
from toys import Numbers, toy_source

from tlkit import catalogue, cli, doctor
from tlkit.course import notebooks, publish
from tlkit.errors import BadInput, FileProblem, UnknownName
from tlkit.study import register
from tlkit.study.study import Study
from tlkit.system import files


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Two tiny notebooks as the course, and an own folder to run in."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, source in {"00_start": "print(1)", "01_next": "1 / 0"}.items():
        cell = {
            "cell_type": "code",
            "execution_count": None,
            "id": "a",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{name}.ipynb").write_text(json.dumps(book))
    monkeypatch.setattr(notebooks, "folder", lambda: folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def second_modality(monkeypatch):
    """The toys as a modality beside the one of pictures; gives what was asked of its loaders."""
    asked = []

    def load_task(**params):
        asked.append(("task", params))
        return toys.Numbers(**params)

    def load_source(**params):
        asked.append(("source", params))
        return toys.toy_source()

    monkeypatch.setattr(toys.Guess, "modality", "toy")
    monkeypatch.setitem(register.tasks._loaders, "numbers", load_task)
    monkeypatch.setitem(register.sources._loaders, "toy", load_source)
    return asked


def refused(capsys, *arguments):
    """The one line with which these arguments are refused."""
    assert cli.main(arguments) == cli.REFUSED
    [line] = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("tlkit: ")
    return line


def test_run_prints_the_summary_and_where_the_report_is(shelf, capsys):
    assert cli.main(["run", "00"]) == 0
    out = capsys.readouterr().out
    assert "00_start  passed" in out
    assert "1 of 1 notebooks passed." in out
    assert "Report: runs" in out


def test_a_failing_notebook_makes_the_status_non_zero_and_shows_the_cell(shelf, capsys):
    assert cli.main(["run", "next"]) == cli.FAILED
    assert "ZeroDivisionError in cell [1]: division by zero\n    | 1 / 0" in capsys.readouterr().out


def test_run_refuses_what_it_does_not_know(shelf, capsys):
    assert "Did you mean '01_next'?" in refused(capsys, "run", "01_nxt")
    assert "There is no parameter 'seeds'" in refused(capsys, "run", "-p", "seeds", "2")
    assert not (shelf.parent / "runs").exists()


def test_unknown_arguments_and_commands_are_refused(capsys):
    for arguments in (["run", "--fast"], ["fly"], []):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 2


def test_lab_opens_the_first_notebook_on_the_loopback_address(shelf, monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "call", lambda command: calls.append(command) or 0)
    assert cli.main(["lab", "--no-browser", "--port=9999"]) == 0
    assert calls == [
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--ip=127.0.0.1",
            str(shelf / "00_start.ipynb"),
            "--no-browser",
            "--port=9999",
        ]
    ]


def test_lab_without_jupyterlab_says_how_to_get_it(shelf, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert 'python -m pip install -e ".[lab]"' in refused(capsys, "lab")


def test_lab_of_an_installed_package_works_on_copies_and_keeps_yours(shelf, monkeypatch):
    monkeypatch.setattr(cli, "__file__", str(shelf.parent / "cli.py"))
    monkeypatch.setattr(subprocess, "call", lambda command: 0)
    mine = shelf.parent / "tlkit-notebooks" / "00_start.ipynb"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert cli.main(["lab"]) == 0
    assert mine.read_text() == "mine"
    assert (mine.parent / "01_next.ipynb").exists()


def test_doctor_says_what_the_machine_has(capsys):
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in (
        "torch",
        "device",
        "precision",
        "cores",
        "memory",
        "cache folder",
        "jupyterlab",
        "shipped files",
    ):
        assert f"\n{word} " in out


def test_doctor_says_what_is_missing_and_how_to_get_it(monkeypatch):
    monkeypatch.delenv("TLKIT_DATA", raising=False)
    monkeypatch.setattr(doctor, "find_chromium", lambda: None)
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "papermill")
    advice = "\n".join(doctor.advice())
    assert 'Missing for lab: papermill. python -m pip install -e ".[lab]"' in advice
    assert "apt-get install chromium" in advice
    assert "TLKIT_DATA names no folder" in advice


def test_doctor_reports_a_cache_that_cannot_be_written(monkeypatch):
    def locked():
        raise FileProblem("The cache folder cannot be written: set TLKIT_CACHE.")

    monkeypatch.setattr(files, "cache_dir", locked)
    assert doctor.facts()["cache folder"] == "The cache folder cannot be written: set TLKIT_CACHE."


def test_doctor_finds_a_damaged_shipped_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "glyphs.safetensors").write_bytes(b"damaged")
    for name in ("glyphs", "absent"):
        (tmp_path / "sources" / f"{name}.json").write_text(json.dumps({"sha256": "0" * 64}))
    monkeypatch.setattr(files, "shipped", lambda relative: tmp_path / relative)
    assert cli.main(["doctor"]) == cli.FAILED
    assert "0 of 2 sources verified" in capsys.readouterr().out


def test_strategies_are_listed_with_their_ideas(capsys):
    assert cli.main(["strategies", "digits"]) == 0
    out = capsys.readouterr().out
    for name, kind in catalogue.load_task("digits").strategies().items():
        assert f"{name}: {kind.title}\n    {kind.idea}" in out


def test_strategies_of_every_modality_are_listed_in_groups(second_modality, capsys):
    assert cli.main(["strategies"]) == 0
    groups = capsys.readouterr().out.split("\n\nFor ")
    firsts = {group.removeprefix("For ").partition(":\n")[0]: group.partition(":\n")[2] for group in groups}
    assert firsts["vision"].startswith("scratch: ")
    assert firsts["recsys"].startswith("target_only: ")
    assert firsts["toy"].startswith("alone: Alone\n    Learns from the target only.")


def test_a_second_modality_is_compared_with_nothing_at_all_and_with_parameters(second_modality, capsys):
    asked = ["compare", "numbers", "--source", "toy", "--strategies", "helper", "--seeds", "3"]
    asked += ["--budgets", "0", "2", "-p", "similarity", "0.9", "-s", "where", "there"]
    assert cli.main(asked) == 0
    out = capsys.readouterr().out
    assert "With 0 labels a class, helper from toy helps" in out
    assert "With 2 labels a class, helper from toy helps" in out
    assert second_modality == [("task", {"similarity": 0.9}), ("source", {"where": "there"})]


def test_a_parameter_that_the_task_has_not_is_refused(capsys):
    asked = ["compare", "digits", "--source", "glyphs", "--strategies", "probe", "-p", "sise", "16"]
    assert "Did you mean 'size'?" in refused(capsys, *asked)


def test_a_name_of_any_modality_wins_over_a_folder_of_that_name(second_modality, tmp_path, monkeypatch):
    (tmp_path / "numbers" / "class").mkdir(parents=True)
    monkeypatch.setenv("TLKIT_DATA", str(tmp_path))
    assert catalogue.load_task("numbers").name == "numbers"
    assert second_modality == [("task", {})]


def test_what_no_modality_knows_is_refused_with_the_names_of_all(second_modality):
    with pytest.raises(UnknownName, match=r"Did you mean 'numbers'\?.*digits.*numbers"):
        catalogue.load_task("number")
    with pytest.raises(UnknownName, match=r"Did you mean 'toy'\?.*glyphs.*toy"):
        catalogue.load_source("toys")


def test_a_saved_source_needs_no_modality_and_takes_no_parameters(second_modality, tmp_path):
    path = toy_source().save(tmp_path / "mine")
    assert catalogue.load_source(path).card == toy_source().card
    with pytest.raises(BadInput, match="takes no weights"):
        catalogue.load_source(path, weights="x.pth")


def test_compare_prints_scores_and_verdicts_and_saves_the_study(second_modality, tmp_path, capsys):
    path = tmp_path / "study.json"
    asked = ["compare", "numbers", "--source", "toy", "--strategies", "helper", "--seeds", "3"]
    assert cli.main([*asked, "--save", str(path)]) == 0
    out = capsys.readouterr().out
    study = Study.load(path)
    assert sorted(study.table["strategy"].unique()) == ["alone", "helper"]
    for sentence in study.sentences():
        assert sentence in out


COMPARE = ["compare", "numbers", "--source", "toy", "--seeds", "3", "--strategies"]


def test_compare_tells_what_failed_and_its_status_is_not_zero(second_modality, capsys):
    with pytest.warns(UserWarning, match="3 of 6 trials failed"):
        assert cli.main([*COMPARE, "broken"]) == cli.FAILED
    assert "Failed: broken from toy, budget all, seed 2 (ValueError: <b>broken</b>" in capsys.readouterr().out


def test_a_termination_ends_compare_as_an_interrupt_does(second_modality, monkeypatch):
    def terminated(task, estimator, callbacks=()):
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Numbers, "score", terminated)
    with pytest.warns(UserWarning, match="Interrupted: 0 of 6 trials are done"):
        assert cli.main([*COMPARE, "helper", "-p", "seed", "7"]) == cli.TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_compare_says_what_budgets_are_worth_and_with_curves_who_is_faster(second_modality, capsys):
    asked = ["compare", "numbers", "--source", "toy", "--strategies", "helper", "--seeds", "3"]
    assert cli.main([*asked, "--budgets", "1", "20"]) == 0
    out = capsys.readouterr().out
    assert "With 1 label a class, helper from toy is cheaper: its" in out and "faster" not in out
    assert cli.main([*asked, "--budgets", "1", "--curves"]) == 0
    out = capsys.readouterr().out
    assert "baseline_steps" in out and "cheaper" not in out
    assert "With 1 label a class, it is open whether helper from toy is faster or slower" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digitz", "--source", "glyphs", "--strategies", "probe"], "Did you mean 'digits'?"),
        (["digits", "--source", "glyfs", "--strategies", "probe"], "Did you mean 'glyphs'?"),
        (["digits", "--source", "glyphs", "--strategies", "probes"], "Did you mean 'probe'?"),
    ],
)
def test_compare_refuses_unknown_names(arguments, words, capsys):
    assert words in refused(capsys, "compare", *arguments)


def test_build_refuses_what_it_cannot_make(shelf, capsys):
    assert "Did you mean 'notebooks'?" in refused(capsys, "build", "notebook")
    assert "tlkit build notebooks 01" in refused(capsys, "build", next(iter(catalogue.builders())), "01")


def test_build_notebooks_without_a_browser_says_how_to_get_one(shelf, monkeypatch, capsys):
    monkeypatch.setattr(publish, "find_chromium", lambda: None)
    assert "apt-get install chromium" in refused(capsys, "build", "notebooks")


def test_every_command_has_help(capsys):
    for command in ("run", "lab", "doctor", "strategies", "compare", "build"):
        with pytest.raises(SystemExit) as stop:
            cli.main([command, "--help"])
        assert stop.value.code == 0
        assert command in capsys.readouterr().out
