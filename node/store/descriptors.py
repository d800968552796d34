"""A bounded cache of open files, shared by all shares and downloads of a node.

Rules: a descriptor in use is never closed under its reader; the least recently used idle one goes first. Without the
cache each request would open its file; without the bound a folder of 6,000 files would use up the process's limit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

OPEN_FILES = 128
"""Idle descriptors kept: the usual limit of a process is 1,024, and most of those belong to connections."""


@dataclass(slots=True)
class _Entry:
    fd: int
    users: int = 0
    is_dropped: bool = False


class Descriptors:
    """Open files by (owner, number); thread-safe."""

    def __init__(self, limit: int = OPEN_FILES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: dict[tuple[object, int], _Entry] = {}  # in order of use, the oldest first

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def lease(self, owner: object, number: int, opener: Callable[[], int]) -> Iterator[int]:
        """The fd of the owner's file `number` while the body runs; `opener` opens it (or raises) if it isn't open."""
        key = (owner, number)
        entry = self._take(key)
        if entry is None:
            entry = self._keep(key, opener())
        try:
            yield entry.fd
        finally:
            with self._lock:
                entry.users -= 1
                if entry.is_dropped and not entry.users:
                    os.close(entry.fd)

    def drop(self, owner: object) -> None:
        """Close all of the owner's files; one that is being used right now is closed after that."""
        with self._lock:
            for key in [key for key in self._entries if key[0] is owner]:
                self._drop(key)

    def _take(self, key: tuple[object, int]) -> _Entry | None:
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry:
                self._entries[key] = entry
                entry.users += 1
            return entry

    def _keep(self, key: tuple[object, int], fd: int) -> _Entry:
        with self._lock:
            if key in self._entries:  # another thread was faster
                os.close(fd)
                entry = self._entries[key]
            else:
                entry = self._entries[key] = _Entry(fd)
            entry.users += 1
            while len(self._entries) > self._limit:
                oldest_idle = next((key for key, other in self._entries.items() if not other.users), None)
                if oldest_idle is None:
                    break
                self._drop(oldest_idle)
            return entry

    def _drop(self, key: tuple[object, int]) -> None:
        entry = self._entries.pop(key)
        entry.is_dropped = True
        if not entry.users:
            os.close(entry.fd)
