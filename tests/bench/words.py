"""Words whose frequencies fall as those of languages do: some are in a tenth of all names, most in a few."""

from __future__ import annotations

import random

COUNT = 8_000


class Words:
    """Words made up of syllables, to be drawn by their weights; subclasses make names of them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        syllables = [one + two for one in "bcdfghklmnprstvz" for two in "aeiou"]
        self._words = ["".join(rng.choices(syllables, k=rng.randint(2, 5))) for _ in range(COUNT)]
        self._weights = [1 / (place + 10) for place in range(COUNT)]

    def word(self) -> str:
        """One word."""
        return self._rng.choices(self._words, self._weights)[0]

    def some(self, least: int, most: int) -> list[str]:
        """So many words."""
        return self._rng.choices(self._words, self._weights, k=self._rng.randint(least, most))
