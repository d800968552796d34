"""Virtual time: events in the order of their times, and of their scheduling where times are equal."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Events:
    """A clock that jumps from one event to the next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._count = 0
        self._queue: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []

    def at(self, when: float, call: Callable[..., None], *args: object) -> None:
        """Call something at a time, at once if that is past."""
        self._count += 1
        heappush(self._queue, (max(when, self.now), self._count, call, args))

    def after(self, seconds: float, call: Callable[..., None], *args: object) -> None:
        """Call something in so many seconds."""
        self.at(self.now + seconds, call, *args)

    def run(self, until: float, is_over: Callable[[], bool]) -> None:
        """Let time pass until the condition holds or the time has come."""
        while self._queue and not is_over():
            when, _, call, args = heappop(self._queue)
            if when > until:
                return
            self.now = when
            call(*args)
