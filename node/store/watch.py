"""How the caller of a long job hears how far it is, and stops it.

Rule: a job calls `advance` at least every few megabytes and between files, from whichever of its threads is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from node.store.errors import Stopped


class Watch:
    """Somebody watching one long job: `progress(bytes done so far)`, `cancelled()` true to stop it. Thread-safe."""

    def __init__(
        self, progress: Callable[[int], None] = lambda done: None, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._done = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise Stopped when the watcher has had enough."""
        if self._cancelled():
            raise Stopped("stopped before it was done")

    def advance(self, size: int) -> None:
        """Another `size` bytes are done; raises Stopped when the watcher has had enough."""
        self.check()
        with self._lock:
            self._done += size
            self._progress(self._done)
