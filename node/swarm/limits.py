"""Bandwidth limits: token buckets that may go into debt, changeable while in use.

Rules: pure. One bucket may be shared by every share of a node (the global limit) and stand beside one of its own
(the share's limit): what uses both asks `ready_at` and calls `spend` on each.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

BURST_S: Final = 0.5
"""What may be saved up while idle: long enough that a coarse timer loses nothing, too short to be seen as a spike."""

SLICE_S: Final = 0.25
"""The most one grant may take at once, in time: a limit of 50 kB/s is then 12 kB four times a second."""

SMALLEST_SLICE: Final = 1 << 14
"""Below 16 KiB a message is mostly overhead; it is also what BitTorrent requests at a time."""


class TokenBucket:
    """At most `bps` bytes a second on average; None is no limit, 0 lets nothing through.

    Spending is allowed whenever the bucket isn't empty and may take it below zero; the debt is waited off. So a
    message larger than the burst still passes, and the average holds all the same.
    """

    __slots__ = ("_at", "_bps", "_tokens")

    def __init__(self, bps: float | None, now: float) -> None:
        self._bps = bps
        self._at = now
        self._tokens = 0.0 if bps is None else bps * BURST_S

    @property
    def bps(self) -> float | None:
        """The limit in bytes per second."""
        return self._bps

    def set_bps(self, bps: float | None, now: float) -> None:
        """Change the limit; a debt stays as seconds to wait under the new one, and savings are cut to its burst."""
        self._refill(now)
        if bps is None or self._bps is None:
            self._tokens = 0.0
        elif self._tokens < 0.0 and self._bps > 0.0:
            self._tokens *= bps / self._bps
        self._bps = bps
        self._tokens = min(self._tokens, self._burst)

    def ready_at(self, now: float) -> float:
        """When something may be spent: `now` or earlier if at once, `inf` if the limit is 0."""
        if self._bps is None:
            return now
        if self._bps <= 0.0:
            return inf
        self._refill(now)
        return now if self._tokens > 0.0 else now - self._tokens / self._bps + 1e-6

    def slice(self, size: int) -> int:
        """How much of `size` to take at once, so that a low limit flows evenly."""
        return size if self._bps is None else min(size, max(SMALLEST_SLICE, int(self._bps * SLICE_S)))

    def spend(self, size: int, now: float) -> None:
        """Count `size` bytes against the limit."""
        if self._bps is not None:
            self._refill(now)
            self._tokens -= size

    @property
    def _burst(self) -> float:
        return 0.0 if self._bps is None else max(1.0, self._bps * BURST_S)

    def _refill(self, now: float) -> None:
        if self._bps is not None:
            self._tokens = min(self._tokens + (now - self._at) * self._bps, self._burst)
        self._at = now


def ready_at(buckets: Iterable[TokenBucket], now: float) -> float:
    """When all of them let something through."""
    return max((bucket.ready_at(now) for bucket in buckets), default=now)
