"""Where every chunk of a share lies: numbers to files, offsets and lengths.

Rules: chunks are numbered from 0 through all files in manifest order; a chunk never spans two files; the last chunk
of a file is short; an empty file has none. Nothing here knows digests, names or peers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

# One mebibyte: a chunk is then also a leaf of the IPFS profile unixfs-v1-2025 (IPIP-499), so that an IPFS root can
# be computed from the chunk digests alone.
DEFAULT_CHUNK_SIZE: Final = 1 << 20

# Powers of two, so that chunks, requests and disk pages share their boundaries. Below 64 KiB a share has more
# digests and requests than it is worth; above 16 MiB one wrong byte costs too much to fetch again, since nothing
# of a chunk can be trusted before all of it is hashed.
MIN_CHUNK_SIZE: Final = 1 << 16
MAX_CHUNK_SIZE: Final = 1 << 24

# What one share may cost a node: 64 MiB of digests, and 256 KiB of bitfield for each peer, which fits one Data
# message of the exchange protocol. It is 2 TiB in chunks of 1 MiB and 32 TiB in chunks of 16 MiB.
MAX_CHUNKS: Final = 1 << 21


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """One chunk's place: `length` bytes at `offset` of the file number `file_index`."""

    index: int
    file_index: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """The chunk numbering of files of these sizes in bytes.

    Raises `ValueError` for a size below 0 or a chunk size below 1.
    """

    chunk_size: int
    file_sizes: tuple[int, ...]
    chunk_count: int = field(init=False, repr=False, compare=False)
    total_size: int = field(init=False, repr=False, compare=False)
    _first_chunks: tuple[int, ...] = field(init=False, repr=False, compare=False)  # per file, then the chunk count

    def __post_init__(self) -> None:
        if self.chunk_size < 1 or min(self.file_sizes, default=0) < 0:
            raise ValueError("a chunk size is at least 1 and a file size at least 0")
        counts = (-(-size // self.chunk_size) for size in self.file_sizes)
        first_chunks = tuple(accumulate(counts, initial=0))
        object.__setattr__(self, "_first_chunks", first_chunks)
        object.__setattr__(self, "chunk_count", first_chunks[-1])
        object.__setattr__(self, "total_size", sum(self.file_sizes))

    def chunk(self, index: int) -> ChunkSpan:
        """Where chunk `index` lies; raises `IndexError` outside the share."""
        self._check(index)
        # The last file that begins at or before it: empty files before that one begin at the same number.
        file_index = bisect_right(self._first_chunks, index) - 1
        offset = (index - self._first_chunks[file_index]) * self.chunk_size
        length = min(self.chunk_size, self.file_sizes[file_index] - offset)
        return ChunkSpan(index, file_index, offset, length)

    def chunk_length(self, index: int) -> int:
        """How many bytes chunk `index` has; raises `IndexError` outside the share."""
        return self.chunk(index).length

    def file_chunks(self, file_index: int) -> range:
        """The numbers of a file's chunks; raises `IndexError` for no such file."""
        if not 0 <= file_index < len(self.file_sizes):
            raise IndexError(f"file {file_index} of {len(self.file_sizes)}")
        return range(self._first_chunks[file_index], self._first_chunks[file_index + 1])

    def _check(self, index: int) -> None:
        if not 0 <= index < self.chunk_count:
            raise IndexError(f"chunk {index} of {self.chunk_count}")


def chunk_size_for(file_sizes: Sequence[int]) -> int:
    """The chunk size to share files of these sizes with.

    It is 1 MiB, doubled until there are no more than `MAX_CHUNKS`: a function of the sizes alone, so that the same
    content gets the same manifest on every node. What doesn't fit at `MAX_CHUNK_SIZE` either gets that size, and is
    refused when its manifest is encoded.
    """
    size = DEFAULT_CHUNK_SIZE
    while size < MAX_CHUNK_SIZE and sum(-(-length // size) for length in file_sizes) > MAX_CHUNKS:
        size *= 2
    return size
