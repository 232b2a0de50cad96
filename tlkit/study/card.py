"""The card of a source: what is known of it, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tlkit.errors import BadInput, FileProblem


@dataclass(frozen=True)
class Card:
    """What is known of a source.

    Parameters
    ----------
    name, title : str
        For code and for people.
    kind : str
        Its modality, such as vision; empty where nobody said.
    architecture : dict
        What rebuilds the model: its name and its parameters.
    inputs : dict
        What the model expects of its inputs.
    classes : tuple of str
        What it tells apart; empty where it does not classify.
    data, licence : str
        What it learned from, and the terms of the weights.
    task : dict
        How the source's own task is loaded: its ``name``, and the loader's ``params``; empty if it cannot be.
    metrics : dict of str to float
        On the source's own test data.
    sha256 : str
        Of the weight file.

    Examples
    --------
    >>> import tlkit
    >>> card = tlkit.load_source("glyphs").card
    >>> card.title, card.kind, card.classes[:3]
    ('Printed characters', 'vision', ('0', '1', '2'))
    """

    name: str
    title: str
    architecture: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    data: str = ""
    licence: str = ""
    task: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    sha256: str = ""
    kind: str = ""


def as_json(card: Card) -> str:
    """Return a card as the text of its file.

    Raises
    ------
    BadInput
        If it holds what JSON lacks, or a module of somebody's own.
    """
    for part in card.architecture.values():
        if hasattr(part, "not_in_a_file"):
            raise BadInput(f"Source {card.name!r} cannot be saved: {part.not_in_a_file}.")
    try:
        return json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
    except TypeError as error:
        raise BadInput(
            f"Source {card.name!r} cannot be saved ({error}): a card holds text, numbers, and lists and "
            "dicts of them. Turn what else the model was given, such as dates, into text, and fit it again."
        ) from error


def read_card(path: Path) -> Card:
    """Read a card from its file.

    Raises
    ------
    FileProblem
        If it is missing, damaged, or something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Card(**content | {"classes": tuple(content.get("classes", ()))})
    except (OSError, ValueError, TypeError, KeyError) as error:
        expected = ", ".join(each.name for each in fields(Card))
        raise FileProblem(
            f"{path} cannot be read as a source's card ({error!r}). A card is JSON with {expected}."
        ) from error
