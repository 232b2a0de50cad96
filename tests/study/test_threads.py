"""The same trial on a machine of one core and of many."""

import pytest
import torch

import tlkit
from tlkit.errors import BadInput
from tlkit.study import trial_cache
from tlkit.system import compute


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


CASES = [
    ("digits", "glyphs", "scratch", {"min_steps": 12, "epochs": 0}),
    ("digits", "glyphs", "finetune", {"min_steps": 12, "epochs": 0, "probe_head": True}),
    ("two_shops", "two_shops", "joined", {}),
]


@pytest.mark.parametrize(("task", "source", "strategy", "params"), CASES, ids=lambda each: str(each)[:12])
def test_a_trial_is_bitwise_the_same_with_one_thread_and_with_two(task, source, strategy, params, threads):
    task, source = tlkit.load_task(task).budget(2, seed=3), tlkit.load_source(source)
    found = []
    for number in (1, 2):
        threads(number)
        found.append(tlkit.transfer(strategy, source, task, **params).metrics)
        assert torch.get_num_threads() == number
    assert found[0] == found[1]


def test_more_threads_are_a_choice_that_stored_trials_know(monkeypatch):
    task, source = tlkit.load_task("digits"), tlkit.load_source("glyphs")
    probe = task.strategy("probe", source=source)
    one = trial_cache.key(probe, task, 1, 0)
    monkeypatch.setenv("TLKIT_THREADS", "2")
    assert trial_cache.key(probe, task, 1, 0) != one
    with compute.steady_threads():
        assert torch.get_num_threads() == 2
    monkeypatch.setenv("TLKIT_THREADS", "two")
    with pytest.raises(BadInput, match="TLKIT_THREADS is a whole number, 1 or more; got 'two'"):
        compute.training_threads()
