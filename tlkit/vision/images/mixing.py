"""Augmentations that mix two pictures of a batch, and their labels with them."""

from __future__ import annotations

from functools import cache

import torch
from scipy.stats import beta
from torch import Tensor

from tlkit.vision.images.colouring import windows

QUANTILES = 2049


@cache
def _beta_quantiles(alpha: float) -> Tensor:
    return torch.tensor(beta.ppf(torch.linspace(0, 1, QUANTILES, dtype=torch.float64), alpha, alpha)).float()


def shares(n: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Draw from Beta(alpha, alpha), shape (n,): by its quantiles, for torch draws it from no generator."""
    place = (QUANTILES - 1) * torch.rand(n, generator=generator, device=generator.device)
    below = place.long().clamp(max=QUANTILES - 2)
    quantiles = _beta_quantiles(alpha).to(generator.device)
    return torch.lerp(quantiles[below], quantiles[below + 1], place - below)


def mixup(pictures: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Blend each picture with a partner (Zhang et al., arXiv:1710.09412, section 2).

    Returns
    -------
    mixed : Tensor of shape (n, C, H, W)
    partner : Tensor of shape (n,)
        Whose place in the batch.
    kept : Tensor of shape (n,)
        A picture's own share; the rest is its partner's.
    """
    partner = torch.randperm(len(pictures), generator=generator, device=pictures.device)
    kept = shares(len(pictures), alpha, generator)
    pictures = pictures.float()
    return torch.lerp(pictures[partner], pictures, kept.view(-1, 1, 1, 1)), partner, kept


def cutmix(pictures: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Replace a window of each picture by its partner's (Yun et al., arXiv:1905.04899, section 3).

    See `mixup` for what comes back; shares are those of the pixels.
    """
    n = len(pictures)
    partner = torch.randperm(n, generator=generator, device=pictures.device)
    side = (1 - shares(n, alpha, generator)).sqrt()
    centres = torch.rand((2, n), generator=generator, device=pictures.device)
    inside = windows(pictures, side.expand(2, n), centres)
    return torch.where(inside, pictures[partner], pictures), partner, 1 - inside.float().mean((1, 2, 3))
