"""How many connected peers have each chunk, and which of some chunks the fewest have.

Rules: exact, and never a loop over chunks. The counts of all chunks are kept as bit planes: number k holds bit k of
every chunk's count, so a whole bitfield is added by a few operations on long integers, as a ripple-carry adder does,
and the rarest of any set of chunks are found by narrowing the set plane by plane from the highest. With a million
chunks and 200 peers a plane is 125 kB and an operation about ten microseconds; with a thousand it is nothing.

A set of chunks is an `int` in the byte order of a bitfield: chunk 0 is the highest bit of the first byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from protocols.bitfield import Bitfield

MAX_NEWS: Final = 4096
"""Haves to gather before they are counted even if nobody looks: bounds memory, and makes one pass worth its price."""


def mask_of(bitfield: Bitfield) -> int:
    """The chunks of a bitfield as a set in one long integer."""
    return int.from_bytes(bitfield.to_bytes(), "big")


def mask_of_chunks(chunk_count: int, chunks: Iterable[int]) -> int:
    """The chunks named, as a set in one long integer."""
    bits = bytearray(-(-chunk_count // 8))
    for chunk in chunks:
        bits[chunk >> 3] |= 0x80 >> (chunk & 7)
    return int.from_bytes(bits, "big")


class Availability:
    """The number of peers that have each of `chunk_count` chunks."""

    def __init__(self, chunk_count: int) -> None:
        self._chunk_count = chunk_count
        self._width = -(-chunk_count // 8) * 8
        self._planes: list[int] = []
        self._news: list[int] = []  # chunks of single haves, added together when somebody looks

    def add(self, chunks: int) -> None:
        """A peer has this set of chunks."""
        for number, plane in enumerate(self._planes):
            if not chunks:
                return
            self._planes[number] = plane ^ chunks
            chunks &= plane
        if chunks:
            self._planes.append(chunks)

    def remove(self, chunks: int) -> None:
        """A peer that had this set of chunks is gone."""
        self._flush()
        for number, plane in enumerate(self._planes):
            self._planes[number] = plane = plane ^ chunks
            chunks &= plane  # where a 0 became a 1 the next plane is borrowed from
        while self._planes and not self._planes[-1]:
            self._planes.pop()

    def add_chunk(self, chunk: int) -> None:
        """A peer has got one more chunk."""
        self._news.append(chunk)
        if len(self._news) >= MAX_NEWS:
            self._flush()

    def of(self, chunk: int) -> int:
        """How many peers have the chunk."""
        self._flush()
        place = self._width - 1 - chunk
        return sum((plane >> place & 1) << number for number, plane in enumerate(self._planes))

    def rarest(self, chunks: int) -> int:
        """Those of a set of chunks that the fewest peers have."""
        self._flush()
        for plane in reversed(self._planes):
            if fewer := chunks ^ (chunks & plane):
                chunks = fewer
        return chunks

    def planes(self) -> tuple[int, ...]:
        """The counts themselves: plane k is the set of chunks with bit k in their number of peers."""
        self._flush()
        return tuple(self._planes)

    def anywhere(self) -> int:
        """The set of chunks that at least one peer has."""
        self._flush()
        found = 0
        for plane in self._planes:
            found |= plane
        return found

    def _flush(self) -> None:
        counts = dict(Counter(self._news))
        self._news = []
        while counts:
            self.add(mask_of_chunks(self._chunk_count, counts))
            counts = {chunk: count - 1 for chunk, count in counts.items() if count > 1}
