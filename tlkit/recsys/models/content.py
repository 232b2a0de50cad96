"""Content: what users like of the features of items, so that an item nobody has rated can be scored."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.kernel_approximation import Nystroem
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from tlkit.errors import ABOVE_0, BadInput, require_known
from tlkit.recsys.data.ratings import binary
from tlkit.recsys.models.base import FactorModel
from tlkit.recsys.models.biases import fit_baseline
from tlkit.recsys.solvers.ridge import ridge_rows
from tlkit.recsys.solvers.rows import times
from tlkit.study.strategy import hyperparameters

N_PARTS = 20  # of a mixture
N_FEATURES = 100  # of the approximated kernel
TINY = 1e-9  # a size to divide by, if an extractor finds nothing
NEGATIVES = 3  # items not taken, for each one taken, that a support vector machine sees


class MixturePosteriors(TransformerMixin, BaseEstimator):
    """Describe items by the chances of each component of a Gaussian mixture.

    Parameters
    ----------
    n_components : int
        At most; never more than there are items.
    random_state : int, optional
        Of the first means.
    """

    def __init__(self, n_components: int = N_PARTS, random_state: int | None = None):
        self.n_components, self.random_state = n_components, random_state

    def fit(self, X: np.ndarray, y: Any = None) -> MixturePosteriors:
        """Fit the mixture to features (n_items, n_features)."""
        n = min(self.n_components, len(X))
        mixture = GaussianMixture(n, covariance_type="diag", reg_covar=0.01, random_state=self.random_state)
        self.mixture_ = mixture.fit(X)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return posteriors (n_items, n_components)."""
        return self.mixture_.predict_proba(X)


EXTRACTORS: dict[str, Callable[[], BaseEstimator]] = {
    "raw": FunctionTransformer,
    "mixture": MixturePosteriors,
    "rbf": lambda: Nystroem(n_components=N_FEATURES),
}


@hyperparameters
class ContentBased(FactorModel):
    """Learn for each user, apart from all others, what features of items they like.

    Features are the numeric columns of the table of items and one for each category, standardised, described
    by an extractor, scaled so that an item's have length 1 on average, and a constant. What a user likes is a
    ridge regression on them (in closed form, batched over users) or a linear support vector machine: for
    ranking, of what they took against all other items or a draw of them; for rating, of what a `Baseline`
    leaves of their stars. What is popular plays no part.

    Parameters
    ----------
    extractor : {"raw", "mixture", "rbf"} or scikit-learn transformer
        How items are described: as they are, by the posteriors of a Gaussian mixture, or by features whose
        dot products approximate a Gaussian kernel (Nystroem).
    model : {"ridge", "svm"}
        What learns; a support vector machine for each user takes its time.
    reg : float
        L2 penalty, above 0; a support vector machine's C is one over it.
    random_state, device
        As for every recommender.

    Attributes
    ----------
    user_factors : ndarray of shape (n_users, n_features), float32
        What each user likes; for rating, two more columns carry the baseline.
    item_factors : ndarray of shape (n_items, n_features), float32
        The features.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.recsys.models import ContentBased
    >>> task = tlkit.load_task("two_shops", n_users=60, n_items=100)
    >>> model = ContentBased().fit(task.train, task.items)
    >>> model.recommend("u0-05", n=2)["item"].tolist()
    ['f018', 'f008']
    """

    objectives: ClassVar[tuple[str, ...]] = ("ranking", "rating")
    limits: ClassVar = {"reg": ABOVE_0}

    extractor: Any = "raw"
    model: str = "ridge"
    reg: float = 10.0

    def learn(self, matrix: csr_array, generator: torch.Generator) -> None:
        """Describe the items and learn what each user likes."""
        require_known("model", self.model, ("ridge", "svm"))
        seed = int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
        self.features_ = self._describe(seed)
        self.order_ = np.random.default_rng(seed).permutation(matrix.shape[1])
        self.item_factors = self.features_
        if self.objective_ == "rating":
            self.baseline_ = fit_baseline(matrix)
            self.item_factors = np.column_stack([self.features_, self.baseline_.item_columns()])
        self.user_factors = self.fold_in(matrix)
        self.n_trainable_ = self.user_factors.size

    def fold_in(self, profiles: csr_array) -> np.ndarray:
        """Learn what users (n, n_items) like: nothing else has to be known of them."""
        if self.objective_ == "ranking":
            return self._likes(binary(profiles))
        likes = self._likes(self.baseline_.residuals(profiles))
        return np.column_stack([likes, self.baseline_.user_columns(profiles)])

    def _describe(self, seed: int) -> np.ndarray:
        features = numbers(self.item_table_)
        extractor = self.extractor
        if isinstance(extractor, str):
            extractor = EXTRACTORS[require_known("extractor", extractor, EXTRACTORS)]()
        elif not hasattr(extractor, "transform"):
            raise BadInput(
                f"An extractor is one of {', '.join(map(repr, EXTRACTORS))} or a transformer of "
                f"scikit-learn; got {extractor!r}."
            )
        extractor = clone(extractor)
        if "random_state" in extractor.get_params() and extractor.random_state is None:
            extractor.set_params(random_state=seed)
        with warnings.catch_warnings():
            # A small catalogue has fewer items than the kernel has features; all of them are used then.
            warnings.filterwarnings("ignore", message="n_components > n_samples")
            found = extractor.fit_transform(features)
        found = np.asarray(found.toarray() if issparse(found) else found, dtype=np.float32)
        # One penalty suits every extractor when items have one size.
        found /= max(np.sqrt(np.square(found).sum(axis=1).mean()), TINY)
        return np.column_stack([found, np.ones(len(found), dtype=np.float32)])

    def _likes(self, targets: csr_array) -> np.ndarray:
        if self.model == "svm":
            return np.stack([self._separate(targets[[row]]) for row in range(targets.shape[0])])
        features = torch.from_numpy(self.features_).to(self.device_)
        if self.objective_ == "rating":
            return ridge_rows(targets, features, self.reg).cpu().numpy()
        gram = features.T @ features
        gram.diagonal().add_(self.reg)
        return torch.linalg.solve(gram, times(targets, features).T).T.cpu().numpy()

    def _separate(self, target: csr_array) -> np.ndarray:
        """Coefficients of one user's support vector machine, shape (n_features,); zeros without ratings."""
        if not target.nnz:
            return np.zeros(self.features_.shape[1], dtype=np.float32)
        settings = {"C": 1 / self.reg, "fit_intercept": False, "dual": False}
        if self.objective_ == "rating":
            machine = LinearSVR(loss="squared_epsilon_insensitive", **settings)
            return machine.fit(self.features_[target.indices], target.data).coef_.astype(np.float32)
        others = self.order_[~np.isin(self.order_, target.indices)][: NEGATIVES * target.nnz]
        if not len(others):
            return np.zeros(self.features_.shape[1], dtype=np.float32)
        examples = np.concatenate([target.indices, others])
        taken = np.arange(len(examples)) < target.nnz
        machine = LinearSVC(class_weight="balanced", **settings)
        return machine.fit(self.features_[examples], taken).coef_[0].astype(np.float32)


def numbers(table: pd.DataFrame | None) -> np.ndarray:
    """Return what a table says of items as standardised numbers, (n_items, n_features).

    What is missing is taken as average.

    Raises
    ------
    BadInput
        If there is no table, nothing in it but titles, nothing that differs between items, or infinity.
    """
    if table is None:
        raise BadInput(
            "ContentBased learns from features of items, and there is no table of items. Give one: "
            "fit(ratings, items=table) with item ids as its index and columns such as category or year."
        )
    columns = [table.select_dtypes(["number", "bool"])]
    if "category" in table:
        columns.append(pd.get_dummies(table["category"]))
    found = np.column_stack([part.to_numpy(dtype=float) for part in columns])
    if not found.shape[1]:
        raise BadInput(
            "The table of items has neither a column of numbers nor one named category; it has: "
            f"{', '.join(map(str, table.columns))}. ContentBased learns from these alone."
        )
    if np.isinf(found).any():
        raise BadInput("The table of items holds infinite numbers; put NaN where a number is not known.")
    if pd.DataFrame(found).nunique().max() < 2:
        raise BadInput(
            f"The table does not tell items apart (there are {len(found):,}): every number and category in "
            "it is the same for all. ContentBased needs a column that differs between items."
        )
    return np.nan_to_num(StandardScaler().fit_transform(found))
