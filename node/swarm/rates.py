"""How fast bytes come or go: averages over time, and the pace of a peer while it is sending.

Rules: pure, O(1) in time and memory. Bytes per second; `now` never goes backwards.
"""

from __future__ import annotations

from math import exp
from typing import Final

FAST_S: Final = 3.0
"""Averaging time of the rate that sizes pipelines: follows a change within seconds, as libtorrent's 3 s do."""

SLOW_S: Final = 20.0
"""Averaging time of the rate for eyes and estimates: steady over a few chunks (BEP 3 suggests 20 s for choking)."""

_YOUNGEST_S: Final = 0.5
"""A rate is never taken over less than this: one burst of a socket buffer says nothing about a second."""


class Rate:
    """An exponential moving average of bytes per second, right from the first second on."""

    __slots__ = ("_at", "_since", "_sum", "_time_s", "total")

    def __init__(self, time_s: float = FAST_S) -> None:
        self._time_s = time_s
        self._sum = 0.0  # bytes, each weighed by exp(-age / time)
        self._at = 0.0
        self._since: float | None = None
        self.total = 0

    def add(self, size: int, now: float) -> None:
        """Count `size` bytes at `now`."""
        if self._since is None:
            self._since = self._at = now
        self._sum = self._sum * exp((self._at - now) / self._time_s) + size
        self._at = now
        self.total += size

    def bps(self, now: float) -> float:
        """Bytes per second, over about the averaging time before `now`."""
        if self._since is None:
            return 0.0
        # Dividing by what the weights sum up to since the start, not by the full time, takes away the slow start of
        # a plain average.
        age = max(now - self._since, _YOUNGEST_S)
        weights = self._time_s * (1.0 - exp(-age / self._time_s))
        return self._sum * exp((self._at - now) / self._time_s) / weights


QUIET_S: Final = 5.0
"""Without a byte for so long a download counts as stalled."""


class ActiveAverage:
    """Bytes per second over all the time in which a download was really active: neither paused, stalled nor ended.

    The clock runs from one arrival to the next, and at most `QUIET_S` of that: a longer silence is a stall, whose rest
    doesn't count. What comes first after `begin` starts the clock, for nobody knows how long it took.
    """

    __slots__ = ("_at", "_bytes", "_seconds")

    def __init__(self) -> None:
        self._at: float | None = None
        self._bytes = 0
        self._seconds = 0.0

    def begin(self) -> None:
        """The download goes on after a break, whose time doesn't count."""
        self._at = None

    def add(self, size: int, now: float) -> None:
        """Count `size` bytes at `now`."""
        if self._at is not None:
            self._bytes += size
            self._seconds += min(now - self._at, QUIET_S)
        self._at = now

    def bps(self) -> float | None:
        """Bytes per second; None before enough of it was seen."""
        return self._bytes / self._seconds if self._seconds >= _YOUNGEST_S else None


class Pace:
    """How fast a peer sends while it is sending: waits for our turn in its queue don't count.

    A peer that serves a hundred others one after the other is fast and busy; one behind a thin line is slow. The
    average rate can't tell them apart, and only the second one must not be given whole chunks.
    """

    __slots__ = ("_bytes", "_seconds")

    def __init__(self) -> None:
        self._bytes = 0.0
        self._seconds = 0.0

    def add(self, size: int, seconds: float) -> None:
        """Count `size` bytes that took `seconds` of uninterrupted sending."""
        weight = exp(-seconds / FAST_S)
        self._bytes = self._bytes * weight + size
        self._seconds = self._seconds * weight + seconds

    def bps(self) -> float | None:
        """Bytes per second of sending; None before enough of it was seen."""
        if self._seconds < 0.1 * _YOUNGEST_S:
            return None
        return self._bytes / self._seconds
