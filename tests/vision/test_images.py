"""Pictures and labels in all the forms people bring them, and picture files good and bad."""

import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from tlkit.errors import BadInput, UnknownName
from tlkit.vision.images import arrays, files

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 8, 9), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 8, 9, 3), dtype=np.uint8)


# arrays
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
        (GREY / 255, GREY[:, None]),
        ((GREY / 255).astype(np.float32), GREY[:, None]),
        (list(GREY), GREY[:, None]),
    ],
)
def test_accepted_forms(given, expected):
    found = arrays.as_images(given)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)


def test_ready_pictures_are_not_copied():
    ready = np.zeros((2, 3, 8, 8), np.uint8)
    assert np.shares_memory(arrays.as_images(ready), ready)


def test_torch_tensor():
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(arrays.as_images(torch.from_numpy(GREY)), GREY[:, None])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"shape \(N, H, W\).*found shape \(8, 8\)"),
        (np.zeros((2, 8, 8, 5), np.uint8), r"C = 1 \(grey\) or 3 \(RGB\); found shape \(2, 8, 8, 5\)"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"X\[..., :3\]"),
        (np.zeros((0, 8, 8), np.uint8), r"no pictures: found shape \(0, 8, 8\)"),
        (np.zeros((2, 8, 8), np.int64), "uint8 .* found int64.*astype"),
        (np.full((2, 8, 8), 7.0), r"in \[0, 1\]; found 7 to 7. Divide by 255"),
        (np.full((2, 8, 8), -0.5), r"found -0.5 to -0.5"),
        (np.array([np.zeros((8, 8)), np.full((8, 8), np.nan)]), "64 NaN of 128 values"),
        ([np.zeros((8, 8)), np.zeros((8, 9))], "different sizes.*from a folder"),
    ],
)
def test_refused_forms(given, message):
    with pytest.raises(BadInput, match=message):
        arrays.as_images(given)


# sizes
def test_resize_keeps_what_fits():
    ready = np.zeros((2, 1, 8, 8), np.uint8)
    assert arrays.resize(ready, 8) is ready
    assert arrays.resize(ready, None) is ready


def test_resize_crops_the_middle():
    wide = np.zeros((1, 3, 16, 32), np.uint8)
    wide[..., 8:24] = 200
    np.testing.assert_array_equal(arrays.resize(wide, 16), np.full((1, 3, 16, 16), 200))


def test_resize_is_smooth():
    step = np.zeros((1, 1, 8, 8), np.uint8)
    step[..., 4:] = 160
    row = arrays.resize(step, 16)[0, 0, 0].tolist()
    assert row == [0] * 7 + [40, 120] + [160] * 7


@pytest.mark.parametrize("size", [0, 7, 32.0, "32", True])
def test_refused_sizes(size):
    with pytest.raises(BadInput, match=r"8 or more"):
        arrays.resize(np.zeros((1, 1, 8, 8), np.uint8), size)


# files
def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def gradient(height, width):
    return np.broadcast_to(np.linspace(0, 255, width, dtype=np.uint8)[:, None], (height, width, 3)).copy()


def test_alike_pictures_stay_as_they_are(tmp_path):
    paths = [save(tmp_path / f"{i}.png", picture) for i, picture in enumerate(COLOUR)]
    found, whole = files.read_files(paths)
    np.testing.assert_array_equal(found, COLOUR.transpose(0, 3, 1, 2))
    assert whole.all()


def test_grey_only_if_all_are_grey(tmp_path):
    grey = [save(tmp_path / f"{i}.png", picture) for i, picture in enumerate(GREY)]
    np.testing.assert_array_equal(files.read_files(grey)[0], GREY[:, None])
    mixed = [*grey, save(tmp_path / "colour.png", COLOUR[0])]
    found, _ = files.read_files(mixed)
    np.testing.assert_array_equal(found[0], np.stack([GREY[0]] * 3))
    np.testing.assert_array_equal(found[-1], COLOUR[0].transpose(2, 0, 1))


def test_sixteen_bits_keep_their_range(tmp_path):
    path = save(tmp_path / "x.png", np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8))
    found, _ = files.read_files([path])
    np.testing.assert_array_equal(found.reshape(-1), np.round(np.linspace(0, 255, 64)))


def test_camera_orientation_is_undone(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = save(tmp_path / "x.png", gradient(8, 16), exif=exif)
    found, _ = files.read_files([path])
    assert found.shape == (1, 3, 16, 8)
    assert found[0, 0, 0, 0] == 0
    assert found[0, 0, -1, 0] == 255
    assert files.read_files([path], size=8)[0].shape == (1, 3, 8, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_shape_before_decoding_is_that_of_the_turned_picture(orientation):
    picture = Image.new("L", (8, 16))
    picture.getexif()[0x0112] = orientation
    assert files.upright_shape(picture) == ImageOps.exif_transpose(picture).size[::-1]


def test_mixed_sizes_lose_an_eighth_and_what_sticks_out(tmp_path):
    paths = [save(tmp_path / "a.png", gradient(64, 64)), save(tmp_path / "b.png", gradient(64, 128))]
    assert files.read_files(paths)[0].shape == (2, 3, 224, 224)
    found, _ = files.read_files(paths, size=56)
    assert found.shape == (2, 3, 56, 56)
    row = found[0, 0, 28].astype(int)
    np.testing.assert_allclose([row[0], row[-1]], [255 * 4 / 63, 255 * 59 / 63], atol=2)


def test_tutorial_framing():
    frame = files.framing([(300, 400), (400, 300)], 224)
    assert (frame.height, frame.width, frame.short) == (224, 224, 256)
    assert files.framing([(32, 32)] * 3, 64).short == 64
    assert files.framing([(32, 32)] * 3, 32).short is None
    assert files.framing([(32, 48)] * 3, None) == files.Framing(32, 48, None)


def test_large_jpeg_is_like_a_plain_resize(tmp_path):
    rng = np.random.default_rng(1)
    smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((1600, 1200))
    smooth.save(tmp_path / "x.jpg", quality=95)
    with Image.open(tmp_path / "x.jpg") as whole:
        left, top = (round(1600 * 73 / 1200) - 64) // 2, (73 - 64) // 2
        plain = whole.resize((round(1600 * 73 / 1200), 73), Image.Resampling.BILINEAR)
        expected = np.asarray(plain.crop((left, top, left + 64, top + 64)), dtype=int)
    found, _ = files.read_files([tmp_path / "x.jpg"], size=64)
    assert np.abs(found[0].transpose(1, 2, 0) - expected).mean() < 3


@pytest.fixture
def with_bad_files(tmp_path):
    good = [save(tmp_path / f"{i}.png", picture) for i, picture in enumerate(COLOUR)]
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(good[0].read_bytes()[:-60])
    return [good[0], tmp_path / "text.jpg", *good[1:], tmp_path / "cut.png"]


def test_unreadable_pictures_are_counted_and_named(with_bad_files):
    with pytest.raises(BadInput, match=r"2 of 7 picture files.*text\.jpg.*cut\.png.*unreadable='skip'"):
        files.read_files(with_bad_files)


def test_unreadable_pictures_can_be_skipped(with_bad_files):
    with pytest.warns(UserWarning, match=r"2 of 7 .* skipped"):
        found, whole = files.read_files(with_bad_files, unreadable="skip")
    assert whole.tolist() == [True, False, True, True, True, True, False]
    np.testing.assert_array_equal(found, COLOUR.transpose(0, 3, 1, 2))


def test_nothing_readable_is_refused_even_if_skipping(with_bad_files):
    with pytest.raises(BadInput, match=r"1 of 1 picture files"):
        files.read_files(with_bad_files[1:2], unreadable="skip")


def test_unknown_way_with_unreadable_pictures(with_bad_files):
    with pytest.raises(UnknownName, match=r"'skp'. Did you mean 'skip'"):
        files.read_files(with_bad_files, unreadable="skp")


def test_a_large_set_says_its_size(tmp_path, monkeypatch):
    path = save(tmp_path / "x.png", COLOUR[0])
    monkeypatch.setattr(files, "LARGE_GB", 1e-9)
    with pytest.warns(UserWarning, match=r"1 pictures take 0.0 GB"):
        files.read_files([path])
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files.read_files([path])
