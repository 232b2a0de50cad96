"""The one training loop, for every gradient method of every modality.

Data live on the device as whole tensors and are drawn by index. Nothing is read back from the device
between two reports. What trains, and when, is data: a list of phases.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tlkit.errors import DeviceProblem, TrainingProblem
from tlkit.study.callbacks import Callback
from tlkit.system import compute
from tlkit.training.phases import Phase, Recipe, one_cycle

Batch = dict[str, Tensor]
Loss = Callable[[Any, Batch], Tensor]
REPORTS = 20


def train(
    model: nn.Module,
    loss: Loss,
    data: Batch,
    phases: Sequence[Phase],
    recipe: Recipe,
    generator: torch.Generator,
    *,
    valid: Batch | None = None,
    streams: Sequence[Batch] = (),
    after_step: Callable[[Any], None] | None = None,
    callbacks: Sequence[Callback] = (),
) -> list[dict[str, float]]:
    """Train a model in place; with validation data, end early and keep the best weights.

    Parameters
    ----------
    model : Module
        On the device of `data`.
    loss : callable
        ``loss(model, batch)`` gives the mean loss of a batch as a 0-d tensor.
    data, valid : dict of str to Tensor
        Tensors with one row an example, on the device; a batch is the same rows of each.
    streams : sequence of dict of str to Tensor
        Further tables, each of any length, with names of their own: while the model trains, a batch holds as
        many of their rows beside its own.
    phases : sequence of Phase
        What trains when; their shares add up to 1.
    recipe : Recipe
        Length, batch size, patience.
    generator : Generator
        Of the order of examples, on the device.
    after_step : callable, optional
        ``after_step(model)`` is called after each step.
    callbacks : sequence of Callback
        Hear of each report.

    Returns
    -------
    list of dict
        The reports: phase, step, steps, loss, and valid_loss where there are validation data.

    Raises
    ------
    TrainingProblem
        If the loss is not finite.
    DeviceProblem
        If the device's memory does not hold a single example.
    """
    run = _Run(model, loss, recipe, recipe.steps(_rows(data)), valid, after_step, callbacks)
    ends = [round(run.total * sum(phase.share for phase in phases[: i + 1])) for i in range(len(phases))]
    for phase, end in zip(phases, ends, strict=True):
        run.learn(phase, _supply([data, *streams], recipe.batch_size, generator), end)
    run.finish()
    return run.history


class _Run:
    """The state of one training run: where it is, what it has reported, the best weights so far."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        recipe: Recipe,
        total: int,
        valid: Batch | None,
        after_step: Callable[[Any], None] | None,
        callbacks: Sequence[Callback],
    ):
        self.model, self.loss, self.recipe, self.total = model, loss, recipe, total
        self.valid, self.after_step, self.callbacks = valid, after_step, callbacks
        self.history: list[dict[str, float]] = []
        self.step = 0
        self.phase = 0
        self.parts = 1
        self.best_loss, self.waited = math.inf, 0
        self.best_state: dict[str, Tensor] | None = None

    @property
    def over(self) -> bool:
        """Whether the validation loss has long stopped getting better."""
        return self.waited >= self.recipe.patience

    def learn(self, phase: Phase, supply: Iterator[Batch], end: int) -> None:
        """Train the phase's groups up to step `end`."""
        self.phase += 1
        if self.step >= end or self.over:
            return
        optimizer = _optimizer(self.model, phase)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, partial(one_cycle, end - self.step, self.recipe.warmup)
        )
        interval = max(self.total // REPORTS, 1)
        losses: list[Tensor] = []
        set_train(self.model)
        while self.step < end and not self.over:
            optimizer.zero_grad(set_to_none=True)
            losses.append(self._backward(next(supply)))
            optimizer.step()
            schedule.step()
            self.step += 1
            if self.after_step is not None:
                self.after_step(self.model)
            if self.step % interval == 0 or self.step == end:
                self._report(torch.stack(losses).mean().item())
                losses.clear()

    def finish(self) -> None:
        """Take the best weights and leave the model ready to predict."""
        if self.best_state is not None:
            self.model.load_state_dict(self.best_state)
        self.model.requires_grad_(True)
        self.model.eval()

    def _backward(self, batch: Batch) -> Tensor:
        """Add up the gradients of a batch, in halves and halves of halves where memory runs out."""
        rows = _rows(batch)
        while True:
            try:
                first, *others = [self._backward_part(part, rows) for part in _split(batch, self.parts)]
                return sum(others, first)
            except RuntimeError as error:
                if not compute.is_out_of_memory(error):
                    raise
            self._halve(rows, fewest=min(filter(None, map(len, batch.values()))))

    def _backward_part(self, part: Batch, rows: int) -> Tensor:
        with compute.autocast(next(self.model.parameters()).device):
            share = _rows(part) / rows if rows else 1 / self.parts
            loss = self.loss(self.model, part) * share
        loss.backward()
        return loss.detach()

    def _halve(self, rows: int, fewest: int) -> None:
        self.parts *= 2
        if self.parts > fewest:
            raise DeviceProblem(
                "The device's memory does not hold one example of this network. "
                "Use smaller inputs or a smaller network, close what else uses it, or set TLKIT_DEVICE=cpu."
            )
        self.model.zero_grad(set_to_none=True)
        warnings.warn(
            f"Out of device memory: a batch of {rows} now goes in {self.parts} parts, which add up.",
            stacklevel=2,
        )

    def _report(self, loss: float) -> None:
        record = {"phase": self.phase, "step": self.step, "steps": self.total, "loss": loss}
        if not math.isfinite(loss):
            raise TrainingProblem(
                f"The loss became {loss} by step {self.step} of {self.total}. Lower the learning rate (lr), "
                "or look for inputs with extreme values."
            )
        if self.valid is not None:
            record["valid_loss"] = self._validate(self.valid)
        self.history.append(record)
        with _modes_kept(self.model):  # whoever hears may predict
            for callback in self.callbacks:
                callback.on_step(record)

    def _validate(self, valid: Batch) -> float:
        self.model.eval()
        with torch.no_grad(), compute.autocast(next(self.model.parameters()).device):
            parts = _split(valid, math.ceil(_rows(valid) / self.recipe.batch_size))
            losses = [self.loss(self.model, part) * _rows(part) for part in parts]
        loss = torch.stack(losses).sum().item() / _rows(valid)
        set_train(self.model)
        if loss < self.best_loss:
            self.best_loss, self.waited = loss, 0
            self.best_state = {name: value.clone() for name, value in self.model.state_dict().items()}
        else:
            self.waited += 1
        return loss


def batches(data: Batch, size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Yield shuffled batches for ever: whole ones only, or all the data where they are fewer than a batch.

    Parameters
    ----------
    data : dict of str to Tensor
        One row an example.
    size : int
        Rows a batch.
    generator : Generator
        On the data's device.
    """
    rows = _rows(data)
    if rows <= size:
        while True:
            yield data
    while True:
        order = torch.randperm(rows, generator=generator, device=generator.device)
        for chosen in order[: rows // size * size].split(size):
            yield {name: values[chosen] for name, values in data.items()}


def _supply(tables: Sequence[Batch], size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Yield batches with rows of every table side by side."""
    supplies = [batches(table, size, generator) for table in tables]
    while True:
        yield {name: values for supply in supplies for name, values in next(supply).items()}


def set_train(model: nn.Module) -> None:
    """Put a model in training mode, but what is wholly frozen in evaluation mode.

    Otherwise frozen batch normalisation would go on adapting its statistics, and frozen dropout on dropping.
    """
    model.train()
    for module in model.modules():
        params = list(module.parameters())
        if params and not any(param.requires_grad for param in params):
            module.eval()


@contextmanager
def _modes_kept(model: nn.Module) -> Iterator[None]:
    """Leave every part of a model in the mode, training or evaluation, that it was in."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _optimizer(model: nn.Module, phase: Phase) -> torch.optim.Optimizer:
    """Freeze all but the phase's groups and make their optimiser."""
    model.requires_grad_(False)
    for group in phase.groups:
        for param in group.params:
            param.requires_grad_(True)
    settings = [
        {"params": list(group.params), "lr": group.lr, "weight_decay": group.weight_decay}
        for group in phase.groups
    ]
    return phase.optimizer(settings)


def _rows(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def _split(batch: Batch, parts: int) -> list[Batch]:
    if parts == 1:
        return [batch]
    pieces = {name: values.tensor_split(parts) for name, values in batch.items()}
    return [dict(zip(pieces, piece, strict=True)) for piece in zip(*pieces.values(), strict=True)]
