"""Augmentation: pictures changed at random while a network trains, each in its own way.

A policy is data: operations with their ranges. What it does to a batch is done on the batch's device at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tlkit.classification.tasks import ClassificationTask
from tlkit.errors import ABOVE_0, BELOW_1, Limit, at_least, require_known, require_number
from tlkit.vision.gallery import Gallery
from tlkit.vision.images import colouring, mixing, moving

Policy = str | Mapping[str, float]
SHARE = Limit("a share from 0 to 1", lambda x: 0 <= x <= 1)
SOME = Limit("a share above 0, up to 1", lambda x: 0 < x <= 1)
HALF_TURN = Limit("an angle from 0 to 180 degrees", lambda x: 0 <= x <= 180)
LEAN = Limit("an angle from 0 to 60 degrees", lambda x: 0 <= x <= 60)

STEP, MAP, BEND, MIX = "step", "map", "bend", "mix"


@dataclass(frozen=True)
class Operation:
    """One way to change pictures.

    Parameters
    ----------
    kind : str
        A step takes pictures, generator and range, and gives pictures. A map gives matrices for n pictures,
        and a bend displacements: what stands side by side of these is done in one pass. A mix takes what a
        step does, and gives partners and shares too.
    apply : callable
    meaning : str
        Of its range, with the unit.
    limit : Limit
        What the range may be.
    """

    kind: str
    apply: Callable[..., Any]
    meaning: str
    limit: Limit


def _uniform(
    n: int, low: float, high: float, generator: torch.Generator, each: tuple[int, ...] = ()
) -> Tensor:
    return low + (high - low) * torch.rand((n, *each), generator=generator, device=generator.device)


def _mapped(matrix: Callable[[Tensor], Tensor], n: int, reach: float, generator: torch.Generator) -> Tensor:
    return matrix(_uniform(n, -reach, reach, generator))


def _scaled(matrix: Callable[[Tensor], Tensor], n: int, reach: float, generator: torch.Generator) -> Tensor:
    return matrix((1 + reach) ** _uniform(n, -1, 1, generator))


def _bent(shape: torch.Size, reach: float, generator: torch.Generator) -> Tensor:
    knots = torch.randn((shape[0], 2, *[moving.KNOTS] * 2), generator=generator, device=generator.device)
    return moving.bending(2 * reach * knots, shape)


def _tinted(
    change: Callable[..., Tensor], pictures: Tensor, generator: torch.Generator, reach: float
) -> Tensor:
    each = pictures.shape[1:2] if change is colouring.balance else ()
    return change(pictures.float(), _uniform(len(pictures), 1 - reach, 1 + reach, generator, each))


def _blurred(pictures: Tensor, generator: torch.Generator, reach: float) -> Tensor:
    return colouring.blur(pictures.float(), _uniform(len(pictures), 0, reach, generator), reach)


def _noisy(pictures: Tensor, generator: torch.Generator, reach: float) -> Tensor:
    amounts = _uniform(len(pictures), 0, reach, generator)
    draws = torch.randn(pictures.shape, generator=generator, device=pictures.device)
    return colouring.noise(pictures.float(), amounts, draws)


def _cut_out(pictures: Tensor, generator: torch.Generator, side: float) -> Tensor:
    centres = torch.rand((2, len(pictures)), generator=generator, device=pictures.device)
    sides = torch.full_like(centres, side)
    return colouring.cutout(pictures.float(), colouring.windows(pictures, sides, centres))


OPERATIONS: dict[str, Operation] = {
    "flip": Operation(STEP, moving.flip, "mirrors left to right; the probability", SHARE),
    "shift": Operation(STEP, moving.shift, "moves by up to this share of the side", BELOW_1),
    "crop": Operation(STEP, moving.crop, "zooms into a window; its smallest share of the area", SOME),
    "rotate": Operation(MAP, partial(_mapped, moving.rotation), "turns by up to so many degrees", HALF_TURN),
    "shear": Operation(MAP, partial(_mapped, moving.shearing), "leans by up to so many degrees", LEAN),
    "zoom": Operation(
        MAP, partial(_scaled, moving.zooming), "up to this share larger or smaller", at_least(0)
    ),
    "stretch": Operation(
        MAP, partial(_scaled, moving.stretching), "up to this share wider or narrower", at_least(0)
    ),
    "elastic": Operation(BEND, _bent, "bends by about this share of the side", SHARE),
    "brightness": Operation(
        STEP, partial(_tinted, colouring.brightness), "up to this share lighter or darker", SHARE
    ),
    "contrast": Operation(
        STEP, partial(_tinted, colouring.contrast), "up to this share more or less of it", SHARE
    ),
    "saturation": Operation(
        STEP, partial(_tinted, colouring.saturation), "up to this share more or less of it", SHARE
    ),
    "balance": Operation(
        STEP, partial(_tinted, colouring.balance), "each channel up to this share stronger or weaker", SHARE
    ),
    "blur": Operation(STEP, _blurred, "a Gaussian of a spread of up to so many pixels", at_least(0)),
    "noise": Operation(STEP, _noisy, "of a spread of up to this share of the scale", SHARE),
    "cutout": Operation(STEP, _cut_out, "hides a square; its side as a share of the picture's", SHARE),
    "mixup": Operation(MIX, mixing.mixup, "blends two pictures; the alpha of their shares", ABOVE_0),
    "cutmix": Operation(MIX, mixing.cutmix, "puts a window of another in; the alpha of its share", ABOVE_0),
}

POLICIES: dict[str, dict[str, float]] = {
    "none": {},
    "shift": {"shift": 1 / 16},
    "flip": {"flip": 0.5, "shift": 1 / 16},
    "photo": {"flip": 0.5, "crop": 0.25},
    "handwriting": {
        "rotate": 12,
        "shear": 12,
        "zoom": 0.15,
        "stretch": 0.1,
        "elastic": 0.02,
        "shift": 1 / 16,
    },
    "colour": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "balance": 0.2, "shift": 1 / 16},
    "mixup": {"shift": 1 / 16, "mixup": 0.4},
    "cutmix": {"shift": 1 / 16, "cutmix": 1.0},
}


def operations(policy: Policy) -> Mapping[str, float]:
    """Return a policy's operations with their ranges, checked.

    Parameters
    ----------
    policy : str or mapping of str to float
        A name of `POLICIES`, or operations of `OPERATIONS` with their ranges, in the order in which they are
        done; mixing comes last.

    Raises
    ------
    UnknownName
        If there is no such policy or operation.
    BadInput
        If a range makes no sense.

    Examples
    --------
    >>> from tlkit.vision.images.augment import operations
    >>> operations("photo")
    {'flip': 0.5, 'crop': 0.25}
    """
    if isinstance(policy, str):
        return POLICIES[require_known("augmentation", policy, POLICIES)]
    for name, reach in policy.items():
        operation = OPERATIONS[require_known("augmentation operation", name, OPERATIONS)]
        require_number(f"The range of {name!r} ({operation.meaning})", reach, operation.limit)
    return policy


def augment(policy: Policy, pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Change pictures by the operations of a policy, one after the other; what mixes is left to `mix`.

    Parameters
    ----------
    policy : str or mapping
        See `operations`. ``photo`` mirrors and zooms, for photographs; ``shift`` suits characters, which must
        not be mirrored.
    pictures : Tensor of shape (N, C, H, W)
        On the scale [0, 255].
    generator : Generator
        On the pictures' device.

    Raises
    ------
    UnknownName
        If there is no such policy or operation.
    BadInput
        If a range makes no sense.

    Examples
    --------
    >>> import torch
    >>> from tlkit.vision.images.augment import augment
    >>> pictures = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    >>> augment({"rotate": 15, "noise": 0.05}, pictures, torch.Generator().manual_seed(0)).shape
    torch.Size([4, 3, 32, 32])
    """
    steps = [(OPERATIONS[name], reach) for name, reach in operations(policy).items()]
    for warps, group in groupby(steps, key=lambda step: step[0].kind in (MAP, BEND)):
        if warps:
            pictures = _warped(list(group), pictures, generator)
            continue
        for operation, reach in group:
            if operation.kind == STEP:
                pictures = operation.apply(pictures, generator, reach)
    return pictures


def _warped(steps: list[tuple[Operation, float]], pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Do maps and bends in one pass: pixels are looked up, and so blurred, once."""
    n, bend = len(pictures), None
    matrix = torch.eye(2, device=pictures.device).expand(n, 2, 2)
    for operation, reach in steps:
        if operation.kind == MAP:
            matrix = matrix @ operation.apply(n, reach, generator)
        else:
            bent = operation.apply(pictures.shape, reach, generator)
            bend = bent if bend is None else bend + bent
    return moving.warp(pictures, matrix, bend)


def mixes(policy: Policy) -> list[str]:
    """Return the names of a policy's operations that mix pictures, and so labels."""
    return [name for name in operations(policy) if OPERATIONS[name].kind == MIX]


def mix(
    policy: Policy, pictures: Tensor, labels: Tensor, n_classes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mix pictures by what of a policy mixes; without such, both stay as they are.

    Parameters
    ----------
    policy : str or mapping
        See `operations`.
    pictures : Tensor of shape (N, C, H, W)
    labels : Tensor of shape (N,)
        0 to n_classes - 1.
    n_classes : int
    generator : Generator
        On the pictures' device.

    Returns
    -------
    pictures : Tensor of shape (N, C, H, W)
    labels : Tensor of shape (N, n_classes)
        Each class's share in a picture; as they came where nothing was mixed.
    """
    for name in mixes(policy):
        if labels.ndim == 1:
            labels = F.one_hot(labels, n_classes).float()
        pictures, partner, kept = OPERATIONS[name].apply(pictures, operations(policy)[name], generator)
        labels = torch.lerp(labels[partner], labels, kept.unsqueeze(1))
    return pictures, labels


def preview(
    task: ClassificationTask, policy: Policy, columns: int = 8, views: int = 3, seed: int = 0
) -> Gallery:
    """Show training pictures, and under them what a policy makes of them.

    Parameters
    ----------
    task : ImageTask
    policy : str or mapping
        See `operations`.
    columns, views : int
        How many pictures, spread over the classes, and how often each is changed.
    seed : int
        Of the changes.

    Raises
    ------
    UnknownName
        If there is no such policy or operation.
    BadInput
        If a range makes no sense.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.vision.images.augment import preview
    >>> preview(tlkit.load_task("digits"), "mixup", columns=2, views=1)
    as they are: 0, 9
    view 1: 73 % 0 + 27 % 9, 52 % 0 + 48 % 9
    """
    by_class = np.argsort(task.y, kind="stable")
    chosen = by_class[np.linspace(0, len(by_class) - 1, columns).round().astype(int)]
    labels = torch.tensor(task.y[chosen])
    rows = {"as they are": (tuple(task.classes[label] for label in labels), task.X[chosen])}
    generator = torch.Generator().manual_seed(seed)
    for view in range(1, views + 1):
        changed = augment(policy, torch.tensor(task.X[chosen]), generator)
        changed, shares = mix(policy, changed, labels, len(task.classes), generator)
        pictures = changed.round().to(torch.uint8).numpy()
        rows[f"view {view}"] = (tuple(_share_text(each, task.classes) for each in shares), pictures)
    return Gallery(rows)


def _share_text(share: Tensor, classes: Sequence[str]) -> str:
    """Name a label, or each class that has a part in a picture, the largest first."""
    if not share.ndim:
        return classes[int(share)]
    parts = [(float(part), classes[i]) for i, part in enumerate(share) if part >= 0.005]
    return " + ".join(f"{100 * part:.0f} % {name}" for part, name in sorted(parts, reverse=True))
