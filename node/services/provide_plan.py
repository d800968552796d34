"""Which keys are to be provided next: pure, `now` is unix time.

Rules: keys of one region are provided together, so those due soon come along with the one that is due; what was never
provided goes first, then shares, then keywords, each in the order in which they are due. What fails is tried again at
growing pauses, and until its records lapse the last success is what is told. A clock that was set back makes nothing
wait for longer than a round. In a young network a few servers are all
there are: a key is provided anew each time the network has doubled, until k servers hold it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

from node.status import ProvideStatus

REPROVIDE_S = 22 * 3600.0
"""Records live 48 h; 22 h is Kubo's interval, which survives one missed round (go-libp2p-kad-dht)."""

VALIDITY_S = 48 * 3600.0
"""How long others keep a record (libp2p/specs kad-dht)."""

EARLY_S = REPROVIDE_S / 4
"""How much before its time a key goes with its region: one record in four too many at most, and then never again."""

RETRY_S = (5.0, 15.0, 60.0, 300.0, 1800.0)
"""Pauses after a round that fewer than all closest nodes took; a young network grows quickly, an old one doesn't.
After the last one those who did take it will do; if nobody did, it is tried on."""

WARN_S = 6 * 3600.0
"""So long before records lapse it is said: twenty failed rounds, and time enough for a person to do something."""

MAX_BATCH = 250
"""Keys provided together: a few seconds' worth, and a new share waits no longer than that."""

MAX_STALE = 1_000
"""Times of keys that are gone: fewer aren't worth a look through all."""

SET_BACK_S = 60.0
"""By how much the clock must have gone back to be set: less is a correction, which delays nothing that matters."""

FULL = 20
"""Servers that hold a record in a network that has so many: Kademlia's k."""


class Kind(IntEnum):
    """What a key is for; the lower goes first."""

    SHARE = 0
    KEYWORD = 1


@dataclass(slots=True)
class _Entry:
    key: bytes
    kind: Kind
    point: int
    status: ProvideStatus
    failures: int = 0
    is_busy: bool = False

    @property
    def due(self) -> float:
        return self.status.due or 0.0

    @property
    def rank(self) -> tuple[bool, Kind, float]:
        return self.status.at is not None, self.kind, self.due


class ProvidePlan:
    """All keys that this node provides, and how each stands. `point` tells where a key lies, 256 bits."""

    def __init__(self, point: Callable[[bytes], int]) -> None:
        self._point = point
        self._entries: dict[bytes, _Entry] = {}
        self._by_point: list[tuple[int, bytes]] = []
        self._queue: list[tuple[tuple[bool, Kind, float], bytes]] = []  # due now, by rank; stale entries are skipped
        self._later: list[tuple[float, bytes]] = []  # not due yet; stale entries are skipped
        self._latest = 0.0  # what the clock said last

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def add(self, key: bytes, kind: Kind, saved: ProvideStatus | None, now: float) -> None:
        """Provide `key` from now on; at once, unless `saved` says that a record of an earlier run is still fresh."""
        if key in self._entries:
            return
        status = _not_later(saved, now) if saved else ProvideStatus(closest=0, stored=0, at=None, due=now)
        entry = self._entries[key] = _Entry(key, kind, self._point(key), status)
        insort(self._by_point, (entry.point, key))
        self._schedule(entry)

    def remove(self, key: bytes) -> bool:
        """Provide `key` no more; False if it wasn't."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        del self._by_point[bisect_left(self._by_point, (entry.point, key))]
        return True

    def status(self, key: bytes) -> ProvideStatus | None:
        """How a key stands, None if it isn't provided."""
        entry = self._entries.get(key)
        return entry.status if entry else None

    def statuses(self, kind: Kind) -> list[ProvideStatus]:
        """How all keys of a kind stand."""
        return [entry.status for entry in self._entries.values() if entry.kind is kind]

    def next(self, now: float, region_bits: int) -> list[bytes]:
        """Return what to provide together now, nothing if nothing is due; it is busy until `done`."""
        if now < self._latest - SET_BACK_S:
            for waiting in self._entries.values():
                waiting.status = _not_later(waiting.status, now)
                self._schedule(waiting)
        self._latest = now
        while self._later and self._later[0][0] <= now:
            _, key = heapq.heappop(self._later)
            if (entry := self._entries.get(key)) and not entry.is_busy and entry.due <= now:
                heapq.heappush(self._queue, (entry.rank, key))
        while self._queue:
            rank, key = heapq.heappop(self._queue)
            seed = self._entries.get(key)
            if seed and not seed.is_busy and seed.rank == rank:
                return self._batch(seed, now, region_bits)
        return []

    def done(self, key: bytes, closest: int, stored: int, now: float) -> ProvideStatus | None:
        """Take in how a round went: `stored` of the `closest` took the record. None if the key is gone meanwhile."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.is_busy = False
        if stored and (stored >= closest or entry.failures >= len(RETRY_S)):
            entry.failures = 0
            pause = REPROVIDE_S
        else:
            pause = RETRY_S[min(entry.failures, len(RETRY_S) - 1)]
            entry.failures += 1
        if stored:
            entry.status = ProvideStatus(closest, stored, now, now + pause)
        else:
            entry.status = _after_failure(entry.status, closest, now, now + pause)
        self._schedule(entry)
        return entry.status

    def renew(self, key: bytes, now: float) -> None:
        """Make a key due now: nobody finds what its status says others hold."""
        entry = self._entries.get(key)
        if entry and entry.due > now and not entry.is_busy:
            entry.status = ProvideStatus(entry.status.closest, entry.status.stored, entry.status.at, now)
            self._schedule(entry)

    def provided_shares(self) -> list[bytes]:
        """The shares of which others hold a record, as far as this node knows."""
        return [entry.key for entry in self._entries.values() if entry.kind is Kind.SHARE and entry.status.stored]

    def hurry(self, now: float, servers: int) -> None:
        """Make due what nobody holds yet, and what few hold now that there are twice as many servers."""
        for entry in self._entries.values():
            is_outgrown = entry.status.closest < FULL and servers >= 2 * entry.status.closest
            if entry.due > now and not entry.is_busy and is_outgrown:
                entry.status = ProvideStatus(entry.status.closest, entry.status.stored, entry.status.at, now)
                self._schedule(entry)

    def next_look(self) -> float | None:
        """When `next` may have something to give at the earliest; None if nothing is provided."""
        return self._later[0][0] if self._later else None

    def next_due(self) -> float | None:
        """When the next round is due; None if nothing is provided."""
        return min((entry.due for entry in self._entries.values()), default=None)

    def lapsing(self, now: float) -> list[tuple[bytes, float]]:
        """The shares whose records lapse within WARN_S, or have, with the seconds left."""
        ends = [
            (entry.key, entry.status.at + VALIDITY_S - now)
            for entry in self._entries.values()
            if entry.kind is Kind.SHARE and entry.status.at is not None
        ]
        return [(key, left) for key, left in ends if left < WARN_S]

    def _batch(self, seed: _Entry, now: float, region_bits: int) -> list[bytes]:
        """The seed and what else of its region is ripe: shares first, those that follow the seed first."""
        shift = 256 - region_bits
        low = seed.point >> shift << shift
        start = bisect_left(self._by_point, (low, b""))
        end = bisect_left(self._by_point, (low + (1 << shift), b""), start)
        here = bisect_left(self._by_point, (seed.point, seed.key), start, end)
        seed.is_busy = True
        keys = [*self._by_point[here:end], *self._by_point[start:here]]
        entries = [entry for _, key in keys if not (entry := self._entries[key]).is_busy]
        ripe = (entry for kind in Kind for entry in entries if entry.kind is kind and entry.due <= now + EARLY_S)
        batch = [seed, *islice(ripe, MAX_BATCH - 1)]
        for entry in batch:
            entry.is_busy = True
        return [entry.key for entry in batch]

    def _schedule(self, entry: _Entry) -> None:
        heapq.heappush(self._later, (entry.due, entry.key))
        if len(self._later) > MAX_STALE + 2 * len(self._entries):  # shares that come and go leave theirs behind
            self._later = [(each.due, each.key) for each in self._entries.values()]
            heapq.heapify(self._later)


def _not_later(status: ProvideStatus, now: float) -> ProvideStatus:
    """The status without what can only be from a clock that was ahead."""
    at = None if status.at is None else min(status.at, now)
    due = None if status.due is None else min(status.due, now + REPROVIDE_S)
    return ProvideStatus(status.closest, status.stored, at, due)


def _after_failure(before: ProvideStatus, closest: int, now: float, due: float) -> ProvideStatus:
    """What to tell when nobody took the record: who holds the last one, for as long as that lives."""
    if before.at is not None and now < before.at + VALIDITY_S:
        return ProvideStatus(before.closest, before.stored, before.at, due)
    return ProvideStatus(closest, 0, before.at, due)
