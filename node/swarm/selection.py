"""Which chunks of a share are wanted, and how much: priorities of its files.

Rules: pure; a chunk belongs to one file, so it has that file's priority. Sets of chunks are long integers as in
`availability`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from node.swarm.availability import mask_of, mask_of_chunks
from protocols.bitfield import Bitfield
from protocols.geometry import Geometry


class Priority(IntEnum):
    """How much a file is wanted. A higher one goes before any lower one; what is skipped isn't fetched."""

    SKIP = 0
    LOW = 1
    NORMAL = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person wants of a share: files not named are NORMAL."""

    priorities: Mapping[int, Priority] = field(default_factory=dict)
    is_sequential: bool = False

    def wanted(self, file_count: int) -> tuple[int, ...]:
        """The files that aren't skipped."""
        return tuple(index for index in range(file_count) if self.priorities.get(index) is not Priority.SKIP)


class Selection:
    """The wanted chunks of a share by priority; files not named are NORMAL."""

    def __init__(self, geometry: Geometry, priorities: Mapping[int, Priority] | None = None) -> None:
        named = priorities or {}
        everything = mask_of(Bitfield.full(geometry.chunk_count))
        levels = dict.fromkeys(Priority, 0)
        rest = everything
        for file_index, priority in named.items():
            chunks = mask_of_chunks(geometry.chunk_count, geometry.file_chunks(file_index))
            rest &= ~chunks
            levels[priority] |= chunks
        levels[Priority.NORMAL] |= rest
        self.wanted = everything & ~levels[Priority.SKIP]
        self._width = -(-geometry.chunk_count // 8) * 8
        self._levels = [levels[priority] for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW)]

    def wants(self, chunk: int) -> bool:
        """Whether a chunk belongs to a file that isn't skipped."""
        return bool(self.wanted >> (self._width - 1 - chunk) & 1)

    def most_wanted(self, chunks: int) -> int:
        """Those of a set of wanted chunks that have the highest priority among them."""
        return next((found for level in self._levels if (found := chunks & level)), 0)


def byte_count(geometry: Geometry, chunks: Bitfield) -> int:
    """The bytes of a set of chunks, looking only at the last chunk of every file: all others are of full size."""
    surplus = 0
    for file_index, size in enumerate(geometry.file_sizes):
        if short := size % geometry.chunk_size:
            surplus += (geometry.chunk_size - short) * chunks[geometry.file_chunks(file_index)[-1]]
    return chunks.count * geometry.chunk_size - surplus
