"""Training throughput: tlkit's loop against a bare loop, DataLoader loops, skorch and fastai.

The same network, pictures, batch size, epochs, AdamW, one-cycle schedule and precision for all. Each
trains from the same initial weights, and its accuracy on held-out pictures is shown, so that a faster
loop which learns less cannot win. All get tlkit's channels-last layout and fused optimiser, except the
DataLoader loop "as usually written". The yardsticks of the operations a second are convolutions alone,
forward and backward: the network's own ones, and a large one.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from common import in_turns, show, speeds
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms

from tlkit.system import compute
from tlkit.training import fitting
from tlkit.training.phases import Group, Phase, Recipe, one_cycle
from tlkit.vision.images.augment import augment
from tlkit.vision.networks.backbones import Network

TLKIT = "tlkit"
LR, DECAY, WARMUP = 3e-3, 0.01, 0.25
MEAN, STD = [0.3], [0.35]
HELD_OUT = 325
TRANSFORMS = {"none": [], "shift": [transforms.RandomCrop(32, padding=2, padding_mode="edge")]}
LARGE = {"cpu": 128, "cuda": 512}  # channels


class Setting:
    """The data and sizes that every contestant gets."""

    def __init__(self, pictures: int, batch: int, epochs: int, width: int):
        self.device = compute.choose_device()
        self.batch, self.epochs, self.width = batch, epochs, width
        scans, labels = load_digits(return_X_y=True)
        scans = F.interpolate(torch.tensor(scans).view(-1, 1, 8, 8) * (255 / 16), (32, 32), mode="bilinear")
        images, labels = scans.round().byte(), torch.tensor(labels)
        self.test_images, self.test_labels = images[-HELD_OUT:], labels[-HELD_OUT:]
        rows = torch.arange(pictures // batch * batch) % (len(images) - HELD_OUT)
        self.images, self.labels = images[rows], labels[rows]
        self.seen = len(rows) * epochs
        self.steps = self.seen // batch

    def network(self) -> Network:
        """Build the network with the same initial weights each time."""
        torch.manual_seed(0)
        inputs = {"channels": 1, "size": 32, "mean": MEAN, "std": STD}
        return Network({"name": "convnet", "channels": 1, "width": self.width}, inputs, 10).to(self.device)

    def optimizer(self, model: nn.Module, fused: bool = True) -> torch.optim.Optimizer:
        """Make the optimiser that tlkit uses, or torch's default form of it."""
        return torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY, fused=fused or None)

    def schedule(self, optimizer: torch.optim.Optimizer) -> LambdaLR:
        """Make the schedule that tlkit uses."""
        return LambdaLR(optimizer, partial(one_cycle, self.steps, WARMUP))

    def accuracy(self, model: nn.Module) -> float:
        """Return a trained network's accuracy on held-out pictures."""
        with torch.inference_mode():
            guesses = model.eval()(self.test_images.to(self.device)).argmax(1).cpu()
        return (guesses == self.test_labels).float().mean().item()


def tlkit_loop(setting: Setting, policy: str = "none") -> nn.Module:
    """Train with tlkit's loop."""

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(model(augment(policy, batch["inputs"], generator)), batch["labels"])

    model = setting.network()
    data = {"inputs": setting.images.to(setting.device), "labels": setting.labels.to(setting.device)}
    phases = [Phase((Group("all", tuple(model.parameters()), LR, DECAY),))]
    recipe = Recipe(setting.epochs, min_steps=0, batch_size=setting.batch, warmup=WARMUP)
    generator = torch.Generator(setting.device).manual_seed(0)
    fitting.train(model, loss, data, phases, recipe, generator)
    return model


def bare_loop(setting: Setting) -> nn.Module:
    """Train with the shortest loop on resident tensors that does the same."""
    model = setting.network().train()
    images, labels = setting.images.to(setting.device), setting.labels.to(setting.device)
    optimizer = setting.optimizer(model)
    schedule = setting.schedule(optimizer)
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(images), device=setting.device).split(setting.batch):
            optimizer.zero_grad()
            with compute.autocast(setting.device):
                loss = F.cross_entropy(model(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
    return model


class Pictures(Dataset):
    """Pictures that come through torchvision's transforms one by one, as in torchvision's own data sets."""

    def __init__(self, images: np.ndarray, labels: list[int], policy: str):
        self.images, self.labels = images, labels
        steps = [*TRANSFORMS[policy], transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        self.transform = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[row])), self.labels[row]


class Normalised(nn.Module):
    """The network without its input layer, for pictures that a data set has normalised."""

    def __init__(self, network: Network, layout: torch.memory_format):
        super().__init__()
        self.network, self.layout = network.to(memory_format=layout), layout

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures to logits."""
        return self.network.head(self.network.backbone(x.contiguous(memory_format=self.layout)))


def loader_loop(setting: Setting, workers: int = 0, usual: bool = False, policy: str = "none") -> nn.Module:
    """Train from a DataLoader with transforms for each picture; `usual` is channels first and plain AdamW."""
    network = setting.network().train()
    model = Normalised(network, torch.contiguous_format if usual else torch.channels_last)
    loader = DataLoader(
        Pictures(setting.images[:, 0].numpy(), setting.labels.tolist(), policy),
        setting.batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=setting.device.type == "cuda",
    )
    optimizer = setting.optimizer(model, fused=not usual)
    schedule = setting.schedule(optimizer)
    for _ in range(setting.epochs):
        for images, labels in loader:
            images, labels = (each.to(setting.device, non_blocking=True) for each in (images, labels))
            optimizer.zero_grad()
            with compute.autocast(setting.device):
                loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
    return network


def skorch_fit(setting: Setting) -> nn.Module:
    """Train with skorch's NeuralNetClassifier."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import LRScheduler

    class Net(NeuralNetClassifier):
        def infer(self, x: Tensor, **params: object) -> Tensor:
            with compute.autocast(setting.device):
                return super().infer(x, **params)

    factor = partial(one_cycle, setting.steps, WARMUP)
    net = Net(
        setting.network(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=DECAY,
        optimizer__fused=True,
        lr=LR,
        max_epochs=setting.epochs,
        batch_size=setting.batch,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[LRScheduler(LambdaLR, lr_lambda=factor, step_every="batch")],
        device=setting.device,
        verbose=0,
    )
    net.fit(setting.images.numpy(), setting.labels.numpy())
    return net.module_


def fastai_fit(setting: Setting) -> nn.Module:
    """Train with fastai's Learner, without its validation after each epoch."""
    from fastai.callback.schedule import fit_one_cycle  # noqa: F401  (adds the method)
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader as Loader
    from fastai.learner import Callback, CancelValidException, Learner
    from fastai.optimizer import OptimWrapper

    class NoValidation(Callback):
        def before_validate(self) -> None:
            raise CancelValidException

    class Autocast(Callback):
        def before_batch(self) -> None:
            self.context = compute.autocast(setting.device)
            self.context.__enter__()

        def after_loss(self) -> None:
            self.context.__exit__(None, None, None)

    loader = partial(Loader, bs=setting.batch, num_workers=0, device=setting.device)
    data = TensorDataset(setting.images, setting.labels)
    learner = Learner(
        DataLoaders(loader(data, shuffle=True), loader(data)),
        setting.network(),
        nn.CrossEntropyLoss(),
        opt_func=partial(OptimWrapper, opt=torch.optim.AdamW, fused=True),
        wd=DECAY,
        cbs=[NoValidation(), Autocast()],
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(setting.epochs, LR, pct_start=WARMUP, moms=(0.9, 0.9, 0.9))
    return learner.model


def contestants(workers: int) -> dict[str, Callable[[Setting], nn.Module]]:
    """List who takes part: everyone who is installed."""
    rivals = {"skorch": skorch_fit, "fastai": fastai_fit}
    return {
        TLKIT: tlkit_loop,
        "bare loop": bare_loop,
        "DataLoader, as usually written": partial(loader_loop, usual=True),
        "DataLoader": loader_loop,
        f"DataLoader, {workers} workers": partial(loader_loop, workers=workers),
    } | {name: fit for name, fit in rivals.items() if importlib.util.find_spec(name)}


def augmented(workers: int) -> dict[str, Callable[[Setting], nn.Module]]:
    """List who takes part with pictures shifted at random: in batches (tlkit), or one by one."""
    return {
        TLKIT: partial(tlkit_loop, policy="shift"),
        "DataLoader, as usually written": partial(loader_loop, usual=True, policy="shift"),
        "DataLoader": partial(loader_loop, policy="shift"),
        f"DataLoader, {workers} workers": partial(loader_loop, workers=workers, policy="shift"),
    }


def flops_per_run(setting: Setting) -> int:
    """Count the multiplications and additions of a run's forward and backward passes."""
    images, labels = (each[: setting.batch].to(setting.device) for each in (setting.images, setting.labels))
    model = setting.network().train()
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(images), labels).backward()
    return counter.get_total_flops() * setting.steps


def own_convolutions(setting: Setting) -> list[tuple[nn.Conv2d, Tensor]]:
    """Return the network's convolutions, each with what comes to it of a batch, in its layout."""
    found = []

    def note(layer: nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
        found.append((layer, inputs[0].detach().requires_grad_(inputs[0].requires_grad)))

    model = setting.network().train()
    hooks = [
        layer.register_forward_pre_hook(note) for layer in model.modules() if isinstance(layer, nn.Conv2d)
    ]
    model(setting.images[: setting.batch].to(setting.device))
    for hook in hooks:
        hook.remove()
    return found


def large_convolution(device: torch.device) -> list[tuple[nn.Conv2d, Tensor]]:
    """Return a 3x3 convolution of 64 pictures that keeps the device busy."""
    channels = LARGE[device.type]
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    inputs = torch.randn(64, channels, 32, 32)
    layer, inputs = (each.to(device, memory_format=torch.channels_last) for each in (layer, inputs))
    return [(layer, inputs.requires_grad_())]


def forth_and_back(layers: list[tuple[nn.Conv2d, Tensor]]) -> None:
    """Run layers alone, forward and backward."""
    for layer, inputs in layers:
        layer.weight.grad = inputs.grad = None
        with compute.autocast(inputs.device):
            outputs = layer(inputs)
        outputs.backward(torch.ones_like(outputs))


def yardsticks(setting: Setting, loop: Callable[[], object], rounds: int) -> str:
    """Say how many operations a second the loop reaches, beside convolutions alone, in turns."""
    channels = LARGE[setting.device.type]
    layers = {"own": own_convolutions(setting), "large": large_convolution(setting.device)}
    work = {TLKIT: loop} | {name: partial(forth_and_back, each) for name, each in layers.items()}
    alone = setting.device.type == "cpu" and torch.get_num_threads() == 1
    seconds = in_turns(work, rounds, of_processor=alone).median()
    reached = flops_per_run(setting) / seconds[TLKIT] / 1e9
    own, large = (operations(each) / seconds[name] / 1e9 for name, each in layers.items())
    return (
        f"tlkit reaches {reached:,.0f} GFLOP/s, {reached / own:.0%} of the {own:,.0f} of the network's "
        f"convolutions alone and {reached / large:.0%} of the {large:,.0f} of a large one ({channels} "
        "channels), forward and backward.\n"
    )


def operations(layers: list[tuple[nn.Conv2d, Tensor]]) -> int:
    """Count the multiplications and additions of layers, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        forth_and_back(layers)
    return counter.get_total_flops()


def compete(
    setting: Setting, title: str, fits: dict[str, Callable[[Setting], nn.Module]], rounds: int
) -> None:
    """Train with each in turns and print."""
    models: dict[str, nn.Module] = {}

    def run(name: str) -> None:
        models[name] = fits[name](setting)

    seconds = in_turns({name: partial(run, name) for name in fits}, rounds)
    typical = seconds.median()
    table = speeds(seconds, TLKIT, "training")
    table.insert(2, "pictures a second", [f"{setting.seen / each:,.0f}" for each in typical])
    table["accuracy"] = [f"{setting.accuracy(models[name]):.3f}" for name in seconds]
    show(
        f"{title}: ConvNet of width {setting.width}, {len(setting.images):,} pictures of 32x32, "
        f"batch {setting.batch}, {setting.epochs} epochs, {rounds} rounds",
        table,
        yardsticks(setting, partial(run, TLKIT), rounds),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1472)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    setting = Setting(args.pictures, args.batch, args.epochs, args.width)
    compete(setting, "Training throughput", contestants(args.workers), args.rounds)
    compete(setting, "The same, pictures shifted at random", augmented(args.workers), args.rounds)


if __name__ == "__main__":
    main()
