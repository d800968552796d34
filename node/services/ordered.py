"""Rows that stay in order: adding, removing and looking cost microseconds, also among a hundred thousand.

Rules: no row is there twice. They lie in blocks, because one long list is moved as a whole by what comes first.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

MAX_BLOCK = 1_000
"""Rows: moving 8 KB costs less than finding the place; a hundred blocks hold what a node has."""

Row = TypeVar("Row", tuple[int, bytes], tuple[float, bytes])


class Ordered(Generic[Row]):
    """A sorted set of rows."""

    def __init__(self) -> None:
        self._blocks: list[list[Row]] = []
        self._lasts: list[Row] = []  # of each block

    def add(self, row: Row) -> None:
        """Put a row in its place; it isn't there yet."""
        if not self._blocks:
            self._blocks.append([])
            self._lasts.append(row)
        place = min(bisect_left(self._lasts, row), len(self._blocks) - 1)
        block = self._blocks[place]
        insort(block, row)
        self._lasts[place] = block[-1]
        if len(block) > MAX_BLOCK:
            half = len(block) // 2
            self._blocks.insert(place + 1, block[half:])
            self._lasts.insert(place, block[half - 1])
            del block[half:]

    def remove(self, row: Row) -> None:
        """Take out a row that is there."""
        place = bisect_left(self._lasts, row)
        block = self._blocks[place]
        del block[bisect_left(block, row)]
        if block:
            self._lasts[place] = block[-1]
        else:
            del self._blocks[place], self._lasts[place]

    @property
    def first(self) -> Row | None:
        """The lowest row, None if there is none."""
        return self._blocks[0][0] if self._blocks else None

    @property
    def last(self) -> Row | None:
        """The highest row, None if there is none."""
        return self._lasts[-1] if self._lasts else None

    def between(self, start: Row, end: Row) -> Iterator[Row]:
        """The rows from `start` on that are below `end`; nothing may come or go until this is over."""
        for place in range(bisect_left(self._lasts, start), len(self._blocks)):
            block = self._blocks[place]
            begin, stop = bisect_left(block, start), bisect_left(block, end)
            yield from block[begin:stop]
            if stop < len(block):
                return
