"""Bytes that wait, in order, copied as little as memory safety allows.

Rule: what a queue pins of a peer's buffers, which are no longer than four times `LARGE`, is at most about twice what
it holds of small pieces, and four times what it holds of large ones.
A large piece is kept by reference; a small one, or one that is a small part of a larger buffer, is copied, and small
ones are merged, so that a peer who sends single bytes costs single bytes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from protocols.framing import Buffer

SMALL: Final = 4096
"""Pieces below this are merged. One object per piece costs about 200 bytes, 5 % of this."""

MERGED: Final = 65_536
"""A merged piece grows to this at most, so that taking it is one step."""

LARGE: Final = 65_536
"""Pieces from this size on are never copied: of a peer's buffers they are a quarter at least (`OPENED_TOGETHER` of
`protocols.noise`), and of this side's own writes the rest of the buffer is mostly queued too."""


class ByteQueue:
    """First in, first out; `len()` is in bytes."""

    def __init__(self) -> None:
        self._pieces: deque[Buffer] = deque()
        self._offset = 0  # of the first piece, already taken
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, data: bytes | memoryview) -> None:
        """Adds `data`, whose bytes must never change from now on."""
        size = len(data)
        self._size += size
        if size >= LARGE or (size >= SMALL and not (isinstance(data, memoryview) and 2 * size < data.obj.__sizeof__())):
            self._pieces.append(data)
        elif self._pieces and isinstance(last := self._pieces[-1], bytearray) and len(last) + size <= MERGED:
            last += data
        elif size:
            self._pieces.append(bytearray(data))

    def take_pieces(self, limit: int) -> list[Buffer]:
        """Removes up to `limit` bytes and gives them as the pieces they lie in."""
        taken: list[Buffer] = []
        while limit > 0 and self._pieces:
            piece = self._pieces[0]
            left = len(piece) - self._offset
            if left > limit:
                taken.append(_part(piece, self._offset, self._offset + limit))
                self._offset += limit
                self._size -= limit
                break
            taken.append(_part(piece, self._offset, len(piece)) if self._offset else piece)
            self._pieces.popleft()
            self._offset = 0
            self._size -= left
            limit -= left
        return taken

    def take(self, limit: int) -> bytes:
        """Removes up to `limit` bytes and gives them as one."""
        pieces = self.take_pieces(limit)
        if len(pieces) == 1:
            return bytes(pieces[0])
        return b"".join(pieces)

    def clear(self) -> None:
        """Forgets everything."""
        self._pieces.clear()
        self._offset = self._size = 0


def _part(piece: Buffer, start: int, stop: int) -> bytes | memoryview:
    if isinstance(piece, bytearray):
        return bytes(memoryview(piece)[start:stop])  # a lasting view would keep `append` from growing the piece
    return memoryview(piece)[start:stop]
