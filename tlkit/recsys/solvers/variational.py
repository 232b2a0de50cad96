"""Variational Bayes for rows whose dot products are ratings: posteriors in closed form, priors learned.

Each rating is normal around the dot product of a user's row and an item's row, and each row is normal
around a linear function of its features (Lim and Teh, Variational Bayesian approach to movie rating
prediction, KDD Cup 2007, section 3; the features as in Agarwal and Chen, Regression-based latent factor
models, KDD 2009, section 2). What one side has to know of the other are first and second moments, so a sweep
is one pass over the ratings and one small matrix inverse a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.recsys.solvers.rows import Rows

CELLS = 2**24  # entries of the matrices that are inverted at once
SHRINKAGE = 10.0  # of weights, to begin with
FREE = 1e-6  # the penalty on an intercept: none, but for rows too few to tell it


@dataclass
class Posterior:
    """Normal posterior of one side's rows.

    Parameters
    ----------
    mean : Tensor of shape (n, k)
    covariance : Tensor of shape (n, k, k)
        Zero where a column or a row is known.
    """

    mean: Tensor
    covariance: Tensor

    def second_moments(self) -> Tensor:
        """Return E[x x'] of each row, shape (n, k, k)."""
        return self.mean[:, :, None] * self.mean[:, None, :] + self.covariance


class LearnedPrior:
    """Normal prior of one side's rows: means linear in features, one precision a column, all of it learned.

    How much each feature's weights are shrunk is learned too (MacKay, Bayesian interpolation, Neural
    Computation 4(3), 1992, section 4), so that features which tell nothing do no harm.

    Parameters
    ----------
    features : Tensor of shape (n, d)
        Of each row; the last is 1.
    weights : Tensor of shape (d, k)
        From features to means, to begin with.
    precision : Tensor of shape (k,)
        Of the rows around their means, to begin with.
    drawn : Tensor of shape (n,)
        The rows to learn from.
    """

    def __init__(self, features: Tensor, weights: Tensor, precision: Tensor, drawn: Tensor):
        self.features, self.weights, self.precision, self.drawn = features, weights, precision, drawn
        # Of the weights, in units of `precision`: each is held at 0 as by that many rows.
        self.shrinkage = torch.full_like(features[0], SHRINKAGE)
        self.shrinkage[-1] = FREE
        # Where learning begins counts as one more row or weight, so that there is something to learn from.
        self._spread = 1 / precision
        self._gram = features[drawn].T @ features[drawn]
        self._doubt = self._inverse()

    @property
    def mean(self) -> Tensor:
        """Prior mean of each row, shape (n, k)."""
        return self.features @ self.weights

    def learn(self, mean: Tensor, variance: Tensor) -> None:
        """Fit weights, precision and shrinkage to the posterior moments (n, k) of the rows."""
        self._doubt = self._inverse()
        self.weights = self._doubt @ (self.features[self.drawn].T @ mean[self.drawn])
        self.precision = (int(self.drawn.sum()) + 1) / self._deviation(mean, variance)
        width = len(self.precision)
        squares = self.weights.square() @ self.precision + width * self._doubt.diagonal()
        self.shrinkage[:-1] = (width + 1) / (squares[:-1] + 1 / SHRINKAGE)

    def energy(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Return what `learn` lowers at every step, constants left out."""
        rows = (
            self.precision * self._deviation(mean, variance) - (self.drawn.sum() + 1) * self.precision.log()
        )
        shrinkage, width = self.shrinkage[:-1], len(self.precision)
        weights = shrinkage / SHRINKAGE - (width + 1) * shrinkage.log()
        doubt = ((self._gram + self.shrinkage.diag()) * self._doubt).sum() - self._doubt.logdet()
        return (rows.sum() + weights.sum() + width * doubt) / 2

    def _deviation(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Squares of rows around their means and of weights around 0, shape (k,)."""
        rows = ((mean - self.mean).square() + variance)[self.drawn].sum(0)
        return rows + (self.shrinkage[:, None] * self.weights.square()).sum(0) + self._spread

    def _inverse(self) -> Tensor:
        return torch.linalg.inv(self._gram + self.shrinkage.diag())


class VariationalSide:
    """Users or items: their ratings, prior and posterior.

    Parameters
    ----------
    ratings, weights : csr_array of shape (n, n_others)
        The ratings of this side's rows and, in the same places, how much each counts.
    prior : LearnedPrior
        Of the k - 1 columns that are not known.
    one : {0, -1}
        The column, of k, that is 1 in every row: the first or the last.
    start : ndarray of shape (n, k), optional
        Where rows start; those that are all zero are drawn by chance.
    fixed : ndarray of bool, shape (n,), optional
        Which rows stay as they start.
    held : (ndarray of shape (n, k), ndarray of shape (n,)), optional
        What rows are held to be, and how firmly, as precisions; 0 for not at all.

    Attributes
    ----------
    posterior : Posterior
        Of all k columns.
    n_counted : int
        How many ratings have a weight.
    misfit : float
        Expected sum of squared errors, weighted, when the posterior was last updated.
    """

    def __init__(
        self,
        ratings: csr_array,
        weights: csr_array,
        prior: LearnedPrior,
        one: int,
        *,
        start: np.ndarray | None = None,
        fixed: np.ndarray | None = None,
        held: tuple[np.ndarray, np.ndarray] | None = None,
    ):
        n, width, device = len(prior.features), len(prior.precision) + 1, prior.features.device

        def given(values: np.ndarray | None, *shape: int) -> Tensor:
            values = np.zeros(shape) if values is None else values
            return torch.as_tensor(values, dtype=torch.float32, device=device)

        self.prior, self.one, self.free = prior, one, slice(None, -1) if one else slice(1, None)
        self.posterior = Posterior(
            given(start, n, width).clone(), torch.zeros(n, width, width, device=device)
        )
        self.fixed = given(fixed, n).bool()
        mean, precision = (None, None) if held is None else held
        self.held, self.hold = given(mean, n, width), given(precision, n)
        self.misfit = self.volume = 0.0
        self.n_counted = int(np.count_nonzero(weights.data))
        self._squares = float((weights.data * ratings.data.astype(float) ** 2).sum())
        weighted = csr_array((weights.data * ratings.data, ratings.indices, ratings.indptr), ratings.shape)
        size = max(CELLS // width**2, 1)
        self._parts = [
            (part, Rows(weights[part], device), Rows(weighted[part], device))
            for part in (slice(start, min(start + size, n)) for start in range(0, n, size))
        ]

    def begin(self, generator: torch.Generator) -> None:
        """Draw the rows that nothing is known of from the prior."""
        mean = self.posterior.mean
        noise = torch.randn(self.prior.mean.shape, generator=generator, device=mean.device)
        drawn = self.prior.mean + noise * self.prior.precision.rsqrt()
        known = (mean.any(1) | self.fixed)[:, None]
        mean[:, self.free] = torch.where(known, mean[:, self.free], drawn)
        mean[:, self.one].masked_fill_(~self.fixed, 1)

    def learn_prior(self) -> None:
        """Fit the prior to the posterior."""
        if self.prior.drawn.any():
            self.prior.learn(*self._free_moments())

    def update(self, others: Posterior, noise: float) -> None:
        """Give each row the best posterior there is, given those of the other side and the noise variance."""
        moments = others.second_moments()
        self.misfit, self.volume = self._squares, 0.0
        for part, weights, weighted in self._parts:
            gram = weights.times(moments.flatten(1)).view(-1, *moments.shape[1:])
            fit = weighted.times(others.mean)
            self._condition(part, gram / noise, fit / noise)
            own = Posterior(self.posterior.mean[part], self.posterior.covariance[part])
            self.misfit += float((gram * own.second_moments()).sum() - 2 * (fit * own.mean).sum())
        self.misfit = max(self.misfit, 0.0)  # the difference of large numbers, if ratings are far from 0

    def energy(self) -> float:
        """Return this side's part of the free energy, constants left out."""
        mean, variance = self._free_moments()
        distance = (mean - self.held[:, self.free]).square() + variance
        hold = (self.hold[:, None] * distance)[self.prior.drawn].sum() / 2
        return float(self.prior.energy(mean, variance) + hold) - self.volume / 2

    def _condition(self, part: slice, gram: Tensor, fit: Tensor) -> None:
        """Condition the free columns of some rows on their ratings, the prior and what is known besides."""
        free, fixed = self.free, self.fixed[part, None]
        hold, held = self.hold[part, None], self.held[part, free]
        precision = gram[:, free, free] + (self.prior.precision + hold).diag_embed()
        target = fit[:, free] - gram[:, free, self.one]
        expected = self.prior.features[part] @ self.prior.weights
        target += self.prior.precision * expected + hold * held
        root = torch.linalg.cholesky(precision)
        # Not cholesky_inverse, which on a GPU takes one matrix after the other.
        half = torch.linalg.solve_triangular(root, torch.eye(root.shape[1], device=root.device), upper=False)
        covariance = half.mT @ half
        mean = (covariance @ target[:, :, None])[:, :, 0]
        self.posterior.mean[part, free] = torch.where(fixed, self.posterior.mean[part, free], mean)
        self.posterior.covariance[part, free, free] = covariance.masked_fill_(fixed[:, :, None], 0)
        volume = -2 * root.diagonal(dim1=1, dim2=2).log().sum(1)
        self.volume += float(volume[self.prior.drawn[part]].sum())

    def _free_moments(self) -> tuple[Tensor, Tensor]:
        variances = self.posterior.covariance.diagonal(dim1=1, dim2=2)
        return self.posterior.mean[:, self.free], variances[:, self.free]
