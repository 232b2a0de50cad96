"""Features of a frozen source are computed once, and again where what was kept is damaged."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toys import toy_source

from tlkit.classification import features as module
from tlkit.classification.networks import Classifier
from tlkit.errors import FileProblem
from tlkit.system import files

INPUTS = np.arange(12).reshape(4, 3)


@pytest.fixture
def compute(tmp_path, monkeypatch):
    """Ask for features; `computed` counts how often that took work."""
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path))
    computed = []

    def outputs(function, inputs, device):
        computed.append(len(inputs))
        return inputs.astype(np.float32) / 7

    monkeypatch.setattr(module, "outputs", outputs)
    monkeypatch.setattr(module, "_rebuilt", lambda *_: SimpleNamespace(features=None))

    def ask():
        return module.features(Classifier, toy_source(), INPUTS, torch.device("cpu"))

    ask.computed = computed
    return ask


def packed(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def flipped(content):
    damaged = bytearray(content)
    damaged[content.index(np.float32(5 / 7).tobytes())] ^= 1
    return bytes(damaged)


DAMAGE = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "one bit": flipped,
    "a plain array": lambda content: content[content.index(b"\x93NUMPY") :],
    "another shape": lambda content: packed(features=np.zeros((3, 3), np.float32)),
    "another type": lambda content: packed(features=np.zeros((4, 3))),
    "another name": lambda content: packed(x=np.zeros((4, 3), np.float32)),
    "a terabyte": lambda content: content.replace(b"(4, 3), }" + b" " * 12, b"(999999999999, 3), }" + b" "),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_features_are_computed_again(compute, tmp_path, damage):
    right = compute()
    assert np.array_equal(compute(), right)
    assert compute.computed == [4], "the second time they are read"
    [path] = tmp_path.rglob("*.npz")
    content = path.read_bytes()
    path.write_bytes(DAMAGE[damage](content))
    assert path.read_bytes() != content
    assert np.array_equal(compute(), right)
    assert compute.computed == [4, 4]


def test_without_a_place_to_keep_them_features_are_computed_each_time(compute, monkeypatch):
    def full(path, content):
        raise FileProblem("The disk is full.")

    monkeypatch.setattr(files, "atomic_write", full)
    assert np.array_equal(compute(), compute())
    assert compute.computed == [4, 4]
