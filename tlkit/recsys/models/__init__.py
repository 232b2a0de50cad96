"""Recommenders, scikit-learn style: `fit(ratings)`, `predict(users, items)`, `recommend(users, n)`."""

from tlkit.recsys.models.autoencoders import AutoRec, MultiDAE, UserAutoRec
from tlkit.recsys.models.biases import Biases
from tlkit.recsys.models.bpr import BPR
from tlkit.recsys.models.content import ContentBased
from tlkit.recsys.models.ease import EASE
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.recsys.models.matrix_factorization import MatrixFactorization
from tlkit.recsys.models.neighbours import ItemNeighbours, UserNeighbours
from tlkit.recsys.models.popularity import Popularity
from tlkit.recsys.models.sgd_factorization import SGDFactorization

__all__ = [
    "BPR",
    "EASE",
    "AutoRec",
    "Biases",
    "ContentBased",
    "ImplicitALS",
    "ItemNeighbours",
    "MatrixFactorization",
    "MultiDAE",
    "Popularity",
    "SGDFactorization",
    "UserAutoRec",
    "UserNeighbours",
]
