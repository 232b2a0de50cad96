"""MovieLens 100K: stars over five folds and lists on a published split, beside what other tools reach.

Stars: the folds of Surprise's ``KFold(n_splits=5, random_state=0)`` on the ratings in file order, which are
those of scikit-learn. Each fold is fitted by every contestant before the next one comes, every fold starts
with another contestant, and only fitting is timed, in seconds of the processor, one thread each. Lists: the
split of the `recommenders` project's comparison, a quarter of each user's ratings held out with seed 42, ten
items recommended out of all unseen ones, any rating relevant.

Nothing is chosen on the test ratings of either table. The defaults of `MatrixFactorization` and
`SGDFactorization` were chosen on the folds of ``random_state=1``; EASE finds its penalty inside the training
ratings, and the fusion its weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import common
import numpy as np
import pandas as pd
from sklearn.base import clone

from tlkit.recsys.data.movielens import movielens
from tlkit.recsys.evaluation.splits import k_folds
from tlkit.recsys.models.autoencoders import AutoRec, MultiDAE
from tlkit.recsys.models.base import Recommender
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.bpr import BPR
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.neighbours import ItemNeighbours, UserNeighbours
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.models.sgd_factorization import SGDFactorization
from tlkit.recsys.strategies.fusion import Fusion
from tlkit.recsys.tasks import RatingsTask
from tlkit.system import compute

try:
    import surprise
except ImportError:
    surprise = None

REFERENCE = "Surprise SVD"
Contest = Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], tuple[float, np.ndarray]]

# README of recommenders-team/recommenders, "Algorithm Comparison" (release 1.1.1): those that rank by design.
PUBLISHED = {
    "BiVAE": (0.475077, 0.411771, 0.219145),
    "BPR (Cornac)": (0.441997, 0.388229, 0.212522),
    "LightGCN": (0.419846, 0.379626, 0.144336),
    "NCF": (0.396118, 0.347296, 0.180775),
    "SAR": (0.382461, 0.330753, 0.176385),
}


def ours(model: Recommender) -> Contest:
    """Fit a recommender of the kit; checking the table is part of the time."""

    def fit(train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame) -> tuple[float, np.ndarray]:
        fresh = clone(model).set_params(random_state=0)
        with common.ProcessorWatch() as watch:
            fresh.fit(train, items, objective="rating")
        return watch.seconds, fresh.predict(test["user"], test["item"])

    return fit


def theirs(name: str, **params: Any) -> Contest:
    """Fit one of Surprise's algorithms; making its training set is not part of the time."""

    def fit(train: pd.DataFrame, test: pd.DataFrame, items: pd.DataFrame) -> tuple[float, np.ndarray]:
        # In random order, as its own folds come: its SVD visits ratings so, and is worse in the file's order.
        mixed = train[["user", "item", "rating"]].sample(frac=1, random_state=0)
        data = surprise.Dataset.load_from_df(mixed, surprise.Reader(rating_scale=(1, 5)))
        trainset = data.build_full_trainset()
        algorithm = getattr(surprise, name)(**params)
        np.random.seed(0)
        with common.ProcessorWatch() as watch:
            algorithm.fit(trainset)
        pairs = zip(test["user"], test["item"], strict=True)
        return watch.seconds, np.array([algorithm.predict(*pair).est for pair in pairs])

    return fit


def star_contestants() -> dict[str, Contest]:
    """Everything that predicts stars, by label."""
    peers = {
        "Surprise BaselineOnly": theirs("BaselineOnly", verbose=False),
        REFERENCE: theirs("SVD", random_state=0),
        "Surprise SVD++": theirs("SVDpp", random_state=0),
        "Surprise KNNBaseline": theirs("KNNBaseline", verbose=False),
    }
    kit = {
        "Biases": Biases(),
        "ItemNeighbours": ItemNeighbours(),
        "UserNeighbours": UserNeighbours(),
        "MatrixFactorization": MatrixFactorization(),
        "SGDFactorization": SGDFactorization(),
        "AutoRec": AutoRec(),
        "fusion": Fusion(),
    }
    return (peers if surprise else {}) | {label: ours(model) for label, model in kit.items()}


def stars(contestants: Mapping[str, Contest]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return mean errors with their spread over folds, and the seconds of each fold."""
    domain = movielens("100k")
    names = list(contestants)
    errors, seconds = {name: [] for name in names}, []
    for turn, parts in enumerate(k_folds(domain.ratings)):
        spent = {}
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            spent[name], predicted = contestants[name](*parts, domain.items)
            wrong = predicted - parts[1]["rating"].to_numpy()
            errors[name].append((np.sqrt(np.mean(wrong**2)), np.mean(np.abs(wrong))))
        seconds.append(spent)
    means = {name: np.mean(each, axis=0) for name, each in errors.items()}
    spread = {name: np.std(each, axis=0, ddof=1)[0] for name, each in errors.items()}
    rows = [
        {
            "model": name,
            "RMSE": f"{means[name][0]:.4f}",
            "over folds": f"± {spread[name]:.4f}",
            "MAE": f"{means[name][1]:.4f}",
        }
        for name in names
    ]
    return pd.DataFrame(rows), pd.DataFrame(seconds)[names]


def show_stars() -> None:
    """Print the table of stars."""
    contestants = star_contestants()
    ours(MatrixFactorization(iterations=1))(*warm_up())
    table, seconds = stars(contestants)
    table["processor's seconds, 5 folds"] = [f"{value:.1f}" for value in seconds.sum()]
    if REFERENCE in seconds:
        ratios = seconds.div(seconds[REFERENCE], axis=0)
        table[f"time / {REFERENCE}"] = [
            f"{value:.2f}" for value in seconds.median() / seconds[REFERENCE].median()
        ]
        table["folds"] = [
            f"{low:.2f} to {high:.2f}" for low, high in zip(ratios.min(), ratios.max(), strict=True)
        ]
    peers = f"Surprise {surprise.__version__}." if surprise else "Surprise is not installed: no peers."
    common.show("Stars: MovieLens 100K, five folds", table, peers)


def warm_up() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a small part of the data: what is loaded at the first call is nobody's time."""
    domain = movielens("100k")
    return domain.ratings[:1000], domain.ratings[:10], domain.items


def list_contestants() -> dict[str, Recommender]:
    """Everything that ranks, by label."""
    return {
        "EASE": EASE(),
        "ImplicitALS": ImplicitALS(),
        "MultiDAE": MultiDAE(),
        "BPR": BPR(),
        "ItemNeighbours": ItemNeighbours(),
        "popularity": Popularity(),
        "fusion": Fusion(),
    }


def show_lists() -> None:
    """Print the table of lists beside the published one."""
    domain = movielens("100k")
    task = RatingsTask.split(domain.ratings, domain.items, test_share=0.25, seed=42)
    rows = []
    for label, model in list_contestants().items():
        with compute.Stopwatch() as watch:
            fitted = task.fit(clone(model).set_params(random_state=0))
        metrics = task.score(fitted).metrics
        values = [f"{metrics[f'{name}@10']:.4f}" for name in ("ndcg", "precision", "recall")]
        rows.append([label, *values, f"{watch.seconds:.1f}"])
    rows += [
        [f"{label}, published", *(f"{v:.4f}" for v in values), ""] for label, values in PUBLISHED.items()
    ]
    table = pd.DataFrame(rows, columns=["model", "NDCG@10", "precision@10", "recall@10", "seconds"])
    common.show(
        "Lists: MovieLens 100K, 75/25 a user, seed 42, k = 10, all unseen items ranked",
        table,
        "Published: README of recommenders-team/recommenders, Algorithm Comparison, release 1.1.1.",
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["stars", "lists"], help="one of the two tables")
    chosen = parser.parse_args().only
    if chosen != "lists":
        show_stars()
    if chosen != "stars":
        show_lists()


if __name__ == "__main__":
    main()
