"""The figures of the page of background: one a notion, each small enough to be looked through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tlkit import catalogue
from tlkit.errors import ABOVE_0, require_number, whole
from tlkit.figures import style
from tlkit.figures.described import Figure, with_words

HEIGHT = 340
DARK = ("#000000", "#0072B2", "#882255", "#332288", "#661100")  # of the palette: dark enough for small text
PEOPLE = ("Ada", "Ben", "Cleo", "Dan", "Eve")
FILMS = ("Robots", "Rockets", "Roses", "Romance", "Both")
# Stars of five people for five films; what is missing is to be foretold.
STARS = ((5, 4, 1, None, 3), (4, None, 2, 1, 3), (1, 2, None, 5, 3), (None, 1, 4, 5, 3), (5, 5, 1, 1, None))


def cross_entropy() -> Figure:
    """Draw the cross-entropy of one answer over the probability that the right class was given.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = cross_entropy()
    >>> figure.layout.yaxis.title.text
    'cross-entropy of this answer'
    """
    given = np.linspace(0.01, 1, 100)
    table = pd.DataFrame({"probability": given, "cross-entropy": -np.log(given)})
    figure = _figure("probability given to the right class", "cross-entropy of this answer")
    figure.add_scatter(x=given, y=table["cross-entropy"], mode="lines", line={"color": style.COLOURS[1]})
    marked = np.array([0.05, 0.5, 1.0])
    figure.add_scatter(
        x=marked,
        y=-np.log(marked),
        mode="markers+text",
        text=[f"{100 * p:.0f} %: {abs(np.log(p)):.2f}" for p in marked],
        textposition=["middle right", "top right", "top left"],
        marker={"color": style.INK, "size": 9},
    )
    alt = (
        "A curve that falls from left to right. Whoever gives the right class 5 % pays 3.00, 50 % pays 0.69, "
        "and 100 % pays nothing."
    )
    return with_words(figure, alt, table[::10])


def gradient_descent(rate: float = 0.2, steps: int = 6, start: float = -2.0) -> Figure:
    """Draw steps down the loss (w - 1)^2 of one weight, each against the gradient 2 (w - 1).

    Parameters
    ----------
    rate : float
        The learning rate: how much of the gradient a step goes.
    steps : int
        How many steps.
    start : float
        The first weight.

    Returns
    -------
    Figure

    Raises
    ------
    BadInput
        For a rate or a number of steps that cannot be.

    Examples
    --------
    >>> gradient_descent(rate=0.5, steps=1).layout.meta["alt"].partition(". ")[2]
    'In 1 step, weight -2.00 with loss 9.00 becomes 1.00 with loss 0.00.'
    """
    require_number("rate", rate, ABOVE_0)
    require_number("steps", steps, whole(1, 100))
    weights = [start]
    for _ in range(steps):
        weights.append(weights[-1] - rate * 2 * (weights[-1] - 1))
    path = pd.DataFrame({"step": range(steps + 1), "weight": weights}).assign(
        loss=lambda table: (table["weight"] - 1) ** 2
    )
    reach = max(abs(path["weight"] - 1).max() * 1.1, 1)
    valley = np.linspace(1 - reach, 1 + reach, 101)
    figure = _figure("weight w", "loss")
    figure.add_scatter(x=valley, y=(valley - 1) ** 2, mode="lines", line={"color": style.LINE})
    figure.add_scatter(
        x=path["weight"],
        y=path["loss"],
        mode="lines+markers+text",
        text=path["step"],
        textposition=[("top right", "bottom left")[step % 2] for step in path["step"]],
        line={"color": style.COLOURS[2], "dash": "dot"},
        marker={"size": 9},
    )
    first, last = path.iloc[0], path.iloc[-1]
    alt = (
        f"A valley with its bottom at weight 1. In {steps} step{'s' * (steps > 1)}, "
        f"weight {first['weight']:.2f} with loss {first['loss']:.2f} becomes "
        f"{last['weight']:.2f} with loss {last['loss']:.2f}."
    )
    return with_words(figure, alt, path)


def embedding(source: str = "glyphs", target: str = "digits", each: int = 8) -> Figure:
    """Draw a target's examples where a source's features put them, in the two directions of most spread.

    Parameters
    ----------
    source, target : str
        Names, as `tlkit.load_source` and `tlkit.load_task` know them.
    each : int
        Examples a class.

    Returns
    -------
    Figure

    Raises
    ------
    UnknownName
        For a name that is not known.

    Examples
    --------
    >>> len(embedding(each=2).layout.meta["table"]["class"])
    20
    """
    require_number("each", each, whole(1))
    task: Any = catalogue.load_task(target)
    small: Any = task.budget(1, seed=0)
    fitted = task.strategy("nearest", source=catalogue.load_source(source)).fit(small.X, small.y)
    labels = np.asarray(task.y_test)
    rows = np.concatenate([np.flatnonzero(labels == label)[:each] for label in np.unique(labels)])
    features = fitted.features(task.X_test[rows])
    left, sizes, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    places = left[:, :2] * sizes[:2]
    names = [str(task.classes[label]) for label in labels[rows]]
    table = pd.DataFrame({"class": names, "first": places[:, 0].round(2), "second": places[:, 1].round(2)})
    figure = _figure("first direction", "second direction", height=420)
    figure.add_scatter(
        x=table["first"],
        y=table["second"],
        mode="text",
        text=names,
        textfont={"size": 15, "color": [DARK[label % len(DARK)] for label in labels[rows]]},
    )
    alt = (
        f"{len(names)} examples of {target}, each drawn as the name of its class where {source} puts them: "
        f"{features.shape[1]} numbers each, of which the two directions of most spread are shown."
    )
    return with_words(figure, alt, table)


def matrix_factorization(factors: int = 1) -> Figure:
    """Draw a table of stars with gaps beside its product of people's and films' factors, which fills them.

    Parameters
    ----------
    factors : int
        How many numbers describe a person, and a film.

    Returns
    -------
    Figure

    Raises
    ------
    BadInput
        For a number of factors that is none.

    Examples
    --------
    >>> matrix_factorization().layout.annotations[1].text
    'people × films, with 1 factor'
    """
    require_number("factors", factors, whole(1, len(FILMS)))
    stars = np.array(STARS, dtype=float)
    foretold = _completed(stars, factors)
    title = f"people × films, with {factors} factor{'s' * (factors > 1)}"
    figure = make_subplots(1, 2, subplot_titles=["stars given", title], shared_yaxes=True)
    for column, values in enumerate((stars, foretold), start=1):
        figure.add_trace(_heatmap(values), row=1, col=column)
    figure.update_layout(template=style.TEMPLATE, height=HEIGHT, margin_t=50)
    figure.update_yaxes(autorange="reversed")
    table = pd.DataFrame(foretold.round(1), index=list(PEOPLE), columns=list(FILMS))
    gaps = [
        f"{foretold[person, film]:.1f} for {PEOPLE[person]} and {FILMS[film]}"
        for person, film in np.argwhere(np.isnan(stars))
    ]
    alt = (
        f"Two tables of {len(PEOPLE)} people and {len(FILMS)} films. The left one has gaps; the right one "
        f"foretells them: {', '.join(gaps)}."
    )
    return with_words(figure, alt, table.rename_axis("person").reset_index())


def _completed(stars: np.ndarray, factors: int, shrink: float = 0.1, sweeps: int = 50) -> np.ndarray:
    """Factorize what is known around its mean, by least squares for people and films in turn."""
    known, mean = ~np.isnan(stars), np.nanmean(stars)
    rest = np.where(known, stars - mean, 0)
    films = np.random.default_rng(0).normal(size=(stars.shape[1], factors))
    for _ in range(sweeps):
        people = np.stack([_least_squares(films[k], r[k], shrink) for k, r in zip(known, rest, strict=True)])
        films = np.stack(
            [_least_squares(people[k], r[k], shrink) for k, r in zip(known.T, rest.T, strict=True)]
        )
    return mean + people @ films.T


def _least_squares(inputs: np.ndarray, targets: np.ndarray, shrink: float) -> np.ndarray:
    return np.linalg.solve(inputs.T @ inputs + shrink * np.eye(inputs.shape[1]), inputs.T @ targets)


def _heatmap(values: np.ndarray) -> go.Heatmap:
    texts = [["?" if np.isnan(value) else f"{value:g}" for value in row] for row in values.round(1)]
    shades = {"zmin": 1, "zmax": 5, "colorscale": "Blues", "showscale": False, "xgap": 2, "ygap": 2}
    return go.Heatmap(z=values, x=FILMS, y=PEOPLE, text=texts, texttemplate="%{text}", **shades)


def _figure(x: str, y: str, height: int = HEIGHT) -> go.Figure:
    layout = {"template": style.TEMPLATE, "height": height, "margin_t": 20, "showlegend": False}
    return go.Figure(layout=layout).update_xaxes(title=x).update_yaxes(title=y)
