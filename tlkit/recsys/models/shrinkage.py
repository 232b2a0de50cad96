"""How strongly EASE shrinks, by the size of a profile: chosen by leaving every user out in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_array
from torch import Tensor

from tlkit.recsys.data.ratings import split_rows
from tlkit.recsys.evaluation.metrics import ndcg_units
from tlkit.recsys.solvers.rows import dense, times
from tlkit.system import progress

PENALTIES = np.geomspace(10**0.5, 1e5, 10)  # that are tried; in between, quality is interpolated
STEP = 4  # penalties of profiles are such powers of it times the full one's: each costs an inverse
ITEMS = 1_000  # most rated ones that the choice is made among: an inverse grows with their cube
JUDGES, SPLITS = 1_000, 4  # users who judge, at most, and how often a tenth of their items is held out
HELD_OUT_SHARE, FEWEST_JUDGES = 0.1, 30
THIN, THIN_JUDGES = (1, 2, 4, 8), 500  # sizes that richer users are cut down to as well
RARE = 0.02  # what a size weighs that nobody has now: somebody will
SEARCHED = {
    "full": np.geomspace(10**0.5, 1e5, 55),
    "thin": np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32]),
    "crowd": np.array([0, 0.1, 0.3, 1, 3, 8, 20, 1e9]),
}


class Shrinkage(NamedTuple):
    """Penalty and share of popularity for a profile of n ratings.

    Parameters
    ----------
    full : float
        The penalty of full profiles; of others it is full * (1 + (thin / n)²), in steps.
    thin : float
        The number of ratings at which the penalty has doubled.
    crowd : float
        How many ratings popularity counts as: its share of a score is crowd / (crowd + n).

    Examples
    --------
    >>> import numpy as np
    >>> from tlkit.recsys.models.shrinkage import Shrinkage
    >>> Shrinkage(full=100.0, thin=8.0).penalties(np.array([1, 4, 32])).tolist()
    [6400.0, 400.0, 100.0]
    """

    full: float
    thin: float = 0.0
    crowd: float = 0.0

    def penalties(self, sizes: np.ndarray) -> np.ndarray:
        """Return the penalty for each number of ratings."""
        steps = np.log(_penalties(self.full, self.thin, sizes) / self.full) / np.log(STEP)
        return self.full * STEP ** np.round(steps)

    def shares(self, sizes: np.ndarray) -> np.ndarray:
        """Return what share popularity has of the scores for each number of ratings."""
        return self.crowd / (self.crowd + np.maximum(sizes, 1))


UNCHOSEN = Shrinkage(full=100.0)  # where too few users have enough ratings to choose by


class Judgement(NamedTuple):
    """Of some of the judges a part of the items is known: `weight` says how much their quality counts."""

    size: float
    weight: float
    users: np.ndarray
    known: csr_array
    seen: np.ndarray
    wanted: np.ndarray

    def quality(self, scores: np.ndarray) -> float:
        """NDCG@10 of what is not known."""
        return float(ndcg_units(scores, self.seen, self.wanted).mean())


def choose(
    taken: csr_array,
    offered: np.ndarray,
    inverses: Callable[[csr_array], Callable[[float], Tensor]],
    rng: np.random.Generator,
    report: Callable[[int, int, float], None],
) -> Shrinkage:
    """Choose what serves users best whose own ratings were left out, by NDCG@10.

    Users judge by nine tenths of their items, left out exactly (see `LeftOut`), and cut down to a few
    items too: a size counts as often as there are users of it. The choice is made among the most rated
    items, where lists are made of.

    Parameters
    ----------
    taken : csr_array of shape (n_users, n_items)
        Ones.
    offered : ndarray of bool, shape (n_items,)
        The items that lists are made of. What users took of others, such as another shop's, stays known.
    inverses : callable
        Takes such a matrix and gives a function of a penalty: the inverse of gram + penalty * I.
    rng : Generator
        Of the users and of what is held out.
    report : callable
        Told step, steps and what is left to 1 of the quality.
    """
    taken, offered = _most_rated(taken, offered)
    able = np.flatnonzero(np.diff(csr_array(taken[:, offered]).indptr) > 1)
    if len(able) < FEWEST_JUDGES:
        return UNCHOSEN
    judges = csr_array(taken[rng.permutation(able)[:JUDGES]])
    judgements = _judgements(judges, offered, rng)
    weights = np.array([each.weight for each in judgements])
    inverse, quality = inverses(taken), np.empty((len(PENALTIES), len(judgements)))
    steps = progress.bar(PENALTIES, desc="EASE chooses its penalty", unit="penalty")
    for step, penalty in enumerate(steps):
        left_out = LeftOut(inverse(penalty), judges)
        quality[step] = [each.quality(left_out.scores(each.users, each.known)) for each in judgements]
        report(step + 1, len(PENALTIES), float(1 - weights @ quality[step] / weights.sum()))
    sizes = np.array([each.size for each in judgements])
    found = _best_path(quality, sizes, weights)
    others = np.bincount(taken.indices, minlength=taken.shape[1]) - judges.toarray()
    return found._replace(crowd=_best_crowd(found, judgements, inverse, judges, others, offered))


class LeftOut:
    """What EASE would have learned without each of some users.

    A user's row x leaves gram by a change of rank one, so by Sherman and Morrison (Annals of Mathematical
    Statistics 21, 1950) P becomes P + Px(Px)' / (1 - x'Px), for each user another; of it scores need a row
    and the diagonal only.

    Parameters
    ----------
    inverse : Tensor of shape (n_items, n_items)
        P, of all users' gram + penalty * I.
    whole : csr_array of shape (n_users, n_items)
        All that the users took.
    """

    def __init__(self, inverse: Tensor, whole: csr_array):
        self.inverse, self.spread = inverse, times(whole, inverse)
        self.rest = 1 - (self.spread * dense(whole, inverse.device)).sum(dim=1, keepdim=True)
        self.diagonals = inverse.diagonal() + self.spread.square() / self.rest

    def scores(self, users: np.ndarray, known: csr_array) -> np.ndarray:
        """Score every item for some of the users by a part (n, n_items) of what they took."""
        at = torch.from_numpy(users).to(self.inverse.device)
        z, spread = dense(known, self.inverse.device), self.spread[at]
        row = times(known, self.inverse) + (spread * z).sum(dim=1, keepdim=True) / self.rest[at] * spread
        return (z - row / self.diagonals[at]).cpu().numpy()


def with_crowd(scores: np.ndarray, popularity: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Give popularity a share of the scores (n, n_items), put on their mean and spread first."""
    mean, spread = scores.mean(axis=1, keepdims=True), scores.std(axis=1, keepdims=True)
    liked = in_deviations(np.atleast_2d(popularity).astype(np.float32))
    share = shares[:, None].astype(np.float32)
    return (1 - share) * scores + share * (mean + np.maximum(spread, np.float32(1e-9)) * liked)


def in_deviations(scores: np.ndarray) -> np.ndarray:
    """Put scores (..., n_items) into standard deviations from a user's mean, so that models can be mixed."""
    spread = scores.std(axis=-1, keepdims=True)
    return (scores - scores.mean(axis=-1, keepdims=True)) / np.maximum(spread, np.float32(1e-9))


def _penalties(full: float, thin: float, sizes: np.ndarray) -> np.ndarray:
    wanted = full * (1 + (thin / np.maximum(sizes, 1)) ** 2)
    return np.minimum(wanted, max(full, PENALTIES[-1]))


def _most_rated(taken: csr_array, offered: np.ndarray) -> tuple[csr_array, np.ndarray]:
    counts = np.bincount(taken.indices, minlength=taken.shape[1])
    kept = np.sort(np.argsort(-counts, kind="stable")[:ITEMS])
    taken = csr_array(taken[:, kept])
    return csr_array(taken[np.flatnonzero(np.diff(taken.indptr) > 1)]), offered[kept]


def _judgements(judges: csr_array, offered: np.ndarray, rng: np.random.Generator) -> list[Judgement]:
    counts = np.diff(csr_array(judges[:, offered]).indptr)
    stay = counts - np.maximum((counts * HELD_OUT_SHARE).astype(int), 1)
    octaves, found = np.log2(stay).astype(int), []
    for octave in np.tile(np.unique(octaves), SPLITS):
        users = np.flatnonzero(octaves == octave)
        weight = len(users) / len(counts) / SPLITS
        found.append(_judgement(judges, offered, users, stay[users], weight, rng))
    for size in THIN if offered.all() else (0, *THIN):
        users = np.flatnonzero(counts >= 2 * size)[:THIN_JUDGES]
        share = ((counts >= size) & (counts < 2 * size)).mean()
        if len(users):
            found.append(_judgement(judges, offered, users, np.full(len(users), size), share + RARE, rng))
    return found


def _judgement(
    judges: csr_array,
    offered: np.ndarray,
    users: np.ndarray,
    stay: np.ndarray,
    weight: float,
    rng: np.random.Generator,
) -> Judgement:
    mine = csr_array(judges[users])
    other = mine * (~offered).astype(mine.dtype)
    kept, held_out = split_rows(_without_zeros(mine * offered.astype(mine.dtype)), stay, rng)
    known = _without_zeros(kept + other)
    size = float(np.exp(np.log(np.maximum(stay, 1)).mean()))
    return Judgement(size, weight, users, known, (known.toarray() > 0) | ~offered, held_out.toarray() > 0)


def _without_zeros(matrix: csr_array) -> csr_array:
    matrix = csr_array(matrix)
    matrix.eliminate_zeros()
    return matrix


def _best_path(quality: np.ndarray, sizes: np.ndarray, weights: np.ndarray) -> Shrinkage:
    """Find the path whose weighed quality is best, read off between the penalties that were tried."""
    curves = [CubicSpline(np.log(PENALTIES), each) for each in quality.T]
    grid = [(full, thin) for full in SEARCHED["full"] for thin in SEARCHED["thin"]]
    at = np.log([_penalties(full, thin, sizes) for full, thin in grid])
    found = sum(weight * curve(each) for weight, curve, each in zip(weights, curves, at.T, strict=True))
    full, thin = grid[int(np.argmax(found))]
    return Shrinkage(float(full), float(thin))


def _best_crowd(
    path: Shrinkage,
    judgements: list[Judgement],
    inverse: Callable[[float], Tensor],
    judges: csr_array,
    others: np.ndarray,
    offered: np.ndarray,
) -> float:
    """Find for how many ratings popularity, without a user's own (n_judges, n_items), is best taken."""
    sizes = np.array([each.size for each in judgements])
    penalties, found = path.penalties(sizes), np.zeros(len(SEARCHED["crowd"]))
    for penalty in np.unique(penalties):
        left_out = LeftOut(inverse(penalty), judges)
        for each in (judgements[place] for place in np.flatnonzero(penalties == penalty)):
            scores, popularity = left_out.scores(each.users, each.known), others[each.users][:, offered]
            mixed = scores.copy()
            for place, crowd in enumerate(SEARCHED["crowd"]):
                share = np.full(len(scores), crowd / (crowd + each.size))
                mixed[:, offered] = with_crowd(scores[:, offered], popularity, share)
                found[place] += each.weight * each.quality(mixed)
    return float(SEARCHED["crowd"][int(np.argmax(found))])
