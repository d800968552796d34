"""How many watched files there are of each sort below any folder, at hand however many there are. Pure.

Rules: a file counts for each folder on the way to it, so that a change costs as much as its path is deep.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Counts(NamedTuple):
    """Files that are shared, that wait to be for the first time, and that could not be shared as they are now."""

    shared: int
    waiting: int
    failing: int


class CountsBelow:
    """The counts of all folders that have any."""

    def __init__(self) -> None:
        self._below: dict[str, list[int]] = {}  # the three of Counts

    def change(self, path: str, before: Counts, after: Counts) -> None:
        """Take in that a file counts as something else than before."""
        changes = [(place, after[place] - before[place]) for place in range(3) if after[place] != before[place]]
        if not changes:
            return
        for folder in parents(path):
            counts = self._below.get(folder)
            if counts is None:
                counts = self._below[folder] = [0, 0, 0]
            for place, change in changes:
                counts[place] += change
            if not any(counts):
                del self._below[folder]

    def below(self, folder: str) -> Counts:
        """What there is anywhere below an absolute path."""
        return Counts(*self._below.get(folder.rstrip("/"), (0, 0, 0)))


def parents(path: str) -> Iterator[str]:
    """Every folder on the way to an absolute path, the root as ''."""
    end = path.rfind("/")
    while end >= 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
