"""Bytes as they came in: in several buffers, which nobody changes any more.

Why: to put a message or a chunk together in a buffer of its own is one more copy of every byte that is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from protocols.framing import Buffer


class Rope:
    """Bytes in a row that lie in several buffers; `len()` is in bytes, `bytes()` copies them into one."""

    __slots__ = ("_size", "parts")

    def __init__(self, parts: Sequence[Buffer]) -> None:
        self.parts = parts
        self._size = sum(map(len, parts))

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)

    def __eq__(self, other: object) -> bool:
        return bytes(self) == (bytes(other) if isinstance(other, Rope) else other)

    def __getitem__(self, where: slice[int, int, None]) -> Rope:
        """A part of it, uncopied."""
        begin, end, _ = where.indices(self._size)
        views, at = [], 0
        for part in self.parts:
            views.append(memoryview(part)[max(0, begin - at) : max(0, end - at)])
            at += len(part)
        return Rope([view for view in views if view])


Piece = Buffer | Rope


def parts_of(data: Piece) -> Sequence[Buffer]:
    """The buffers that the bytes lie in."""
    return data.parts if isinstance(data, Rope) else (data,)


def add_to(digest: hashlib._Hash, data: Piece) -> hashlib._Hash:
    """Feed all of it to a hash, which is given back."""
    for part in parts_of(data):
        digest.update(part)
    return digest
