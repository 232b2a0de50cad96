"""Autoencoders: a network squeezes ratings into a short code and unfolds it to scores for everything."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array
from torch import Tensor, nn

from tlkit.errors import ABOVE_0, BELOW_1, at_least, whole
from tlkit.recsys.models.base import FactorModel, Recommender
from tlkit.recsys.models.biases import fit_baseline
from tlkit.recsys.solvers.ridge import ridge_rows
from tlkit.recsys.solvers.rows import Rows
from tlkit.study.strategy import hyperparameters
from tlkit.training import fitting
from tlkit.training.phases import Group, Phase, Recipe

TINY = 1e-6
ROWS = 2048  # in the network at once, when it has been trained


class AutoencoderNetwork(nn.Module):
    """One hidden layer of tanh units between rows (n, n_columns) and rows of the same kind."""

    def __init__(self, n_columns: int, hidden: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.Linear(n_columns, hidden)
        self.decoder = nn.Linear(hidden, n_columns)

    def encode(self, rows: Tensor) -> Tensor:
        """Map rows (n, n_columns) to codes (n, hidden)."""
        return torch.tanh(self.encoder(self.dropout(rows)))

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (n, n_columns) to rows of the same shape."""
        return self.decoder(self.encode(rows))


@hyperparameters
class Autoencoder(Recommender):
    """Base of the autoencoders: a subclass gives `loss`, and `learn` calls `train`.

    Parameters
    ----------
    hidden : int
        Length of the code.
    dropout : float
        Share of the input that is hidden while training, in [0, 1).
    lr : float
        Peak learning rate (AdamW).
    weight_decay : float
        Decoupled weight decay.
    epochs, min_steps, batch_size : int
        A run takes `epochs` passes over all rows, and at least `min_steps` steps of `batch_size` rows.
    random_state, device
        As for every recommender.

    Attributes
    ----------
    network_ : AutoencoderNetwork
        What was trained.
    """

    limits: ClassVar = {
        "hidden": whole(1),
        "dropout": BELOW_1,
        "lr": ABOVE_0,
        "weight_decay": at_least(0),
    }

    hidden: int = 200
    dropout: float = 0.5
    lr: float = 0.005
    weight_decay: float = 1.0
    epochs: int = 50
    min_steps: int = 200
    batch_size: int = 128

    @abstractmethod
    def loss(self, network: nn.Module, values: Tensor, marks: Tensor) -> Tensor:
        """Return the mean loss of rows of values (n, n_columns), of which `marks` (0 or 1) says the known."""

    def train(self, rows: csr_array, generator: torch.Generator) -> None:
        """Train a network to give rows (n, n_columns) back."""
        held = Rows(rows, self.device_)
        filled = torch.from_numpy(np.flatnonzero(np.diff(rows.indptr))).to(self.device_)
        self.network_ = AutoencoderNetwork(rows.shape[1], self.hidden, self.dropout).to(self.device_)

        def loss(network: nn.Module, batch: fitting.Batch) -> Tensor:
            return self.loss(network, held.dense(batch["row"]), held.dense(batch["row"], power=0))

        params = tuple(self.network_.parameters())
        self.n_trainable_ = sum(param.numel() for param in params)
        plan = [Phase((Group("network", params, self.lr, self.weight_decay),))]
        recipe = Recipe(self.epochs, self.min_steps, self.batch_size)
        self.history_ = fitting.train(
            self.network_, loss, {"row": filled}, plan, recipe, generator, callbacks=self._callbacks
        )

    @torch.inference_mode()
    def apply(self, function: Callable[[Tensor], Tensor], rows: csr_array) -> np.ndarray:
        """Put sparse rows through the network or a part of it, some at a time."""
        held = Rows(rows, self.device_)
        order = torch.arange(len(held), device=self.device_)
        return torch.cat([function(held.dense(part)) for part in order.split(ROWS)]).cpu().numpy()


@hyperparameters
class MultiDAE(Autoencoder):
    """Rank items by a denoising autoencoder with a multinomial likelihood.

    Liang et al., Variational Autoencoders for Collaborative Filtering, WWW 2018, arXiv:1802.05814: the
    likelihood is equation 2, the network the denoising one of section 2.3 with one hidden layer. Profiles are
    binary, scaled to length 1, and partly hidden while training. Parameters are those of `Autoencoder`.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import MultiDAE
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = MultiDAE(hidden=8, epochs=1, min_steps=5).fit(task.train)
    >>> model.recommend("u0-05", n=3)["rank"].tolist()
    [1, 2, 3]
    """

    weight_decay: float = 2.0

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Train the network on all profiles."""
        self.train(scaled(matrix), generator)

    def loss(self, network: nn.Module, values: Tensor, marks: Tensor) -> Tensor:
        """Return the negative log-likelihood of what a user has, in nats a user: Liang 2018, equation 2."""
        return -(F.log_softmax(network(values), dim=1) * marks).sum(1).mean()

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Score every item by its logit: (n, n_items) to (n, n_items)."""
        return self.apply(self.network_, scaled(profiles))


@hyperparameters
class RatingAutoencoder(Autoencoder):
    """Base of both sides of AutoRec: errors count where there are ratings, and a `Baseline` goes first."""

    objectives: ClassVar[tuple[str, ...]] = ("rating",)

    weight_decay: float = 20.0

    def loss(self, network: nn.Module, values: Tensor, marks: Tensor) -> Tensor:
        """Return the mean squared error of the known ratings of a batch.

        Sedhain 2015, equation 2; weight decay takes the place of its penalty.
        """
        return ((network(values) - values).square() * marks).sum() / marks.sum()


@hyperparameters
class AutoRec(RatingAutoencoder, FactorModel):
    """Predict stars by an autoencoder whose rows are items.

    Sedhain et al., AutoRec: Autoencoders Meet Collaborative Filtering, WWW 2015, equations 2 and 3
    (I-AutoRec), on what a `Baseline` leaves of the stars. An item's code is its factor. A user's row of the
    decoder would be theirs; better, and for new users too, is the most probable row given their ratings if
    the decoder's rows are a normal sample of all users. Parameters are those of `Autoencoder`.

    Attributes
    ----------
    user_factors, item_factors : ndarray of shape (n_users, hidden + 3), (n_items, hidden + 3), float32
        The last three columns carry the decoder's and the baseline's biases.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import AutoRec
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = AutoRec(hidden=8, epochs=1, min_steps=5).fit(task.train)
    >>> model.predict(["u0-05", "u0-05"], ["f014", "f062"]).shape
    (2,)
    """

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Train the network on what the baseline leaves of each item's stars."""
        self.baseline_ = fit_baseline(matrix)
        by_item = csr_array(self.baseline_.residuals(matrix).T)
        self.train(by_item, generator)
        codes = self.apply(self.network_.encode, by_item)
        self.codes_ = np.column_stack([codes, np.ones(len(codes), dtype=np.float32)])
        decoder = self.network_.decoder
        rows = torch.column_stack([decoder.weight, decoder.bias]).detach().cpu().numpy()
        self.centre_ = rows.mean(axis=0)
        _, lengths, axes = np.linalg.svd(rows - self.centre_, full_matrices=False)
        self.spread_ = axes.T * (lengths / max(len(rows) - 1, 1) ** 0.5)
        self.noise_ = max(self.history_[-1]["loss"], TINY)
        self.item_factors = np.column_stack([self.codes_, self.baseline_.item_columns()])
        self.user_factors = self.fold_in(matrix)

    def fold_in(self, profiles: csr_array) -> np.ndarray:
        """Find factors (n, hidden + 3) for users known by their ratings (n, n_items) alone."""
        left = self.baseline_.residuals(profiles)
        left.data -= (self.codes_ @ self.centre_)[left.indices]
        # Along the spread of users and in its units, a normal prior is a ridge whose penalty is the noise.
        codes = torch.from_numpy(self.codes_ @ self.spread_).to(self.device_)
        rows = self.centre_ + ridge_rows(left, codes, self.noise_).cpu().numpy() @ self.spread_.T
        return np.column_stack([rows, self.baseline_.user_columns(profiles)])


@hyperparameters
class UserAutoRec(RatingAutoencoder):
    """Predict stars by an autoencoder whose rows are users (U-AutoRec), so that a new one just goes through.

    Sedhain et al., WWW 2015, as for `AutoRec`. Parameters are those of `Autoencoder`.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import UserAutoRec
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = UserAutoRec(hidden=8, epochs=1, min_steps=5).fit(task.train)
    >>> newcomer = task.train.query("user == 'u0-05'").assign(user="new")
    >>> model.recommend_to(newcomer, n=3)["rank"].tolist()
    [1, 2, 3]
    """

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Train the network on what the baseline leaves of each user's stars."""
        self.baseline_ = fit_baseline(matrix)
        self.train(self.baseline_.residuals(matrix), generator)

    def score_profiles(self, profiles: csr_array) -> np.ndarray:
        """Predict the stars of every item: (n, n_items) to (n, n_items)."""
        taste = self.apply(self.network_, self.baseline_.residuals(profiles))
        return self.baseline_.predict(profiles) + taste


def scaled(profiles: csr_array) -> csr_array:
    """Return binary profiles, each divided by its length: the root of its number of items."""
    counts = np.diff(profiles.indptr)
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return csr_array((values, profiles.indices, profiles.indptr), shape=profiles.shape)
