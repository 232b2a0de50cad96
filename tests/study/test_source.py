"""Sources on disk and in memory."""

import json
import pickle
from dataclasses import replace
from datetime import date

import pytest
import torch
from sklearn.base import clone

from tlkit.errors import BadInput, FileProblem
from tlkit.study.source import Card, Source
from tlkit.study.weight_files import read_state_dict


@pytest.fixture
def source():
    card = Card(
        "toy", "Toy", {"name": "linear", "n": 2}, {"scale": 1.0}, ("a", "b"), metrics={"accuracy": 0.9}
    )
    return Source(card, {"weight": torch.arange(6.0).view(2, 3), "bias": torch.ones(2)})


def test_a_saved_source_comes_back_the_same(source, tmp_path):
    back = Source.load(source.save(tmp_path / "toy"))
    assert back.card == source.card and back.fingerprint == source.fingerprint
    assert all(torch.equal(back.state[name], source.state[name]) for name in source.state)


def test_a_name_may_hold_dots(source, tmp_path):
    other = Source(replace(source.card, name="other", sha256=""), {"bias": torch.zeros(1)})
    paths = source.save(tmp_path / "toy_0.2"), other.save(tmp_path / "toy_0.8")
    assert [path.name for path in paths] == ["toy_0.2.safetensors", "toy_0.8.safetensors"]
    for name in ("toy_0.2", "toy_0.2.json", "toy_0.2.safetensors"):
        assert Source.load(tmp_path / name).name == "toy"
    assert Source.load(tmp_path / "toy_0.8").name == "other"


@pytest.mark.parametrize("strange", [date(2020, 1, 1), b"id", object()])
def test_a_card_that_is_no_json_is_refused_before_anything_is_written(source, tmp_path, strange):
    odd = Source(replace(source.card, inputs={"ids": [strange]}), source.state)
    with pytest.raises(BadInput, match=f"'toy' cannot be saved .*{type(strange).__name__}.*into text"):
        odd.save(tmp_path / "toy")
    assert not list(tmp_path.iterdir())


def test_a_changed_byte_is_noticed_before_the_weights_are_read(source, tmp_path):
    path = source.save(tmp_path / "toy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileProblem, match="wrong checksum"):
        Source.load(path)


def test_a_pickle_where_safetensors_is_expected_is_refused(source, tmp_path):
    path = source.save(tmp_path / "toy")
    path.write_bytes(pickle.dumps({"weight": [1.0]}))
    card = json.loads(path.with_suffix(".json").read_text())
    from tlkit.system.files import sha256

    path.with_suffix(".json").write_text(json.dumps(card | {"sha256": sha256(path)}))
    with pytest.raises(FileProblem, match="is not a safetensors file"):
        Source.load(path)


def test_a_missing_or_foreign_card_is_named(source, tmp_path):
    path = source.save(tmp_path / "toy")
    path.with_suffix(".json").write_text('{"name": "toy"}')
    with pytest.raises(FileProblem, match="cannot be read as a source's card"):
        Source.load(path)


class Evil:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_a_weight_file_with_more_than_tensors_is_refused_and_not_run(tmp_path, capsys):
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(FileProblem, match="holds more than tensors"):
        read_state_dict(tmp_path / "evil.pth")
    assert "never" not in capsys.readouterr().out


def test_a_wrapped_state_dict_is_unwrapped(tmp_path):
    torch.save({"state_dict": {"module.w": torch.ones(2)}, "best": 0.5}, tmp_path / "w.pth")
    assert list(read_state_dict(tmp_path / "w.pth")) == ["module.w"]
    weights, optimizer = {"a": torch.ones(2), "b": torch.ones(1)}, {"state": {0: {"m": torch.ones(2)}}}
    torch.save({"epoch": 3, "model_state_dict": weights, "optimizer": optimizer}, tmp_path / "w.pth")
    assert list(read_state_dict(tmp_path / "w.pth")) == ["a", "b"]


def test_a_weight_file_without_a_state_dict_is_named(tmp_path):
    torch.save(torch.ones(2), tmp_path / "w.pth")
    with pytest.raises(FileProblem, match="holds no state dict"):
        read_state_dict(tmp_path / "w.pth")


def test_a_wrong_checksum_is_refused(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "w.pth")
    with pytest.raises(FileProblem):
        read_state_dict(tmp_path / "w.pth", sha256="0" * 64)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileProblem, match=r"There is no weight file .*nothing\.pth"):
        read_state_dict(tmp_path / "nothing.pth")


def test_a_source_clones_as_itself_and_pickles(source):
    assert clone(source) is source
    assert pickle.loads(pickle.dumps(source)).fingerprint == source.fingerprint


def test_a_source_cannot_be_changed_from_outside(source):
    with pytest.raises(TypeError):
        source.state["weight"] = torch.zeros(1)
    given = {"w": torch.zeros(2)}
    made = Source(source.card, given)
    given["w"] += 1
    assert made.state["w"].sum() == 0


def test_a_source_without_data_says_so(source):
    with pytest.raises(BadInput, match="came without its data"):
        _ = source.task


def test_from_fitted_needs_something_to_export():
    with pytest.raises(BadInput, match=r"No source can be made of object: it has no export\(\)"):
        Source.from_fitted(object(), "x")


def test_anything_that_exports_becomes_a_source_with_or_without_classes(tmp_path):
    class Line:
        def export(self):
            return {"architecture": {"name": "Line"}, "data": "two points"}, {"slope": torch.ones(1)}

    made = Source.from_fitted(Line(), "line")
    assert repr(made) == "Source('line', Line)"
    assert (made.card.title, made.card.data, made.card.classes) == ("line", "two points", ())
    assert Source.load(made.save(tmp_path / "line")).card == made.card


def test_the_text_form_counts_classes(source):
    assert repr(source) == "Source('toy', linear, 2 classes)"


def test_other_weights_under_the_same_card_are_another_source(source):
    changed = Source(source.card, {name: value + 1 for name, value in source.state.items()})
    assert changed.fingerprint != source.fingerprint
