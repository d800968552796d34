"""Which keys are to be provided next: pure, `now` is unix time.

Rules: keys of one region are provided together, so those due soon come along with the one that is due; what was never
provided goes first, then shares, then keywords, each in the order in which they are due. What fails is tried again at
growing pauses, and until its records lapse the last success is what is told. A clock that was set back makes nothing
wait for longer than a round. In a young network a few servers are all there are: a key is provided anew each time the
network has doubled, until k servers hold it. However many keys there are, and however many of them are due at once, one
step looks at a bounded number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, islice

from node.services.ordered import Ordered
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

MAX_LOOKED = 2_500
"""Keys of a region looked at for one batch, some two milliseconds: those due together mostly lie together."""

STEP = 100
"""Keys put in their order between two chances for others: two milliseconds, among a hundred thousand."""

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


class ProvidePlan:
    """All keys that this node provides, and how each stands. `point` tells where a key lies, 256 bits."""

    def __init__(self, point: Callable[[bytes], int]) -> None:
        self._point = point
        self._entries: dict[bytes, _Entry] = {}
        self._by_point: Ordered[tuple[int, bytes]] = Ordered()
        # What isn't under way, by its due time, in the order in which that is to go: was it provided before; kind
        self._waiting: dict[tuple[bool, Kind], Ordered[tuple[float, bytes]]] = {
            (was_provided, kind): Ordered() for was_provided in (False, True) for kind in Kind
        }
        self._statuses: dict[Kind, dict[bytes, ProvideStatus]] = {kind: {} for kind in Kind}
        self._provided: dict[bytes, None] = {}  # the shares of which others hold a record

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
        self._by_point.add((entry.point, key))
        self._have_wait(entry, status)

    def remove(self, key: bytes) -> bool:
        """Provide `key` no more; False if it wasn't."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._by_point.remove((entry.point, key))
        if not entry.is_busy:
            self._queue_of(entry).remove((entry.due, key))
        del self._statuses[entry.kind][key]
        self._provided.pop(key, None)
        return True

    def status(self, key: bytes) -> ProvideStatus | None:
        """How a key stands, None if it isn't provided."""
        entry = self._entries.get(key)
        return entry.status if entry else None

    def statuses(self, kind: Kind) -> list[ProvideStatus]:
        """How all keys of a kind stand."""
        return list(self._statuses[kind].values())

    def next(self, now: float, region_bits: int) -> list[bytes]:
        """Return what to provide together now, nothing if nothing is due; it is busy until `done`."""
        for queue in self._waiting.values():
            if (first := queue.first) and first[0] <= now:
                return self._batch(self._entries[first[1]], now, region_bits)
        return []

    def done(self, key: bytes, closest: int, stored: int, now: float) -> ProvideStatus | None:
        """Take in how a round went: `stored` of the `closest` took the record. None if the key is gone meanwhile."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if not entry.is_busy:  # removed and added again meanwhile
            self._queue_of(entry).remove((entry.due, key))
        entry.is_busy = False
        if stored and (stored >= closest or entry.failures >= len(RETRY_S)):
            entry.failures = 0
            pause = REPROVIDE_S
        else:
            pause = RETRY_S[min(entry.failures, len(RETRY_S) - 1)]
            entry.failures += 1
        if stored:
            self._have_wait(entry, ProvideStatus(closest, stored, now, now + pause))
        else:
            self._have_wait(entry, _after_failure(entry.status, closest, now, now + pause))
        return entry.status

    def renew(self, key: bytes, now: float) -> None:
        """Make a key due now: nobody finds what its status says others hold."""
        entry = self._entries.get(key)
        if entry and entry.due > now and not entry.is_busy:
            self._move(entry, ProvideStatus(entry.status.closest, entry.status.stored, entry.status.at, now))

    def provided_shares(self) -> list[bytes]:
        """The shares of which others hold a record, as far as this node knows."""
        return list(self._provided)

    def hurry(self, now: float, servers: int) -> Iterator[None]:
        """Make due what nobody holds yet, and what few hold now that there are twice as many servers; in steps."""
        keys = iter(list(self._entries))
        while some := list(islice(keys, STEP)):
            for key in some:
                entry = self._entries.get(key)
                if entry and entry.status.closest < FULL and servers >= 2 * entry.status.closest:
                    self.renew(key, now)
            yield

    def pull_in(self, now: float) -> Iterator[None]:
        """Have nothing wait for longer than a round: a clock that was ahead has put it off; in steps."""
        latest = now + REPROVIDE_S + SET_BACK_S
        moved = 0
        for queue in self._waiting.values():
            while (last := queue.last) and last[0] > latest:
                entry = self._entries[last[1]]
                self._move(entry, _not_later(entry.status, now))
                moved += 1
                if moved % STEP == 0:
                    yield

    def next_look(self) -> float | None:
        """When `next` may have something to give at the earliest; None if nothing waits for its time."""
        return min((first[0] for queue in self._waiting.values() if (first := queue.first)), default=None)

    def _batch(self, seed: _Entry, now: float, region_bits: int) -> list[bytes]:
        """The seed and what else of its region is ripe: shares first, those that follow the seed first."""
        shift = 256 - region_bits
        low = seed.point >> shift << shift
        start, here, end = (low, b""), (seed.point, seed.key), (low + (1 << shift), b"")
        region = chain(self._by_point.between(here, end), self._by_point.between(start, here))
        ripe: dict[Kind, list[_Entry]] = {kind: [] for kind in Kind}
        for _, key in islice(region, MAX_LOOKED):
            entry = self._entries[key]
            if entry is not seed and not entry.is_busy and entry.due <= now + EARLY_S:
                ripe[entry.kind].append(entry)
                if len(ripe[Kind.SHARE]) >= MAX_BATCH:
                    break
        batch = list(islice(chain((seed,), *ripe.values()), MAX_BATCH))
        for entry in batch:
            self._queue_of(entry).remove((entry.due, entry.key))
            entry.is_busy = True
        return [entry.key for entry in batch]

    def _queue_of(self, entry: _Entry) -> Ordered[tuple[float, bytes]]:
        return self._waiting[entry.status.at is not None, entry.kind]

    def _move(self, entry: _Entry, status: ProvideStatus) -> None:
        self._queue_of(entry).remove((entry.due, entry.key))
        self._have_wait(entry, status)

    def _have_wait(self, entry: _Entry, status: ProvideStatus) -> None:
        entry.status = self._statuses[entry.kind][entry.key] = status
        self._queue_of(entry).add((entry.due, entry.key))
        if entry.kind is Kind.SHARE and status.stored:
            self._provided[entry.key] = None
        else:
            self._provided.pop(entry.key, None)


def is_alive(status: ProvideStatus, now: float) -> bool:
    """Whether others still hold records of the last round that somebody took."""
    return status.at is not None and now - VALIDITY_S < status.at <= now


def lapsing(shares: Iterable[ProvideStatus], now: float) -> list[float]:
    """How many seconds are left of each share whose records lapse within WARN_S, or have."""
    ends = [status.at + VALIDITY_S - now for status in shares if status.at is not None]
    return [left for left in ends if left < WARN_S]


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
