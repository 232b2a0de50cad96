"""The image task: what it accepts, draws, scores and counts."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin

from tlkit.classification.draws import held_out
from tlkit.classification.metrics import calibration_error, class_weights, classification_metrics
from tlkit.errors import BadInput, UnknownName
from tlkit.vision.tasks import ImageTask

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
Y = np.array([0] * 20 + [1] * 15 + [2] * 5)
X_TEST = RNG.integers(0, 256, (9, 3, 8, 8), dtype=np.uint8)
Y_TEST = np.array([0] * 6 + [1] * 2 + [2])


class Fixed(ClassifierMixin, BaseEstimator):
    """Answers with given probabilities; counts how often it is asked."""

    def __init__(self, probabilities=None, classes=(0, 1, 2)):
        self.probabilities, self.classes = probabilities, classes

    def fit(self, X, y, callbacks=()):
        self.classes_, self.seen_, self.callbacks_, self.asked_ = np.array(self.classes), (X, y), callbacks, 0
        return self

    def predict_proba(self, X):
        self.asked_ += 1
        return np.asarray(self.probabilities)


def make(**changes):
    given = {"X": X, "y": Y, "X_test": X_TEST, "y_test": Y_TEST, "classes": ("a", "b", "c")} | changes
    return ImageTask(**given)


def one_hot(labels, n=3):
    return np.eye(n)[labels]


# what it accepts
def test_from_arrays_takes_other_forms():
    task = ImageTask.from_arrays(X.transpose(0, 2, 3, 1) / 255, Y[:, None], X_TEST, Y_TEST, size=16)
    assert task.X.shape == (40, 3, 16, 16)
    assert task.classes == ("0", "1", "2")
    np.testing.assert_array_equal(ImageTask.from_arrays(X / 255, Y, X_TEST, Y_TEST).X, X)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": X[:, :, 0, 0]}, r"found shape \(40, 3\)"),
        ({"X": X.astype(int)}, r"found int64"),
        ({"X": np.where(X > 250, np.nan, X / 255)}, "NaN of 7,680 values"),
        ({"X": X[:0], "y": Y[:0]}, "no pictures"),
        ({"y": Y[:-1]}, "40 training pictures but 39 labels"),
        ({"y_test": Y_TEST[:-1]}, "9 test pictures but 8 labels"),
        ({"X_test": X_TEST[:, :1]}, r"\(3, 8, 8\) but test pictures \(1, 8, 8\)"),
        ({"y": Y + 1}, "without gaps. 0 have no example"),
        ({"y": Y + 1, "classes": None}, "0 have no example.*return_inverse"),
        ({"y": Y * 2, "classes": None}, "0 to 4 without gaps. 1, 3 have no example"),
        ({"classes": ("a", "b")}, "2 should not occur"),
        ({"classes": ("a", "b", "c", "d")}, "3 have no example"),
        ({"y": Y * 0, "classes": None}, "only one class"),
        ({"y_test": Y_TEST + 1}, r"Test labels \[3\] do not occur"),
        ({"X": X_TEST, "y": Y_TEST}, "All training pictures are also test pictures"),
    ],
)
def test_refused_data(changes, message):
    with pytest.raises(BadInput, match=message):
        make(**changes)


def test_unknown_metric():
    with pytest.raises(UnknownName, match=r"'balanced'.*Did you mean 'balanced_accuracy'"):
        make(metric="balanced")


def test_pictures_of_the_test_are_dropped_from_training():
    repeats = np.concatenate([X, X_TEST[:2]])
    with pytest.warns(UserWarning, match=r"2 of 42 training pictures are also test pictures"):
        task = make(X=repeats, y=np.concatenate([Y, [2, 2]]))
    np.testing.assert_array_equal(task.X, X)
    np.testing.assert_array_equal(task.y, Y)
    assert len(task.X_test) == len(X_TEST)


def test_no_warning_without_repeats():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make()


# budgets
def test_budget_is_stratified_and_reproducible():
    task = make()
    part = task.budget(4, seed=1)
    assert np.bincount(part.y).tolist() == [4, 4, 4]
    np.testing.assert_array_equal(part.X, make().budget(4, seed=1).X)
    assert not np.array_equal(part.X, task.budget(4, seed=2).X)
    assert part.X_test is task.X_test
    assert (part.max_budget, task.max_budget) == (4, 5)


def test_budget_draws_pictures_with_their_labels_once():
    part = make().budget(5, seed=3)
    content = {picture.tobytes(): label for picture, label in zip(X, Y, strict=True)}
    assert [content[picture.tobytes()] for picture in part.X] == part.y.tolist()
    assert len({picture.tobytes() for picture in part.X}) == 15


def test_larger_budget_holds_the_smaller():
    small, large = (make().budget(n, seed=0).X for n in (2, 5))
    assert {picture.tobytes() for picture in small} < {picture.tobytes() for picture in large}


def test_too_large_a_budget_names_the_class():
    with pytest.raises(
        BadInput, match=r"budget of 6 labels a class.*class 'c' has only 5 .* largest budget is 5"
    ):
        make().budget(6)


@pytest.mark.parametrize("n", [-1, 2.0, True, "2"])
def test_refused_budgets(n):
    with pytest.raises(BadInput, match=r"whole number of labels a class"):
        make().budget(n)


# fingerprints
def test_fingerprint_covers_all_that_matters():
    task, part = make(), make().budget(2, seed=1)
    same = [make(), make(name="other"), pickle.loads(pickle.dumps(task))]
    assert {each.fingerprint for each in same} == {task.fingerprint}
    assert pickle.loads(pickle.dumps(part)).fingerprint == make().budget(2, seed=1).fingerprint
    changed = X.copy()
    changed[0, 0, 0, 0] ^= 1
    others = [
        task,
        make(X=changed),
        make(X_test=X_TEST[::-1]),
        make(y_test=Y_TEST[::-1].copy()),
        make(classes=("a", "b", "d")),
        make(metric="balanced_accuracy"),
        part,
        task.budget(3, seed=1),
        task.budget(2, seed=2),
        part.budget(1, seed=1),
    ]
    assert len({each.fingerprint for each in others}) == len(others)


# scoring
def test_a_score_by_hand():
    found = np.array([0, 0, 0, 1, 1, 2, 1, 0, 2])
    estimator = make().fit(Fixed(one_hot(found)))
    score = make().score(estimator)
    assert estimator.asked_ == 1
    assert score.per_example.tolist() == [1, 1, 1, 0, 0, 0, 1, 0, 1]
    assert score.metrics["accuracy"] == pytest.approx(5 / 9)
    assert score.metrics["balanced_accuracy"] == pytest.approx((3 / 6 + 1 / 2 + 1) / 3)
    assert score.metrics["recall"] == pytest.approx(score.metrics["balanced_accuracy"])
    assert score.metrics["precision"] == pytest.approx((3 / 4 + 1 / 3 + 1 / 2) / 3)
    assert score.metrics["ece"] == pytest.approx(4 / 9)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_mean_of_units_is_the_headline(metric):
    task = make(metric=metric)
    probabilities = RNG.dirichlet(np.ones(3), size=9)
    score = task.score(task.fit(Fixed(probabilities)))
    assert score.per_example.mean() == pytest.approx(score.metrics[metric])
    assert score.per_example.shape == (9,)


def test_metrics_agree_with_scikit_learn():
    probabilities = RNG.dirichlet(np.ones(3), size=9)
    found = probabilities.argmax(axis=1)
    metrics = classification_metrics(Y_TEST, probabilities)
    assert metrics["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(Y_TEST, found))
    assert metrics["f1"] == pytest.approx(sk.f1_score(Y_TEST, found, average="macro", zero_division=0))
    assert metrics["log_loss"] == pytest.approx(-np.log(probabilities[np.arange(9), Y_TEST]).mean())


def test_means_are_over_the_classes_of_the_test_and_no_others():
    metrics = classification_metrics(np.array([0, 0, 1]), one_hot(np.array([0, 2, 1])))
    assert (metrics["precision"], metrics["recall"]) == (1, 0.75)
    assert metrics["f1"] == pytest.approx((2 / 3 + 1) / 2)
    assert metrics["log_loss"] == pytest.approx(-np.log(np.finfo(float).eps) / 3)


@pytest.mark.filterwarnings("error::sklearn.exceptions.UndefinedMetricWarning")
def test_a_class_that_is_never_found_has_precision_0():
    metrics = classification_metrics(np.array([0, 1]), one_hot(np.array([0, 0])))
    assert (metrics["precision"], metrics["recall"]) == (0.25, 0.5)


def test_columns_follow_the_estimators_classes():
    task = make()
    swapped = task.fit(Fixed(one_hot(Y_TEST)[:, [2, 0, 1]], classes=(2, 0, 1)))
    assert task.score(swapped).metrics["accuracy"] == 1
    two_classes = task.fit(Fixed(np.tile([0.75, 0.25], (9, 1)), classes=(0, 1)))
    assert task.score(two_classes).metrics["accuracy"] == pytest.approx(6 / 9)


def test_confusion_matrix():
    found = np.array([0, 0, 0, 1, 1, 2, 1, 0, 2])
    table = make().confusion(make().fit(Fixed(one_hot(found))))
    assert table.to_numpy().tolist() == [[3, 2, 1], [1, 1, 0], [0, 0, 1]]
    assert list(table.index) == list(table.columns) == ["a", "b", "c"]
    assert (table.index.name, table.columns.name) == ("true", "predicted")


def test_scoring_needs_probabilities():
    with pytest.raises(BadInput, match=r"BaseEstimator has no predict_proba"):
        make().score(BaseEstimator())


def test_callbacks_go_to_those_that_take_them():
    class Plain(Fixed):
        def fit(self, X, y):
            return super().fit(X, y)

    task = make().budget(2)
    assert task.fit(Fixed(), callbacks=["listener"]).callbacks_ == ["listener"]
    assert task.fit(Plain(), callbacks=["listener"]).callbacks_ == ()
    assert task.fit(Plain()).seen_[0] is task.X


def test_calibration_error_by_hand():
    # Two bins hold pictures: (0.6, 0.6667] with confidences 0.62 and 0.66, one right;
    # (0.8667, 0.9333] with 0.9, 0.9 and 0.9, all right. Gaps |0.5 - 0.64| and |1 - 0.9|, weights 2/5 and 3/5.
    confidence = np.array([0.62, 0.66, 0.9, 0.9, 0.9])
    probabilities = np.column_stack([confidence, 1 - confidence])
    expected = 2 / 5 * 0.14 + 3 / 5 * 0.1
    assert calibration_error(np.array([0, 1, 0, 0, 0]), probabilities) == pytest.approx(expected)


def test_calibration_error_of_the_extremes():
    assert calibration_error(np.array([0, 1]), np.eye(2)) == 0
    assert calibration_error(np.array([1, 0]), np.eye(2)) == 1


def test_bins_are_closed_above():
    probabilities = np.array([[0.8, 0.2], [0.81, 0.19]])  # 0.8 = 12/15 ends bin 12
    assert calibration_error(np.array([0, 1]), probabilities) == pytest.approx((0.2 + 0.81) / 2)


def test_the_first_and_the_last_bin_are_bins_of_their_own():
    """Right and wrong cancel within a bin: right by 0.05 where wrong by 0.92 is in the bin below."""
    high = np.array([[0.92, 0.08], [0.95, 0.05]])
    assert calibration_error(np.array([1, 0]), high) == pytest.approx((0.92 + 0.05) / 2)
    low = np.full((2, 30), 0.03)
    low[0, 0], low[1, 0] = 0.06, 0.08  # the first bin ends at 1 / 15
    assert calibration_error(np.array([0, 1]), low) == pytest.approx((0.94 + 0.08) / 2)


def test_a_confidence_rounded_above_1_is_in_the_last_bin():
    probabilities = np.array([[1 + 1e-7, 0], [0.95, 0.05]])
    assert calibration_error(np.array([1, 0]), probabilities) == pytest.approx((1 - 0.05) / 2)


def test_class_weights():
    assert class_weights(np.array([0, 0, 0, 2])).tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


# holding out
def test_held_out_share_of_each_class():
    mask = held_out(Y, 0.3, "abc")
    assert np.bincount(Y[mask]).tolist() == [6, 4, 2]
    np.testing.assert_array_equal(mask, held_out(Y, 0.3, "abc"))
    assert np.bincount(Y[held_out(Y, 0.01, "abc")]).tolist() == [1, 1, 1]
    assert np.bincount(Y[held_out(Y, 0.99, "abc")]).tolist() == [19, 14, 4]


def test_of_two_examples_one_is_held_out():
    assert np.bincount(np.array([0, 0, 1, 1])[held_out(np.array([0, 0, 1, 1]), 0.9, "ab")]).tolist() == [1, 1]


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_the_share_held_out_leaves_something_on_both_sides(share):
    with pytest.raises(BadInput, match=f"between 0 and 1; found {share}"):
        held_out(Y, share, "abc")


@pytest.mark.parametrize(("y", "scarce"), [([0, 0, 1], "'b' has 1"), ([0, 0], "'b' has 0")])
def test_a_class_to_hold_out_of_has_two_examples(y, scarce):
    with pytest.raises(BadInput, match=f"Class {scarce} picture; one to learn from and one to test"):
        held_out(np.array(y), 0.3, "ab")


def test_groups_of_test_pictures_are_checked_and_stay_with_every_budget(rng):
    X, y = rng.random((40, 8, 8)), np.arange(40) % 2
    parts = X[:20], y[:20], X[20:], y[20:]
    task = ImageTask.from_arrays(*parts, groups=[f"patient {i // 4}" for i in range(20)])
    assert task.groups.tolist() == sorted([*range(5)] * 4)
    assert task.budget(3).groups is task.groups
    with pytest.raises(BadInput, match="groups= has 3 entries and there are 20 test examples"):
        ImageTask.from_arrays(*parts, groups=["a", "b", "a"])
    with pytest.raises(BadInput, match="puts all 20 test examples into one group, 'a'"):
        ImageTask.from_arrays(*parts, groups=["a"] * 20)
