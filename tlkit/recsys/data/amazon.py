"""Amazon's books and movies: two domains with readers in common."""

from __future__ import annotations

from pathlib import Path

from tlkit.errors import FileProblem
from tlkit.recsys.data.domains import Domain
from tlkit.recsys.data.ratings import as_ratings
from tlkit.recsys.data.tables import read_table
from tlkit.system import files

AMAZON_FILES = {
    "books": "amazon-dense/Amazon-Books-Dense.inter",
    "movies": "amazon-dense/Amazon-Movies-Dense.inter",
}


def amazon() -> dict[str, Domain]:
    """Load Amazon's books and movies: a dense part of its reviews, 1,329 users in both, no titles.

    Rows that repeat a user and item are dropped, all but the last.

    Raises
    ------
    FileProblem
        If the files are not there; they cannot be downloaded.
    """
    return {name: _amazon_domain(name, _found(place)) for name, place in AMAZON_FILES.items()}


def _amazon_domain(name: str, path: Path) -> Domain:
    table = read_table(path)
    once = table.drop_duplicates(["user", "item"], keep="last")
    return Domain(
        name=name,
        title=f"Amazon {name}",
        ratings=as_ratings(once, scale=(1, 5)),
        data=f"Amazon reviews, dense part ({path.name}): {len(table) - len(once):,} repeated rows dropped",
        licence="See the publisher of the reviews; for research.",
    )


def _found(place: str) -> Path:
    path = files.find_local(place)
    if path is None:
        wanted = " and ".join(Path(each).name for each in AMAZON_FILES.values())
        raise FileProblem(
            f"Amazon's ratings are not here, and no download of them is known. Put {wanted} into a folder "
            "amazon-dense, and set the environment variable TLKIT_DATA to the folder that holds it. "
            "The pair two_shops needs no file."
        )
    return path
