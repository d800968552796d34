"""Pacing what a peer may ask of this node, and what this node asks of a peer: buckets that delay and never refuse.

Rules: pure. py-libp2p resets the stream of a peer that sends its eleventh ADD_PROVIDER within ten seconds, and that
peer never learns that its records are lost. Here an eager peer is merely read more slowly, and flow control carries
the wait back to it.
"""

from __future__ import annotations

from collections import OrderedDict

RATE = 100.0  # messages per second and peer: half a core would serve ten such peers
BURST = 1000.0  # messages at once: announcing and confirming 300 shares to one server without a wait
MAX_BUCKETS = 1024  # peers remembered; a peer that is forgotten merely starts with a full bucket


class TokenBucket:
    """Grants `rate` tokens a second and up to `burst` at once; `now` is in seconds of any clock that goes forward."""

    def __init__(self, now: float, *, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float, count: int = 1) -> float:
        """Take tokens and return how many seconds to wait before using them."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - count
        self._at = now
        return max(0.0, -self._tokens / self._rate)


class PeerPacing:
    """One token bucket for every peer of late, over all its streams."""

    def __init__(self, *, rate: float = RATE, burst: float = BURST, max_buckets: int = MAX_BUCKETS) -> None:
        self._rate = rate
        self._burst = burst
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, peer_id: str, now: float, count: int = 1) -> float:
        """Return how long, in seconds, the next `count` messages from or to `peer_id` have to wait."""
        bucket = self._buckets.pop(peer_id, None) or TokenBucket(now, rate=self._rate, burst=self._burst)
        self._buckets[peer_id] = bucket
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)
        return bucket.take(now, count)
