"""Augmentations: batched on the device, with a random value of its own for every picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from tlkit.errors import require_known

Augmentation = Callable[[Tensor, torch.Generator], Tensor]


def shift(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Move each picture by up to a sixteenth of its side, repeating its border."""
    n, _, height, width = pictures.shape
    reach = max(height // 16, 1)
    padded = F.pad(pictures.float(), [reach] * 4, mode="replicate").to(pictures.dtype)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    down, right = torch.randint(2 * reach + 1, (2, n), generator=generator, device=pictures.device)
    return windows[torch.arange(n, device=pictures.device), :, down, right]


def flip(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each picture left to right with probability one half."""
    mirrored = torch.rand(len(pictures), generator=generator, device=pictures.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), pictures.flip(-1), pictures)


def crop(pictures: Tensor, generator: torch.Generator, smallest: float = 0.25) -> Tensor:
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


POLICIES: dict[str, tuple[Augmentation, ...]] = {
    "none": (),
    "shift": (shift,),
    "flip": (flip, shift),
    "photo": (flip, crop),
}


def augment(policy: str, pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Apply the augmentations of a policy, one after the other.

    Parameters
    ----------
    policy : {"none", "shift", "flip", "photo"}
        ``photo`` mirrors and zooms, for photographs; ``shift`` suits characters, which must not be mirrored.
    pictures : Tensor of shape (N, C, H, W)
        On the scale [0, 255].
    generator : Generator
        On the pictures' device.

    Raises
    ------
    UnknownName
        If there is no such policy.
    """
    for step in POLICIES[require_known("augmentation", policy, POLICIES)]:
        pictures = step(pictures, generator)
    return pictures
