"""Make the shipped files anew: the glyphs, and the sources trained on glyphs and on worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tlkit.errors import require_known
from tlkit.study.register import load_task
from tlkit.study.source import Card, Source
from tlkit.system import files
from tlkit.vision.images import glyphs
from tlkit.vision.images.moving import shift
from tlkit.vision.strategies.scratch import Scratch
from tlkit.vision.worlds import tasks as worlds

WIDTH = 16
COARSE = 8  # pixels a side of a picture taken in low resolution


def build_glyphs() -> Path:
    """Draw the glyphs from this machine's fonts and write ``data/glyphs.npz``; returns its path.

    Raises
    ------
    FileProblem
        If fonts are missing; names the Debian packages to install.
    """
    arrays: dict[str, Any] = glyphs.make()
    path = _data_folder() / glyphs.ARCHIVE
    with files.atomic(path) as temporary:
        np.savez_compressed(temporary, **arrays)
    glyphs.load.cache_clear()
    return path


def _data_folder() -> Path:
    return files.shipped(glyphs.FONT_LIST).parent


def handwritten(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Make print look written and scanned: each picture leans, stretches, moves, bends; half lose detail.

    Parameters
    ----------
    pictures : Tensor of shape (N, C, H, W)
        On the scale [0, 255], black around.
    generator : Generator
        On the pictures' device.
    """
    return scanned(written(pictures.float(), generator), generator)


def _uniform(pictures: Tensor, generator: torch.Generator, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(len(pictures), generator=generator, device=pictures.device)


def written(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate, slant, stretch, move and bend each picture."""
    n = len(pictures)
    angle, slant, right, down = (_uniform(pictures, generator, -r, r) for r in (0.25, 0.3, 0.12, 0.12))
    across, along = (1 / _uniform(pictures, generator, 0.8, 1.3) for _ in "xy")
    cos, sin = angle.cos(), angle.sin()
    rows = [across * cos, across * (slant * cos - sin), right, along * sin, along * (slant * sin + cos), down]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), list(pictures.shape), align_corners=False)
    knots = 0.06 * torch.randn((n, 2, 4, 4), generator=generator, device=pictures.device)
    bend = F.interpolate(knots, pictures.shape[-2:], mode="bicubic", align_corners=False)
    return F.grid_sample(pictures, grid + bend.permute(0, 2, 3, 1), align_corners=False)


def scanned(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Show half of the pictures as an 8x8 scan would, in lighter or darker ink."""
    coarse = F.adaptive_avg_pool2d(pictures, COARSE)
    blurred = F.interpolate(coarse, pictures.shape[-2:], mode="bilinear", align_corners=False)
    ink = _uniform(pictures, generator, 1, 1.6).view(-1, 1, 1, 1)
    chosen = _uniform(pictures, generator, 0, 1).view(-1, 1, 1, 1) < 0.5
    return torch.where(chosen, (ink * blurred).clamp(max=255), pictures)


@dataclass(frozen=True)
class Plan:
    """How a shipped source is made.

    Parameters
    ----------
    title, data, licence : str
        For the card.
    task : dict
        How the source's task is loaded: see `Card`.
    view : callable
        Augments a batch of pictures.
    inputs : dict
        What the network expects.
    epochs : int
        Passes over the data.
    """

    title: str
    data: str
    licence: str
    task: dict[str, Any]
    view: Callable[[Tensor, torch.Generator], Tensor]
    inputs: dict[str, object]
    epochs: int


GREY = {"channels": 1, "size": 32, "mean": [0.5], "std": [0.25]}
COLOUR = {"channels": 3, "size": 32, "mean": [0.5] * 3, "std": [0.25] * 3}


def _world(factor: str) -> Plan:
    return Plan(
        title=f"Generated worlds: {factor}",
        data=f"{worlds.SOURCE_POOL:,} generated pictures; asks for {factor}, all else varies",
        licence="As tlkit itself",
        task={"name": "worlds", "params": worlds.source_params(factor)},
        view=shift,
        inputs=COLOUR,
        epochs=9,
    )


PLANS = {
    "glyphs": Plan(
        title="Printed characters",
        data="62 characters drawn from free fonts (data/glyphs.md), made to look handwritten",
        licence="As tlkit itself; the fonts' licences are in data/glyph_fonts.json",
        task={"name": "glyphs", "params": {}},
        view=handwritten,
        inputs=GREY,
        epochs=40,
    ),
    "shape": _world("shape"),
    "texture": _world("texture"),
}


class Pretraining(Scratch):
    """From scratch, with the augmentation of a plan."""

    plan: Plan

    def augmented(self, model: torch.nn.Module, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Augment pictures while the model trains."""
        return (self.plan.view(pictures, self.generator_) if model.training else pictures), labels


def pretrain(name: str, plan: Plan) -> Source:
    """Train the small network on the whole of a plan's task and return it with its card."""
    task = load_task(plan.task["name"], **plan.task["params"])
    architecture = {"name": "convnet", "channels": plan.inputs["channels"], "width": WIDTH}
    blank = Source(Card(name, plan.title, architecture, plan.inputs, task.classes), {})
    estimator = Pretraining(source=blank, lr=0.01, epochs=plan.epochs, batch_size=128, random_state=0)
    estimator.plan = plan
    task.fit(estimator)
    metrics = {metric: round(value, 4) for metric, value in task.score(estimator).metrics.items()}
    fitted = Source.from_fitted(estimator, name, plan.title)
    return fitted.with_card(data=plan.data, licence=plan.licence, task=plan.task, metrics=metrics)


def build_source(name: str) -> Path:
    """Train a shipped source and write ``data/sources/<name>.safetensors`` with its card; returns the path.

    Raises
    ------
    UnknownName
        If no such source is shipped.
    """
    plan = PLANS[require_known("shipped source", name, PLANS)]
    return pretrain(name, plan).save(_data_folder() / "sources" / f"{name}.safetensors")


def build_sources() -> list[Path]:
    """Train every shipped source; returns the paths."""
    return [build_source(name) for name in PLANS]


BUILDERS: dict[str, Callable[[], object]] = {"glyphs": build_glyphs, "sources": build_sources}
