"""Telling the DHT what this node has, and telling it again before the records lapse.

Rules: a share is provided under its manifest's multihash; the schedule is in the database, so that a restart goes on
where it was; fewer holders than there are closest nodes means an early retry; what is no longer shared is never
provided again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from node.errors import StorageError
from node.services.keywords import Keywords
from node.services.threads import in_thread
from node.status import ProvideStatus

log = logging.getLogger(__name__)

REPROVIDE_S = 22 * 3600.0
"""Records live 48 h; 22 h is Kubo's interval, which survives one missed round (go-libp2p-kad-dht)."""

RETRY_S = (5.0, 15.0, 60.0, 300.0, 1800.0)
"""Pauses after a round that fewer than all closest nodes took; a young network grows quickly, an old one doesn't."""

WORKERS = 4
"""Provides under way: each is a lookup of up to 10 RPCs, and a home router must not notice."""

POLL_S = 2.0


class ProvideReport(Protocol):
    """How a provide went; `node.net` has the class."""

    @property
    def closest(self) -> int: ...
    @property
    def stored(self) -> int: ...


class Routing(Protocol):
    """What this service needs of Kademlia."""

    async def provide(self, key: bytes) -> ProvideReport: ...
    async def withdraw(self, key: bytes) -> None: ...


class Schedule(Protocol):
    """Where the schedule is kept: `node.store` has it."""

    def load(self) -> list[tuple[bytes, ProvideStatus]]: ...
    def save(self, key: bytes, status: ProvideStatus) -> None: ...
    def remove(self, key: bytes) -> None: ...


@dataclass(slots=True)
class _Entry:
    status: ProvideStatus
    failures: int = 0
    is_busy: bool = False


class Providing:
    """The keys this node provides, and when each is due."""

    def __init__(self, routing: Routing, schedule: Schedule, clock: Callable[[], float]) -> None:
        self._routing = routing
        self._schedule = schedule
        self._clock = clock
        self._saved = dict(schedule.load())
        self._entries: dict[bytes, _Entry] = {}
        self._keywords = Keywords()
        self._wake = trio.Event()

    def add(self, key: bytes, keywords: Sequence[bytes] = ()) -> None:
        """Provide a share's key from now on; at once, unless a record of an earlier run is still fresh.

        `keywords` are multihashes of words that are to lead to the share, the most telling first; the first
        `keywords.MAX_PER_SHARE` are provided too, after the shares, within the node's cap. None given: as before.
        """
        self._begin(key)
        if keywords:
            added, dropped = self._keywords.set(key, keywords)
            for word in added:
                self._begin(word)
            for word in dropped:
                self._entries.pop(word, None)

    async def remove(self, key: bytes) -> None:
        """Provide this key no more, nor the keywords that led only to it; what others hold lapses within 48 h."""
        added, dropped = self._keywords.set(key, ())
        for word in added:
            self._begin(word)
        for gone in (key, *dropped):
            if self._entries.pop(gone, None):
                await self._keep(self._schedule.remove, gone)
                await self._routing.withdraw(gone)

    def _begin(self, key: bytes) -> None:
        if key not in self._entries:
            fresh = ProvideStatus(closest=0, stored=0, at=None, due=self._clock())
            self._entries[key] = _Entry(self._saved.pop(key, fresh))
            self._wake.set()

    def status(self, key: bytes) -> ProvideStatus | None:
        """How the key stands, None if it isn't provided."""
        entry = self._entries.get(key)
        return entry.status if entry else None

    def network_changed(self) -> None:
        """New peers are here: what nobody took so far is due now."""
        now = self._clock()
        for entry in self._entries.values():
            if entry.status.stored == 0:
                entry.status = ProvideStatus(entry.status.closest, 0, entry.status.at, now)
        self._wake.set()

    async def run(self) -> None:
        """Provide what is due, for as long as the node runs."""
        limiter = trio.Semaphore(WORKERS)
        async with trio.open_nursery() as nursery:
            while True:
                now = self._clock()
                due = [key for key, entry in self._entries.items() if not entry.is_busy and _is_due(entry, now)]
                for key in due:
                    await limiter.acquire()
                    if entry := self._entries.get(key):
                        entry.is_busy = True
                        nursery.start_soon(self._provide, key, entry, limiter)
                    else:
                        limiter.release()
                with trio.move_on_after(POLL_S):
                    await self._wake.wait()
                self._wake = trio.Event()

    async def _provide(self, key: bytes, entry: _Entry, limiter: trio.Semaphore) -> None:
        try:
            report = await self._routing.provide(key)
        finally:
            limiter.release()
            entry.is_busy = False
        now = self._clock()
        if report.stored and report.stored >= report.closest:
            entry.failures = 0
            pause = REPROVIDE_S
        else:
            pause = RETRY_S[min(entry.failures, len(RETRY_S) - 1)]
            entry.failures += 1
        entry.status = ProvideStatus(closest=report.closest, stored=report.stored, at=now, due=now + pause)
        log.info("provided %s: %d of the %d closest hold it", key.hex()[:16], report.stored, report.closest)
        if key in self._entries:
            await self._keep(self._schedule.save, key, entry.status)

    async def _keep(self, change: Callable[..., None], *arguments: object) -> None:
        """Change the schedule on disk; without it a restart provides a little too soon, which is no reason to stop."""
        try:
            await in_thread(change, *arguments)
        except StorageError as error:
            log.warning("the provide schedule can't be saved now: %s", error)


def _is_due(entry: _Entry, now: float) -> bool:
    return entry.status.due is None or entry.status.due <= now
