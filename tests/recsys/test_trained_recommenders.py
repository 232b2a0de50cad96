"""Recommenders that are trained: BPR and the autoencoders."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone
from torch import nn

from tlkit.errors import BadInput
from tlkit.recsys.evaluation.metrics import ranking_units, top_k
from tlkit.recsys.models.autoencoders import AutoencoderNetwork, AutoRec, MultiDAE, UserAutoRec, scaled
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.bpr import BPR, Negatives, Tastes, pair_loss
from tlkit.recsys.models.popularity import Popularity
from tlkit.study.callbacks import Callback

N_USERS, N_ITEMS = 200, 100
RANKING = {"bpr": BPR(factors=8, epochs=10), "dae": MultiDAE(hidden=16, epochs=20)}
RATING = {"items": AutoRec(hidden=16, weight_decay=3), "users": UserAutoRec(hidden=16, weight_decay=3)}
EVERY = [*RANKING.values(), *RATING.values()]


def low_rank(seed):
    """Tastes of two dimensions: stars for everything, and who took what, the liked more often."""
    draw = np.random.default_rng(seed)
    taste = draw.normal(size=(N_USERS, 2)) @ draw.normal(size=(2, N_ITEMS))
    stars = np.clip(3.5 + taste + 0.3 * draw.normal(size=taste.shape), 1, 5)
    return stars, draw.random(taste.shape) < 0.6 / (1 + np.exp(1 - 2 * taste)), draw.random(taste.shape) < 0.3


def table(stars, chosen):
    pairs = np.argwhere(chosen)
    return pd.DataFrame(pairs, columns=["user", "item"]).assign(rating=stars[chosen])


def ndcg(model, taken, held_out):
    users = np.flatnonzero((taken & held_out).any(1))
    items = top_k(model.scores(users), (taken & ~held_out)[users], 10)
    return ranking_units(items, (taken & held_out)[users])["ndcg"].mean()


def rmse(model, stars, chosen):
    users, items = np.nonzero(chosen)
    return np.sqrt(np.mean((model.predict(users, items) - stars[chosen]) ** 2))


def fitted(model, seed=0):
    stars, taken, held_out = low_rank(seed)
    return model.set_params(random_state=seed).fit(table(stars, taken & ~held_out))


@pytest.mark.parametrize("name", RANKING)
def test_trained_rankings_beat_popularity(name):
    for seed in range(3):
        _, taken, held_out = low_rank(seed)
        found, popular = (ndcg(fitted(each, seed), taken, held_out) for each in (RANKING[name], Popularity()))
        assert found - popular > 0.06  # 0.11 to 0.16 for BPR, 0.14 to 0.19 for the autoencoder


@pytest.mark.parametrize("name", RATING)
def test_trained_stars_beat_biases(name):
    for seed in range(3):
        stars, taken, held_out = low_rank(seed)
        found, biased = (
            rmse(fitted(each, seed), stars, taken & held_out) for each in (RATING[name], Biases())
        )
        assert found / biased < 0.9  # 0.78 to 0.87


@pytest.mark.parametrize("model", EVERY)
def test_training_is_heard_of(model):
    class Listener(Callback):
        def __init__(self):
            self.heard = []

        def on_step(self, record):
            self.heard.append(record["loss"])

    stars, taken, _ = low_rank(0)
    listener = Listener()
    model.set_params(random_state=5).fit(table(stars, taken), callbacks=[listener])
    assert listener.heard == [step["loss"] for step in model.history_] and len(listener.heard) >= 10
    assert listener.heard[-1] < listener.heard[0]
    assert model.n_trainable_ > 0


@pytest.mark.parametrize("model", EVERY)
def test_a_run_is_as_long_as_its_passes_and_no_shorter_than_its_least_steps(model):
    stars, taken, _ = low_rank(0)
    assert clone(model).set_params(epochs=1, min_steps=11).fit(table(stars, taken)).history_[-1]["step"] >= 11
    one, two = (clone(model).set_params(epochs=n, min_steps=0).fit(table(stars, taken)) for n in (1, 2))
    assert two.history_[-1]["step"] == 2 * one.history_[-1]["step"]


@pytest.mark.parametrize("model", [RANKING["dae"], *RATING.values()])
def test_a_training_profile_folded_in_gets_the_scores_of_its_user(model):
    fitted(model)
    np.testing.assert_allclose(
        model.score_profiles(model.matrix_), model.score_rows(np.arange(N_USERS)), atol=1e-5
    )


def test_users_folded_into_the_items_autoencoder_get_better_stars_than_its_decoder_gives():
    for seed in range(3):
        stars, taken, held_out = low_rank(seed)
        model = fitted(RATING["items"], seed)
        by_item = csr_array(model.baseline_.residuals(model.matrix_).T)
        decoded = model.baseline_.predict(model.matrix_) + model.apply(model.network_, by_item).T
        missed = (decoded.clip(*model.scale_) - stars)[taken & held_out]
        assert rmse(model, stars, taken & held_out) < 0.98 * np.sqrt(np.mean(missed**2))  # 0.945 to 0.956
    nobody = csr_array((1, N_ITEMS), dtype=np.float32)
    unknown = model.baseline_.predict(nobody) + model.codes_ @ model.centre_
    np.testing.assert_allclose(model.score_profiles(nobody), unknown, atol=1e-5)


def test_a_user_folded_into_bpr_is_ranked_for_nearly_as_well_as_when_trained():
    _, taken, held_out = low_rank(0)
    model = fitted(RANKING["bpr"])
    trained = ndcg(model, taken, held_out)
    model.user_factors = model.fold_in(model.matrix_)
    assert ndcg(model, taken, held_out) > 0.9 * trained
    assert (model.item_factors[:, -1] != 0).all() and (model.user_factors[:, -1] == 1).all()
    assert model.n_trainable_ == 8 * N_USERS + (8 + 1) * N_ITEMS


def test_bpr_folds_in_against_the_fitted_items_and_their_biases(monkeypatch):
    model, seen = fitted(RANKING["bpr"]), []
    monkeypatch.setattr(BPR, "_train", lambda self, tastes, *rest: seen.append(tastes) or [])
    model.fold_in(model.matrix_[:2])
    assert np.array_equal(
        np.column_stack([seen[0].items.detach(), seen[0].biases.detach()]), model.item_factors
    )


def test_bpr_of_someone_who_has_everything_learns_from_the_others():
    whole = np.ones((3, 6), dtype=bool)
    whole[1:, ::2] = False
    model = BPR(factors=2, epochs=1, random_state=0).fit(table(np.ones((3, 6)), whole))
    assert np.isfinite(model.scores([0, 1])).all()
    everything = csr_array(np.ones((1, 6), dtype=np.float32))
    np.testing.assert_array_equal(model.fold_in(everything), [[0, 0, 1]])


# Negatives and losses


def test_negatives_are_all_absent_items_and_no_others_each_as_often():
    draw = np.random.default_rng(0)
    have = draw.random((5, 9)) < 0.5
    have[0], have[1], have[2], have[2, 8] = False, [True] * 4 + [False] * 5, True, False
    negatives = Negatives(csr_array(have.astype(np.float32)), torch.device("cpu"))
    users = torch.arange(5).repeat_interleave(20_000)
    found = negatives.draw(users, torch.Generator().manual_seed(0))
    counts = np.zeros((5, 9))
    np.add.at(counts, (users.numpy(), found.numpy()), 1)
    share = 20_000 / (~have).sum(1, keepdims=True)
    assert (counts[have] == 0).all()
    np.testing.assert_allclose(counts / share, ~have, atol=0.1)


def test_the_loss_of_a_pair_is_the_logistic_of_its_lead_plus_the_penalty():
    model = Tastes(1, 2, 2)
    model.users.data = torch.tensor([[1.0, 2.0]])
    model.items.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    model.biases.data = torch.tensor([3.0, 0.0])
    one, zero = torch.tensor([1]), torch.tensor([0])
    # The lead of item 0 over item 1 is 1 + 3 - 2; squares are 5 + 1 + 1 + 9.
    wanted = np.log1p(np.exp(-2)) + 0.5 * 0.1 * 16
    assert pair_loss(model, zero, zero, one, 0.1).item() == pytest.approx(wanted)
    twice = (each.repeat(2) for each in (zero, zero, one))
    assert pair_loss(model, *twice, 0.1).item() == pytest.approx(wanted)


def test_what_is_not_rated_has_no_gradient():
    torch.manual_seed(0)
    network = AutoencoderNetwork(4, 3, dropout=0.0)
    values, marks = torch.tensor([[0.5, 0.0, -1.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    AutoRec().loss(network, values, marks).backward()
    known = marks[0] > 0
    assert (network.decoder.weight.grad[~known] == 0).all() and (network.decoder.bias.grad[~known] == 0).all()
    assert (network.encoder.weight.grad[:, ~known] == 0).all()
    assert (network.decoder.bias.grad[known] != 0).all()


def test_the_multinomial_loss_by_hand():
    class Fixed(nn.Module):
        def forward(self, rows):
            return torch.log(torch.tensor([[0.5, 0.25, 0.25]])).expand(len(rows), 3)

    marks = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    loss = MultiDAE().loss(Fixed(), marks, marks)
    assert loss.item() == pytest.approx((np.log(2) + np.log(4) + np.log(4)) / 2)


def test_profiles_are_scaled_to_length_one_and_an_empty_one_stays():
    found = scaled(csr_array(np.array([[5, 0, 4, 3, 1], [0, 0, 0, 0, 0]], dtype=np.float32)))
    np.testing.assert_allclose(found.toarray(), [[0.5, 0, 0.5, 0.5, 0.5], [0] * 5])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (BPR(factors=0), "factors is a whole number, 1 or more; got 0"),
        (BPR(lr=0), "lr is a number above 0; got 0"),
        (BPR(batch_size=0), "batch_size is a whole number, 1 or more; got 0"),
        (MultiDAE(dropout=1), "dropout is a number from 0 to below 1; got 1"),
        (AutoRec(hidden=0), "hidden is a whole number, 1 or more; got 0"),
    ],
)
def test_what_cannot_be_trained_is_refused(model, message):
    with pytest.raises(BadInput, match=message):
        fitted(model)


def test_a_network_may_do_without_dropout():
    assert np.isfinite(fitted(MultiDAE(hidden=4, epochs=1, min_steps=1, dropout=0)).scores([0])).all()
