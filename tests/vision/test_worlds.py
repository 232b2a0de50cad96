"""Generated worlds: a seed gives the same pictures, factors are independent, the dial has true ends."""

from __future__ import annotations

import numpy as np
import pytest

from tlkit.errors import BadInput, UnknownName
from tlkit.vision.worlds import rendering, vocabulary
from tlkit.vision.worlds import tasks as worlds
from tlkit.vision.worlds.tasks import make_task
from tlkit.vision.worlds.vocabulary import FACTORS, NOVEL, SOURCE, vocabularies


def small(factor="shape", similarity=1.0, **changed):
    return make_task(factor, similarity, **({"n_train": 60, "n_test": 40} | changed))


def drawn(similarity=1.0, n=40, size=32, seed=0, **chosen):
    """Draw pictures of given classes; a factor that is not given stays at class 0."""
    labels = {factor: np.full(n, chosen.get(factor, 0)) for factor in FACTORS}
    return rendering.render(np.random.default_rng(seed), vocabularies(similarity), labels, size)


def test_the_same_seed_gives_the_same_pictures():
    first, second = small(seed=3), small(seed=3)
    assert np.array_equal(first.X, second.X)
    assert np.array_equal(first.y_test, second.y_test)
    assert first.fingerprint == second.fingerprint


def test_another_seed_gives_others():
    assert small(seed=1).fingerprint != small(seed=2).fingerprint


def test_training_and_test_pictures_differ():
    task = small()
    assert not np.array_equal(task.X[:40], task.X_test)


@pytest.mark.parametrize("factor", FACTORS)
def test_classes_are_balanced_and_named(factor):
    task = small(factor, n_train=len(SOURCE[factor].names) * 4)
    assert set(np.bincount(task.y)) == {4}
    assert task.classes == SOURCE[factor].names


def test_pictures_are_colour_bytes_of_the_size_asked_for():
    task = small(size=20)
    assert task.X.shape == (60, 3, 20, 20)
    assert task.X.dtype == np.uint8


def test_pictures_use_the_whole_range_of_light():
    pictures = small(n_train=500).X
    assert pictures.min() == 0
    assert pictures.max() == 255
    assert 60 < pictures.mean() < 200
    assert (pictures.std(axis=(1, 2, 3)) > 5).all()  # no empty picture


def test_factors_are_independent():
    counts = {factor: len(SOURCE[factor].names) for factor in FACTORS}
    labels = worlds.draw_labels(counts, "shape", 20_000, np.random.default_rng(0))
    for other in set(FACTORS) - {"shape"}:
        table = np.zeros((counts["shape"], counts[other]))
        np.add.at(table, (labels["shape"], labels[other]), 1)
        expected = 20_000 / table.size
        chi_square = ((table - expected) ** 2 / expected).sum()
        freedom = table.size - 1
        assert chi_square < freedom + 5 * np.sqrt(2 * freedom), other


def test_position_moves_the_object_and_nothing_else_does():
    style = SOURCE["style"].names.index("night")
    names = SOURCE["position"].names

    def centre(**chosen):
        light = drawn(style=style, n=100, **chosen).max(axis=1).mean(axis=0).astype(float)
        light = np.clip(light - 60, 0, None)
        return [(light.sum(axis=axis) * np.arange(32)).sum() / light.sum() for axis in (0, 1)]

    left, right = (centre(position=names.index(name)) for name in ("middle left", "middle right"))
    assert right[0] - left[0] > 9
    assert abs(right[1] - left[1]) < 1.5
    shapes = (SOURCE["shape"].names.index(name) for name in ("star", "square"))
    star, square = (centre(position=4, shape=shape) for shape in shapes)
    assert np.allclose(star, square, atol=1.5)


def test_colour_shows():
    colours = (SOURCE["colour"].names.index(name) for name in ("blue", "vermilion"))
    blue, vermilion = (drawn(colour=colour, n=100) for colour in colours)
    middle = (slice(None), slice(None), slice(12, 20), slice(12, 20))
    difference = blue[middle].mean(axis=(0, 2, 3)) - vermilion[middle].mean(axis=(0, 2, 3))
    assert difference[2] > 0 > difference[0]


def test_outlines_have_equal_areas():
    for words in (SOURCE, NOVEL):
        areas = np.exp(2 * words["shape"].table).mean(axis=1)
        assert np.allclose(areas, 1, rtol=0.15)
    assert np.allclose(np.exp(2 * SOURCE["shape"].table).mean(axis=1), 1, rtol=1e-4)


def test_a_disc_is_as_deep_as_its_radius():
    profile = np.zeros((1, vocabulary.ANGLES), np.float32)
    x = np.array([[[0.0, 1.0, 0.0, 2.0]]], np.float32)
    y = np.array([[[0.0, 0.0, -0.5, 0.0]]], np.float32)
    assert np.allclose(rendering.depth_inside(profile, x, y), [[[1, 0, 0.5, -1]]], atol=1e-6)


def test_distance_to_a_slanted_edge_is_perpendicular():
    square = vocabulary._outline(np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]))[None].astype(np.float32)
    side = np.exp(square.min())
    points = np.linspace(-0.6, 0.6, 7, dtype=np.float32)[None, None] * side
    depth = rendering.depth_inside(square, np.full_like(points, 0.8 * side), points)
    assert np.allclose(depth, 0.2 * side, atol=0.06)


def test_similarity_one_is_the_source_world():
    assert vocabularies(1)["texture"] is SOURCE["texture"]


def test_similarity_nought_shares_no_class():
    for factor in FACTORS:
        assert not set(SOURCE[factor].names) & set(vocabularies(0)[factor].names)
        nearest = np.abs(SOURCE[factor].table[:, None] - vocabularies(0)[factor].table).max(axis=2).min()
        assert nearest > 0.04, factor


def test_between_the_ends_every_class_is_a_mixture():
    between = vocabularies(0.25)
    assert between["shape"].names[0] == f"{SOURCE['shape'].names[0]}-{NOVEL['shape'].names[0]}"
    expected = 0.25 * SOURCE["texture"].table + 0.75 * NOVEL["texture"].table
    assert np.allclose(between["texture"].table, expected)


def test_the_dial_has_no_jumps():
    steps = [vocabularies(s)["shape"].table for s in (0, 1e-4, 0.5, 0.5001, 1 - 1e-4, 1)]
    for before, after in zip(steps[::2], steps[1::2], strict=True):
        assert np.abs(before - after).max() < 1e-3


def test_at_similarity_keeps_all_else():
    task = small("texture", seed=5, size=16)
    foreign = task.at_similarity(0)
    assert foreign.similarity == 0
    assert foreign.X.shape == task.X.shape
    assert foreign.classes == NOVEL["texture"].names
    assert foreign.at_similarity(1).fingerprint == task.fingerprint
    assert task.budget(2, seed=0).similarity == 1


def test_a_source_shares_no_picture_with_targets():
    assert worlds.SOURCE_SEED != 0
    task = make_task(n_train=50, n_test=10, seed=worlds.SOURCE_SEED)
    assert task.fingerprint != make_task(n_train=50, n_test=10).fingerprint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"similarity": 1.5}, "Similarity is a number from 0 .* got 1.5"),
        ({"similarity": float("nan")}, "Similarity is a number"),
        ({"similarity": "high"}, "Similarity is a number .* got 'high'"),
        ({"n_train": 9}, "n_train is a whole number, 10 or more; got 9"),
        ({"n_test": 2.5}, "n_test is a whole number, 10 or more; got 2.5"),
        ({"seed": -1}, "seed is a whole number, 0 or more"),
        ({"size": 4}, "size is a whole number, 8 or more"),
    ],
)
def test_a_number_out_of_range_is_refused(arguments, message):
    with pytest.raises(BadInput, match=message):
        make_task(**arguments)


def test_an_unknown_factor_is_refused():
    with pytest.raises(UnknownName, match=r"no factor 'color'. Did you mean 'colour'"):
        make_task("color")
