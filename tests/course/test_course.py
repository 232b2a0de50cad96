"""Running notebooks: names and parameters refused early, every outcome reported, results collected."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict

import nbformat
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tlkit.course import clean, notebooks, records, report, running
from tlkit.course.parameters import assign, typed
from tlkit.course.progress import Progress
from tlkit.errors import BadInput, FileProblem, UnknownName

PARAMETERS = """
seeds: int = 5  # draws
target = "digits"
budgets = [1, 5]
rate = 0.1
quick = False
pair = (1, 2)
size = None
"""
RECORDS = """
import pandas as pd, sys
from tlkit.course.notebooks import record
record("seen", {"seeds": seeds, "pair": len(pair), "sum": sum(budgets), "tuple": isinstance(pair, tuple)})
record("python", pd.DataFrame({"path": [sys.executable], "target": [target]}))
"""
SWALLOWED = """
import ipywidgets
out, button = ipywidgets.Output(), ipywidgets.Button()
button.on_click(out.capture()(lambda _: 1 / 0))
button.click()
out
"""


class ToyStudy:
    """What record() asks of a study, and no more."""

    table = pd.DataFrame({"strategy": ["probe", "probe"], "seed": [0, 1], "accuracy": [0.5, float("nan")]})
    failed = pd.DataFrame({"strategy": ["probe"], "seed": [2], "message": ["out of <memory>"]})

    def verdicts(self, adjust: str) -> pd.DataFrame:
        return pd.DataFrame({"strategy": ["probe"], "gain": [0.1], "sentence": ["probe helps <b>a lot</b>."]})

    def sentences(self) -> list[str]:
        return ["probe helps <b>a lot</b>."]

    def multiplicity(self) -> str:
        return "One of how many?"

    def figure(self) -> go.Figure:
        figure = go.Figure(go.Scatter(x=[1, 2], y=np.array([0.5, 0.7])))
        return figure.update_layout(title="</script>", meta={"alt": 'A curve that "rises".'})


def write(path, *sources, parameters=PARAMETERS):
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell(f"# The {path.stem}\nWords."), tagged, *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A course of four notebooks: one good, one that fails, one whose widget fails, one whose kernel dies."""
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    folder.mkdir()
    write(folder / "00_good.ipynb", RECORDS)
    write(
        folder / "01_bad_cell.ipynb",
        "1 + 1",
        "print('<b>')\nraise ValueError('no & such')",
        parameters="seeds = 3",
    )
    write(folder / "02_bad_widget.ipynb", SWALLOWED, parameters="")
    write(folder / "03_dead.ipynb", "import os; os._exit(1)", parameters="")
    return folder


@pytest.fixture
def books(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "folder", lambda: shelf)
    monkeypatch.chdir(tmp_path)
    return notebooks.notebooks()


@pytest.fixture(scope="module")
def ran(shelf, tmp_path_factory):
    """The course run once, with parameters that are not the defaults."""
    here = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebooks, "folder", lambda: shelf)
        patch.chdir(here)
        into, results = running.run(
            (), [("seeds", "2"), ("pair", "3,4,5"), ("budgets", "[2, 3]"), ("target", "1")]
        )
        return here / into, results


def test_a_notebook_is_called_by_number_topic_or_name_and_kept_in_order(books):
    assert [book.name for book in notebooks.choose(["bad_cell", "00", "01_bad_cell"])] == [
        "00_good",
        "01_bad_cell",
    ]
    assert len(notebooks.choose()) == 4
    assert books[0].title == "The 00_good"


def test_an_unknown_notebook_is_refused_with_the_valid_ones(books):
    with pytest.raises(
        UnknownName, match=r"no notebook '00_god'. Did you mean '00_good'\? Valid: 00_good, 01_"
    ):
        running.run(["01", "00_god"])


def test_an_unknown_parameter_is_refused_before_anything_runs(books, tmp_path):
    with pytest.raises(
        UnknownName, match=r"no parameter 'seedz'. Did you mean 'seeds'\? Valid: seeds, target"
    ):
        running.run(["00", "01"], [("seeds", "2"), ("seedz", "2")])
    assert not (tmp_path / "runs").exists()


def test_parameters_have_the_types_of_their_defaults(books):
    read = {"seeds": 5, "target": "digits", "budgets": [1, 5], "rate": 0.1, "quick": False, "pair": (1, 2)}
    assert books[0].parameters == {**read, "size": None}


def test_a_parameter_goes_to_each_notebook_that_has_it(books):
    given = [("seeds", "2"), ("rate", "1")]
    assert assign(books, given) == [{"seeds": 2, "rate": 1.0}, {"seeds": 2}, {}, {}]


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("2", 5, 2),
        ("2", 0.5, 2.0),
        ("1e-3", 0.5, 0.001),
        ("2", "digits", "2"),
        ("True", False, True),
        ("false", True, False),
        ("1,5, 20", [1], [1, 5, 20]),
        ("[1, 5]", [1], [1, 5]),
        ("['a', 'b c']", ["x"], ["a", "b c"]),
        ("1", (0.5,), (1.0,)),
        ("a,2", [], ["a", 2]),
        ("", [1], []),
        ("32", None, 32),
        ("None", None, None),
        ("digits", None, "digits"),
    ],
)
def test_a_value_is_typed_as_the_default_is(text, default, value):
    read = typed("name", text, default)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("text", "default"), [("two", 5), ("2.5", 5), ("x", 0.1), ("1", True), ("1,x", [1])])
def test_a_value_of_another_type_is_refused(text, default):
    words = (
        f"'seeds' takes a value of type {type(default).__name__}, such as {default!r}: {text!r} is not one"
    )
    with pytest.raises(BadInput) as refused:
        typed("seeds", text, default)
    assert words in str(refused.value)


def test_a_default_that_is_no_literal_is_refused(tmp_path):
    write(tmp_path / "00_odd.ipynb", parameters="seeds = len('abc')")
    with pytest.raises(BadInput, match=r"In 00_odd the parameter 'seeds' is .*has to be a literal"):
        _ = notebooks.Notebook(tmp_path / "00_odd.ipynb").parameters


def test_a_name_without_a_value_is_no_parameter(tmp_path):
    write(tmp_path / "00_odd.ipynb", parameters="size: int\nseeds: int = 5")
    assert notebooks.Notebook(tmp_path / "00_odd.ipynb").parameters == {"seeds": 5}


def test_no_notebooks_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "folder", lambda: tmp_path)
    with pytest.raises(FileProblem, match="no notebooks in"):
        notebooks.notebooks()


def test_a_missing_package_is_named_with_its_extra():
    with pytest.raises(notebooks.TlkitError, match=r'Running needs nosuchthing.*pip install -e "\.\[lab\]"'):
        notebooks.need("nosuchthing.inner", "lab", "Running")


def test_each_notebook_runs_whatever_became_of_the_others(ran):
    _, results = ran
    assert [result.status for result in results] == ["passed", "failed", "failed", "failed"]


def test_parameters_reach_the_notebook_with_their_types(ran):
    _, results = ran
    seen, python = results[0].records
    assert seen["value"] == {"seeds": 2, "pair": 3, "sum": 5, "tuple": True}
    assert results[0].parameters["rate"] == 0.1
    assert python["table"] == {"columns": ["path", "target"], "rows": [[sys.executable, "1"]]}


def test_a_failing_cell_is_shown_with_its_error(ran):
    _, results = ran
    error = results[1].error
    assert error["where"] == "cell [4]"
    assert error["source"] == "print('<b>')\nraise ValueError('no & such')"
    assert (error["name"], error["message"]) == ("ValueError", "no & such")
    assert "\x1b" not in error["traceback"]


def test_an_error_that_a_widget_swallowed_fails_the_notebook(ran):
    _, results = ran
    assert results[2].error["name"] == "ZeroDivisionError"
    assert results[2].error["where"] == "a widget's callback"


def test_an_executed_notebook_holds_no_scripts_of_widgets(ran):
    into, _ = ran
    executed = nbformat.read(into / "02_bad_widget.ipynb", as_version=4)
    nbformat.validate(executed)
    assert "widgets" not in executed.metadata
    assert executed.cells[-1].outputs[-1].data == {"text/plain": clean.INTERACTIVE}
    assert executed.cells[-1].execution_count


def test_a_run_keeps_no_predictions_among_the_learners(tmp_path, monkeypatch):
    own = tmp_path / "own.json"
    monkeypatch.setenv("TLKIT_PROGRESS", str(own))
    keep = "from tlkit.lessons import kept; kept.keep('predictions', 'a.B', {'n': 1}); print(kept.place())"
    write(tmp_path / "00_keeps.ipynb", keep, parameters="")
    monkeypatch.setattr(notebooks, "folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    into, results = running.run()
    assert results[0].status == "passed"
    place = nbformat.read(into / "00_keeps.ipynb", as_version=4).cells[-1].outputs[0].text.strip()
    assert not own.exists() and place != str(own)
    gc.collect()
    assert not os.path.exists(os.path.dirname(place))


def test_a_kernel_that_dies_is_a_failure_of_its_cell(ran):
    _, results = ran
    assert results[3].error["name"] == "DeadKernelError"
    assert "os._exit" in results[3].error["source"]


def test_a_run_leaves_notebooks_results_and_page(ran):
    into, results = ran
    assert {path.name for path in into.iterdir()} >= {
        "00_good.ipynb",
        "01_bad_cell.ipynb",
        "results.json",
        "index.html",
    }
    stored = json.loads((into / "results.json").read_text())
    assert [book["status"] for book in stored["notebooks"]] == [result.status for result in results]
    page = (into / "index.html").read_text()
    assert "1 of 4 notebooks passed; 01_bad_cell failed; 02_bad_widget failed; 03_dead failed." in page
    assert "raise ValueError(&#39;no &amp; such&#39;)" in page


def test_the_summary_in_the_terminal_says_the_same(ran):
    _, results = ran
    text = report.summary(map(asdict, results))
    assert "ValueError in cell [4]: no & such" in text
    assert "    | raise ValueError" in text
    assert text.endswith("03_dead failed.")


LATE = """
import threading

def fail():
    raise KeyError("late")

threading.Thread(target=fail).start()
"""


def test_what_stops_no_cell_is_seen_and_named_and_what_never_ends_is_ended(tmp_path, monkeypatch):
    write(tmp_path / "00_thread.ipynb", LATE, "import time; time.sleep(0.3)", parameters="")
    write(tmp_path / "01_exit.ipynb", "import sys\nsys.exit()", "1 + 1", parameters="")
    write(tmp_path / "02_endless.ipynb", "while True: pass", "1 + 1", parameters="")
    monkeypatch.setattr(notebooks, "folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    _, results = running.run(execution_timeout=2)
    assert [result.status for result in results] == ["failed"] * 3
    thread, exited, endless = (result.error for result in results)
    assert thread["where"].startswith("a thread of cell [")
    assert (thread["name"], thread["message"]) == ("KeyError", "'late'")
    assert "in fail" in thread["traceback"]
    assert (exited["where"], exited["name"]) == ("cell [1]", "SystemExit")
    assert exited["source"] == "import sys\nsys.exit()"
    assert "what follows did not run" in exited["message"]
    assert (endless["source"], endless["name"]) == ("while True: pass", "CellTimeoutError")
    assert endless["message"] == "A cell timed out while it was being executed, after 2 seconds."


@pytest.mark.parametrize("limit", [0, 1.5, "long"])
def test_a_time_limit_that_is_none_is_refused(books, tmp_path, limit):
    with pytest.raises(BadInput, match="execution_timeout is a whole number, 1 or more; got"):
        running.run(["00"], execution_timeout=limit)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("jobs", [0, -1, 1.5])
def test_a_run_of_no_notebook_at_a_time_is_refused(books, tmp_path, jobs):
    with pytest.raises(BadInput, match="jobs is a whole number, 1 or more; got"):
        running.run(["00"], jobs=jobs)
    assert not (tmp_path / "runs").exists()


MEETS = """
import os, pathlib, time
pathlib.Path("{own}").touch()
while not pathlib.Path("{other}").exists():
    time.sleep(0.05)
from tlkit import record; record("threads", int(os.environ["OMP_NUM_THREADS"]))
"""


def test_two_run_side_by_side_with_a_share_of_the_cores_each(tmp_path, monkeypatch):
    write(tmp_path / "00_one.ipynb", MEETS.format(own="one", other="two"), parameters="")
    write(tmp_path / "01_two.ipynb", MEETS.format(own="two", other="one"), parameters="")
    monkeypatch.setattr(notebooks, "folder", lambda: tmp_path)
    monkeypatch.setattr(running.joblib, "cpu_count", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(tmp_path)
    _, results = running.run(jobs=2)
    assert [result.name for result in results] == ["00_one", "01_two"]
    assert [result.records for result in results] == [[{"name": "threads", "value": 3}]] * 2


def test_the_bar_counts_all_cells_and_names_what_runs():
    with Progress(5) as progress:
        with progress.of("first", 3) as step, progress.of("second", 2):
            step()
            assert (progress._bar.n, progress._bar.desc) == (1, "first, second: ")
        assert progress._bar.n == 5


def ended(pid):
    """Whether a process ends: a kernel that has lost its parent looks once a second."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


STOP = "os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
TERM = "os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
KILL = "os.kill(os.getppid(), signal.SIGKILL)"


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize(
    ("jobs", "sources", "statuses", "code"),
    [
        (1, [STOP, "1"], ["passed", "interrupted", "not run"], 130),
        (2, ["time.sleep(60)", STOP, "1"], ["passed", "interrupted", "interrupted", "not run"], 130),
        (1, [TERM, "1"], ["passed", "interrupted", "not run"], 143),
        (1, [KILL, "1"], ["passed", "not run", "not run"], -9),
    ],
    ids=["interrupt", "interrupt of two", "termination", "kill"],
)
def test_a_signal_ends_the_kernels_and_leaves_the_report_of_what_is_done(
    tmp_path, jobs, sources, statuses, code
):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(folder / "00_done.ipynb", "from tlkit import record; record('x', 1)", parameters="")
    began = "import os, pathlib, signal, time; pathlib.Path(f'pid-{os.getpid()}').touch()"
    for number, source in enumerate(sources, 1):
        write(folder / f"0{number}_later.ipynb", f"{began}; {source}", parameters="")
    script = f"""
        import pathlib, sys
        from tlkit import cli
        from tlkit.course import notebooks
        notebooks.folder = lambda: pathlib.Path({str(folder)!r})
        sys.exit(cli.main(["run", "--jobs", "{jobs}"]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    stored = json.loads(next(tmp_path.glob("runs/*/results.json")).read_text())
    assert [book["status"] for book in stored["notebooks"]] == statuses
    assert stored["notebooks"][0]["records"] == [{"name": "x", "value": 1}]
    page = next(tmp_path.glob("runs/*/index.html")).read_text()
    assert f"1 of {len(statuses)} notebooks passed" in page
    for path in tmp_path.glob("runs/*/pid-*"):
        assert ended(int(path.name.removeprefix("pid-")))


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (2, {"value": 2}),
        (np.float32(0.5), {"value": 0.5}),
        ({"a": np.int64(1), "b": 2.5}, {"value": {"a": 1, "b": 2.5}}),
        (pd.DataFrame({"x": [1.0, np.nan]}), {"table": {"columns": ["x"], "rows": [[1.0], [None]]}}),
        (
            pd.DataFrame({"x": [1]}, index=pd.Index(["a"], name="k")),
            {"table": {"columns": ["k", "x"], "rows": [["a", 1]]}},
        ),
    ],
)
def test_what_is_recorded_is_plain_data(value, content):
    entry = records.as_record("it", value)
    assert entry == {"name": "it", **content}
    json.dumps(entry, allow_nan=False)


def test_a_study_records_table_sentences_and_figure():
    entry = records.as_record("toy", ToyStudy())
    assert entry["trials"]["rows"] == [["probe", 0, 0.5], ["probe", 1, None]]
    assert entry["table"] == {"columns": ["strategy", "gain"], "rows": [["probe", 0.1]]}
    assert entry["sentences"] == ["probe helps <b>a lot</b>.", "One of how many?"]
    assert entry["alt"] == 'A curve that "rises".'
    assert entry["figure"]["data"][0]["type"] == "scatter"


def test_recording_anything_else_is_refused():
    with pytest.raises(BadInput, match=r"record\('it', ...\) takes a number.*not a list"):
        notebooks.record("it", [1, 2])


def test_outside_a_notebook_a_record_is_printed(capsys):
    notebooks.record("gain", 0.123456)
    assert capsys.readouterr().out == "recorded gain: 0.1235\n"


def test_the_page_shows_a_study_escaped_and_described():
    result = running.Result(
        "00_toy", "Toy <i>", {"seeds": 5}, "passed", 1.0, [records.as_record("toy", ToyStudy())]
    )
    page = report.page({"began": "now", "seconds": 75.0, "notebooks": [asdict(result)]})
    body = page.partition("<body>")[2]
    assert "Toy &lt;i&gt;" in body
    assert "probe helps &lt;b&gt;a lot&lt;/b&gt;." in body
    assert 'role="img" aria-label="A curve that &#34;rises&#34;."' in body
    assert body.count("</script>") == 2  # the figure's data, and the script that draws it
    assert "1 min 15 s" in body
    assert "<caption>Verdicts</caption>" in body
    assert "<caption>Failed trials: no verdict rests on them</caption>" in body
    assert "out of &lt;memory&gt;" in body
    assert " src=" not in body
    assert "<td>–</td>" in body


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.75, "0.750"),
        (-0.0027684, "-0.003"),
        (0.00001, "1e-05"),
        (12.5, "12.5"),
        (3, "3"),
        (None, "–"),
        ([1, 2], "1, 2"),
    ],
)
def test_a_number_in_a_table_is_short(value, words):
    assert report.shown(value) == words


def test_a_page_without_figures_carries_no_plotly():
    page = report.page({"began": "now", "seconds": 1.0, "notebooks": []})
    assert len(page) < 20_000
