"""The iterative Kademlia lookup: whom to ask next on the way to a key, and when the walk is over.

Rules: pure. No query is made here and no clock is read; a driver asks `next(now)`, sends, and reports `on_success` or
`on_failure` for every peer it was given. After rust-libp2p's `ClosestPeersIter` and go-libp2p-kad-dht's `query.go`.

How a walk goes. All peers heard of stand in one list, nearest to the target first. The *shortlist* is its first `k`
that have not failed. Peers of the shortlist are asked, nearest first, `alpha` at a time. Once the `beta` nearest have
answered, nobody nearer is known and the walk has arrived: the rest of the shortlist is asked all at once (go's
follow-up). The walk is over when the whole shortlist has answered. A peer that lets `slow_after_s` pass without an
answer gives up its place in the shortlist and its slot in alpha, so that dead peers delay nobody; where it could still
be among the k nearest, the walk's end waits until it answers after all or the driver reports its failure.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from node.net.kad_keyspace import peer_point


@dataclass(frozen=True, slots=True)
class LookupLimits:
    """The parameters of a walk, named as in the Kademlia paper and the libp2p specification."""

    k: int = 20  # how many nearest peers are looked for: the replication factor
    alpha: int = 10  # queries under way at once before arrival (go-libp2p-kad-dht)
    beta: int = 3  # this many nearest peers must have answered for the walk to have arrived
    slow_after_s: float = (
        1.0  # a dial and a question take four round trips: enough for any peer but those behind a satellite
    )
    max_queries: int = 256  # an honest walk of a million nodes needs about 40; liars could lead us on for ever
    max_candidates: int = 1024  # nearest kept; each answer names at most k


class _State(Enum):
    NEW = "heard of, not asked"
    ASKED = "asked, still in time"
    SLOW = "asked, answer overdue"
    ANSWERED = "answered"
    FAILED = "failed"


class Lookup:
    """One walk towards `target`, a point of the keyspace; `exclude` (ourselves) is never asked."""

    def __init__(
        self,
        target: int,
        known: Iterable[str],
        *,
        exclude: str = "",
        limits: LookupLimits = LookupLimits(),
        point: Callable[[str], int] = peer_point,
    ) -> None:
        self._target = target
        self._exclude = exclude
        self._limits = limits
        self._point = point
        self._nearest: list[tuple[int, str]] = []  # (distance, peer), every peer of _states, sorted
        self._states: dict[str, _State] = {}
        self._asked_at: dict[str, float] = {}  # only peers that are ASKED
        self._queries = 0
        self._add(known)

    def next(self, now: float) -> str | None:
        """Return a peer to ask now, or None: wait for news until `next_wakeup`, or the walk `is_finished`."""
        for peer, asked_at in list(self._asked_at.items()):
            if now >= asked_at + self._limits.slow_after_s:
                del self._asked_at[peer]
                self._states[peer] = _State.SLOW
        width = self._limits.k if self._has_arrived() else self._limits.alpha
        if len(self._asked_at) >= width or self._queries >= self._limits.max_queries:
            return None
        for peer in self._shortlist():
            if self._states[peer] is _State.NEW:
                self._states[peer] = _State.ASKED
                self._asked_at[peer] = now
                self._queries += 1
                return peer
        return None

    def on_success(self, peer: str, closer: Iterable[str]) -> None:
        """Take note that `peer` answered and named `closer` peers; the answer of a slow peer counts in full."""
        if self._is_awaited(peer):
            self._end(peer, _State.ANSWERED)
            self._add(closer)

    def on_failure(self, peer: str) -> None:
        """Take note that `peer` will not answer: it could not be reached, broke off, or ran out of time."""
        if self._is_awaited(peer):
            self._end(peer, _State.FAILED)

    @property
    def is_finished(self) -> bool:
        """True when the k nearest have answered, or nobody is left to ask or to wait for."""
        answered = 0
        for _, peer in self._nearest:
            match self._states[peer]:
                case _State.ANSWERED:
                    answered += 1
                    if answered == self._limits.k:
                        return True
                case _State.ASKED | _State.SLOW:
                    return False
                case _State.NEW if self._queries < self._limits.max_queries:
                    return False
        return True

    @property
    def in_flight(self) -> int:
        """How many peers were asked and have neither answered nor failed."""
        return sum(1 for state in self._states.values() if state in (_State.ASKED, _State.SLOW))

    @property
    def queries(self) -> int:
        """How many peers were asked so far."""
        return self._queries

    def next_wakeup(self) -> float | None:
        """Return when `next` may have news without a report, by the clock that `next` was given."""
        return min(self._asked_at.values()) + self._limits.slow_after_s if self._asked_at else None

    def closest(self) -> list[str]:
        """Return the up to k nearest peers that answered, nearest first."""
        answered = [peer for _, peer in self._nearest if self._states[peer] is _State.ANSWERED]
        return answered[: self._limits.k]

    def _shortlist(self) -> Iterator[str]:
        left = self._limits.k
        for _, peer in self._nearest:
            if self._states[peer] in (_State.FAILED, _State.SLOW):
                continue
            yield peer
            left -= 1
            if not left:
                return

    def _has_arrived(self) -> bool:
        left = self._limits.beta
        for peer in self._shortlist():
            if self._states[peer] is not _State.ANSWERED:
                return False
            left -= 1
            if not left:
                return True
        return False

    def _is_awaited(self, peer: str) -> bool:
        return self._states.get(peer) in (_State.ASKED, _State.SLOW)

    def _end(self, peer: str, state: _State) -> None:
        self._states[peer] = state
        self._asked_at.pop(peer, None)

    def _add(self, peers: Iterable[str]) -> None:
        for peer in peers:
            if peer == self._exclude or peer in self._states:
                continue
            self._states[peer] = _State.NEW
            insort(self._nearest, (self._point(peer) ^ self._target, peer))
        self._forget_farthest()

    def _forget_farthest(self) -> None:
        # Only peers never asked are dropped: a forgotten query could neither be reported nor be known as made.
        for index in range(len(self._nearest) - 1, -1, -1):
            if len(self._nearest) <= self._limits.max_candidates:
                return
            _, peer = self._nearest[index]
            if self._states[peer] is _State.NEW:
                del self._nearest[index]
                del self._states[peer]
