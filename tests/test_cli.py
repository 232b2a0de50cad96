"""Commands, their exit statuses, and errors of one line."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import toys
from toys import Numbers, toy_source

import tlkit
from tlkit import catalogue, cli, exercises
from tlkit.cli import doctor
from tlkit.cli.commands import COMMANDS
from tlkit.cli.statuses import FAILED, INTERRUPTED, REFUSED, TERMINATED
from tlkit.course import notebooks, publish, running
from tlkit.errors import BadInput, FileProblem, UnknownName, by_beginning
from tlkit.lessons import kept
from tlkit.study import register
from tlkit.study.study import Study
from tlkit.system import files
from tlkit.vision import sources


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
    assert cli.main(arguments) == REFUSED
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
    assert cli.main(["run", "next"]) == FAILED
    assert "ZeroDivisionError in cell [1]: division by zero\n    | 1 / 0" in capsys.readouterr().out


def test_run_refuses_what_it_does_not_know(shelf, capsys):
    assert "Did you mean '01_next'?" in refused(capsys, "run", "01_nxt")
    assert "There is no parameter 'seeds'" in refused(capsys, "run", "-p", "seeds", "2")
    assert not (shelf.parent / "runs").exists()


def test_unknown_arguments_and_commands_are_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["run", "--fast"])
    assert stop.value.code == 2
    capsys.readouterr()
    assert "There is no command 'fly'. Valid: lab, notebooks" in refused(capsys, "fly")
    assert "There is no command '--fast'" in refused(capsys, "--fast")


def test_alone_it_shows_every_command_and_how_to_begin(capsys):
    assert cli.main([]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert "\n  tlkit run 01\n" in out
    assert max(map(len, out.splitlines())) < 80
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out == out


def test_it_says_its_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"tlkit {tlkit.__version__}\n"


def test_the_beginning_of_a_command_or_a_notebook_is_enough(shelf, capsys):
    assert cli.main(["ru", "st"]) == 0
    assert "00_start  passed" in capsys.readouterr().out
    assert "Several names begin with 's': sources, strategies." in refused(capsys, "s")
    assert "Several names begin with '0': 00_start, 01_next." in refused(capsys, "run", "0")
    assert "no notebook ''" in refused(capsys, "run", "")


def test_a_whole_name_wins_over_longer_ones_and_what_is_meant_is_named_once():
    assert by_beginning("name", "tune", ["tune_all", "tune"]) == "tune"
    assert by_beginning("name", "fi", {"first": "1st", "fine": "1st", "second": "2nd"}) == "1st"
    with pytest.raises(UnknownName, match=r"begin with 'tune_': tune_a, tune_b\. Write more"):
        by_beginning("name", "tune_", ["tune_a", "tune_b", "tune"])


def test_names_of_tasks_sources_and_strategies_match_by_their_beginning(second_modality, capsys):
    asked = ["compare", "numb", "--source", "toy", "--strategies", "he", "--base", "al", "--seeds", "3"]
    assert cli.main(asked) == 0
    assert second_modality == [("task", {}), ("source", {})]
    assert "helper" in capsys.readouterr().out
    assert "Several names begin with 'resnet': resnet101" in refused(
        capsys, "compare", "numb", "--source", "resnet", "--strategies", "he"
    )


def test_a_path_is_never_taken_for_the_beginning_of_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digi").mkdir()
    assert catalogue.task_name("digi") == "digi"
    assert catalogue.task_name("./digi") == "./digi"
    assert catalogue.source_name("gly.safetensors") == "gly.safetensors"
    assert catalogue.source_name("gly") == "glyphs"


def test_tasks_are_listed_with_metric_and_budget_and_whence_they_come(second_modality, capsys, monkeypatch):
    monkeypatch.setattr(register.Register, "load", None)  # a list loads nothing
    assert cli.main(["tasks"]) == 0
    vision, recsys, others = (
        listed(capsys, head) for head in ("For vision", "For recsys", f"For {__name__}")
    )
    assert "(usually accuracy; a budget counts labels a class)" in vision
    assert "digits Handwritten digits, 1,797 real ones from scikit-learn (shipped)" in vision
    assert "Data sets of torchvision (downloaded once): CIFAR10, CIFAR100," in vision
    assert "(usually ndcg@10; a budget counts ratings a user)" in recsys
    assert "amazon Books or movies, for users who are known in the other (your own copy, in" in recsys
    assert "numbers" in others


def test_sources_are_listed_with_the_titles_of_their_cards(capsys):
    assert cli.main(["sources"]) == 0
    vision = listed(capsys, "For vision")
    for name in sources.SHIPPED:
        assert f"{name} {tlkit.load_source(name).card.title} (shipped)" in vision
    assert "Networks with ImageNet weights (downloaded once): alexnet," in vision


def test_every_name_that_tlkit_declares_is_described():
    for each in [*register.tasks.listed(), *register.sources.listed()]:
        assert each.module.split(".")[0] != "tlkit" or (each.words and each.comes), each.names


def listed(capsys, head):
    """The part of a list under a head, its lines joined; what was printed stays for the next."""
    out, _ = capsys.readouterr()
    print(out, end="")
    (part,) = (part for part in f"\n\n{out}".split("\n\nFor ") if part.startswith(head[4:]))
    return " ".join(part.split())


def test_notebooks_are_listed_with_title_and_time(capsys):
    assert cli.main(["notebooks"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [
        "00_start_here Start here (25 minutes)",
        "01_why_transfer Why transfer? (50 minutes)",
    ]


def test_progress_sums_up_what_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TLKIT_PROGRESS", str(tmp_path / "mine.json"))
    assert cli.main(["progress"]) == 0
    assert "Nothing is kept yet" in capsys.readouterr().out
    name = next(iter(exercises.names()["exercises"]))
    kept.keep("exercises", name, {"status": "right"})
    assert cli.main(["progress"]) == 0
    assert name.partition(".")[0] in capsys.readouterr().out


def test_an_interrupted_run_says_what_is_left_and_how_to_run_it(shelf, monkeypatch, capsys):
    results = [
        running.Result("00_start", "", {"seeds": 1}, status="passed"),
        running.Result("01_next", "", {"seeds": 1}, status="interrupted"),
        running.Result("02_last", "", {"steps": 1}, status="not run"),
    ]
    monkeypatch.setattr(running, "run", lambda *_: (shelf, results))
    given = ["-p", "seeds", "2", "-p", "only_of_the_first", "3", "-p", "steps", "1, 2"]
    assert cli.main(["run", *given]) == INTERRUPTED
    out = capsys.readouterr().out
    assert "Not finished: 01_next, 02_last." in out
    assert out.endswith("tlkit run 01 02 -p seeds 2 -p steps '1, 2'\n")


def test_lab_opens_a_copy_of_the_first_notebook_on_the_loopback_address(shelf, monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "call", lambda command: calls.append(command) or 0)
    assert cli.main(["lab", "--no-browser", "--port=9999"]) == 0
    assert calls == [
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--ip=127.0.0.1",
            str(Path("tlkit-notebooks", "00_start.ipynb")),
            "--no-browser",
            "--port=9999",
        ]
    ]


def test_lab_without_jupyterlab_says_how_to_get_it(shelf, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert 'python -m pip install -e ".[lab]"' in refused(capsys, "lab")


def test_lab_copies_notebooks_without_results_and_keeps_yours(shelf, monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "call", lambda command: 0)
    first, second = (shelf.parent / "tlkit-notebooks" / f"{name}.ipynb" for name in ("00_start", "01_next"))

    def opened():
        assert cli.main(["lab"]) == 0
        return capsys.readouterr().out

    assert opened() == ""
    copied = json.loads(first.read_text())["cells"][0]
    assert (copied["source"], copied["outputs"], copied["execution_count"]) == ("print(1)", [], None)
    first.write_text("mine")
    assert opened() == ""  # the lesson is as it was
    for name in ("00_start", "01_next"):
        lesson = shelf / f"{name}.ipynb"
        lesson.write_text(lesson.read_text().replace("1", "2"))
    assert f"{first.relative_to(shelf.parent)} is kept as you have it" in opened()
    assert first.read_text() == "mine"
    assert json.loads(second.read_text())["cells"][0]["source"] == "2 / 0"  # nobody had changed it
    assert opened() == ""  # it is said once
    first.rename(first.with_name("my_start.ipynb"))
    assert opened() == ""
    assert json.loads(first.read_text())["cells"][0]["source"] == "print(2)"


def test_lab_overwrites_no_file_that_it_did_not_copy(shelf, monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "call", lambda command: 0)
    mine = shelf.parent / "tlkit-notebooks" / "00_start.ipynb"
    mine.parent.mkdir()
    mine.write_text("mine")
    (mine.parent / ".copied.json").write_text("[damaged")
    assert cli.main(["lab"]) == 0
    assert mine.read_text() == "mine"
    assert "is kept as you have it" in capsys.readouterr().out


def test_lab_in_a_folder_that_is_not_yours_says_so(shelf, capsys):
    (shelf.parent / "tlkit-notebooks").write_text("a file")
    assert "run from a folder you own" in refused(capsys, "lab")


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
    assert cli.main(["doctor"]) == FAILED
    assert "0 of 2 sources verified" in capsys.readouterr().out


def test_strategies_are_listed_with_their_ideas(capsys):
    assert cli.main(["strategies", "digits"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    for name, kind in catalogue.load_task("digits").strategies().items():
        assert f"{name}: {kind.title} {kind.idea}" in " ".join(out.split())


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
        assert cli.main([*COMPARE, "broken"]) == FAILED
    assert "Failed: broken from toy, budget all, seed 2 (ValueError: <b>broken</b>" in capsys.readouterr().out


def test_a_termination_ends_compare_as_an_interrupt_does(second_modality, monkeypatch):
    def terminated(task, estimator, callbacks=()):
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Numbers, "score", terminated)
    with pytest.warns(UserWarning, match="Interrupted: 0 of 6 trials are done"):
        assert cli.main([*COMPARE, "helper", "-p", "seed", "7"]) == TERMINATED == 143
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
    assert "Did you mean 'notebooks'?" in refused(capsys, "build", "notebocks")
    assert "tlkit build notebooks 01" in refused(capsys, "build", next(iter(catalogue.builders())), "01")


def test_build_notebooks_without_a_browser_says_how_to_get_one(shelf, monkeypatch, capsys):
    monkeypatch.setattr(publish, "find_chromium", lambda: None)
    assert "apt-get install chromium" in refused(capsys, "build", "notebooks")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_80_columns_with_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert f"\nExamples:\n  tlkit {command}" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_the_examples_of_every_command_can_be_read(command):
    for example in command.examples:
        _, _, *arguments = shlex.split(example)
        assert command.read(arguments)


@pytest.fixture
def ctrl_c():
    """Ctrl-C as a terminal has it: what runs in the background is started without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_an_interrupt_of_compare_leaves_130_and_says_that_it_goes_on(
    second_modality, monkeypatch, capsys, ctrl_c
):
    def interrupted(task, estimator, callbacks=()):
        ctrl_c()

    monkeypatch.setattr(Numbers, "score", interrupted)
    with pytest.warns(UserWarning, match="Interrupted: 0 of 6 trials are done"):
        assert cli.main([*COMPARE, "helper", "-p", "seed", "8"]) == INTERRUPTED == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(
        "tlkit: interrupted. Finished trials are stored: run the same command again, and it goes on.\n"
    )
