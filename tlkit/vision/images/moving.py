"""Augmentations that move what is in a picture: each has a value of its own for every picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

KNOTS = 4  # a side, of the grid that elastic displacements are smooth between
SMALLEST = 0.25


def shift(pictures: Tensor, generator: torch.Generator, share: float = 1 / 16) -> Tensor:
    """Move each picture by up to a share of its side, in whole pixels, repeating its border."""
    n, _, height, width = pictures.shape
    reach = max(int(share * height), 1) if share else 0
    padded = F.pad(pictures.float(), [reach] * 4, mode="replicate").to(pictures.dtype)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    down, right = torch.randint(2 * reach + 1, (2, n), generator=generator, device=pictures.device)
    return windows[torch.arange(n, device=pictures.device), :, down, right]


def flip(pictures: Tensor, generator: torch.Generator, probability: float = 0.5) -> Tensor:
    """Mirror each picture left to right with a probability."""
    mirrored = torch.rand(len(pictures), generator=generator, device=pictures.device) < probability
    return torch.where(mirrored.view(-1, 1, 1, 1), pictures.flip(-1), pictures)


def crop(pictures: Tensor, generator: torch.Generator, smallest: float = SMALLEST) -> Tensor:
    """Zoom each picture into a random square window of at least `smallest` of its area."""
    n = len(pictures)
    area, *centre = torch.rand((3, n), generator=generator, device=pictures.device)
    side = (smallest + (1 - smallest) * area).sqrt()
    theta = torch.zeros(n, 2, 3, device=pictures.device)
    theta[:, 0, 0] = theta[:, 1, 1] = side
    for axis in (0, 1):
        theta[:, axis, 2] = (2 * centre[axis] - 1) * (1 - side)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures.float(), grid.clamp(-1, 1), align_corners=False)


def rotation(degrees: Tensor) -> Tensor:
    """Return matrices (n, 2, 2) that turn pictures counter-clockwise by angles (n,)."""
    angle = torch.deg2rad(degrees)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)


def shearing(degrees: Tensor) -> Tensor:
    """Return matrices (n, 2, 2) that lean pictures to the side by angles (n,)."""
    one, none = torch.ones_like(degrees), torch.zeros_like(degrees)
    return torch.stack([one, torch.deg2rad(degrees).tan(), none, one], 1).view(-1, 2, 2)


def zooming(factors: Tensor) -> Tensor:
    """Return matrices (n, 2, 2) that enlarge pictures by factors (n,)."""
    return torch.diag_embed((1 / factors).unsqueeze(1).expand(-1, 2))


def stretching(factors: Tensor) -> Tensor:
    """Return matrices (n, 2, 2) that make pictures wider by factors (n,)."""
    return torch.diag_embed(torch.stack([1 / factors, torch.ones_like(factors)], 1))


def bending(knots: Tensor, shape: torch.Size) -> Tensor:
    """Return smooth displacements (n, H, W, 2), in half sides, between knots (n, 2, k, k).

    After Simard et al., ICDAR 2003, section 2; cubic between knots in place of a Gaussian filter.
    """
    return F.interpolate(knots, shape[-2:], mode="bicubic", align_corners=False).permute(0, 2, 3, 1)


def warp(pictures: Tensor, matrix: Tensor, bend: Tensor | None = None) -> Tensor:
    """Look up each pixel where a map about the middle, and a displacement, come from, repeating the border.

    Parameters
    ----------
    pictures : Tensor of shape (n, C, H, W)
    matrix : Tensor of shape (n, 2, 2)
        From a pixel's place in the result to its place in the picture, in pixels.
    bend : Tensor of shape (n, H, W, 2), optional
        Added to the place in the picture, in half sides.
    """
    height, width = pictures.shape[-2:]
    sides = torch.tensor([width, height], dtype=matrix.dtype, device=matrix.device)
    theta = F.pad(matrix * sides / sides.unsqueeze(1), (0, 1))
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    grid = grid if bend is None else grid + bend
    return F.grid_sample(pictures.float(), grid, padding_mode="border", align_corners=False)
