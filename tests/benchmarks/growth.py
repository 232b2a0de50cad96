"""Growth of implicit ALS: seconds and memory of a fit against the number of ratings, as table and figure.

Users and items grow with the ratings, as in a shop: 12 ratings a user and 30 an item on average. Each size
is fitted in a process of its own; memory is its peak above what it holds before the matrix is read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import psutil
import torch
from als import long_tailed
from common import show
from plotly.subplots import make_subplots
from scipy.sparse import csr_array, load_npz, save_npz

from tlkit.course.publish import drawing
from tlkit.figures import style
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.system import compute

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
PER_USER, PER_ITEM = 12, 30
PICTURE = Path(__file__).parents[2] / "data" / "pictures" / "growth.png"
MEASURED = {"seconds": "seconds of a fit", "MB": "MB of matrix and fit"}


def peak_bytes(device: torch.device) -> int:
    """Return the most memory that this process has held so far, on the device if that has its own."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return memory.peak_wset
    status = Path("/proc/self/status")
    if status.exists():  # on Linux getrusage counts what the parent held when it made this process
        return 1024 * next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(path: str, iterations: int, device: str | None) -> dict[str, float]:
    """Fit once on a matrix from a file."""
    where = compute.choose_device(device)
    model = ImplicitALS(iterations=1, random_state=0, device=where.type)
    model.fit_matrix(long_tailed(1000, 500, 5000))  # what the first fit of a process loads is not growth
    before = peak_bytes(where)
    matrix = csr_array(load_npz(path))
    with compute.Stopwatch() as watch:
        model.set_params(iterations=iterations).fit_matrix(matrix)
    megabytes = (peak_bytes(where) - before) / 1e6
    return {"ratings": matrix.nnz, "seconds": watch.seconds, "MB": megabytes}


def apart(n_ratings: int, args: argparse.Namespace) -> dict[str, float]:
    """Measure in a process of its own."""
    matrix = long_tailed(n_ratings // PER_USER, n_ratings // PER_ITEM, n_ratings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matrix.npz"
        save_npz(path, matrix, compressed=False)
        command = [sys.executable, __file__, "--measure", str(path), "--iterations", str(args.iterations)]
        command += ["--device", args.device] if args.device else []
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(told.splitlines()[-1])


def slope(table: pd.DataFrame, column: str) -> float:
    """Return the exponent of growth: the slope of a line through the logarithms."""
    return float(np.polyfit(np.log(table["ratings"]), np.log(table[column]), 1)[0])


def draw(table: pd.DataFrame) -> go.Figure:
    """Draw both measures on log scales, each beside growth that is linear."""
    figure = make_subplots(cols=len(MEASURED), horizontal_spacing=0.14)
    names = style.marks(["linear", *MEASURED.values()])
    for place, (column, name) in enumerate(MEASURED.items(), start=1):
        ratings, values = table["ratings"], table[column]
        linear = ratings * values.iloc[-1] / ratings.iloc[-1]
        dotted = style.line("linear", ratings, linear, names["linear"], "dot")
        dotted.update(mode="lines", showlegend=place == 1)
        figure.add_trace(dotted, row=1, col=place)
        told = f"{name}, exponent {slope(table, column):.2f}"
        figure.add_trace(style.line(told, ratings, values, names[name], "solid"), row=1, col=place)
        figure.update_yaxes(title=name, type="log", dtick=1, col=place)
    figure.update_xaxes(title="ratings", type="log", dtick=1)
    return figure.update_layout(template=style.TEMPLATE, height=360)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device")
    parser.add_argument("--iterations", type=int, default=ImplicitALS.iterations)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="leave out sizes above this")
    parser.add_argument("--measure", metavar="FILE", help="measure on this matrix alone, and print JSON")
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.iterations, args.device)))
        return
    table = pd.DataFrame([apart(size, args) for size in SIZES if size <= args.largest])
    written = table.assign(
        ratings=[f"{each:,.0f}" for each in table["ratings"]],
        seconds=[f"{each:.2f}" for each in table["seconds"]],
        MB=[f"{each:,.0f}" for each in table["MB"]],
    )
    written["microseconds a rating"] = [f"{each:.2f}" for each in 1e6 * table["seconds"] / table["ratings"]]
    written["bytes a rating"] = [f"{each:.0f}" for each in 1e6 * table["MB"] / table["ratings"]]
    show(
        f"Growth of implicit ALS: {ImplicitALS.factors} factors, {args.iterations} iterations, "
        f"on {compute.choose_device(args.device).type}",
        written,
        f"Exponents of growth: {slope(table, 'seconds'):.2f} of time, {slope(table, 'MB'):.2f} of memory; "
        "1 is linear.\n",
    )
    with drawing() as as_png:
        PICTURE.write_bytes(as_png(json.loads(draw(table).to_json())))


if __name__ == "__main__":
    main()
