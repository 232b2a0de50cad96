"""What do the tests miss? One small change of the code at a time, and the tests that run the changed line.

mutmut's own runner keeps a copy of every function beside the function, leaves decorated ones out and knows
no constants. Here pytest collects the tests once; for each change a fork of that process gives the functions
their changed code and runs the tests that run its line, those first that run least else.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pandas as pd
import pytest
from common import markdown
from mutants import ROOT, Mutant, mutants

WHOLE = (
    "tlkit/training/phases.py",
    "tlkit/classification/metrics.py",
    "tlkit/classification/draws.py",
    "tlkit/classification/strategies/transplant.py",
    "tlkit/recsys/evaluation/metrics.py",
    "tlkit/recsys/evaluation/splits.py",
    "tlkit/recsys/data/train_test.py",
    "tlkit/study/intervals.py",
)
SEEN_OR_READ = ("figures/", "panels/", "exercises/", "course/", "worlds/catalogue", "worlds/vocabulary")
PYTEST = ("-q", "-s", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow and not browser")
LEFT_OUT = ("--ignore=tests/browser", "--ignore=tests/test_house.py")
QUICK, THOROUGH = 3.0, 10.0  # seconds of tests, by their time without changes; more for what survived before
PLAIN = (int, float, str, tuple, list, dict, set, frozenset)
Place = tuple[str, int]
SURVIVED, KILLED, NOT_TRIED = range(3)
WORDS = {SURVIVED: "survived", KILLED: "killed", NOT_TRIED: "not tried", None: "too slow"}


def drawn(n: int, seed: int) -> list[Mutant]:
    """Draw mutants of the other modules, those left out whose output is looked at or read."""
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tlkit").rglob("*.py"))
    others = [f for f in files if f not in WHOLE and not any(part in f for part in SEEN_OR_READ)]
    return random.Random(seed).sample([mutant for file in others for mutant in mutants(file)], n)


def neighbours(items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """Pair each test with the next."""
    return zip(items, [*items[1:], None], strict=True)


def record(items: list[pytest.Item], known: dict[str, Any], file: Path) -> int:
    """Run tests and add to what is known which lines each runs, its seconds, and whether it fails."""
    cov = coverage.Coverage(source=["tlkit"], data_file=None)
    cov.start()
    for item, following in neighbours(items):
        cov.switch_context(item.nodeid)
        start, before = time.perf_counter(), item.session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        known["seconds"][item.nodeid] = time.perf_counter() - start
        if item.session.testsfailed > before:
            known["failed"].append(item.nodeid)
    cov.stop()
    data = cov.get_data()
    for path in data.measured_files():
        ran = known["lines"].setdefault(os.path.relpath(path), {})
        for number, tests in data.contexts_by_lineno(path).items():
            ran[str(number)] = sorted({*ran.get(str(number), []), *filter(None, tests)})
    every = (test for ran in known["lines"].values() for tests in ran.values() for test in tests)
    file.write_text(json.dumps(known | {"breadth": Counter(every)}))
    return SURVIVED


def tests_of(
    mutant: Mutant, known: dict[str, Any], items: list[pytest.Item], limit: float
) -> list[pytest.Item]:
    """Return the tests that run a mutant's lines, those first that run least else, until time is up."""
    ran = known["lines"].get(mutant.file, {})
    running = {test for n in range(mutant.first, mutant.last + 1) for test in ran.get(str(n), [])}
    if not running:  # it runs when the module is imported
        running = {test for tests in ran.values() for test in tests}
    running -= set(known["failed"])
    order = sorted((i for i in items if i.nodeid in running), key=lambda i: known["breadth"][i.nodeid])
    spent = pd.Series([known["seconds"][item.nodeid] for item in order], dtype=float).cumsum()
    return order[: int((spent.shift(fill_value=0) <= limit).sum())]


def apply(mutant: Mutant) -> bool:
    """Change the imported module as the mutant says; False if nothing could be changed."""
    before, after = (
        codes(compile(text, mutant.file, "exec")) for text in (mutant.module.code, mutant.code())
    )
    name = mutant.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    made, done = functions(name), False
    for place, code in after.items():
        for function in made.get(place, []) if code != before[place] else []:
            function.__code__, done = code, True
    return done or change_values(mutant, name, made)


def codes(code: CodeType) -> dict[Place, CodeType]:
    """Return the code of every function that is in no other, by its qualified name and first line."""
    found: dict[Place, CodeType] = {}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            is_function = part.co_flags & inspect.CO_OPTIMIZED  # a class's body is not
            found |= {(part.co_qualname, part.co_firstlineno): part} if is_function else codes(part)
    return found


def functions(module: str) -> dict[Place, list[FunctionType]]:
    """Return the functions that a module made, however wrapped, likewise."""
    found: dict[Place, list[FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__module__ == module:
            found.setdefault((thing.__qualname__, thing.__code__.co_firstlineno), []).append(thing)
    return found


def change_values(mutant: Mutant, name: str, made: dict[Place, list[FunctionType]]) -> bool:
    """Change defaults of arguments, and constants of the module and its classes; False if there are none."""
    module, done = sys.modules[name], False
    space = {"__name__": name, "__file__": module.__file__}
    exec(compile(mutant.code(), mutant.file, "exec"), space)
    for place, found in functions(name).items():
        old = made.get(place, [])
        for new in found:
            defaults = new.__defaults__, new.__kwdefaults__
            for function in old if new not in old else []:
                done |= (function.__defaults__, function.__kwdefaults__) != defaults
                function.__defaults__, function.__kwdefaults__ = defaults
    classes = {key: kind for key, kind in vars(module).items() if isinstance(kind, type) and key in space}
    own = [(kind, vars(space[key])) for key, kind in classes.items() if kind.__module__ == name]
    for holder, values in [(module, space), *own]:
        for key, value in list(vars(holder).items()):
            if isinstance(value, PLAIN) and key in values and repr(values[key]) != repr(value):
                importers = [m for n, m in sys.modules.items() if n.startswith("tlkit")]
                for each in [holder, *(m for m in importers if vars(m).get(key) is value)]:
                    setattr(each, key, values[key])
                done = True
    space.clear()
    gc.collect()  # classes made twice are no strategies to be found
    return done


def trial(mutant: Mutant, session: pytest.Session, items: list[pytest.Item]) -> int:
    """Run the tests on a changed module, in a process of its own, until one fails."""
    if not apply(mutant):
        return NOT_TRIED
    os.environ["TLKIT_CACHE"] = tempfile.mkdtemp()  # nothing that another mutant stored
    for item, following in neighbours(items):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed or session.shouldstop or session.shouldfail:
            return KILLED
    return SURVIVED


def forked(work: Callable[[], int], seconds: float) -> int | None:
    """Return what `work` returns in a process of its own; None if it takes too long."""
    child = os.fork()
    if child == 0:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = NOT_TRIED
        try:
            code = work()
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else KILLED
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


class Mutation:
    """A plugin that lets pytest collect the tests, and then tries the mutants in place of running them."""

    def __init__(self, wanted: list[Mutant], results: Path):
        self.wanted, self.results = wanted, results
        self.found = json.loads(results.read_text()) if results.exists() else {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try what was not killed before."""
        file = self.results.with_suffix(".tests.json")
        known = json.loads(file.read_text()) if file.exists() else {"lines": {}, "seconds": {}, "failed": []}
        unknown = [item for item in session.items if item.nodeid not in known["seconds"]]
        if unknown:
            forked(partial(record, unknown, known, file), 3600)
            known = json.loads(file.read_text())
        for number, mutant in enumerate(self.wanted, 1):
            before = self.found.get(mutant.name)
            if before is None or before[0] == WORDS[SURVIVED]:
                limit = THOROUGH if before else QUICK
                items = tests_of(mutant, known, session.items, limit)
                done = forked(partial(trial, mutant, session, items), 30 + 10 * limit)
                self.found[mutant.name] = [WORDS[done], mutant.kind]
                self.results.write_text(json.dumps(self.found, indent=1))
                print(f"{number}/{len(self.wanted)}", WORDS[done], mutant.name, flush=True)
        return True

    def table(self) -> pd.DataFrame:
        """Count what became of the mutants, by kind."""
        said = [self.found[name] for name in {mutant.name: None for mutant in self.wanted}]
        rows = pd.DataFrame(said, columns=["verdict", "kind"])
        return pd.crosstab(rows["kind"], rows["verdict"], margins=True, margins_name="all").reset_index()


def main() -> None:
    """Try all mutants of the modules with formulas and a sample of the others, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="mutants of the other modules")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--only", default="", help="files whose names contain this")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "mutation.json")
    args = parser.parse_args()
    every = [*(mutant for file in WHOLE for mutant in mutants(file)), *drawn(args.sample, args.seed)]
    args.results.parent.mkdir(parents=True, exist_ok=True)
    plugin = Mutation([mutant for mutant in every if args.only in mutant.file], args.results.absolute())
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        pytest.main([*PYTEST, *LEFT_OUT, f"--basetemp={folder}/pytest", "tlkit", "tests"], plugins=[plugin])
    print(markdown(plugin.table()))


if __name__ == "__main__":
    main()
