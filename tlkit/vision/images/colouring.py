"""Augmentations that change the values of pixels: each has a value of its own for every picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
WHITE = 255
BLUR_REACH = 3  # standard deviations that a blur reaches


def _each(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def grey(pictures: Tensor) -> Tensor:
    """Map pictures (n, C, H, W) to their luminance (n, 1, H, W)."""
    if pictures.shape[1] == 1:
        return pictures
    return (pictures * pictures.new_tensor(LUMINANCE).view(-1, 1, 1)).sum(1, keepdim=True)


def _blend(pictures: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    return torch.lerp(others.expand_as(pictures), pictures, _each(factors)).clamp_(0, WHITE)


def brightness(pictures: Tensor, factors: Tensor) -> Tensor:
    """Multiply pictures (n, C, H, W) by factors (n,)."""
    return (pictures * _each(factors)).clamp_(0, WHITE)


def contrast(pictures: Tensor, factors: Tensor) -> Tensor:
    """Spread the values of pictures (n, C, H, W) around their mean luminance, by factors (n,)."""
    return _blend(pictures, grey(pictures).mean((1, 2, 3), keepdim=True), factors)


def saturation(pictures: Tensor, factors: Tensor) -> Tensor:
    """Spread the colours of pictures (n, C, H, W) around their luminance, by factors (n,)."""
    return _blend(pictures, grey(pictures), factors)


def balance(pictures: Tensor, factors: Tensor) -> Tensor:
    """Multiply each channel of pictures (n, C, H, W) by a factor of its own (n, C)."""
    return (pictures * factors[:, :, None, None]).clamp_(0, WHITE)


def blur(pictures: Tensor, sigmas: Tensor, most: float) -> Tensor:
    """Blur pictures (n, C, H, W) by Gaussians of standard deviations (n,), at `most` so many pixels.

    The border is mirrored.
    """
    n, channels, *sides = pictures.shape
    reach = min(max(int(BLUR_REACH * most + 0.5), 1), min(sides) - 1)
    steps = torch.arange(-reach, reach + 1, device=pictures.device)
    weights = (-0.5 * (steps / sigmas.clamp(min=1e-3).unsqueeze(1)).square()).exp()
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    padded = F.pad(pictures, [reach] * 4, mode="reflect")
    flat = padded.reshape(1, n * channels, *padded.shape[2:])
    across = F.conv2d(flat, weights[:, None, None, :], groups=n * channels)
    return F.conv2d(across, weights[:, None, :, None], groups=n * channels).view_as(pictures)


def noise(pictures: Tensor, amounts: Tensor, draws: Tensor) -> Tensor:
    """Add standard normal draws (n, C, H, W), times amounts (n,) of the whole scale."""
    return (pictures + WHITE * _each(amounts) * draws).clamp_(0, WHITE)


def cutout(pictures: Tensor, inside: Tensor) -> Tensor:
    """Fill what is inside of windows (n, 1, H, W), bool, with the picture's mean.

    After DeVries and Taylor, arXiv:1708.04552, section 3, who fill with the mean of all pictures.
    """
    return torch.where(inside, pictures.mean((2, 3), keepdim=True), pictures)


def windows(pictures: Tensor, sides: Tensor, centres: Tensor) -> Tensor:
    """Return windows (n, 1, H, W), bool, of sides (2, n) and centres (2, n), down and across.

    Both are shares of the picture's sides. Edges come to whole pixels; what would lie outside is cut off.
    """
    within = []
    for axis, length in enumerate(pictures.shape[-2:]):
        places = torch.arange(length, device=pictures.device) + 0.5
        low, high = ((centres[axis] + half * sides[axis]) * length for half in (-0.5, 0.5))
        within.append((places >= low.round()[:, None]) & (places <= high.round()[:, None]))
    down, across = within
    return (down[:, :, None] & across[:, None, :]).unsqueeze(1)
