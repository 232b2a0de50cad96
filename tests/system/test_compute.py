"""Devices, seeds and precision."""

import pytest
import torch
from threadpoolctl import ThreadpoolController

from tlkit.errors import BadInput, DeviceProblem
from tlkit.system import compute


def test_the_best_device_is_taken_and_the_environment_may_choose(monkeypatch):
    monkeypatch.setenv("TLKIT_DEVICE", "cpu")
    assert compute.choose_device().type == "cpu"
    monkeypatch.delenv("TLKIT_DEVICE")
    monkeypatch.setattr(compute, "_available", lambda kind: kind in {"mps", "cpu"})
    assert compute.choose_device().type == "mps"


def test_cuda_asked_for_and_absent(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceProblem, match="'cuda' was asked for, but this machine offers .*'cpu'"):
        compute.choose_device("cuda")


def test_a_card_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceProblem, match="'cuda:3' was asked for"):
        compute.choose_device("cuda:3")


def test_a_device_nobody_has():
    with pytest.raises(BadInput, match="There is no device 'gpu'. Valid: 'cpu'"):
        compute.choose_device("gpu")


def test_seeding_is_repeatable_and_leaves_the_outside_alone():
    device = torch.device("cpu")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with compute.seeded(0, device) as generator:
        first = torch.rand(2), torch.rand(2, generator=generator)
    assert torch.equal(torch.rand(3), expected)
    with compute.seeded(0, device) as generator:
        second = torch.rand(2), torch.rand(2, generator=generator)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_cpu_computes_in_full_precision():
    with compute.autocast(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_describe_names_device_precision_and_threads():
    assert {"torch", "device", "precision", "threads"} <= compute.describe().keys()


def test_numpy_has_one_thread_inside_and_as_many_as_before_outside():
    # Where numpy's wheel brings no pool, there is nothing to limit.
    pools = ThreadpoolController().select(prefix="libscipy_openblas")

    def threads():
        return [pool["num_threads"] for pool in pools.info()]

    with pools.limit(limits=2):
        with compute.steady_threads():
            with compute.steady_threads():
                assert set(threads()) <= {1}
            assert set(threads()) <= {1}
        assert set(threads()) <= {2}


def test_a_stopwatch_shows_the_time_between(monkeypatch):
    times = iter([3.0, 5.5])
    monkeypatch.setattr(compute.time, "perf_counter", lambda: next(times))
    with compute.Stopwatch() as watch:
        pass
    assert watch.seconds == 2.5


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_made_ahead_comes_in_order_by_one_thread_each(threads):
    seen = []

    def work(number):
        seen.append(torch.get_num_threads())
        return number**2

    with compute.torch_threads(threads):
        assert list(compute.one_ahead(work, range(5))) == [0, 1, 4, 9, 16]
        assert list(compute.one_ahead(work, [])) == []
        assert torch.get_num_threads() == threads
    assert set(seen) == {1}


@pytest.mark.parametrize("threads", [1, 2])
def test_what_fails_ahead_is_raised_and_leaves_the_threads_as_they_were(threads):
    with compute.torch_threads(threads):
        with pytest.raises(ZeroDivisionError):
            list(compute.one_ahead(lambda number: 1 / number, [1, 2, 0, 3]))
        assert torch.get_num_threads() == threads
