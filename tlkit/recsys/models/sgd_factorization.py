"""Matrix factorization for ratings by stochastic gradient descent."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from tlkit.errors import ABOVE_0, whole
from tlkit.recsys.data.ratings import places
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.solvers.rows import Rows
from tlkit.study.strategy import hyperparameters
from tlkit.training import fitting
from tlkit.training.phases import Group, Phase, Recipe

SPREAD = 0.1  # standard deviation of the first factors


class Biased(nn.Module):
    """A mean rating, a bias and factors for each user and item: one row each, the bias first."""

    def __init__(self, n_users: int, n_items: int, factors: int, mean: float):
        super().__init__()
        self.mean = mean
        self.users, self.items = (_table(n, factors) for n in (n_users, n_items))

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return ratings and the squared norms of the rows they are made of, both of shape (n,)."""
        user, item = self.users[users], self.items[items]
        taste = (user[:, 1:] * item[:, 1:]).sum(1)
        return self.mean + user[:, 0] + item[:, 0] + taste, user.square().sum(1) + item.square().sum(1)


@hyperparameters
class SGDFactorization(FactorModel):
    """Factors and biases that minimise squared errors plus a penalty, a batch of ratings at a time.

    Funk's factorization with biases (Koren, Bell and Volinsky, Matrix factorization techniques for
    recommender systems, Computer 42(8), 2009, equation 5), on minibatches with AdamW.

    Parameters
    ----------
    factors : int
        Size of the factors.
    reg : float
        Penalty on the squared biases and factors behind each rating.
    lr : float
        Peak learning rate.
    epochs, min_steps, batch_size : int
        A run takes `epochs` passes over the ratings, and at least `min_steps` steps of `batch_size` ratings.
    random_state : int, optional
        Seed of the first factors and of the order of ratings.
    device : str, optional
        Where to compute; the best device by default.

    Attributes
    ----------
    user_factors : ndarray of shape (n_users, factors + 2), float32
        Bias, factors, 1.
    item_factors : ndarray of shape (n_items, factors + 2), float32
        1, factors, bias; the mean rating is in the bias.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import SGDFactorization
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = SGDFactorization(factors=4, epochs=1, min_steps=5).fit(task.train)
    >>> model.predict(["u0-05", "u0-05"], ["f014", "f062"]).shape
    (2,)
    """

    objectives: ClassVar[tuple[str, ...]] = ("rating",)
    limits: ClassVar = {"factors": whole(1), "reg": ABOVE_0, "lr": ABOVE_0}

    factors: int = 32
    reg: float = 0.12
    lr: float = 0.02
    epochs: int = 10
    min_steps: int = 300
    batch_size: int = 1024

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Train biases and factors of users and items."""
        n_users, n_items = matrix.shape
        model = Biased(n_users, n_items, self.factors, float(matrix.data.mean())).to(self.device_)
        users, items = (torch.from_numpy(each.astype(np.int64)) for each in places(matrix))
        ratings = {"user": users, "item": items, "rating": torch.from_numpy(matrix.data)}
        ratings = {name: values.to(self.device_) for name, values in ratings.items()}
        group = Group("factors", tuple(model.parameters()), self.lr)
        recipe = Recipe(self.epochs, self.min_steps, self.batch_size)
        self.history_ = fitting.train(
            model, self._loss, ratings, [Phase((group,))], recipe, generator, callbacks=self._callbacks
        )
        self._keep(model)

    def fold_in(self, profiles: csr_array) -> np.ndarray:
        """Find the rows (n, factors + 2) that the same loss is least at, given the items; in closed form."""
        ratings = Rows(profiles, self.device_)
        items = torch.from_numpy(self.item_factors).to(self.device_)
        gram = ratings.times((items[:, :, None] * items[:, None, :]).flatten(1), power=0)
        gram = gram.view(-1, *[items.shape[1]] * 2)
        # A user without ratings has no equations: any penalty then leaves them at zero.
        penalty = self.reg * ratings.starts.diff().clamp(min=1)
        normal = gram[:, :-1, :-1] + penalty[:, None, None] * torch.eye(self.factors + 1, device=self.device_)
        rows = torch.linalg.solve(normal, ratings.times(items)[:, :-1] - gram[:, :-1, -1])
        return nn.functional.pad(rows, (0, 1), value=1.0).cpu().numpy()

    def _loss(self, model: Biased, batch: fitting.Batch) -> Tensor:
        predicted, size = model(batch["user"], batch["item"])
        return ((predicted - batch["rating"]).square() + self.reg * size).mean()

    def _keep(self, model: Biased) -> None:
        users, items = (table.detach().cpu().numpy() for table in (model.users, model.items))
        ones = [np.ones((len(table), 1), np.float32) for table in (users, items)]
        self.user_factors = np.hstack([users, ones[0]])
        self.item_factors = np.hstack([ones[1], items[:, 1:], items[:, :1] + model.mean])
        self.n_trainable_ = users.size + items.size


def _table(n: int, factors: int) -> nn.Parameter:
    rows = SPREAD * torch.randn(n, factors + 1)
    rows[:, 0] = 0
    return nn.Parameter(rows)
