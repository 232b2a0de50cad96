"""Tasks by name and path: embedded sets, folders, arrays in files, torchvision's data sets."""

import errno
import inspect
import io
import shutil
import subprocess
import sys
import urllib.error
import zipfile

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from tlkit import load_task
from tlkit.errors import BadInput, FileProblem, UnknownName
from tlkit.system import files
from tlkit.vision import loaders
from tlkit.vision.loaders import find
from tlkit.vision.loading import folders, torchvision
from tlkit.vision.tasks import ImageTask

RNG = np.random.default_rng(0)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A cache and a classroom drive of their own."""
    (tmp_path / "drive").mkdir()
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TLKIT_DATA", str(tmp_path / "drive"))
    return tmp_path


def noise(shape=(8, 8)):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def fill(folder, counts, shape=(8, 8, 3)):
    """Make a folder of class folders with so many pictures each."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            Image.fromarray(noise(shape)).save(folder / name / f"{index}.png")
    return folder


# embedded sets
def test_digits():
    task = load_task("digits")
    assert task.X.shape == (900, 1, 32, 32)
    assert np.bincount(task.y).tolist() == [90] * 10
    assert len(task.X) + len(task.X_test) == 1797
    assert task.X.max() == 255
    assert load_task("digits").fingerprint == task.fingerprint
    assert load_task("digits", size=16).X_test.shape == (897, 1, 16, 16)


def test_glyphs():
    task = load_task("glyphs")
    assert len(task.classes) == 62
    assert task.X.shape[1:] == task.X_test.shape[1:] == (1, 32, 32)
    assert set(task.y_test) == set(range(62))
    assert load_task("glyphs", size=16).X.shape[2:] == (16, 16)


def test_worlds():
    assert isinstance(load_task("worlds", size=16), ImageTask)


def test_every_loader_takes_a_size():
    for loader in (loaders.digits, loaders.glyphs, loaders.make_task, loaders.hymenoptera):
        assert inspect.signature(loader).parameters["size"].default is None


# names
def test_unknown_names(places):
    with pytest.raises(UnknownName, match=r"no task 'digitz'. Did you mean 'digits'.*glyphs"):
        load_task("digitz")
    with pytest.raises(UnknownName, match=r"Did you mean 'CIFAR10'"):
        load_task("cifar-11")
    with pytest.raises(UnknownName, match=r"no parameter of task 'digits' 'sise'. Did you mean 'size'"):
        load_task("digits", sise=16)
    assert find("") is None


def test_names_are_found_on_the_drive_and_in_the_cache(places):
    fill(places / "drive" / "mine", {"a": 3, "b": 3})
    fill(places / "cache" / "data" / "kept", {"a": 3, "b": 3})
    assert load_task("mine").name == "mine"
    assert load_task("kept").name == "kept"


def test_a_path_means_what_is_there_and_a_name_the_drive(places, monkeypatch):
    fill(places / "drive" / "pets", {"cat": 8, "dog": 8})
    fill(places / "here" / "pets", {"cat": 4, "dog": 4, "fish": 4})
    monkeypatch.chdir(places / "here")
    assert load_task("pets").classes == ("cat", "dog")
    assert load_task("../here/pets").classes == ("cat", "dog", "fish")


def test_tables_are_left_to_others(places):
    table = places / "drive" / "stars" / "u.data"
    table.parent.mkdir()
    table.write_text("1\t2\t3")
    for claimed in ("stars", table.parent, table, places / "mine.csv", "elsewhere/mine.inter", "x/y.parquet"):
        assert find(str(claimed)) is None
    (table.parent / ".ipynb_checkpoints").mkdir()
    assert find("stars") is None
    Image.fromarray(noise()).save(table.parent / "0.png")  # pictures and a list of labels
    with pytest.raises(BadInput, match="holds no class folders"):
        load_task("stars")
    (table.parent / "0.png").unlink()
    fill(table.parent, {"a": 3, "b": 3})
    assert load_task("stars").classes == ("a", "b")


# folders
def test_folder_is_split_by_class(places):
    task = load_task(fill(places / "pets", {"cat": 10, "dog": 20}), size=16)
    assert task.classes == ("cat", "dog")
    assert np.bincount(task.y).tolist() == [7, 14]
    assert np.bincount(task.y_test).tolist() == [3, 6]
    assert task.X.shape == (21, 3, 16, 16)
    assert load_task(str(places / "pets"), size=16).fingerprint == task.fingerprint
    assert len(load_task(places / "pets", test_share=0.5).X) == 15


@pytest.mark.parametrize(
    ("parts", "in_test"),
    [(("train", "test"), "test"), (("train", "val"), "val"), (("train", "valid", "test"), "test")],
)
def test_folder_with_its_own_split(places, parts, in_test):
    counts = dict(zip(parts, (4, 3, 2), strict=False))
    for part, count in counts.items():
        fill(places / "pets" / part, {"cat": count, "dog": count})
    task = load_task(places / "pets")
    assert len(task.X_test) == 2 * counts.pop(in_test)
    assert len(task.X) == 2 * sum(counts.values())
    test_files = sorted((places / "pets" / in_test).rglob("*.png"))
    np.testing.assert_array_equal(task.X_test[0].transpose(1, 2, 0), np.asarray(Image.open(test_files[0])))


def test_foreign_files_do_not_matter(places):
    folder = fill(places / "pets", {"cat": 3, "dog": 3})
    (folder / "cat" / "notes.txt").write_text("")
    (folder / "cat" / "._0.png").write_text("a Mac's shadow file")
    (folder / "__MACOSX").mkdir()
    for place in (folder, folder / "cat"):
        (place / ".ipynb_checkpoints").mkdir()
        shutil.copy(folder / "cat" / "0.png", place / ".ipynb_checkpoints" / "0-checkpoint.png")
    task = load_task(folder)
    assert task.classes == ("cat", "dog")
    assert len(task.X) + len(task.X_test) == 6


def test_empty_folder(places):
    (places / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty holds no class folders. Expected: FOLDER/CLASS/picture"):
        load_task(places / "empty")
    (places / "empty" / "cat").mkdir()
    with pytest.raises(BadInput, match=r"class folders without pictures: cat. Expected: .*\.png"):
        load_task(places / "empty")


def test_missing_folder(places):
    with pytest.raises(FileProblem, match=r"no folder .*absent. Expected"):
        load_task(places / "absent")


def test_incomplete_splits(places):
    fill(places / "pets" / "train", {"cat": 3, "dog": 3})
    with pytest.raises(BadInput, match=r"train folder but neither test nor val"):
        load_task(places / "pets")
    (places / "pets" / "test").mkdir()
    with pytest.raises(BadInput, match=r"test holds no pictures"):
        load_task(places / "pets")
    fill(places / "pets" / "test", {"bird": 3})
    with pytest.raises(BadInput, match=r"test has classes that .*train has not: bird"):
        load_task(places / "pets")


def test_unreadable_pictures_in_a_folder(places):
    folder = fill(places / "pets", {"cat": 4, "dog": 4})
    (folder / "cat" / "1.png").write_text("no picture")
    with pytest.raises(
        BadInput, match=r"1 of 8 picture files cannot be read: .*cat.1\.png.*unreadable='skip'"
    ):
        load_task(folder)
    with pytest.warns(UserWarning, match=r"1 of 8"):
        task = load_task(folder, unreadable="skip")
    assert sorted(np.bincount(np.concatenate([task.y, task.y_test]))) == [3, 4]


def test_skipped_pictures_keep_labels_aligned(places):
    for part in ("train", "test"):
        for value, name in ((10, "cat"), (200, "dog")):
            folder = fill(places / "pets" / part, {name: 0}) / name
            for index in range(3):
                Image.fromarray(np.full((8, 8), value + index + (part == "test") * 5, np.uint8)).save(
                    folder / f"{index}.png"
                )
    (places / "pets" / "train" / "cat" / "0.png").write_text("no picture")
    with pytest.warns(UserWarning, match=r"1 of 12"):
        task = load_task(places / "pets", unreadable="skip")
    assert ((task.X.mean(axis=(1, 2, 3)) > 100) == task.y).all()
    assert ((task.X_test.mean(axis=(1, 2, 3)) > 100) == task.y_test).all()
    assert len(task.X) == 5


# hymenoptera
def tutorial_zip(counts):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as pack:
        for (part, name), count in counts.items():
            for index in range(count):
                picture = io.BytesIO()
                Image.fromarray(noise((16, 20, 3))).save(picture, "jpeg")
                pack.writestr(f"hymenoptera_data/{part}/{name}/{index}.jpg", picture.getvalue())
    return content.getvalue()


def serve(monkeypatch, content):
    def download(url, path, sha256=None):
        return files.atomic_write(path, content)

    monkeypatch.setattr(files, "download", download)


def test_hymenoptera_is_downloaded_once(places, monkeypatch):
    counts = dict.fromkeys(folders.HYMENOPTERA_COUNTS, 3)
    monkeypatch.setattr(folders, "HYMENOPTERA_COUNTS", counts)
    serve(monkeypatch, tutorial_zip(counts))
    task = load_task("hymenoptera", size=8)
    assert task.classes == ("ants", "bees")
    assert task.X.shape == (6, 3, 8, 8)
    monkeypatch.setattr(files, "download", None)
    assert load_task("hymenoptera", size=8).fingerprint == task.fingerprint


def test_hymenoptera_with_other_pictures_is_refused(places, monkeypatch):
    serve(monkeypatch, tutorial_zip({("train", "ants"): 2}))
    with pytest.raises(
        FileProblem, match=r"does not hold the pictures expected.*is deleted, and the next call"
    ):
        load_task("hymenoptera")
    assert files.find_local("hymenoptera") is None
    assert files.find_local("hymenoptera_data.zip") is None


def test_hymenoptera_offline(places, monkeypatch):
    def offline(url, path):
        raise FileProblem("Is this machine offline?")

    monkeypatch.setattr(files, "download", offline)
    with pytest.raises(FileProblem, match=r"offline.*TLKIT_DATA.*digits, glyphs and worlds need no download"):
        load_task("hymenoptera")


@pytest.mark.realdata
def test_real_hymenoptera():
    task = load_task("hymenoptera")
    assert task.X.shape == (244, 3, 224, 224)
    assert np.bincount(task.y).tolist() == [123, 121]
    assert np.bincount(task.y_test).tolist() == [70, 83]


# .npz
def arrays(**changes):
    parts = {"train": 12, "val": 4, "test": 6}
    given = {f"{part}_images": noise((count, 28, 28)) for part, count in parts.items()}
    given |= {f"{part}_labels": np.arange(count)[:, None] % 2 for part, count in parts.items()}
    return {key: value for key, value in (given | changes).items() if value is not None}


def test_npz(places):
    given = arrays()
    np.savez(places / "x.npz", **given)
    task = load_task(places / "x.npz")
    np.testing.assert_array_equal(task.X[:, 0], np.concatenate([given["train_images"], given["val_images"]]))
    np.testing.assert_array_equal(task.X_test[:, 0], given["test_images"])
    np.testing.assert_array_equal(task.y_test, given["test_labels"][:, 0])
    assert load_task(places / "x.npz", size=32, metric="balanced_accuracy").X.shape == (16, 1, 32, 32)


@pytest.mark.parametrize("where", ["x.npz", "x/x.npz"])
def test_npz_by_name(places, where):
    (places / "drive" / where).parent.mkdir(exist_ok=True)
    np.savez(places / "drive" / where, **arrays(val_images=None, val_labels=None))
    assert len(load_task("x").X) == 12


def test_npz_without_its_arrays(places):
    np.savez(places / "x.npz", **arrays(test_images=None), extra=1)
    with pytest.raises(
        BadInput, match=r"lacks test_images. Expected: train_images.*val may be absent.*found extra"
    ):
        load_task(places / "x.npz")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut"])
def test_npz_that_is_none(places, content):
    (places / "x.npz").write_bytes(content)
    with pytest.raises(FileProblem, match=r"x\.npz cannot be read as an \.npz"):
        load_task(places / "x.npz")


def test_npz_with_pickles_is_not_opened(places):
    np.savez(places / "x.npz", **arrays(train_labels=np.array([{}] * 12)))
    with pytest.raises(FileProblem, match=r"cannot be read as an \.npz of plain arrays"):
        load_task(places / "x.npz")


def test_missing_npz(places):
    with pytest.raises(FileProblem, match=r"absent\.npz cannot be read.*No such file"):
        load_task(places / "absent.npz")


def test_repeats_between_train_and_test_are_dropped(places):
    given = arrays()
    given["train_images"][:2] = given["test_images"][:2]
    np.savez(places / "x.npz", **given)
    with pytest.warns(UserWarning, match=r"2 of 16 training pictures are also test pictures"):
        assert len(load_task(places / "x.npz").X) == 14


@pytest.mark.realdata
def test_real_pneumoniamnist():
    task = load_task("pneumoniamnist", metric="balanced_accuracy")
    assert task.X.shape[1:] == (1, 28, 28)
    assert len(task.X) == 3882 + 524
    assert len(task.X_test) == 624


# torchvision
EXPECTED = {
    "CIFAR10": ([{"train": True}], {"train": False}),
    "FashionMNIST": ([{"train": True}], {"train": False}),
    "USPS": ([{"train": True}], {"train": False}),
    "QMNIST": ([{"train": True}], {"train": False}),
    "SVHN": ([{"split": "train"}], {"split": "test"}),
    "Food101": ([{"split": "train"}], {"split": "test"}),
    "OxfordIIITPet": ([{"split": "trainval"}], {"split": "test"}),
    "FGVCAircraft": ([{"split": "trainval"}], {"split": "test"}),
    "Flowers102": ([{"split": "train"}, {"split": "val"}], {"split": "test"}),
    "EMNIST": ([{"split": "balanced", "train": True}], {"split": "balanced", "train": False}),
    "EuroSAT": ([{}], None),
    "Caltech101": ([{}], None),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_splits(name):
    assert torchvision.splits(name) == EXPECTED[name]


def test_names_are_classification_sets_only():
    assert set(EXPECTED) <= set(torchvision.names())
    assert not {"FakeData", "ImageFolder", "VOCDetection", "Kinetics", "CelebA", "ImageNet"} & set(
        torchvision.names()
    )
    assert torchvision.OTHER_PURPOSE.issubset(datasets.__all__)


@pytest.mark.parametrize("name", torchvision.names())
def test_constructor_accepts_the_values(name, tmp_path):
    """Without data it must get as far as to miss the files."""
    pool, test = torchvision.splits(name)
    for arguments in [*pool, *([test] if test else [])]:
        with pytest.raises((RuntimeError, FileNotFoundError)) as caught:
            getattr(datasets, name)(root=str(tmp_path), download=False, **arguments)
        assert "Unknown value" not in str(caught.value)


def test_known_tasks_do_without_torchvision():
    code = "import sys, tlkit; print(tlkit.load_task('digits').name, 'torchvision' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["digits", "False"]


def test_names_in_any_spelling(places):
    assert torchvision.match("fashion-mnist") == "FashionMNIST"
    assert torchvision.match("oxfordiiitpet") == "OxfordIIITPet"
    assert torchvision.match("cifar_10") == "CIFAR10"
    assert torchvision.match("digits") is None
    assert find("cifar10")
    with pytest.raises(UnknownName, match=r"'CIFAR1000'. Did you mean 'CIFAR100'"):
        torchvision.torchvision_task("CIFAR1000")


class FakeSet:
    """A small data set behind torchvision's interface; it `downloads` a file."""

    shape, downloads, classes = (8, 8, 3), 0, ["zero", "one", "two", "three"]

    def __init__(self, root, train=True, download=False):
        self.marker = f"{root}/data.bin"
        if download:
            type(self).downloads += 1
            with open(self.marker, "w") as file:
                file.write("")
        with open(self.marker):
            self.seed = int(train)

    def __len__(self):
        return 30 if self.seed else 12

    def __getitem__(self, index):
        pixels = np.random.default_rng([self.seed, index]).integers(0, 256, self.shape, dtype=np.uint8)
        return Image.fromarray(pixels), 1 + index % 3  # label 0 never occurs


@pytest.fixture
def fake(monkeypatch, places):
    kind = type("CIFAR10", (FakeSet,), {})
    monkeypatch.setattr(datasets, "CIFAR10", kind)
    return kind


def test_torchvision_set(fake, places):
    task = load_task("cifar10")
    assert task.name == "CIFAR10"
    assert task.classes == ("one", "two", "three")
    assert task.X.shape == (30, 3, 8, 8)
    assert task.y_test.tolist() == [0, 1, 2] * 4
    np.testing.assert_array_equal(task.X[3].transpose(1, 2, 0), np.asarray(fake(root=_root(places))[3][0]))


def _root(places):
    return places / "cache" / "data" / "torchvision" / "CIFAR10"


def test_torchvision_set_is_decoded_once(fake, places, monkeypatch):
    task = load_task("cifar10", size=16)
    assert fake.downloads == 2  # both splits, once each
    monkeypatch.setattr(fake, "__getitem__", None)
    assert load_task("cifar10", size=16).fingerprint == task.fingerprint
    assert task.X.shape[2:] == (16, 16)


def test_torchvision_set_on_the_drive(fake, places):
    root = places / "drive" / "torchvision" / "CIFAR10"
    root.mkdir(parents=True)
    (root / "data.bin").write_text("")
    load_task("cifar10")
    assert fake.downloads == 0


def test_torchvision_set_without_a_split(fake, places, monkeypatch):
    def without(self, root, download=False):
        FakeSet.__init__(self, root, True, download)

    monkeypatch.setattr(fake, "__init__", without)
    task = load_task("cifar10")
    assert np.bincount(task.y).tolist() == [7] * 3
    assert np.bincount(task.y_test).tolist() == [3] * 3


def test_grey_torchvision_set(fake, places):
    fake.shape = (8, 8)
    assert load_task("cifar10").X.shape == (30, 1, 8, 8)


@pytest.mark.parametrize(
    "error",
    [urllib.error.URLError("no route"), ConnectionResetError("reset"), RuntimeError("Error downloading x")],
)
def test_torchvision_offline(fake, places, monkeypatch, error):
    def offline(self, root, train=True, download=False):
        with open(f"{root}/half", "w") as file:
            file.write("half")
        raise error

    monkeypatch.setattr(fake, "__init__", offline)
    message = r"offline.*torchvision/CIFAR10 in a folder that TLKIT_DATA names.*digits, glyphs and worlds"
    with pytest.raises(FileProblem, match=message):
        load_task("cifar10")
    assert list(_root(places).parent.iterdir()) == []


def test_full_disk_while_torchvision_downloads(fake, places, monkeypatch):
    def full(self, root, train=True, download=False):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fake, "__init__", full)
    with pytest.raises(FileProblem, match=r"disk is full"):
        load_task("cifar10")


def test_torchvision_folder_that_holds_something_else(fake, places):
    _root(places).mkdir(parents=True)
    with pytest.raises(FileProblem, match=r"is not torchvision's CIFAR10.*Delete it"):
        load_task("cifar10")
    shutil.rmtree(_root(places))
    load_task("cifar10")
