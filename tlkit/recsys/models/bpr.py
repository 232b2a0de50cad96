"""BPR: factors learned from pairs, of which a user has one item and not the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array
from torch import Tensor, nn

from tlkit.errors import ABOVE_0, at_least, whole
from tlkit.recsys.data.ratings import places
from tlkit.recsys.models.base import FactorModel
from tlkit.study.callbacks import Callback
from tlkit.study.strategy import hyperparameters
from tlkit.system import compute
from tlkit.training import fitting
from tlkit.training.phases import Group, Phase, Recipe

SPREAD = 0.1  # standard deviation of the first factors


class Tastes(nn.Module):
    """Factors of users and items, and a bias for each item."""

    def __init__(self, n_users: int, n_items: int, factors: int):
        super().__init__()
        self.users = nn.Parameter(SPREAD * torch.randn(n_users, factors))
        self.items = nn.Parameter(SPREAD * torch.randn(n_items, factors))
        self.biases = nn.Parameter(torch.zeros(n_items))


class Negatives:
    """Draws items that a user does not have, each with the same chance and none in vain.

    Of the sorted items p_0 < p_1 < ... of a user, p_k - k are absent and smaller than p_k. So the r-th absent
    item is r plus the number of k with p_k - k <= r, which a binary search finds for a whole batch.

    Parameters
    ----------
    matrix : csr_array of shape (n_users, n_items)
        What users have.
    device : torch.device
        Where to draw.
    """

    def __init__(self, matrix: csr_array, device: torch.device):
        matrix = matrix.sorted_indices()
        rows, items = places(matrix)
        self.n_items = matrix.shape[1]
        smaller = items - (np.arange(len(items)) - matrix.indptr[rows])
        self.keys = torch.from_numpy(rows.astype(np.int64) * self.n_items + smaller).to(device)
        self.starts = torch.from_numpy(matrix.indptr.astype(np.int64)).to(device)
        self.absent = self.n_items - self.starts.diff()

    def draw(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one item for each of `users`, who lack one at least; shape (len(users),)."""
        chance = torch.rand(len(users), generator=generator, device=users.device)
        rank = (chance * self.absent[users]).long().minimum(self.absent[users] - 1)
        before = torch.searchsorted(self.keys, users * self.n_items + rank, right=True)
        return rank + before - self.starts[users]


@hyperparameters
class BPR(FactorModel):
    """Factorization trained so that an item a user has scores above one that they have not.

    Rendle et al., BPR: Bayesian Personalized Ranking from Implicit Feedback, UAI 2009, arXiv:1205.2618:
    the criterion BPR-Opt of section 4.1 for matrix factorization (section 4.3.1) with item biases, on
    negatives drawn for each batch anew. A new user's factors are trained by the same criterion, while those
    of items stay.

    Parameters
    ----------
    factors : int
        Length of a factor; item biases come on top.
    reg : float
        L2 penalty on the factors and biases of each pair.
    lr : float
        Peak learning rate (AdamW).
    epochs, min_steps, batch_size : int
        A run takes `epochs` passes over all pairs of user and item, and at least `min_steps` steps of
        `batch_size` pairs.
    random_state, device
        As for every recommender.

    Attributes
    ----------
    user_factors : ndarray of shape (n_users, factors + 1), float32
        The last is 1.
    item_factors : ndarray of shape (n_items, factors + 1), float32
        The last is the item's bias.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import BPR
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = BPR(epochs=1, min_steps=5).fit(task.train)
    >>> model.recommend("u0-05", n=3)["rank"].tolist()
    [1, 2, 3]
    """

    limits: ClassVar = {"factors": whole(1), "reg": at_least(0), "lr": ABOVE_0}

    factors: int = 64
    reg: float = 0.03
    lr: float = 0.02
    epochs: int = 30
    min_steps: int = 300
    batch_size: int = 1024

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Train the factors of users and items."""
        n_users, n_items = matrix.shape
        model = Tastes(n_users, n_items, self.factors).to(self.device_)
        self.history_ = self._train(model, matrix, tuple(model.parameters()), generator, self._callbacks)
        users, items, biases = (param.detach().cpu().numpy() for param in model.parameters())
        self.user_factors = with_ones(users)
        self.item_factors = np.column_stack([items, biases])
        self.n_trainable_ = users.size + self.item_factors.size

    def fold_in(self, profiles: csr_array) -> np.ndarray:
        """Train factors (n, factors + 1) for users known by their items (n, n_items) alone."""
        with compute.seeded(self.random_state, self.device_) as generator:
            items = torch.from_numpy(self.item_factors)
            model = Tastes(profiles.shape[0], len(items), self.factors)
            model.items.data, model.biases.data = items[:, :-1].clone(), items[:, -1].clone()
            model.users.data.zero_()
            model.to(self.device_)
            self._train(model, profiles, (model.users,), generator)
        return with_ones(model.users.detach().cpu().numpy())

    def _train(
        self,
        model: Tastes,
        matrix: csr_array,
        params: tuple[nn.Parameter, ...],
        generator: torch.Generator,
        callbacks: Sequence[Callback] = (),
    ) -> list[dict[str, float]]:
        """Train some of a model's parameters on the pairs of a matrix (n_users, n_items)."""
        negatives = Negatives(matrix, self.device_)
        rows, items = (torch.from_numpy(each.astype(np.int64)).to(self.device_) for each in places(matrix))
        useful = negatives.absent[rows] > 0
        pairs = {"user": rows[useful], "item": items[useful]}
        if not useful.any():
            return []

        def loss(model: Tastes, batch: fitting.Batch) -> Tensor:
            absent = negatives.draw(batch["user"], generator)
            return pair_loss(model, batch["user"], batch["item"], absent, self.reg)

        plan = [Phase((Group("factors", params, self.lr),))]
        recipe = Recipe(self.epochs, self.min_steps, self.batch_size)
        return fitting.train(model, loss, pairs, plan, recipe, generator, callbacks=callbacks)


def pair_loss(model: Tastes, users: Tensor, items: Tensor, absent: Tensor, reg: float) -> Tensor:
    """Mean of -ln sigmoid(x_ui - x_uj) over triples of user, their item i, absent item j, and the penalty.

    Rendle 2009, BPR-Opt in section 4.1, with the sign turned.
    """
    taste, first, second = model.users[users], model.items[items], model.items[absent]
    lead = (taste * (first - second)).sum(1) + model.biases[items] - model.biases[absent]
    size = sum(part.square().sum(1) for part in (taste, first, second))
    size = size + model.biases[items].square() + model.biases[absent].square()
    return (F.softplus(-lead) + 0.5 * reg * size).mean()


def with_ones(factors: np.ndarray) -> np.ndarray:
    """Append a column of ones, which meets the items' biases."""
    return np.column_stack([factors, np.ones(len(factors), dtype=np.float32)])
