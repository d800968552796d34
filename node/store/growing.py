"""SHA-256 of whole files, taken while their chunks are written, so that little is left to read after the last one.

Rules: a digest covers a file from its beginning on. A chunk that comes in its turn is hashed from memory, also if
another thread wrote the one before it; one that came earlier is read back when its turn has come, a bounded part of
them for each write, so that a download in random order isn't held up. What isn't covered in the end is read then. A
digest is believed only if nobody else wrote to the file, which is looked after at each of our own writes and at the
end. Thread-safe.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable

from node.store.digesting import digest_rest
from node.store.identity import Identity
from node.store.watch import Watch
from protocols.manifest import Manifest
from protocols.rope import Piece, add_to, parts_of

MOST_FILES = 1024
"""Files that have such a digest at a time, at about a kilobyte each; others are read at the end."""

RECENT = 16 << 20
"""Bytes of a download's chunks that are kept after they were written: two batches of each thread that writes."""


class Recent:
    """The chunks that were just written, by number: of threads that write at once the later part is often done first.

    A context for each thread that writes a batch: nothing is kept for longer than there is one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writers = 0
        self._chunks: dict[int, Piece] = {}  # the oldest first
        self._size = 0

    def __enter__(self) -> None:
        with self._lock:
            self._writers += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._writers -= 1
            if not self._writers:
                self._chunks.clear()
                self._size = 0

    def keep(self, index: int, data: Piece) -> None:
        """Keep a chunk that was just written, as long as there is room and somebody writes."""
        with self._lock:
            self._pop(index)
            self._chunks[index] = data
            self._size += len(data)
            while self._size > RECENT:
                self._pop(next(iter(self._chunks)))

    def take(self, index: int) -> Piece | None:
        """A chunk, which isn't kept any more; None if it isn't here."""
        with self._lock:
            return self._pop(index)

    def _pop(self, index: int) -> Piece | None:
        data = self._chunks.pop(index, None)
        self._size -= len(data or b"")
        return data


class GrowingDigest:
    """The digest of one file, as far as it is covered."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._hashing = threading.Lock()
        self._hash = hashlib.sha256()
        self._covered = 0
        self._seen: Identity | None = None  # the file after our last write
        self._is_spoilt = False

    def write(self, fd: int, data: Piece, offset: int) -> None:
        """Write at an offset; raises OSError."""
        with self._writing:
            if offset < self._covered or self._seen not in (None, _identity(fd)):
                self._is_spoilt = True
            self._seen = None
            write_all(fd, data, offset)
            self._seen = _identity(fd)

    def grow(self, next_piece: Callable[[int], Piece | None], most: int) -> None:
        """Cover up to `most` bytes more; `next_piece(offset)` has those from an offset on, None if there are none yet.

        Does nothing while another thread does it, or when it is no longer of use. Raises OSError.
        """
        if self._is_spoilt or not self._hashing.acquire(blocking=False):
            return
        try:
            end = self._covered + most
            while self._covered < end and (piece := next_piece(self._covered)):
                add_to(self._hash, piece)
                self._covered += len(piece)
        finally:
            self._hashing.release()

    def finish(self, fd: int, watch: Watch) -> bytes:
        """The digest of the whole file; raises OSError and Stopped, and may be called again."""
        with self._hashing:
            if self._is_spoilt or self._seen != _identity(fd):
                return digest_rest(hashlib.sha256(), fd, 0, watch)
            watch.advance(self._covered)
            return digest_rest(self._hash.copy(), fd, self._covered, watch)


class GrowingDigests:
    """Those of one download's files; files of one chunk have none, since its digest is theirs."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._lock = threading.Lock()
        self._of: dict[int, GrowingDigest] = {}

    def of(self, file_index: int) -> GrowingDigest | None:
        """The digest of a file, begun with the first call; None if it has none."""
        if self._manifest.files[file_index].size <= self._manifest.chunk_size:
            return None
        with self._lock:
            if file_index not in self._of and len(self._of) < MOST_FILES:
                self._of[file_index] = GrowingDigest()
            return self._of.get(file_index)


def write_all(fd: int, data: Piece, offset: int) -> None:
    """Write all of `data` at an offset; raises OSError.

    One call for each part: Linux 6.18 takes three times as long to copy from several buffers in one call.
    """
    for part in parts_of(data):
        with memoryview(part) as view:
            done = 0
            while done < len(view):
                done += os.pwrite(fd, view[done:], offset + done)
        offset += done


def _identity(fd: int) -> Identity:
    return Identity.of(os.fstat(fd))
