"""Ratings by name and path: MovieLens in its three layouts, tables, atomic files, pairs, and sources."""

import builtins
import hashlib
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tlkit
from tlkit import load_source, load_task
from tlkit.errors import BadInput, FileProblem, UnknownName
from tlkit.recsys import sources
from tlkit.recsys.data import amazon, movielens
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.movielens import Release, by_genres
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.data.tables import read_table
from tlkit.recsys.evaluation import splits
from tlkit.recsys.loaders import find
from tlkit.recsys.models.implicit_als import ImplicitALS
from tlkit.study.register import tasks
from tlkit.study.source import Source
from tlkit.system import fetching

USERS, ITEMS = 12, 12
GENRES = [
    *("Action", "Drama", "Action|Drama", "Comedy", "Sci-Fi|Thriller", "Comedy|Drama|War"),
    *("Drama", "War", "Comedy", "Drama", "Comedy|Romance", ""),
]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A cache and a classroom drive of their own."""
    (tmp_path / "drive").mkdir()
    monkeypatch.setenv("TLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TLKIT_DATA", str(tmp_path / "drive"))
    return tmp_path


def rows(seed=0, users=USERS, items=ITEMS):
    """Everybody rates most items: user, item, stars, moment."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((users, items)) < 0.9)
    return [
        (u + 1, i + 1, int(rng.integers(1, 6)), 10 * n)
        for n, (u, i) in enumerate(zip(user, item, strict=True))
    ]


def write_release(folder, release, monkeypatch, md5=None):
    """Write a small release in the layout of a large one, and make its number of ratings known."""
    folder.mkdir(parents=True)
    layout, table = movielens.RELEASES[release].layout, rows()
    titles = [f"Film {n}: Amélie (19{n:02d})" for n in range(1, ITEMS + 1)]
    write = {"u.data": _tab, "ratings.dat": _dat, "ratings.csv": _csv}[layout.ratings]
    write(folder, table, titles)
    monkeypatch.setitem(movielens.RELEASES, release, Release(layout, len(table), md5))
    return table


def _tab(folder, table, titles):
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in table))
    lines = []
    for n, (title, genres) in enumerate(zip(titles, GENRES, strict=True), start=1):
        named = genres.split("|") if genres else [movielens.NO_GENRE]
        flags = "|".join(str(int(genre in named)) for genre in movielens.GENRES_100K)
        lines.append(f"{n}|{title}|01-Jan-1995||http://example.org|{flags}\n")
    (folder / "u.item").write_text("".join(lines), encoding="latin-1")


def _dat(folder, table, titles):
    (folder / "ratings.dat").write_text("".join("::".join(map(str, row)) + "\n" for row in table))
    lines = [
        f"{n}::{title}::{genres or 'unknown'}\n"
        for n, (title, genres) in enumerate(zip(titles, GENRES, strict=True), 1)
    ]
    (folder / "movies.dat").write_text("".join(lines), encoding="latin-1")


def _csv(folder, table, titles):
    frame = pd.DataFrame(table, columns=["userId", "movieId", "rating", "timestamp"])
    frame.to_csv(folder / "ratings.csv", index=False)
    genres = [each or "(no genres listed)" for each in GENRES]
    movies = pd.DataFrame({"movieId": range(1, ITEMS + 1), "title": titles, "genres": genres})
    movies.to_csv(folder / "movies.csv", index=False)


# MovieLens
@pytest.mark.parametrize("release", ["100k", "1m", "latest-small"])
def test_every_layout_gives_the_same_domain(places, monkeypatch, release):
    table = write_release(places / "drive" / f"ml-{release}", release, monkeypatch)
    domain = movielens.movielens(release)
    found = domain.ratings.astype({"user": int, "item": int, "rating": int})
    assert list(found.itertuples(index=False, name=None)) == table  # in the order of the file
    assert domain.items["title"].iloc[0] == "Film 1: Amélie (1901)"
    assert domain.items["category"].tolist()[:5] == ["Action", "Drama", "Action", "Comedy", "Sci-Fi"]
    assert domain.items["category"].iloc[-1] == "unknown"
    assert domain.items.loc[6, ["Comedy", "Drama", "War", "Action"]].tolist() == [1, 1, 1, 0]
    assert domain.users.tolist() == list(range(1, USERS + 1))
    assert f"{len(table):,} ratings" in domain.data
    assert "GroupLens" in domain.licence


def test_a_release_is_a_task_by_name_too(places, monkeypatch):
    write_release(places / "drive" / "ml-100k", "100k", monkeypatch)
    assert load_task("ml-100k").fingerprint == load_task("movielens", release="100k").fingerprint
    task = load_task("ml-100k", metric="recall@3", split="time", test_share=0.3)
    assert (task.name, task.metric) == ("ml-100k", "recall@3")
    assert task.train["timestamp"].max() < task.test["timestamp"].min()
    assert task.titles.loc[1].startswith("Film 1")
    assert load_task("ml-100k", metric="rmse", seed=4).scale == (1, 5)
    with pytest.raises(UnknownName, match="no parameter of split 'per_user' 'sed'. Did you mean 'seed'"):
        load_task("ml-100k", sed=3)


def test_an_incomplete_release_is_refused(places, monkeypatch):
    folder = places / "drive" / "ml-100k"
    write_release(folder, "100k", monkeypatch)
    lines = (folder / "u.data").read_text().splitlines(keepends=True)
    (folder / "u.data").write_text("".join(lines[:-5]))
    with pytest.raises(
        FileProblem, match=rf"holds {len(lines) - 5} ratings where the release has {len(lines)}"
    ):
        movielens.movielens("100k")
    (folder / "u.item").write_text("no table at all")
    (folder / "u.data").write_text("".join(lines))
    with pytest.raises(FileProblem, match="u.item cannot be read as a file of MovieLens"):
        movielens.movielens("100k")


def test_an_unknown_release_is_refused():
    with pytest.raises(UnknownName, match="no MovieLens release '100'. Did you mean '100k'"):
        movielens.movielens("100")


def packed(places, monkeypatch, release="latest-small"):
    """A release as GroupLens packs it, with its MD5 made known, and a stand-in for the network."""
    folder = places / "made" / f"ml-{release}"
    write_release(folder, release, monkeypatch)
    archive = places / "made.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        for path in sorted(folder.iterdir()):
            pack.write(path, f"ml-{release}/{path.name}")
    known = movielens.RELEASES[release]
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(movielens.RELEASES, release, Release(known.layout, known.n_ratings, md5))
    asked = []

    def fetch(url, part, path):
        asked.append(url)
        part.write_bytes(archive.read_bytes())

    monkeypatch.setattr("tlkit.system.files.fetch", fetch)
    return archive, asked


def test_a_release_is_downloaded_once_and_verified(places, monkeypatch):
    _, asked = packed(places, monkeypatch)
    first = load_task("ml-latest-small")
    assert load_task("ml-latest-small").fingerprint == first.fingerprint
    assert asked == ["https://files.grouplens.org/datasets/movielens/ml-latest-small.zip"]
    assert not list((places / "cache" / "data").glob("*.zip"))


def test_a_changed_download_is_refused_and_not_kept(places, monkeypatch):
    archive, _ = packed(places, monkeypatch)
    archive.write_bytes(archive.read_bytes() + b"changed")
    with pytest.raises(
        FileProblem, match="wrong checksum: expected md5 .*into a folder that TLKIT_DATA names"
    ):
        movielens.movielens("latest-small")
    assert not [path for path in (places / "cache" / "data").iterdir() if path.suffix in {".zip", ".part"}]


def test_an_archive_without_a_checksum_is_held_to_its_ratings(places, monkeypatch):
    archive, asked = packed(places, monkeypatch)
    short = Release(movielens.RELEASES["latest-small"].layout, 7, None)
    monkeypatch.setitem(movielens.RELEASES, "latest-small", short)
    for _ in range(2):
        with pytest.raises(FileProblem, match="not the release ml-latest-small.*the next call downloads it"):
            movielens.movielens("latest-small")
    assert len(asked) == 2, "the first is not kept"
    archive.write_bytes(b"<html>")
    with pytest.raises(FileProblem, match="is not a whole zip file.*the next call downloads it"):
        movielens.movielens("latest-small")


def test_an_interrupted_download_says_how_to_go_on(places, monkeypatch):
    def broken(*_args, **_kwargs):
        raise urllib.error.URLError("connection reset")

    monkeypatch.setattr(fetching.urllib.request, "urlopen", broken)
    with pytest.raises(FileProblem) as caught:
        movielens.movielens("1m")
    assert "try again to go on" in str(caught.value)
    assert "put the release's folder ml-1m into a folder that TLKIT_DATA names" in str(caught.value)
    assert "two_shops needs no download" in str(caught.value)


# genres
def test_genres_make_two_domains_of_the_same_users(places, monkeypatch):
    table = write_release(places / "drive" / "ml-100k", "100k", monkeypatch)
    parts = by_genres("100k")
    assert list(parts) == ["action", "drama"]
    assert [len(part.ratings) for part in parts.values()] == [
        sum(row[1] in kept for row in table) for kept in ({1, 3, 5, 8}, {2, 4, 6, 7, 9, 10, 11, 12})
    ]
    assert parts["action"].items.index.tolist() == [1, 3, 5, 8]  # half of the genres are enough
    assert len(parts["action"].users.intersection(parts["drama"].users)) == USERS
    task = load_task("genres", target="action", share=0.5, pool=1, metric="ndcg@2")
    assert task.name == "action"
    assert task.max_budget == 1


def test_genres_that_are_unknown_or_leave_nothing_are_refused(places, monkeypatch):
    write_release(places / "drive" / "ml-100k", "100k", monkeypatch)
    with pytest.raises(UnknownName, match="no genre 'Drame'. Did you mean 'Drama'"):
        by_genres("100k", first=("Drame",))
    with pytest.raises(BadInput, match="the domain 'action' has no ratings: choose other `first` genres"):
        by_genres("100k", first=("Western",))
    with pytest.raises(UnknownName, match="no target 'drame'. Did you mean 'drama'"):
        load_task("genres", target="drame")
    with pytest.raises(UnknownName, match="no parameter of task 'drama' 'pol'. Did you mean 'pool'"):
        load_task("genres", pol=3)


# tables
def frame():
    return pd.DataFrame(rows(), columns=["user", "item", "rating", "timestamp"])


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t"), (".txt", ";")])
def test_a_text_table(tmp_path, suffix, separator):
    path = tmp_path / f"mine{suffix}"
    frame().to_csv(path, sep=separator, index=False)
    assert read_table(path).equals(frame())
    task = load_task(path, split="leave_one_out", metric="ndcg@3")
    assert (task.name, len(task.test)) == ("mine", USERS)


def test_columns_by_name(tmp_path):
    path = tmp_path / "mine.csv"
    names = {"user": "customer", "item": "film", "rating": "Stars", "timestamp": "at"}
    frame().rename(columns=names).to_csv(path, index=False)
    assert read_table(path, user="customer", item="film", rating="Stars", timestamp="at").equals(frame())
    without = read_table(path, user="customer", item="film", rating="Stars")
    assert list(without) == ["user", "item", "rating"]
    with pytest.raises(
        BadInput, match="has no column 'user' for user.*It has: customer, film, Stars, at. Say which"
    ):
        read_table(path)
    with pytest.raises(BadInput, match="has no column 'stars' for rating. Did you mean 'Stars'"):
        read_table(path, user="customer", item="film", rating="stars")
    with pytest.raises(BadInput, match="has no column 'when' for timestamp"):
        read_table(path, user="customer", item="film", rating="Stars", timestamp="when")


def test_purchases_count_what_is_said(tmp_path):
    frame()[["user", "item"]].to_csv(tmp_path / "bought.csv", index=False)
    assert (read_table(tmp_path / "bought.csv", rating=1)["rating"] == 1).all()
    with pytest.raises(BadInput, match="has no column 'rating' for rating"):
        read_table(tmp_path / "bought.csv")


def test_an_atomic_file_with_types_and_without(tmp_path):
    body = "a1\t007\t5.0\nb2\t011\t2.0\n"
    (tmp_path / "typed.inter").write_text("user_id:token\titem_id:token\trating:float\n" + body)
    (tmp_path / "plain.inter").write_text("user_id\titem_id\trating\n" + body)
    typed, plain = (read_table(tmp_path / f"{name}.inter") for name in ("typed", "plain"))
    assert typed.equals(plain)
    assert typed["item"].tolist() == ["007", "011"]  # leading zeros belong to the id
    (tmp_path / "other.inter").write_text("uid:token\titem_id:token\trating:float\n" + body)
    with pytest.raises(BadInput, match="no column 'user_id' for user.*It has: uid, item_id, rating"):
        read_table(tmp_path / "other.inter")


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".txt", ";")])
def test_leading_zeros_belong_to_an_id_in_any_text_file(tmp_path, suffix, separator):
    path = tmp_path / f"mine{suffix}"
    padded = frame().assign(user=frame()["user"].astype(str).str.zfill(3))
    padded.to_csv(path, sep=separator, index=False)
    assert read_table(path).equals(padded)


def test_parquet_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in {"pyarrow", "fastparquet"}:
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FileProblem, match="mine.parquet is Parquet.*python -m pip install pyarrow"):
        load_task(tmp_path / "mine.parquet")


def test_a_parquet_table(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install pyarrow")
    frame().to_parquet(tmp_path / "mine.parquet")
    assert read_table(tmp_path / "mine.parquet").equals(frame())


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(FileProblem, match="There is no file .*gone.csv"):
        load_task(tmp_path / "gone.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(FileProblem, match="empty.csv cannot be read as a csv table"):
        load_task(tmp_path / "empty.csv")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(FileProblem, match="empty.txt cannot be read as a txt table"):
        load_task(tmp_path / "empty.txt")
    (tmp_path / "mine.xlsx").write_bytes(b"PK")
    with pytest.raises(FileProblem, match="mine.xlsx is no table of ratings; known are .csv, .tsv"):
        read_table(tmp_path / "mine.xlsx")


# names
def test_names_and_what_they_stand_for(places):
    known = {"two_shops", "purchases", "amazon", "genres", "movielens", "ml-100k", "ml-32m"}
    assert known <= set(tasks.names())
    assert find("my/ratings.csv")
    assert not find("hymenoptera")
    assert not find("")
    with pytest.raises(UnknownName, match="no task 'to_shops'. Did you mean 'two_shops'"):
        load_task("to_shops")
    with pytest.raises(
        UnknownName, match="no parameter of task 'two_shops' 'similarty'. Did you mean 'similarity'"
    ):
        load_task("two_shops", similarty=0.5)


def test_a_table_on_the_classroom_drive_is_found_by_name(places):
    frame().to_csv(places / "drive" / "shop.csv", index=False)
    assert load_task("shop.csv", metric="ndcg@2").name == "shop"


def test_a_table_in_front_of_you_comes_before_the_classroom_drives(places, monkeypatch):
    mine = places / "mine"
    mine.mkdir()
    monkeypatch.chdir(mine)
    frame().to_csv(places / "drive" / "shop.csv", index=False)
    frame()[lambda table: table["user"] <= 5].to_csv("shop.csv", index=False)
    for name in ("shop.csv", "./shop.csv", Path("shop.csv")):
        assert len(load_task(name, metric="ndcg@2").users) == 5


def test_two_shops_and_purchases():
    small = {"n_users": 120, "n_items": 100, "pool": 5}
    task, bought = load_task("two_shops", **small), load_task("purchases", **small)
    assert task.similarity == 0.8
    assert set(bought.train["rating"]) == {1}
    assert set(task.train["rating"]) == {1, 2, 3, 4, 5}


def test_a_task_named_after_a_release_takes_no_other():
    with pytest.raises(UnknownName, match="'ml-100k' is that release; any other is load_task.'movielens'"):
        load_task("ml-100k", release="1m")


def test_what_is_no_name_is_no_task():
    with pytest.raises(BadInput, match="got DataFrame. Of data that you hold .*recsys.tasks.RatingsTask"):
        tlkit.load_task(frame())


# Amazon
def test_amazon_says_where_its_files_belong(places):
    with pytest.raises(FileProblem) as caught:
        load_task("amazon")
    assert "Put Amazon-Books-Dense.inter and Amazon-Movies-Dense.inter into a folder amazon-dense" in str(
        caught.value
    )
    assert "TLKIT_DATA" in str(caught.value)


def write_amazon(places):
    folder = places / "drive" / "amazon-dense"
    folder.mkdir()
    for number, name in enumerate(amazon.AMAZON_FILES.values()):
        table = [(f"A{user}", f"00{item}", stars) for user, item, stars, _ in rows(number, 60, 40)]
        text = "".join("\t".join(map(str, row)) + "\n" for row in [*table, table[0]])
        (places / "drive" / name).write_text("user_id\titem_id\trating\n" + text)


@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning", "error::FutureWarning")
def test_amazon_drops_repeated_rows_and_says_so(places):
    write_amazon(places)
    domain = amazon.amazon()["books"]
    assert len(domain.ratings) == len(rows(0, 60, 40))
    assert "1 repeated rows dropped" in domain.data
    task = load_task("amazon", target="books", pool=2, metric="ndcg@3")
    assert task.name == "books"
    assert len(task.limited) == round(0.2 * 60)
    with pytest.raises(UnknownName, match="no target 'films'.*Valid: books, movies"):
        load_task("amazon", target="films")


# sources
def small_domain(seed=0):
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((60, 40)) < 0.3)
    table = pd.DataFrame({"user": user, "item": item, "rating": rng.integers(1, 6, len(user))})
    return Domain("small", "A small shop", as_ratings(table), None, "made up", "CC0-1.0")


@pytest.mark.parametrize(("objective", "metric"), [("ranking", "ndcg@10"), ("rating", "rmse")])
def test_a_source_of_your_own(objective, metric):
    source = sources.train_source(small_domain(), "mine", objective=objective)
    assert (source.name, source.card.title) == ("mine", "A small shop")
    assert source.card.inputs["users"] == list(range(60))
    assert source.card.inputs["items"] == list(range(40))
    assert source.state["user_factors"].shape[0] == 60
    assert source.state["item_factors"].shape[0] == 40
    assert metric in source.card.metrics
    assert (source.card.data, source.card.licence) == ("made up", "CC0-1.0")
    assert source.task.objective == objective
    assert len(source.task.test) == round(sources.TESTED_SHARE * 60)
    assert len(source.task.train) + len(source.task.test) == len(small_domain().ratings)


def test_a_source_of_a_plain_table_survives_saving(tmp_path):
    source = sources.train_source(small_domain().ratings, "plain")
    loaded = Source.load(source.save(tmp_path / "plain"))
    assert loaded.fingerprint == source.fingerprint
    assert loaded.card == source.card


def test_a_source_of_few_items_is_measured_by_shorter_lists():
    few = small_domain().ratings.astype({"item": int}).query("item < 6")
    assert "ndcg@6" in sources.train_source(few, "few", model=ImplicitALS(factors=2)).card.metrics


def test_a_source_with_ids_that_json_lacks_is_not_saved(tmp_path):
    dated = small_domain().ratings.astype({"user": int})
    dated = dated.assign(user=pd.Timestamp("2020-01-01") + pd.to_timedelta(dated["user"], unit="D"))
    source = sources.train_source(dated, "dated", model=ImplicitALS(factors=2))
    with pytest.raises(BadInput, match="Timestamp is not JSON serializable.*into text, and fit it again"):
        source.save(tmp_path / "dated")
    assert not list(tmp_path.iterdir())


def test_a_source_by_name_is_trained_once(places):
    write_amazon(places)
    sources._trained.cache_clear()
    source = load_source("amazon", domain="movies")
    assert load_source("amazon", domain="movies") is source
    assert load_source("amazon") is not source
    assert source.name == "movies"
    sources._trained.cache_clear()


def test_a_source_of_a_drawn_task_is_read_back_with_what_was_drawn(tmp_path):
    drawn = load_task("two_shops", n_users=60, n_items=100).budget(2, seed=1)
    made = Source.from_fitted(drawn.fit(ImplicitALS(factors=2, random_state=0)), "mine", task=drawn)
    assert Source.load(made.save(tmp_path / "mine")).task.fingerprint == drawn.fingerprint


@pytest.mark.parametrize("name", ["two_shops", "purchases"])
def test_a_generated_source_names_its_parameters(name):
    with pytest.raises(UnknownName, match="no parameter of .* 'nusers'. Did you mean 'n_users'"):
        load_source(name, nusers=200)
    with pytest.raises(BadInput, match=rf"n_users of source '{name}' is a single value; got \[200\]"):
        load_source(name, n_users=[200])


@pytest.mark.parametrize("load", [load_task, load_source])
def test_what_a_name_has_settled_is_no_parameter(load):
    with pytest.raises(
        UnknownName, match="feedback of (task|source) 'purchases' is always 'bought': leave it"
    ):
        load("purchases", feedback="stars")


def test_data_in_the_place_of_a_source():
    with pytest.raises(BadInput, match="A source is .* got DataFrame. .* make it with Source.from_fitted"):
        tlkit.load_source(small_domain().ratings)


def test_an_unknown_source_or_parameter_is_refused():
    with pytest.raises(UnknownName, match="no source 'amazone'. Did you mean 'amazon'"):
        load_source("amazone")
    with pytest.raises(UnknownName, match="no parameter of source 'amazon' 'domian'. Did you mean 'domain'"):
        load_source("amazon", domian="books")
    with pytest.raises(UnknownName, match="no objective 'stars'"):
        sources.train_source(small_domain(), "mine", objective="stars")


# real data
@pytest.mark.realdata
def test_movielens_100k_as_it_is():
    domain = movielens.movielens("100k")
    first = domain.ratings.iloc[0]
    assert (first["user"], first["item"], first["rating"]) == (196, 242, 3)  # the order of the file
    assert (domain.ratings["user"].nunique(), domain.ratings["item"].nunique()) == (943, 1682)
    assert domain.items.loc[50, ["title", "category", "Sci-Fi"]].tolist() == ["Star Wars (1977)", "Action", 1]
    train, test = splits.per_user(domain.ratings, 0.25, seed=42)
    assert (len(train), len(test)) == (74_646, 25_354)


@pytest.mark.realdata
@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning", "error::FutureWarning")
def test_amazon_as_it_is():
    pair = amazon.amazon()
    assert [len(domain.ratings) for domain in pair.values()] == [31_504, 62_084]
    assert len(pair["books"].users.intersection(pair["movies"].users)) == 1_329
    assert "6,645 repeated rows" in pair["books"].data
    assert "5,939 repeated rows" in pair["movies"].data
