"""Labels in all the forms people bring them, -1 among them, and draws of each class."""

import numpy as np
import pytest

from tlkit.classification.draws import is_repeated
from tlkit.classification.labels import as_labels, class_names, require_classes, require_codes
from tlkit.errors import BadInput


@pytest.mark.parametrize("given", [[0, 1, -1], np.array([[0], [1], [-1]], np.int8), [0.0, 1.0, -1.0]])
def test_accepted_labels(given):
    found = as_labels(given)
    assert found.dtype == np.int64
    assert found.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[0, 1], [1, 0]], r"found \(2, 2\)"),
        (["ant", "bee"], r"whole numbers; found \['ant', 'bee'\].*np.unique\(y, return_inverse=True\)"),
        ([0.5, 1], r"whole numbers; found \[0.5, 1.0\]"),
        ([0, np.nan], "1 NaN"),
        ([0, -2], "found -2"),
    ],
)
def test_refused_labels(given, message):
    with pytest.raises(BadInput, match=message):
        as_labels(given)


def test_codes_without_gaps():
    assert require_codes(np.array([2, 0, 1])) == 3
    with pytest.raises(BadInput, match=r"0 to 3 without gaps. 0, 2 have no example.*return_inverse"):
        require_codes(np.array([1, 3]))
    with pytest.raises(BadInput, match=r"0 to 1 without gaps. 2 should not occur"):
        require_codes(np.array([0, 1, 2]), 2)
    with pytest.raises(BadInput, match=r"-1 should not occur"):
        require_codes(np.array([0, 1, -1]))


def test_minus_one_is_unlabelled_only_beside_two_classes():
    assert require_classes(np.array([3, 5, 5]), n_unlabelled=4).tolist() == [3, 5]
    with pytest.raises(BadInput, match=r"-1 means.*only \[1\].*re-code: y = np.unique"):
        require_classes(np.array([1, 1]), n_unlabelled=2)
    with pytest.raises(BadInput, match=r"at least two classes; the labels are all \[1\]"):
        require_classes(np.array([1, 1]), n_unlabelled=0)


def test_class_names_are_labels_by_default_and_never_come_twice():
    assert class_names(None, np.array([0, 1, 1])) == ("0", "1")
    with pytest.raises(BadInput, match=r"come twice \(ant\)"):
        class_names(["ant", "bee", "ant"], np.arange(3))


def test_an_example_is_repeated_to_the_last_value():
    examples = np.random.default_rng(0).integers(0, 256, (5, 8, 9), dtype=np.uint8)
    assert is_repeated(examples, examples[[1, 3]]).tolist() == [False, True, False, True, False]
    assert is_repeated(np.array(["a b", "b c"]), np.array(["b c"])).tolist() == [False, True]
    assert is_repeated(examples[:0], examples).dtype == bool  # a mask of none
