"""What each choice in the training loop and in feature extraction costs, one changed at a time.

Every row runs the same steps with one thing done otherwise; times are taken in turns and compared round by
round.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
import torch.nn.functional as F
from common import in_turns, show, speeds
from torch import Tensor, nn

from tlkit.system import compute
from tlkit.vision.images.augment import POLICIES, augment
from tlkit.vision.networks.backbones import Network

STEPS, BATCH = 20, 64
AS_TLKIT = "as tlkit"
bfloat16 = partial(torch.autocast, "cpu", dtype=torch.bfloat16)


def small_network() -> Network:
    """Build the small ConvNet."""
    torch.manual_seed(0)
    inputs = {"channels": 1, "size": 32, "mean": [0.3], "std": [0.35]}
    return Network({"name": "convnet", "channels": 1, "width": 16}, inputs, 10)


def planar(network: nn.Module) -> nn.Module:
    """Take the channels-last layout out of a network."""
    network.to(memory_format=torch.contiguous_format)
    network.inputs.register_forward_hook(lambda module, args, out: out.contiguous())
    return network


def autocast_off() -> object:
    """Enter autocast as tlkit's loop does on a processor."""
    return compute.autocast(torch.device("cpu"))


def steps(
    network: nn.Module,
    pictures: Tensor,
    labels: Tensor,
    optimizer: dict[str, bool] | None = None,
    autocast: Callable[[], object] = autocast_off,
    policy: str = "none",
    read_each: bool = False,
    threads: int | None = None,
) -> None:
    """Train a few steps."""
    generator = torch.Generator().manual_seed(0)
    adam = torch.optim.AdamW(network.parameters(), **(optimizer or {"fused": True}))
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    for _ in range(STEPS):
        adam.zero_grad(set_to_none=True)
        with autocast():
            loss = F.cross_entropy(network(augment(policy, pictures, generator)), labels)
        loss.backward()
        adam.step()
        if read_each:
            loss.item()
    torch.set_num_threads(before)


def training(rounds: int) -> None:
    """Compare ways to take a training step."""
    pictures = torch.randint(256, (BATCH, 1, 32, 32), dtype=torch.uint8)
    labels = torch.randint(10, (BATCH,))
    here = partial(steps, small_network(), pictures, labels)
    variants = {
        AS_TLKIT: here,
        "channels first": partial(steps, planar(small_network()), pictures, labels),
        "AdamW for each tensor": partial(here, optimizer={"foreach": False, "fused": False}),
        "AdamW foreach": partial(here, optimizer={"foreach": True}),
        "no autocast context": partial(here, autocast=nullcontext),
        "bfloat16": partial(here, autocast=bfloat16),
        "loss read each step": partial(here, read_each=True),
        **{f"augment={name!r}": partial(here, policy=name) for name in POLICIES if name != "none"},
        "1 thread": partial(here, threads=1),
    }
    table = speeds(in_turns(variants, rounds), AS_TLKIT, "training step")
    show(f"Training: {STEPS} steps of {BATCH} pictures of 32x32, {rounds} rounds", table)


def extract(
    network: nn.Module, pictures: Tensor, batch: int, precision: Callable[[], object] = nullcontext
) -> None:
    """Map pictures to features."""
    with torch.inference_mode(), precision():
        for part in pictures.split(batch):
            network.features(part)


def extraction(rounds: int) -> None:
    """Compare ways to extract features with SqueezeNet at 224 pixels."""
    inputs = {"channels": 3, "size": 224, "mean": [0.5] * 3, "std": [0.25] * 3}
    build = partial(Network, {"name": "squeezenet1_1"}, inputs, 2)
    network, pictures = build().eval(), torch.randint(256, (64, 3, 224, 224), dtype=torch.uint8)
    variants = {
        AS_TLKIT: partial(extract, network, pictures, 64),
        **{f"batches of {n}": partial(extract, network, pictures, n) for n in (1, 4, 8, 16, 32)},
        "channels first": partial(extract, planar(build().eval()), pictures, 64),
        "bfloat16, batches of 8": partial(extract, network, pictures, 8, bfloat16),
    }
    table = speeds(in_turns(variants, rounds), AS_TLKIT, "extraction")
    show(f"Features: 64 pictures of 224x224 through SqueezeNet 1.1, {rounds} rounds", table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    training(rounds)
    extraction(rounds)


if __name__ == "__main__":
    main()
