"""The training loop."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tlkit.errors import BadInput, DeviceProblem, TrainingProblem
from tlkit.study.callbacks import Callback, Stop
from tlkit.training import fitting
from tlkit.training.phases import Group, Phase, Recipe, count_trainable, one_cycle, summary


def two_blobs(n=128):
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 2
    return {"x": torch.randn(n, 4, generator=draw) + 2 * y[:, None], "y": y}


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5)), nn.Linear(8, 2)
    )


def loss(model, batch):
    return F.cross_entropy(model(batch["x"]), batch["y"])


def everything(model, lr=0.01):
    return [Phase((Group("all", tuple(model.parameters()), lr),))]


def train(model, data=None, phases=None, recipe=None, **options):
    recipe = recipe or Recipe(epochs=5, min_steps=40, batch_size=32)
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return fitting.train(
            model, loss, data or two_blobs(), phases or everything(model), recipe, generator, **options
        )


def test_training_lowers_the_loss_and_leaves_the_model_ready_to_predict():
    model = small_network()
    history = train(model)
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert history[-1]["step"] == history[-1]["steps"] == 40
    assert not model.training


def test_the_same_seed_gives_bitwise_the_same_weights():
    first, second = small_network(), small_network()
    train(first)
    train(second)
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_what_no_group_names_stays_bitwise_the_same_batch_norm_statistics_included():
    model = small_network()
    before = copy.deepcopy(model.state_dict())
    train(model, phases=[Phase((Group("head", tuple(model[1].parameters()), 0.01),))])
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("0."))
    assert not torch.equal(before["1.weight"], after["1.weight"])


def test_each_phase_trains_its_own_groups():
    model = small_network()
    head, body = (
        Group("head", tuple(model[1].parameters()), 0.01),
        Group("body", tuple(model[0].parameters()), 0.01),
    )
    seen = []

    class Watch(Callback):
        def on_step(self, record):
            seen.append((record["phase"], model[0][0].weight.detach().clone()))

    start = model[0][0].weight.detach().clone()
    train(model, phases=[Phase((head,), 0.5), Phase((head, body), 0.5)], callbacks=[Watch()])
    assert all(torch.equal(weight, start) for phase, weight in seen if phase == 1)
    assert {phase for phase, _ in seen} == {1, 2} and not torch.equal(seen[-1][1], start)


def test_early_stopping_keeps_the_weights_with_the_best_validation_loss():
    model, data = small_network(), two_blobs(64)
    wrong_after_a_while = {"x": data["x"], "y": data["y"]}
    history = train(
        model,
        data,
        recipe=Recipe(min_steps=200, batch_size=32, patience=3),
        valid=wrong_after_a_while,
        phases=everything(model, 0.5),
    )
    best = min(record["valid_loss"] for record in history)
    with torch.no_grad():
        assert loss(model, wrong_after_a_while).item() == pytest.approx(best, rel=1e-5)


def test_a_validation_loss_that_only_grows_ends_the_run():
    model, data = small_network(), two_blobs()
    flipped = {"x": data["x"], "y": 1 - data["y"]}
    history = train(model, recipe=Recipe(min_steps=400, patience=4), valid=flipped)
    assert len(history) < fitting.REPORTS and history[-1]["step"] < 400


def test_a_loss_that_is_not_finite_stops_with_advice():
    data = two_blobs()
    data["x"][3, 2] = float("nan")
    with pytest.raises(TrainingProblem, match=r"loss became nan by step \d+ of 40. Lower the learning rate"):
        train(small_network(), data)


def test_out_of_memory_halves_the_batch_and_changes_nothing_else():
    def scarce(limit):
        def guarded(model, batch):
            if len(batch["x"]) > limit:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return F.cross_entropy(model(batch["x"]), batch["y"])

        return guarded

    plain, halved = nn.Linear(4, 2), nn.Linear(4, 2)
    halved.load_state_dict(plain.state_dict())
    recipe = Recipe(min_steps=10, epochs=1, batch_size=32)
    for model, limit in ((plain, 32), (halved, 8)):
        generator = torch.Generator().manual_seed(0)
        if limit == 32:
            fitting.train(model, scarce(limit), two_blobs(), everything(model), recipe, generator)
        else:
            with pytest.warns(UserWarning, match="a batch of 32 now goes in 4 parts"):
                fitting.train(model, scarce(limit), two_blobs(), everything(model), recipe, generator)
    assert torch.allclose(plain.weight, halved.weight, atol=1e-6)


def test_parts_of_unequal_size_add_up_to_the_gradient_of_the_whole():
    data = {name: rows[:7] for name, rows in two_blobs().items()}
    model = nn.Linear(4, 2)
    loss(model, data).backward()
    whole = model.weight.grad.clone()
    model.zero_grad()
    run = fitting._Run(model, loss, Recipe(), 1, None, None, ())
    run.parts = 4  # of 2, 2, 2 and 1 rows
    total = run._backward(data)
    assert total.item() == pytest.approx(loss(model, data).item(), rel=1e-5)
    assert torch.allclose(model.weight.grad, whole, atol=1e-6)


def test_rows_of_other_tables_come_beside_each_batch():
    seen = []

    def both(model, batch):
        seen.append((len(batch["x"]), batch["other"].tolist() if "other" in batch else None))
        return loss(model, batch)

    model, recipe = nn.Linear(4, 2), Recipe(epochs=0, min_steps=3, batch_size=4)
    generator, valid = torch.Generator().manual_seed(0), two_blobs(8)
    streams = [{"other": torch.arange(6)}]
    fitting.train(
        model, both, two_blobs(16), everything(model), recipe, generator, valid=valid, streams=streams
    )
    beside = [other for _, other in seen if other is not None]
    assert len(beside) == 3
    assert all(len(other) == 4 and len(set(other)) == 4 for other in beside)
    assert {other for _, other in seen if other is None} == {None}  # validation is of the target alone


def test_out_of_memory_with_a_single_example_is_an_error():
    def impossible(model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = nn.Linear(4, 2)
    with (
        pytest.warns(UserWarning, match="Out of device memory"),
        pytest.raises(DeviceProblem, match="does not hold one example"),
    ):
        fitting.train(
            model, impossible, two_blobs(), everything(model), Recipe(batch_size=4), torch.Generator()
        )


def test_parts_may_be_of_one_example_each():
    def one_at_a_time(model, batch):
        if len(batch["x"]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss(model, batch)

    model, recipe = nn.Linear(4, 2), Recipe(epochs=0, min_steps=1, batch_size=4)
    with pytest.warns(UserWarning, match="a batch of 4 now goes in 4 parts"):
        fitting.train(model, one_at_a_time, two_blobs(), everything(model), recipe, torch.Generator())


def test_a_callback_may_stop_the_run():
    class Halt(Callback):
        def on_step(self, record):
            raise Stop

    with pytest.raises(Stop):
        train(small_network(), callbacks=[Halt()])


def test_batches_cover_an_epoch_once_and_small_data_come_whole():
    supply = fitting.batches({"x": torch.arange(10)}, 5, torch.Generator().manual_seed(0))
    first = torch.cat([next(supply)["x"], next(supply)["x"]])
    assert sorted(first.tolist()) == list(range(10))
    assert next(fitting.batches({"x": torch.arange(3)}, 5, torch.Generator()))["x"].tolist() == [0, 1, 2]


def test_one_cycle_rises_to_one_and_falls_to_nothing():
    factors = [one_cycle(100, 0.25, step) for step in range(101)]
    assert (
        max(factors) == factors[24] == 1
        and factors[100] == pytest.approx(0)
        and factors[0] == pytest.approx(1 / 25)
    )
    assert factors[50] == pytest.approx(0.75) and factors[75] == pytest.approx(0.25)  # 60° and 120°


def test_one_cycle_without_a_rise_starts_at_its_peak_and_may_be_all_rise():
    assert [one_cycle(2, 0, step) for step in range(3)] == pytest.approx([1, 1, 0])
    assert [one_cycle(2, 0.25, step) for step in range(3)] == pytest.approx([1, 1, 0])
    assert [one_cycle(2, 1, step) for step in range(3)] == pytest.approx([1 / 2, 1, 1])
    assert [one_cycle(10, 0.26, step) for step in range(3)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_a_run_takes_whole_epochs_and_at_least_its_steps():
    assert Recipe(epochs=3, min_steps=10, batch_size=32).steps(191) == 3 * 5
    assert Recipe(epochs=3, min_steps=10, batch_size=32).steps(64) == 10
    assert Recipe(epochs=3, min_steps=0, batch_size=32).steps(31) == 3


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("batch_size", 0, 1),
        ("batch_size", "32", 1),
        ("epochs", 2.5, 0),
        ("epochs", -1, 0),
        ("min_steps", -1, 0),
    ],
)
def test_a_recipe_takes_whole_numbers(name, value, least):
    with pytest.raises(BadInput, match=f"{name} is a whole number, {least} or more; got {value!r}"):
        Recipe(**{name: value})
    assert getattr(Recipe(**{name: least}), name) == least


def test_summary_and_count_say_what_trains():
    model = small_network()
    head, body = (
        Group("head", tuple(model[1].parameters()), 0.3, 0.1),
        Group("body", tuple(model[0].parameters()), 0.1),
    )
    phases = [Phase((head,), 0.2), Phase((head, body), 0.8)]
    table = summary(phases)
    assert table["group"].tolist() == ["head", "head", "body"] and table["parameters"].tolist() == [
        18,
        18,
        56,
    ]
    assert table["lr"].tolist() == [0.3, 0.3, 0.1]
    assert count_trainable(phases) == 18 + 56
