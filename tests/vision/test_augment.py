"""Augmentations draw a value of their own for every picture."""

import pytest
import torch

from tlkit.errors import UnknownName
from tlkit.vision.images.augment import augment, crop, flip, shift


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dots(n=64, side=32):
    pictures = torch.zeros(n, 1, side, side, dtype=torch.uint8)
    pictures[:, :, 16, 16] = 255
    return pictures


def test_shift_moves_each_picture_by_its_own_amount_within_reach():
    places = shift(dots(), generator()).flatten(1).argmax(1)
    offsets = torch.stack([places // 32 - 16, places % 32 - 16])
    assert offsets.abs().max() == 2
    assert len({tuple(pair) for pair in offsets.T.tolist()}) > 10


def test_flip_mirrors_about_half_of_the_pictures():
    pictures = torch.arange(4, dtype=torch.uint8).expand(200, 1, 4, 4)
    mirrored = (flip(pictures, generator())[:, 0, 0, 0] == 3).float().mean().item()
    assert 0.4 < mirrored < 0.6


def test_crop_shows_a_window_of_the_picture():
    ramp = torch.arange(32.0).expand(16, 1, 32, 32)
    widths = crop(ramp, generator())[:, 0, 0, -1] - crop(ramp, generator())[:, 0, 0, 0]
    assert widths.min() > 14
    assert widths.max() <= 31
    assert widths.std() > 1


def test_the_same_seed_gives_the_same_pictures():
    pictures = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    assert torch.equal(augment("photo", pictures, generator(3)), augment("photo", pictures, generator(3)))
    assert torch.equal(augment("none", pictures, generator()), pictures)


def test_an_unknown_policy_is_refused():
    with pytest.raises(UnknownName, match="no augmentation 'flipp'. Did you mean 'flip'"):
        augment("flipp", dots(1), generator())
