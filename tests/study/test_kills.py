"""Studies of processes that are killed at any moment, and of stored trials that are damaged in any way."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
import uuid
from pathlib import Path

import pytest
from toys import Helper, Numbers, toy_source

import tlkit
from tlkit.study import trial_cache
from tlkit.study.study import Study
from tlkit.system import files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="starts processes by a fork server"),
]
SEEDS = 6


class Noted(Helper):
    """Leaves a note of each fit in a folder; without a name of its own, so that no other test finds it."""

    notes: Path | None = None

    def fit(self, X, y=None, callbacks=()):
        if Noted.notes:
            (Noted.notes / f"{len(X)}-{self.random_state}-{uuid.uuid4().hex}").touch()
        return super().fit(X, y, callbacks)


def compare(pause=0.0):
    strategies = {"alone": Helper(pause=pause), "noted": Noted(pause=pause)}
    return tlkit.compare(strategies, toy_source(), Numbers(), [1, 2, 5], SEEDS, callbacks=[])


def study_in(cache, out, pause, notes=None):
    """What a process runs."""
    os.environ["TLKIT_CACHE"] = str(cache)
    Noted.notes = notes
    compare(pause).save(out)


@pytest.fixture(scope="module")
def start():
    """Start a process that has all modules in memory at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_kills", "tlkit.study.comparing"])

    def started(*arguments):
        process = context.Process(target=study_in, args=arguments)
        process.start()
        return process

    return started


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """The numbers that are right."""
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "whole"))
    return numbers(compare())


def numbers(study):
    return study.table.drop(columns="seconds")


def stored_in(cache):
    return list(cache.glob("trials/*/*.json"))


def test_after_fifty_kills_no_number_is_wrong(tmp_path, rng, start, whole):
    kills = ends = 0
    out = tmp_path / "study.json"
    cache = tmp_path / "cache-0"
    while kills < 50:
        process = start(cache, out, 0.001)
        some_more = len(stored_in(cache)) + rng.integers(0, 8)
        while process.is_alive() and len(stored_in(cache)) <= some_more:
            process.join(0.005)
        process.join(rng.uniform(0, 0.01))
        process.kill()
        process.join()
        if process.exitcode == 0:
            ends += 1
            assert numbers(Study.load(out)).equals(whole)
            cache = tmp_path / f"cache-{ends}"
        else:
            kills += 1
            assert process.exitcode == -9
    process = start(cache, out, 0.0)
    process.join()
    assert process.exitcode == 0
    assert numbers(Study.load(out)).equals(whole)
    assert ends >= 3, "kills at every stage of a study"


def test_two_processes_on_one_store_share_the_trials(tmp_path, start, whole):
    cache, notes = tmp_path / "cache", tmp_path / "notes"
    notes.mkdir()
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    both = [start(cache, out, 0.01, notes) for out in outs]
    for process in both:
        process.join()
        assert process.exitcode == 0
    fits = sorted(path.name.rpartition("-")[0] for path in notes.iterdir())
    assert fits == sorted(f"{budget}-{seed}" for budget in (1, 2, 5) for seed in range(SEEDS)), "each once"
    assert all(numbers(Study.load(out)).equals(whole) for out in outs)
    assert not list(cache.rglob(".tlkit-*")), "no claim is left"


def test_a_process_goes_on_where_another_was_killed_at_its_trials(tmp_path, start, whole):
    cache, outs = tmp_path / "cache", [tmp_path / "one.json", tmp_path / "two.json"]
    slow = start(cache, outs[0], 30.0)
    while not list(cache.rglob("*.lock")):
        time.sleep(0.05)
    quick = start(cache, outs[1], 30.0)
    time.sleep(0.5)
    slow.kill()
    quick.kill()
    last = start(cache, outs[1], 0.0)
    last.join()
    assert numbers(Study.load(outs[1])).equals(whole)


def flipped(content, rng):
    damaged = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 4)):
        damaged[place] ^= 1 << rng.integers(0, 8)
    return bytes(damaged)


def cut(content, rng):
    return content[: rng.integers(0, len(content))]


def doubled(content, rng):
    start, end = sorted(rng.integers(0, len(content), 2))
    return content[:end] + content[start:]


def another_digit(content, rng):
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    place = places[rng.integers(0, len(places))]
    return content[:place] + bytes([48 + (content[place] - 47) % 10]) + content[place + 1 :]


def noise(content, rng):
    return rng.bytes(len(content))


def test_fifty_damaged_stored_trials_are_run_again_and_no_number_is_wrong(tmp_path, monkeypatch, rng, whole):
    damages, damaged = [flipped, cut, doubled, another_digit, noise], 0
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))
    compare()
    while damaged < 50:
        for path in sorted((files.cache_place() / "trials").rglob("*.json")):
            content = path.read_bytes()
            path.write_bytes(damages[damaged % len(damages)](content, rng))
            damaged += 1
            same = path.read_bytes() == content
            assert (trial_cache.load(path.stem) is None) or same or harmless(path, content)
        assert numbers(compare()).equals(whole)


def harmless(path, content):
    """What JSON reads as the same, such as another kind of space."""
    return json.loads(path.read_bytes()) == json.loads(content)
