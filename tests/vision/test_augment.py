"""Augmentations draw a value of their own for every picture, and do to it what others' code does."""

import pytest
import stripes as shared
import torch
from scipy.stats import beta, kstest
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

import tlkit
from tlkit.errors import BadInput, UnknownName
from tlkit.vision.images import colouring, mixing, moving
from tlkit.vision.images.augment import MIX, OPERATIONS, POLICIES, augment, mix, operations, preview
from tlkit.vision.images.moving import crop, flip, shift
from tlkit.vision.strategies import FineTune, Scratch

RANGES = {"rotate": 30.0, "shear": 20.0, "blur": 2.0, "mixup": 0.4, "cutmix": 1.0}
CHANGING = [name for name, operation in OPERATIONS.items() if operation.kind != MIX]


@pytest.fixture(scope="module")
def stripes():
    return shared.stripes()


@pytest.fixture(scope="module")
def source():
    return shared.source()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dots(n=64, side=32):
    pictures = torch.zeros(n, 1, side, side, dtype=torch.uint8)
    pictures[:, :, 16, 16] = 255
    return pictures


def noise(n=6, channels=3, height=20, width=20):
    return torch.randint(0, 256, (n, channels, height, width), generator=generator(9), dtype=torch.uint8)


def test_shift_moves_each_picture_by_its_own_amount_within_reach():
    places = shift(dots(), generator()).flatten(1).argmax(1)
    offsets = torch.stack([places // 32 - 16, places % 32 - 16])
    assert offsets.abs().max() == 2
    assert len({tuple(pair) for pair in offsets.T.tolist()}) > 10
    assert torch.equal(shift(dots(), generator(), 0), dots())


def test_flip_mirrors_about_half_of_the_pictures():
    pictures = torch.arange(4, dtype=torch.uint8).expand(200, 1, 4, 4)
    mirrored = (flip(pictures, generator())[:, 0, 0, 0] == 3).float().mean().item()
    assert 0.4 < mirrored < 0.6
    assert torch.equal(flip(pictures, generator(), 1), reference.horizontal_flip(pictures))


def test_crop_shows_a_window_of_the_picture():
    ramp = torch.arange(32.0).expand(16, 1, 32, 32)
    widths = crop(ramp, generator())[:, 0, 0, -1] - crop(ramp, generator())[:, 0, 0, 0]
    assert widths.min() > 14
    assert widths.max() <= 31
    assert widths.std() > 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHANGING)
def test_every_operation_has_a_value_of_its_own_for_each_picture(name, channels):
    """The same picture many times: one value for the whole batch would give one picture many times."""
    if name == "saturation" and channels == 1:
        pytest.skip("grey has no colour")
    pictures = noise(1, channels, 24, 20).expand(40, -1, -1, -1)
    changed = augment({name: RANGES.get(name, 0.5)}, pictures, generator())
    different = len({tuple(picture.flatten().tolist()) for picture in changed})
    assert different == 2 if name == "flip" else different > 30
    assert changed.shape == pictures.shape
    assert changed.min() >= 0 and changed.max() <= 255
    assert torch.equal(changed, augment({name: RANGES.get(name, 0.5)}, pictures, generator()))
    assert not torch.equal(changed, augment({name: RANGES.get(name, 0.5)}, pictures, generator(1)))


@pytest.mark.parametrize("name", sorted(set(CHANGING) - {"crop", "cutout"}))
def test_a_range_of_nothing_changes_nothing(name):
    pictures = noise(height=24)
    assert torch.allclose(augment({name: 0}, pictures, generator()).float(), pictures.float(), atol=0.01)


TINTS = {
    "brightness": (colouring.brightness, reference.adjust_brightness),
    "contrast": (colouring.contrast, reference.adjust_contrast),
    "saturation": (colouring.saturation, reference.adjust_saturation),
}


@pytest.mark.parametrize("name", TINTS)
def test_tints_are_torchvisions_picture_by_picture(name):
    """torchvision rounds the weights of luminance to four digits: 0.2989 for red."""
    ours, theirs = TINTS[name]
    pictures, factors = noise().float(), torch.tensor([0.0, 0.3, 0.8, 1.0, 1.4, 2.0])
    expected = [theirs(each / 255, factor.item()) for each, factor in zip(pictures, factors, strict=True)]
    assert torch.allclose(ours(pictures, factors) / 255, torch.stack(expected), atol=3e-4)


def test_balance_multiplies_each_channel():
    factors = torch.tensor([[1.0, 0.5, 0.0], [2.0, 1.0, 1.0]])
    pictures = noise(2).float()
    balanced = colouring.balance(pictures, factors)
    assert torch.equal(balanced[0, 0], pictures[0, 0]) and torch.equal(balanced[0, 1], pictures[0, 1] / 2)
    assert not balanced[0, 2].any() and torch.equal(balanced[1, 0], (2 * pictures[1, 0]).clamp(max=255))


def test_blur_is_torchvisions_picture_by_picture():
    pictures, sigmas = noise().float(), torch.tensor([0.2, 0.5, 0.8, 1.0, 1.5, 2.0])
    expected = [
        reference.gaussian_blur(each, [13, 13], [sigma.item()] * 2)
        for each, sigma in zip(pictures, sigmas, strict=True)
    ]
    assert torch.allclose(colouring.blur(pictures, sigmas, 2.0), torch.stack(expected), atol=0.02)


def test_noise_is_of_the_drawn_amount():
    grey = torch.full((3, 1, 100, 100), 128.0)
    draws = torch.randn(grey.shape, generator=generator())
    spreads = colouring.noise(grey, torch.tensor([0.0, 0.02, 0.1]), draws).std((1, 2, 3)) / 255
    assert spreads.tolist() == pytest.approx([0, 0.02, 0.1], rel=0.03)


def test_cutout_fills_a_window_with_the_mean_and_leaves_the_rest():
    pictures = noise(64, 3, 32, 32).float()
    changed = augment({"cutout": 0.5}, pictures, generator())
    filled = (changed != pictures).any(1)
    assert filled.flatten(1).sum(1).min() >= 8 * 8 and filled.flatten(1).sum(1).max() <= 17 * 17
    means = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
    inside = filled.unsqueeze(1).expand_as(means)
    assert torch.equal(changed[inside], means[inside])


def ringed(n=4, height=24, width=24):
    """Pictures with a black margin, so that it does not matter what is repeated beyond."""
    return torch.nn.functional.pad(noise(n, 3, height, width).float(), [12] * 4)


ANGLES = torch.tensor([-40.0, -5.0, 10.0, 33.0])
FACTORS = torch.tensor([0.7, 0.9, 1.0, 1.3])
MAPS = {
    "rotate": (moving.rotation, ANGLES, lambda v: {"angle": -v}),
    "shear": (moving.shearing, ANGLES / 2, lambda v: {"shear": [v, 0.0]}),
    "zoom": (moving.zooming, FACTORS, lambda v: {"scale": v}),
}


@pytest.mark.parametrize("height", [24, 32])
@pytest.mark.parametrize("name", MAPS)
def test_maps_are_torchvisions_picture_by_picture(name, height):
    """Pictures that are not square would show a map done in shares of sides instead of pixels."""
    matrix, values, named = MAPS[name]
    pictures = ringed(height=height)
    still = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
    expected = [
        reference.affine(each, **still | named(value.item()), interpolation=InterpolationMode.BILINEAR)
        for each, value in zip(pictures, values, strict=True)
    ]
    assert torch.allclose(moving.warp(pictures, matrix(values)), torch.stack(expected), atol=0.05)


def test_stretching_is_zooming_across_alone():
    pictures = ringed()
    wide = moving.warp(pictures, moving.stretching(torch.full((4,), 2.0)))
    columns = torch.nn.functional.interpolate(pictures, (48, 96), mode="bilinear")[..., 24:72]
    assert torch.allclose(wide, columns, atol=0.01)


def test_maps_side_by_side_are_one_map_and_bends_are_torchvisions():
    pictures = ringed()
    both = moving.rotation(ANGLES) @ moving.shearing(ANGLES / 4)
    corner = torch.tensor([1.0, 2.0])
    leant = moving.shearing(ANGLES / 4)[0] @ corner
    assert torch.allclose(both[0] @ corner, moving.rotation(ANGLES)[0] @ leant)
    knots = 0.1 * torch.randn((4, 2, 4, 4), generator=generator())
    bend = moving.bending(knots, pictures.shape)
    still = torch.eye(2).expand(4, 2, 2)
    expected = [
        reference.elastic(each, bend[i : i + 1], interpolation=InterpolationMode.BILINEAR)
        for i, each in enumerate(pictures)
    ]
    assert torch.allclose(moving.warp(pictures, still, bend), torch.stack(expected), atol=0.05)


def test_the_border_is_repeated():
    bright = torch.full((8, 1, 16, 16), 200.0)
    policy = {"rotate": 45, "shear": 20, "zoom": 0.5, "stretch": 0.3, "elastic": 0.1}
    assert torch.allclose(augment(policy, bright, generator()), bright, atol=0.01)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_drawn_from_beta(alpha):
    drawn = mixing.shares(4000, alpha, generator()).numpy()
    assert kstest(drawn, beta(alpha, alpha).cdf).pvalue > 0.01


def flat_pictures():
    """Pictures of one value each, 0 to 15, so that what is in a picture tells whose pixels they are."""
    return torch.arange(16.0).view(-1, 1, 1, 1).expand(-1, 1, 32, 32)


@pytest.mark.parametrize("policy", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_labels_have_the_shares_that_pictures_have(policy):
    pictures, labels = mix(policy, flat_pictures(), torch.arange(16), 16, generator())
    assert torch.allclose(labels.sum(1), torch.ones(16))
    assert torch.allclose(pictures.mean((1, 2, 3)), labels @ torch.arange(16.0), atol=1e-4)
    assert (labels.max(1).values < 0.999).sum() > 4


def test_mixup_blends_all_pixels_and_cutmix_replaces_some():
    blended, partner, kept = mixing.mixup(flat_pictures(), 1.0, generator())
    assert torch.equal(blended.amax((1, 2, 3)), blended.amin((1, 2, 3)))
    cut, partner, kept = mixing.cutmix(flat_pictures(), 1.0, generator())
    for i in range(16):
        assert set(cut[i].unique().tolist()) <= {float(i), float(partner[i])}
    assert len(set(kept.tolist())) > 10


def test_what_does_not_mix_leaves_labels_alone():
    pictures, labels = noise(4), torch.arange(4)
    assert mix("photo", pictures, labels, 4, generator()) == (pictures, labels)
    assert augment("mixup", dots(), generator()).shape == dots().shape


def test_the_same_seed_gives_the_same_pictures():
    pictures = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    for policy in POLICIES:
        assert torch.equal(augment(policy, pictures, generator(3)), augment(policy, pictures, generator(3)))
    assert torch.equal(augment("none", pictures, generator()), pictures)


@pytest.mark.parametrize(
    ("policy", "error", "message"),
    [
        ("flipp", UnknownName, "no augmentation 'flipp'. Did you mean 'flip'"),
        ({"rotat": 10}, UnknownName, "no augmentation operation 'rotat'. Did you mean 'rotate'"),
        ({"rotate": 400}, BadInput, "range of 'rotate' .* is an angle from 0 to 180 degrees; got 400"),
        ({"brightness": 1.5}, BadInput, "range of 'brightness' .* is a share from 0 to 1; got 1.5"),
        ({"crop": 0}, BadInput, "range of 'crop' .* is a share above 0, up to 1; got 0"),
        ({"mixup": 0}, BadInput, "range of 'mixup' .* is a number above 0; got 0"),
        ({"blur": -1}, BadInput, "range of 'blur' .* got -1"),
        ({"noise": "much"}, BadInput, "range of 'noise' .* got 'much'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy, error, message):
    with pytest.raises(error, match=message):
        operations(policy)
    with pytest.raises(error, match=message):
        augment(policy, dots(1), generator())


def quick(strategy, stripes, **params):
    return strategy(**{"min_steps": 12, "epochs": 0, "random_state": 0} | params).fit(*stripes)


@pytest.mark.parametrize("policy", ["handwriting", "colour", "mixup", {"cutmix": 1.0, "flip": 0.5}])
def test_every_policy_trains_and_another_seed_trains_otherwise(source, stripes, policy):
    fitted, again, other = (
        quick(Scratch, stripes, source=source, augment=policy, random_state=seed) for seed in (0, 0, 1)
    )
    probabilities = [each.predict_proba(stripes[0]) for each in (fitted, again, other)]
    assert (probabilities[0] == probabilities[1]).all()
    assert not (probabilities[0] == probabilities[2]).all()


def test_several_views_are_averaged_and_one_is_the_picture_itself(source, stripes):
    fitted = quick(FineTune, stripes, source=source, augment={"rotate": 60})
    X = stripes[0][:8]
    plain = fitted.predict_proba(X)
    averaged = fitted.set_params(test_views=4).predict_proba(X)
    assert (averaged == fitted.predict_proba(X)).all()
    assert averaged.sum(1) == pytest.approx(1, abs=1e-5)
    assert abs(averaged - plain).max() > 1e-4
    still = fitted.set_params(augment="none").predict_proba(X)
    assert still == pytest.approx(plain, abs=1e-5)
    with pytest.raises(BadInput, match="test_views is a whole number, 1 or more; got 0"):
        fitted.set_params(test_views=0).predict_proba(X)


def test_a_strategy_of_whole_labels_does_not_mix(source, stripes):
    class Whole(FineTune):
        """Takes no shares."""

        takes_shares = False

    with pytest.raises(BadInput, match="learns from whole labels, and mixup makes shares of them: leave"):
        quick(Whole, stripes, source=source, augment="mixup")


def test_the_loss_of_mixed_pictures_is_between_those_of_their_labels():
    """With shares, cross-entropy is the shares' mean of both labels' losses (Zhang et al., section 2)."""
    logits, shares = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([[0.25, 0.75, 0.0]])
    losses = -logits.log_softmax(1)[0]
    mixed = 0.25 * losses[0] + 0.75 * losses[1]
    assert Scratch().criterion(logits, shares).item() == pytest.approx(mixed.item())


def test_a_preview_shows_pictures_and_below_them_what_a_policy_makes_of_them():
    task = tlkit.load_task("worlds", factor="shape", similarity=1.0, n_train=64, n_test=64)
    shown = preview(task, "cutmix", columns=5, views=2)
    (names, pictures), (_, first), (captions, second) = shown.rows.values()
    assert set(names) <= set(task.classes) and len(set(names)) == 5
    assert first.shape == second.shape == pictures.shape and first.dtype == pictures.dtype
    assert not (first == second).all() and not (first == pictures).all()
    for caption in captions:
        parts = [int(part.partition(" %")[0]) for part in caption.split(" + ")]
        assert parts == sorted(parts, reverse=True) and 99 <= sum(parts) <= 101
    assert repr(preview(task, "cutmix", columns=5, views=2)) == repr(shown)
    assert (
        preview(task, "none", views=1).rows["view 1"][1] == preview(task, "none").rows["as they are"][1]
    ).all()
    assert shown.draw().width > 300
    with pytest.raises(UnknownName, match="no augmentation 'mixdown'"):
        preview(task, "mixdown")
