"""A gallery shows one picture of each class, with its name, and says so in words."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tlkit.vision.gallery import FINE, LINE, SIDE, gallery
from tlkit.vision.tasks import ImageTask


def plain_task(n_classes: int, channels: int) -> ImageTask:
    """A task whose pictures of class k are all of the grey 10 k, and the test pictures a little lighter."""
    labels = np.arange(2 * n_classes) % n_classes
    pictures = (
        np.ones((len(labels), channels, 8, 8), np.uint8) * (10 * labels).astype(np.uint8)[:, None, None, None]
    )
    names = [f"grey-{10 * k}" for k in range(n_classes)]
    return ImageTask(pictures, labels, pictures + 5, labels, names, "greys")


@pytest.mark.parametrize("channels", [1, 3])
def test_each_class_has_its_picture_over_its_name(channels):
    shown = gallery({"Greys": plain_task(4, channels)}).draw()
    middles = [(FINE * (i * (SIDE + 4) + SIDE // 2), FINE * (LINE + SIDE // 2)) for i in range(4)]
    assert [shown.getpixel(at) for at in middles] == [(10 * k,) * 3 for k in range(4)]


def test_many_classes_are_thinned_evenly_and_first_and_last_are_there():
    names, pictures = gallery({"Greys": plain_task(21, 1)}, columns=5).rows["Greys"]
    assert names == ("grey-0", "grey-50", "grey-100", "grey-150", "grey-200")
    assert pictures[:, 0, 0, 0].tolist() == [0, 50, 100, 150, 200]


def test_a_notebook_gets_a_png_with_a_description():
    shown = gallery({"Two": plain_task(2, 1), "Three": plain_task(3, 3)})
    data, about = shown._repr_mimebundle_()
    assert Image.open(io.BytesIO(data["image/png"])).width == FINE * about["image/png"]["width"]
    assert about["image/png"]["alt"] == (
        "Pictures in 2 rows. Two: grey-0, grey-10. Three: grey-0, grey-10, grey-20."
    )
    assert data["text/plain"] == "Two: grey-0, grey-10\nThree: grey-0, grey-10, grey-20"
