"""MovieLens by release: found in a local copy, else downloaded from GroupLens, and checked.

Harper and Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from filelock import FileLock

from tlkit.errors import BadInput, FileProblem, require_known
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.ratings import as_ratings
from tlkit.system import archives, files

URL = "https://files.grouplens.org/datasets/movielens/{}.zip"
COLUMNS = ["user", "item", "rating", "timestamp"]
NO_GENRE = "unknown"
GENRES_100K = (
    f"{NO_GENRE} Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir "
    "Horror Musical Mystery Romance Sci-Fi Thriller War Western"
).split()
SUSPENSE = (
    *("Action", "Adventure", "Crime", "Film-Noir", "Horror"),
    *("Mystery", "Sci-Fi", "Thriller", "War", "Western"),
)
LICENCE = "For research, under GroupLens' terms; not to be passed on without its permission."

Reader = Callable[[Path], pd.DataFrame]


def _ratings_tab(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", names=COLUMNS)


def _ratings_dat(path: Path) -> pd.DataFrame:
    # Fields are parted by "::"; by single colons, every other column is empty, and the fast parser serves.
    return pd.read_csv(path, sep=":", header=None, usecols=[0, 2, 4, 6]).set_axis(COLUMNS, axis=1)


def _ratings_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)[["userId", "movieId", "rating", "timestamp"]].set_axis(COLUMNS, axis=1)


def _items_tab(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="|", header=None, index_col=0, encoding="latin-1")
    flags = table.iloc[:, -len(GENRES_100K) :].set_axis(GENRES_100K, axis=1)
    return flags.assign(title=table.iloc[:, 0])


def _items_dat(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="::", header=None, index_col=0, encoding="latin-1", engine="python")
    return _flagged(table.iloc[:, 0], table.iloc[:, 1])


def _items_csv(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, index_col="movieId")
    return _flagged(table["title"], table["genres"].replace("(no genres listed)", NO_GENRE))


def _flagged(titles: pd.Series, genres: pd.Series) -> pd.DataFrame:
    return genres.str.get_dummies("|").assign(title=titles)


@dataclass(frozen=True)
class Layout:
    """The files of a release, and how to read them."""

    ratings: str
    items: str
    read_ratings: Reader
    read_items: Reader
    scale: tuple[float, float]


TAB = Layout("u.data", "u.item", _ratings_tab, _items_tab, (1, 5))
DAT = Layout("ratings.dat", "movies.dat", _ratings_dat, _items_dat, (1, 5))
CSV = Layout("ratings.csv", "movies.csv", _ratings_csv, _items_csv, (0.5, 5))


@dataclass(frozen=True)
class Release:
    """A release: its layout, its number of ratings, and the MD5 that GroupLens publishes of the archive."""

    layout: Layout
    n_ratings: int
    md5: str | None


RELEASES = {
    "100k": Release(TAB, 100_000, "0e33842e24a9c977be4e0107933c0723"),
    # GroupLens may renew this one, and no checksum of it is known: it is held to its number of ratings.
    "latest-small": Release(CSV, 100_836, None),
    "1m": Release(DAT, 1_000_209, "c4d9eecfca2ab87c1945afe126590906"),
    "20m": Release(CSV, 20_000_263, "cd245b17a1ae2cc31bb14903e1204af3"),
    "25m": Release(CSV, 25_000_095, "6b51fb2759a8657d3bfcbfc42b592ada"),
    "32m": Release(CSV, 32_000_204, "d472be332d4daa821edc399621853b57"),
}


def movielens(release: str = "100k") -> Domain:
    """Load a release of MovieLens: from ``TLKIT_DATA``, from the cache, or downloaded.

    Parameters
    ----------
    release : {"100k", "latest-small", "1m", "20m", "25m", "32m"}
        Which; the number says how many ratings.

    Returns
    -------
    Domain
        Ratings in the order of the file, with timestamps. Items have title, category (the first genre) and a
        column of 0 and 1 for each genre.

    Raises
    ------
    UnknownName
        If there is no such release.
    FileProblem
        If it cannot be downloaded, or is damaged or incomplete.
    """
    found = RELEASES[require_known("MovieLens release", str(release), RELEASES)]
    layout, folder = found.layout, _folder(str(release), found)
    table = _read(layout.read_ratings, folder / layout.ratings)
    _require_whole(table, found, folder / layout.ratings)
    items = _read(layout.read_items, folder / layout.items).rename_axis("item")
    genres = items.drop(columns="title").astype("int8")
    category = genres.idxmax(axis=1).where(genres.any(axis=1), NO_GENRE)
    return Domain(
        name=f"ml-{release}",
        title=f"MovieLens {release}",
        ratings=as_ratings(table, scale=layout.scale),
        items=items[["title"]].assign(category=category).join(genres),
        data=f"MovieLens {release}, GroupLens, University of Minnesota: {len(table):,} ratings",
        licence=LICENCE,
    )


def _folder(release: str, found: Release) -> Path:
    name = f"ml-{release}"
    local = next(filter(None, map(files.find_local, _places(name, found))), None)
    return (local or _download(name, found)).parent


def _places(name: str, found: Release) -> tuple[str, str]:
    """Where the ratings are: in a folder of the release's name, or as the archive unpacks."""
    return f"{name}/{found.layout.ratings}", f"{name}/{name}/{found.layout.ratings}"


def _download(name: str, found: Release) -> Path:
    """Fetch and unpack a release, once where several processes ask at the same time."""
    place = files.cache_dir() / "data"
    place.mkdir(exist_ok=True)
    with FileLock(place / f"{name}.lock"):
        if not (place / name).exists():
            archives.unpack(_fetch(name, found, place), place / name, partial(_require_release, name, found))
    return place / _places(name, found)[1]


def _require_release(name: str, found: Release, folder: Path) -> None:
    """Refuse an archive without the release's ratings, where no checksum has told."""
    if found.md5:
        return
    path = folder / name / found.layout.ratings
    try:
        _require_whole(_read(found.layout.read_ratings, path), found, path)
    except FileProblem as error:
        raise archives.BadArchive(f"The archive is not the release {name}: {error}") from error


def _fetch(name: str, found: Release, place: Path) -> Path:
    try:
        return files.download(URL.format(name), place / f"{name}.zip", md5=found.md5)
    except FileProblem as error:
        raise FileProblem(
            f"{error} Or put the release's folder {name} into a folder that TLKIT_DATA names. "
            "The task two_shops needs no download."
        ) from error


def _read(read: Reader, path: Path) -> pd.DataFrame:
    try:
        return read(path)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise FileProblem(
            f"{path} cannot be read as a file of MovieLens ({error}). Delete it and get the release again."
        ) from error


def _require_whole(table: pd.DataFrame, found: Release, path: Path) -> None:
    if len(table) != found.n_ratings:
        raise FileProblem(
            f"{path} holds {len(table):,} ratings where the release has {found.n_ratings:,}: it is "
            "incomplete or another version. Delete it and get the release again, or read it as your own: "
            f"load_task({str(path)!r}, user=..., item=..., rating=...)."
        )


def by_genres(
    release: str = "100k",
    first: tuple[str, ...] = SUSPENSE,
) -> dict[str, Domain]:
    """Cut a release of MovieLens into two domains over the same users, by genre.

    Parameters
    ----------
    release : str
        As for `movielens`.
    first : tuple of str
        Genres of the domain ``action``. A film is there if at least half of its genres are among these; all
        others are in the domain ``drama``.

    Raises
    ------
    BadInput
        If a genre is unknown, or one of the domains gets no ratings.
    """
    whole = movielens(release)
    assert whole.items is not None  # every release describes its films
    genres = whole.items.drop(columns=["title", "category"])
    for genre in first:
        require_known("genre", genre, genres.columns)
    in_first = genres[list(first)].sum(axis=1) * 2 >= genres.sum(axis=1).clip(lower=1)
    titles = {"action": "films of suspense", "drama": "films of feeling"}
    parts = {"action": in_first, "drama": ~in_first}
    return {name: _part(whole, name, titles[name], whole.items[parts[name]]) for name in parts}


def _part(whole: Domain, name: str, title: str, items: pd.DataFrame) -> Domain:
    rows = whole.ratings[whole.ratings["item"].isin(items.index)]
    if not len(rows):
        raise BadInput(f"With these genres the domain {name!r} has no ratings: choose other `first` genres.")
    own = {each: rows[each].cat.remove_unused_categories() for each in ("user", "item")}
    ratings = rows.assign(**own).reset_index(drop=True)
    return Domain(name, f"{whole.title}, {title}", ratings, items, f"{whole.data}, of {title}", whole.licence)
