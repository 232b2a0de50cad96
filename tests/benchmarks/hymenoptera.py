"""Ants and bees at 224 pixels: the transfer-learning tutorial's two recipes against tlkit's strategies.

Needs the folder ``TLKIT_DATA`` with ``hymenoptera/{train,val}`` and the SqueezeNet weights. Everything is
timed end to end: reading weights and pictures, training, scoring. tlkit starts each time with an empty
cache folder. Beside the whole recipes stands when each first reached the accuracy of `probe`, looking after
every epoch at the pictures that it is measured on: that is by luck sometimes, so give several seeds. With
one thread (``OMP_NUM_THREADS=1``) the seconds are the processor's, those of the workers included.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from common import cold_cache, show
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

import tlkit
from tlkit.system import files

WEIGHTS = "weights/squeezenet1_1-imagenet-caffe-fp16.pth"
# Chosen on a held-out third of the training pictures.
GENTLE = {"probe_head": True, "warmup": 0, "head_multiple": 1, "lr": 3e-5, "layer_decay": 0.9}
SHORT = {"epochs": 8, "min_steps": 0, "batch_size": 8, "augment": "photo"}
TLKIT = {"probe": {}, "transplant": {}, "finetune": GENTLE | SHORT}
EPOCHS, BATCH = 25, 4
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
TRANSFORMS = {
    "train": [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()],
    "val": [transforms.Resize(256), transforms.CenterCrop(224)],
}
FROZEN, WHOLE = "tutorial, last layer", "tutorial, all layers"
PROBE = "tlkit probe"
Result = dict[str, Any]  # accuracy, best epoch, seconds, and the course: seconds and accuracy, epoch by epoch


def tutorial(whole: bool, seed: int, workers: int, epochs: int) -> Result:
    """Train as PyTorch's transfer-learning tutorial does, with SqueezeNet for its ResNet.

    Returns seconds and accuracies on the validation set: after the last epoch, the best of any epoch, which
    the tutorial keeps (and which is chosen on the very pictures that it is measured on), and epoch by epoch.
    """
    start = now()
    torch.manual_seed(seed)
    loaders = {part: loader(part, workers) for part in TRANSFORMS}
    model = models.squeezenet1_1()
    model.load_state_dict(torch.load(files.find_local(WEIGHTS), weights_only=True))
    model.requires_grad_(whole)
    model.classifier[1] = nn.Conv2d(512, 2, kernel_size=1)
    trained = [param for param in model.parameters() if param.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    course = []
    for _ in range(epochs):
        learn(model, loaders["train"], optimizer)
        schedule.step()
        reached = accuracy(model, loaders["val"])
        course.append((now() - start, reached))
    best = max(reached for _, reached in course)
    return {"accuracy": reached, "best epoch": best, "seconds": course[-1][0], "course": course}


def now() -> float:
    """Read the processor's seconds with one thread, ended workers included; the clock's with more."""
    return sum(os.times()[:4]) if torch.get_num_threads() == 1 else time.perf_counter()


def loader(part: str, workers: int) -> DataLoader:
    """Read pictures from their files, again in each epoch."""
    steps = [*TRANSFORMS[part], transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    pictures = datasets.ImageFolder(files.find_local("hymenoptera") / part, transforms.Compose(steps))
    return DataLoader(pictures, BATCH, shuffle=True, num_workers=workers)


def learn(model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer) -> None:
    """Train one epoch."""
    model.train()
    for pictures, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pictures), labels).backward()
        optimizer.step()


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    """Return the share of pictures that the model gets right."""
    model.eval()
    with torch.no_grad():
        return float(np.concatenate([(model(x).argmax(1) == y).numpy() for x, y in loader]).mean())


def with_tlkit(strategy: str, seed: int) -> Result:
    """Load, fit and score with an empty cache."""
    with cold_cache():
        start = now()
        source = tlkit.load_source("squeezenet1_1", weights=files.find_local(WEIGHTS))
        trial = tlkit.transfer(strategy, source, tlkit.load_task("hymenoptera"), seed=seed, **TLKIT[strategy])
        seconds, reached = now() - start, trial.metrics["accuracy"]
        return {"accuracy": reached, "seconds": seconds, "course": [(seconds, reached)]}


def measure(name: str, seed: int, run: Callable[[], Result], store: Path | None) -> Result:
    """Run once and print; take up the tutorial's result from `store` where it is there."""
    key = f"{name}, seed {seed}"
    known = json.loads(store.read_text()) if store and store.exists() else {}
    result = known.get(key) or run()
    course = ", ".join(f"{reached:.3f} after {seconds:.1f} s" for seconds, reached in result["course"])
    print(f"{key}: {course}", flush=True)
    if store and name in (FROZEN, WHOLE):
        store.write_text(json.dumps(known | {key: result}))
    return {"training": name, "seed": seed, "best epoch": np.nan} | result


def tabulate(results: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds, and say how many times faster each is than the tutorial's two recipes."""
    groups = results.groupby("training", sort=False)
    means, seconds = groups[["accuracy", "best epoch"]].mean(), groups["seconds"].median()
    spread = groups["accuracy"].agg(lambda values: f"{values.min():.3f} to {values.max():.3f}")
    table = pd.DataFrame(
        {"training": means.index, "seeds": groups.size().array, "accuracy": means["accuracy"].round(3).array}
        | {"accuracies": spread.array, "best epoch": means["best epoch"].round(3).array}
        | {"seconds": seconds.round(1).array, "fastest to slowest": _span(groups["seconds"])}
    )
    for rival in (FROZEN, WHOLE):
        if rival in seconds:
            table[f"times faster than {rival}"] = (seconds[rival] / seconds).round(1).array
    if PROBE in means.index:
        level = means["accuracy"][PROBE]
        table[f"seconds to {level:.3f}"] = [_when(runs, level) for _, runs in groups["course"]]
    return table.astype({"best epoch": object}).fillna("")


def _when(courses: pd.Series, level: float) -> str:
    """Write the median seconds until runs first stood at an accuracy, and the fastest and slowest."""
    first = [
        min((seconds for seconds, reached in course if reached >= level), default=np.inf)
        for course in courses
    ]
    told = np.sort(first)[[len(first) // 2, 0, -1]]
    median, fastest, slowest = (f"{value:.1f}" if np.isfinite(value) else "never" for value in told)
    return f"{median} ({fastest} to {slowest})"


def _span(seconds: pd.api.typing.SeriesGroupBy) -> list[str]:
    return [f"{values.min():.1f} to {values.max():.1f}" for _, values in seconds]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="of the tutorial's recipes, minutes each")
    parser.add_argument("--tlkit-seeds", type=int, default=5, help="of tlkit's strategies")
    parser.add_argument(
        "--epochs", type=int, default=EPOCHS, help="of the tutorial's recipes, the first ones"
    )
    parser.add_argument(
        "--recipes", nargs="+", choices=(FROZEN, WHOLE), default=[FROZEN, WHOLE], help="of the tutorial's"
    )
    parser.add_argument("--workers", type=int, default=2, help="of the tutorial's DataLoader")
    parser.add_argument("--only", nargs="+", choices=TLKIT, default=list(TLKIT), help="of tlkit's strategies")
    parser.add_argument(
        "--store", type=Path, help="file that keeps the tutorial's results and gives them back"
    )
    args = parser.parse_args()
    results = []
    for seed in range(max(args.seeds, args.tlkit_seeds)):
        for name in args.recipes if seed < args.seeds else []:
            recipe = partial(tutorial, name == WHOLE, seed, args.workers, args.epochs)
            results.append(measure(name, seed, recipe, args.store))
        for name in args.only if seed < args.tlkit_seeds else []:
            results.append(measure(f"tlkit {name}", seed, partial(with_tlkit, name, seed), None))
    order = [*args.recipes, *(f"tlkit {name}" for name in args.only)]
    frame = pd.DataFrame(results).sort_values("training", key=lambda names: names.map(order.index))
    title = f"{args.epochs} epochs of the tutorial with {args.workers} workers"
    show(f"Hymenoptera at 224 pixels, SqueezeNet 1.1; {title}", tabulate(frame))


if __name__ == "__main__":
    main()
