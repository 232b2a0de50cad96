"""What stands on the shelves of a generated shop: themes, the words of each, and titles made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WORDS = {
    "space": "Comet Orbit Moon Rocket Nebula Asteroid Satellite Eclipse Saturn Astronaut",
    "mystery": "Alibi Detective Fingerprint Riddle Witness Suspect Clue Cipher Disguise Inspector",
    "romance": "Kiss Bouquet Wedding Valentine Sweetheart Serenade Rose Honeymoon Waltz Suitor",
    "history": "Castle Legion Viking Galleon Pharaoh Knight Chariot Duchess Musket Scribe",
    "nature": "Otter Fern Badger Meadow Heron Acorn Lichen Beaver Willow Hedgehog",
    "ghosts": "Phantom Crypt Banshee Poltergeist Coffin Wraith Spectre Seance Ghoul Graveyard",
    "comedy": "Clown Pancake Prank Goose Wig Trombone Banana Kazoo Custard Jester",
    "sea": "Harbour Anchor Lighthouse Whale Sailor Lagoon Octopus Tide Compass Mermaid",
}
THEMES = {theme: words.split() for theme, words in WORDS.items()}
OTHER_WORDS = (
    "Accordion Almanac Bakery Barometer Bicycle Button Carousel Chimney Cobbler Cupboard Dentist Doorbell "
    "Elevator Fiddle Gardener Hat Inkwell Jam Kettle Ladder Librarian Mailbox Marmalade Neighbour Notebook "
    "Omelette Parcel Piano Plumber Porridge Postman Quilt Raincoat Saucer Staircase Suitcase Tailor Teapot "
    "Thimble Trumpet Typewriter Umbrella Violin Waiter Wardrobe Weathervane Window Zipper"
)
COMPANIONS = OTHER_WORDS.split()


@dataclass(frozen=True)
class Shelf:
    """A kind of item, and how its titles sound.

    Parameters
    ----------
    kind : str
        One item of it; its first letter begins the item ids.
    patterns : tuple of str
        Titles with places for a word of the theme and a companion that has nothing to do with it.
    """

    kind: str
    patterns: tuple[str, ...]

    @property
    def most(self) -> int:
        """How many items can have a title of their own."""
        return len(THEMES) * self._titles_of_a_theme

    @property
    def _titles_of_a_theme(self) -> int:
        return len(self.patterns) * len(COMPANIONS) * min(map(len, THEMES.values()))

    def titles(self, themes: np.ndarray, generator: np.random.Generator) -> list[str]:
        """Draw a title for each item, no two alike.

        Parameters
        ----------
        themes : ndarray of int, shape (n_items,)
            The place of each item's theme in `THEMES`; a theme has at most `most / len(THEMES)` items.
        """
        found = np.empty(len(themes), dtype=object)
        for theme, words in enumerate(THEMES.values()):
            places = np.flatnonzero(themes == theme)
            drawn = generator.choice(self._titles_of_a_theme, size=len(places), replace=False)
            found[places] = [self._title(number, words) for number in drawn]
        return found.tolist()

    def _title(self, number: int, words: list[str]) -> str:
        number, pattern = divmod(int(number), len(self.patterns))
        companion, word = divmod(number, len(words))
        return self.patterns[pattern].format(word=words[word], companion=COMPANIONS[companion])


BOOKS = Shelf("book", ("The {word} and the {companion}", "The {word}'s {companion}"))
FILMS = Shelf("film", ("{companion} {word}", "{word} vs. {companion}", "Return of the {word} {companion}"))
