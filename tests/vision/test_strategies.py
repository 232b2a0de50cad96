"""Picture strategies: what trains, what does not, and what scikit-learn expects."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import stripes as shared
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tlkit
from tlkit import cli
from tlkit.classification.strategies.frozen import logistic_regression
from tlkit.classification.strategies.transplant import class_means
from tlkit.errors import BadInput, UnknownName
from tlkit.study.source import Source
from tlkit.study.strategy import hyperparameters
from tlkit.vision.networks.backbones import from_source
from tlkit.vision.strategies import (
    FineTune,
    ImageGradientStrategy,
    ImageStrategy,
    Nearest,
    Probe,
    Scratch,
    Transplant,
)
from tlkit.vision.tasks import ImageTask

QUICK = shared.QUICK | {"random_state": 0}


@pytest.fixture(scope="module")
def stripes():
    return shared.stripes()


@pytest.fixture(scope="module")
def source():
    return shared.source()


def same(state, other, part):
    return all(torch.equal(state[name], other[name]) for name in other if name.startswith(part))


@pytest.mark.parametrize(
    ("unfreeze", "frozen", "moved"),
    [
        ("head", ["backbone"], ["head"]),
        ("last", ["backbone.stage1", "backbone.stage2"], ["backbone.stage3", "head"]),
        ("all", [], ["backbone.stage1", "backbone.stage2", "backbone.stage3", "head"]),
        ("gradual", [], ["backbone.stage1", "backbone.stage2", "backbone.stage3", "head"]),
    ],
)
def test_what_is_frozen_stays_bitwise_the_same(source, stripes, unfreeze, frozen, moved):
    fitted = FineTune(source=source, unfreeze=unfreeze, **QUICK).fit(*stripes)
    state = fitted.network_.state_dict()
    assert all(same(state, source.state, part) for part in frozen)
    assert not any(same(state, source.state, part) for part in moved)


def test_gradual_unfreezing_adds_a_part_in_each_phase(source):
    table = FineTune(source=source, unfreeze="gradual").training_plan(3)
    groups = table.groupby("phase")["group"].apply(list).tolist()
    assert groups[0][0] == "head"
    assert all(set(a) < set(b) for a, b in itertools.pairwise(groups))
    assert set(groups[-1]) == {"head", "stage1", "stage2", "stage3"}


def test_the_table_of_what_trains_shows_the_learning_rate_of_each_layer(source):
    table = FineTune(source=source, lr=0.1, layer_decay=0.5, head_multiple=4, warmup=0.25).training_plan(5)
    warm, main = table[table["phase"] == 1], table[table["phase"] == 2].set_index("group")
    assert warm["group"].tolist() == ["head"]
    assert warm["share"].tolist() == [0.25]
    assert main["lr"].to_dict() == pytest.approx(
        {"head": 0.4, "stage3": 0.1, "stage2": 0.05, "stage1": 0.025}
    )
    assert main.loc["head", "parameters"] == 16 * 5 + 5


def test_trainable_parameters_are_counted(source, stripes):
    counts = {
        unfreeze: FineTune(source=source, unfreeze=unfreeze, **QUICK).fit(*stripes).n_trainable_
        for unfreeze in ("head", "all")
    }
    assert counts == {"head": 16 * 3 + 3, "all": sum(p.numel() for p in from_source(source).parameters())}
    assert Transplant(source=source).fit(*stripes).n_trainable_ == 0
    assert Probe(source=source).fit(*stripes).n_trainable_ == 16 * 3 + 3


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_starts_from_the_probe(source, stripes, n_classes):
    X, y = (each[stripes[1] < n_classes] for each in stripes)
    started = FineTune(source=source, probe_head=True, epochs=0, min_steps=0, random_state=0).fit(X, y)
    probe = Probe(source=source, random_state=0).fit(X, y)
    assert np.allclose(started.predict_proba(X), probe.predict_proba(X), atol=1e-4)
    cold = FineTune(source=source, epochs=0, min_steps=0, random_state=0).fit(X, y)
    assert not np.allclose(cold.predict_proba(X), probe.predict_proba(X), atol=0.1)


def test_a_strong_pull_keeps_the_weights_near_the_source(source, stripes):
    def distance(l2_sp):
        network = FineTune(source=source, l2_sp=l2_sp, **QUICK).fit(*stripes).network_
        return sum(
            (p - source.state[f"backbone.{n}"]).square().sum().item()
            for n, p in network.backbone.named_parameters()
        )

    assert distance(10.0) < distance(0.0) / 4


def test_the_pull_is_half_the_squared_distance(source, stripes):
    X, y = stripes
    strategy = FineTune(source=source, l2_sp=0.8, augment="none")
    network = from_source(source).train()
    batch = {"inputs": torch.from_numpy(X), "labels": torch.from_numpy(y)}
    strategy.prepare(network, batch)

    def pull():
        cross_entropy = torch.nn.functional.cross_entropy(network(batch["inputs"]), batch["labels"])
        return (strategy.loss(network, batch) - cross_entropy).item()

    assert pull() == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        next(network.backbone.parameters()).add_(0.1)
    moved = next(network.backbone.parameters()).numel() * 0.01
    assert pull() == pytest.approx(0.4 * moved, rel=1e-4)
    network.eval()
    assert pull() == pytest.approx(0, abs=1e-6)


def test_scratch_ignores_the_weights_but_keeps_the_architecture(source, stripes):
    other = Source(source.card, {name: torch.zeros_like(value) for name, value in source.state.items()})
    first, second = (
        Scratch(source=each, **QUICK).fit(*stripes).predict_proba(stripes[0]) for each in (source, other)
    )
    assert np.array_equal(first, second)
    assert (
        Scratch(source=source).identity()
        == Scratch(source=other).identity()
        != FineTune(source=source).identity()
    )
    wider = replace(source.card, architecture=source.card.architecture | {"width": 8})
    assert Scratch(source=Source(wider, source.state)).identity() != Scratch(source=source).identity()
    given = {"architecture": "convnet"}
    assert Scratch(source=source, **given).identity() == Scratch(**given).identity()


def test_the_probe_is_scikit_learns_logistic_regression(source, stripes):
    X, y = stripes
    with torch.no_grad():
        features = from_source(source).eval().features(torch.from_numpy(X)).numpy()
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(features, y)
    assert np.allclose(
        Probe(source=source, C=0.1).fit(X, y).predict_proba(X), reference.predict_proba(features), atol=1e-4
    )


def test_features_are_computed_once(source, stripes, monkeypatch, tmp_path):
    import tlkit.classification.features as room

    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path))
    calls = []
    original = room.outputs
    monkeypatch.setattr(room, "outputs", lambda *arguments: calls.append(1) or original(*arguments))
    X, y = stripes
    first = Probe(source=source).fit(X, y).predict_proba(X)
    assert np.array_equal(Probe(source=source).fit(X, y).predict_proba(X), first)
    assert len(calls) == 1
    Probe(source=source).fit(X[:60], y[:60])
    assert len(calls) == 2


def test_out_of_memory_halves_the_pictures_of_a_batch(stripes):
    from tlkit.classification.features import outputs

    def scarce(batch):
        if len(batch) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return batch.flatten(1).float()

    with pytest.warns(UserWarning, match="batches of 4"):
        found = outputs(scarce, stripes[0], torch.device("cpu"))
    assert np.array_equal(found, stripes[0].reshape(90, -1))


@pytest.mark.parametrize(("rarest", "folds"), [(1, None), (2, 2), (9, 5)])
def test_the_rarest_class_has_an_example_in_every_fold_that_chooses_a_strength(rng, rarest, folds):
    labels = np.repeat([0, 1], [rarest, 20])
    fitted = logistic_regression(rng.normal(size=(len(labels), 3)), labels, None, None, 0)
    assert getattr(fitted, "n_splits_", None) == folds


@pytest.mark.parametrize(("clarity", "strength"), [(0, 1e-4), (100, 10)])
def test_noise_gets_the_weakest_fit_and_what_is_plain_the_strongest(rng, clarity, strength):
    labels = np.arange(60) % 2
    features = rng.normal(size=(60, 40)) + clarity * labels[:, None]
    fitted = logistic_regression(features, labels, None, None, 0)
    assert fitted.best_params_["logisticregression__C"] == strength


def test_transplanting_maps_known_classes_onto_their_own_rules(source, stripes):
    """The target is the source's task with its classes renumbered: one example each is enough."""
    X, y = stripes
    renumbered = (y + 1) % 3
    fitted = Transplant(source=source).fit(X[:3], renumbered[:3])
    assert fitted.score(X, renumbered) > 0.9
    assert same(fitted.network_.state_dict(), source.state, "backbone")


def test_two_target_classes_never_take_over_the_same_rule(monkeypatch):
    """Both are likeliest under the first rule; the one that loses least by it goes without."""
    weight, bias = torch.eye(3), torch.tensor([0.0, 2.0, 0.0])
    head = torch.nn.Linear(3, 3)
    head.load_state_dict({"weight": weight, "bias": bias})
    monkeypatch.setattr(Transplant, "from_source", lambda *_: SimpleNamespace(head=head))
    features = torch.tensor([[3.0, 0.0, 0.5], [3.0, -2.0, 0.0]])  # logits 3, 2, 0.5 and 3, 0, 0
    rules = Transplant()._map(None, features, torch.tensor([0, 1]))
    assert torch.equal(rules[0], weight[[1, 0]]) and torch.equal(rules[1], bias[[1, 0]])


def test_more_target_classes_than_source_classes_cannot_be_mapped(source, stripes):
    with pytest.raises(BadInput, match="3 classes to map onto the target's 4; use rule='imprint'"):
        Transplant(source=source).fit(stripes[0], np.arange(90) % 4)


def test_imprinted_logits_are_ten_times_the_cosine_with_the_class_seen_from_the_mean_of_all(source, stripes):
    """For a picture as far from the mean as pictures are on average; others in proportion."""
    X, y = stripes
    network = Transplant(source=source, rule="imprint").fit(X, y).network_
    with torch.no_grad():
        features = from_source(source).eval().features(torch.from_numpy(X))
        logits = network.head(features)
    seen = features - features.mean(0)
    distance = seen.norm(dim=1, keepdim=True)
    means = torch.stack([(seen / distance)[y == label].mean(0) for label in range(3)])
    cosines = (seen / distance) @ (means / means.norm(dim=1, keepdim=True)).T
    assert torch.allclose(logits, 10 * cosines * distance / distance.mean(), atol=1e-3)


def test_class_means():
    values = torch.tensor([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]])
    assert class_means(values, torch.tensor([0, 0, 1])).tolist() == [[2.0, 1.0], [5.0, 5.0]]


def test_labels_as_shares_weigh_as_whole_labels_do(source, stripes):
    """One-hot shares are the same labels, and shares of two classes the mean of both by their weights."""
    strategy = Scratch(source=source)
    strategy.class_weights_ = torch.tensor([0.5, 2.0])
    logits, labels = torch.tensor([[1.0, -1.0], [0.3, 0.2], [-2.0, 1.0]]), torch.tensor([0, 1, 1])
    whole = strategy.criterion(logits, labels)
    assert torch.allclose(strategy.criterion(logits, torch.eye(2)[labels]), whole)
    mixed = strategy.criterion(logits[:1], torch.tensor([[0.25, 0.75]]))
    first, second = (strategy.criterion(logits[:1], torch.tensor([label])) for label in (0, 1))
    assert torch.allclose(mixed, (0.25 * 0.5 * first + 0.75 * 2 * second) / (0.25 * 0.5 + 0.75 * 2))
    strategy.class_weights_ = None
    assert torch.allclose(
        strategy.criterion(logits, torch.eye(2)[labels]), strategy.criterion(logits, labels)
    )


def test_class_weights_are_scikit_learns(source, stripes):
    X, y = stripes
    few = np.r_[np.flatnonzero(y == 0)[:5], np.flatnonzero(y != 0)]
    seen = []

    class Watched(FineTune):
        def prepare(self, model, batch):
            seen.extend(self.class_weights_.tolist())

    Watched(source=source, class_weight="balanced", **QUICK).fit(X[few], y[few])
    assert seen == pytest.approx([65 / 15, 65 / 90, 65 / 90])


def test_early_stopping_holds_out_a_stratified_fifth(source, stripes):
    X, y = stripes
    fitted = FineTune(source=source, early_stop=True, **QUICK).fit(X, y)
    assert all("valid_loss" in record for record in fitted.history_)
    assert (
        "valid_loss" not in FineTune(source=source, early_stop=True, **QUICK).fit(X[:12], y[:12]).history_[0]
    )


def test_a_fitted_strategy_is_a_source(source, stripes, tmp_path):
    fitted = FineTune(source=source, **QUICK).fit(*stripes)
    made = Source.load(Source.from_fitted(fitted, "mine").save(tmp_path / "mine"))
    assert np.allclose(
        from_source(made).eval()(torch.from_numpy(stripes[0])).softmax(1).detach().numpy(),
        fitted.predict_proba(stripes[0]),
        atol=1e-5,
    )


def test_class_means_are_a_source_whose_rules_move_on_under_a_linear_head(source, stripes):
    X, y = stripes
    means = Source.from_fitted(Nearest(source=source).fit(X, y), "means")
    assert means.card.architecture == source.card.architecture | {"head": "cosine"}
    renumbered = (y + 1) % 3
    fitted = Transplant(source=means).fit(X[:3], renumbered[:3])
    assert fitted.score(X, renumbered) > 0.9
    for strategy in (fitted, Scratch(source=means, **QUICK).fit(X, y)):
        assert Source.from_fitted(strategy, "next").card.architecture == source.card.architecture


def test_a_card_with_a_head_that_there_is_not_is_refused(source):
    odd = source.with_card(architecture=source.card.architecture | {"head": "cosin"})
    with pytest.raises(UnknownName, match="no head 'cosin'. Did you mean 'cosine'"):
        from_source(odd)


@pytest.mark.parametrize(
    ("params", "message"),
    [({"unfreeze": "everything"}, "no way to unfreeze"), ({"augment": "shft"}, "Did you mean 'shift'")],
)
def test_unknown_settings_are_refused(source, stripes, params, message):
    with pytest.raises(UnknownName, match=message):
        FineTune(source=source, **QUICK | params).fit(*stripes)


def test_a_new_strategy_is_one_class(source, stripes, capsys):
    X, y = stripes

    @hyperparameters
    class Smooth(ImageGradientStrategy):
        """Fine-tune with label smoothing."""

        name = "smooth-toy"
        title = "Label smoothing"
        idea = "Do not be too sure."

        smoothing: float = 0.1

        def loss(self, model, batch):
            inputs, labels = self.augmented(model, batch["inputs"], batch["labels"])
            logits = model(inputs)
            return torch.nn.functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)

    task = ImageTask(X[:60], y[:60], X[60:], y[60:], name="stripes")
    assert "smooth-toy" in task.strategies()
    study = tlkit.compare(
        [task.strategy("smooth-toy", min_steps=20)], source, task, [3], seeds=3, callbacks=[]
    )
    assert set(study.table["strategy"]) == {"scratch", "smooth-toy"}
    assert issubclass(Smooth, ImageStrategy)
    assert "smooth-toy" in tlkit.panel(source, task).toggles
    assert cli.main(["strategies", "digits"]) == 0
    assert "smooth-toy: Label smoothing" in capsys.readouterr().out


@pytest.mark.parametrize("strategy", [Scratch(), FineTune(unfreeze="gradual"), FineTune(early_stop=True)])
def test_curves_leave_a_fit_bitwise_as_it_is(source, stripes, strategy):
    """Predictions in the midst could disturb modes, statistics of batch normalisation, random numbers."""
    X, y = stripes
    task = ImageTask(X[:60], y[:60], X[60:], y[60:])
    heard = []

    class Listener(tlkit.Callback):
        def on_step(self, record):
            heard.append((record["loss"], torch.random.get_rng_state().tolist()))

    options = {"budgets": 10, "seeds": 1, "callbacks": [Listener()], "cache": False}
    strategy.set_params(epochs=0, min_steps=30)
    plain, watched = (
        tlkit.compare([strategy], source, task, curves=curves, **options).trials[-1]
        for curves in (False, True)
    )
    assert heard[: len(heard) // 2] == heard[len(heard) // 2 :]
    assert plain.history == watched.history and plain.curve == []
    np.testing.assert_array_equal(plain.per_example, watched.per_example)
    assert [point["step"] for point in watched.curve] == [each["step"] for each in watched.history]
    assert len(watched.curve) >= 20
    assert watched.curve[-1]["score"] == watched.metrics["accuracy"]
    seconds = [point["seconds"] for point in watched.curve]
    assert seconds == sorted(seconds) and seconds[-1] == watched.seconds
