"""SHA-256 of whole files and of all their chunks, from one read of each file.

Rules: the calling thread reads and feeds the whole-file hash, which can't be split; other threads digest the chunks
from the same buffers (hashlib lets go of the GIL for buffers over 2 kB). A file of one chunk is hashed once, since
both digests are the same. A file must be, after the last byte, the very file in the very state that was found when
it was scanned; otherwise nothing of it is used.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from node.store.beneath import open_path
from node.store.errors import SourceChanged, os_errors, shown
from node.store.identity import Identity, settle
from node.store.watch import Watch

THREADS = max(2, min(4, os.cpu_count() or 2))
"""For one large file two are enough; four read many small files faster than most disks deliver them."""

GROUP_BYTES = 4 << 20
"""Handed to a thread at a time: a hand-over costs about 0.1 ms, a megabyte's digest about 0.8 ms."""

GROUPS_AHEAD = 2
"""Groups being digested while the next one is read: 12 MiB of buffers in all, unless chunks are larger than that."""

READ_BYTES = 1 << 20

BATCH_FILES = 64
BATCH_BYTES = 8 << 20
"""Small files go to a thread in batches of at most this many, which pays for the hand-over."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to digest: its absolute path, and its identity when it was found."""

    path: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class FileDigests:
    """The digests of one file: `sha256` of all of it, and of its chunks (32 bytes each, concatenated)."""

    sha256: bytes
    chunks: bytes


class Digester:
    """Threads and buffers to digest any number of files, one after the other; used as a context manager."""

    def __init__(self, chunk_size: int, watch: Watch) -> None:
        self._chunk_size = chunk_size
        self._watch = watch
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="digest")
        self._group = max(1, GROUP_BYTES // chunk_size) * chunk_size
        self._buffers: list[bytearray] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def digest(self, files: Iterable[SourceFile]) -> Iterator[FileDigests]:
        """The digests of each file in turn.

        Raises StorageError for a file that can't be read, SourceChanged for one that changes meanwhile, Stopped.
        """
        running: deque[Future[list[FileDigests]]] = deque()
        batch: list[SourceFile] = []
        batch_bytes = 0
        for file in files:
            is_small = file.identity.size <= self._chunk_size
            if not is_small or len(batch) >= BATCH_FILES or batch_bytes >= BATCH_BYTES:
                yield from self._hand_over(running, batch, THREADS if is_small else 0)
                batch, batch_bytes = [], 0
            if is_small:
                batch.append(file)
                batch_bytes += file.identity.size
            else:
                yield self._digest_large(file)
        yield from self._hand_over(running, batch, 0)

    def _hand_over(
        self, running: deque[Future[list[FileDigests]]], batch: list[SourceFile], allowed: int
    ) -> Iterator[FileDigests]:
        """Start on a batch, and give out what is done until no more than `allowed` batches run."""
        if batch:
            running.append(self._pool.submit(_digest_batch, batch, self._watch))
            self._watch.advance(sum(file.identity.size for file in batch))
        while len(running) > allowed:
            yield from running.popleft().result()

    def _digest_large(self, file: SourceFile) -> FileDigests:
        with os_errors("can't read", file.path):
            fd = open_path(file.path)
            try:
                _check(file, fd)
                settle(file.identity)
                digests = self._pipeline(file, fd)
                _check(file, fd)
            finally:
                os.close(fd)
        return digests

    def _pipeline(self, file: SourceFile, fd: int) -> FileDigests:
        whole = hashlib.sha256()
        chunks: list[bytes] = []
        running: deque[tuple[Future[list[bytes]], bytearray]] = deque()
        for offset in range(0, file.identity.size, self._group):
            if len(running) >= GROUPS_AHEAD:
                self._collect(running, chunks)
            buffer = self._buffers.pop() if self._buffers else bytearray(self._group)
            length = min(self._group, file.identity.size - offset)
            with memoryview(buffer) as view:
                self._read(file, fd, offset, view[:length], whole)
            running.append((self._pool.submit(_digest_chunks, buffer, length, self._chunk_size), buffer))
        while running:
            self._collect(running, chunks)
        return FileDigests(whole.digest(), b"".join(chunks))

    def _collect(self, running: deque[tuple[Future[list[bytes]], bytearray]], chunks: list[bytes]) -> None:
        future, buffer = running.popleft()
        chunks += future.result()
        self._buffers.append(buffer)

    def _read(self, file: SourceFile, fd: int, offset: int, view: memoryview, whole: hashlib._Hash) -> None:
        """Fill `view` from `offset` on, and hash what was read while it is still in the processor's cache."""
        done = 0
        while done < len(view):
            count = os.preadv(fd, [view[done : done + READ_BYTES]], offset + done)
            if count == 0:
                raise _changed(file)
            whole.update(view[done : done + count])
            done += count
            self._watch.advance(count)


def digest_whole(fd: int, watch: Watch) -> bytes:
    """The SHA-256 of an open file from its beginning to its end; raises OSError and Stopped."""
    return digest_rest(hashlib.sha256(), fd, 0, watch)


def digest_rest(whole: hashlib._Hash, fd: int, offset: int, watch: Watch) -> bytes:
    """The digest that `whole` has after all of an open file from `offset` on; raises OSError and Stopped."""
    with memoryview(bytearray(READ_BYTES)) as view:
        while count := os.preadv(fd, [view], offset):
            whole.update(view[:count])
            offset += count
            watch.advance(count)
    return whole.digest()


def _digest_chunks(buffer: bytearray, length: int, chunk_size: int) -> list[bytes]:
    with memoryview(buffer) as view:
        return [
            hashlib.sha256(view[start : min(start + chunk_size, length)]).digest()
            for start in range(0, length, chunk_size)
        ]


def _digest_batch(files: list[SourceFile], watch: Watch) -> list[FileDigests]:
    watch.check()
    return [_digest_small(file) for file in files]


def _digest_small(file: SourceFile) -> FileDigests:
    settle(file.identity)
    with os_errors("can't read", file.path):
        fd = open_path(file.path)
        try:
            data = os.pread(fd, file.identity.size + 1, 0)
            _check(file, fd)
        finally:
            os.close(fd)
    if len(data) != file.identity.size:
        raise _changed(file)
    digest = hashlib.sha256(data).digest()
    return FileDigests(digest, digest if data else b"")


def _check(file: SourceFile, fd: int) -> None:
    if Identity.of(os.fstat(fd)) != file.identity:
        raise _changed(file)


def _changed(file: SourceFile) -> SourceChanged:
    return SourceChanged(f"{shown(file.path)} changed while it was being read; share it again when it is finished")
