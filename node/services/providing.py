"""Telling the DHT what this node has, and telling it again before the records lapse.

Rules: a share is provided under its manifest's multihash, and words that are to lead to it under theirs; what goes
next is decided by `provide_plan`; the schedule is in the database, so that a restart goes on where it was; what is no
longer shared is never provided again, nor any further where that is under way. While nobody is known there is nothing
to try. Whatever goes wrong with one batch is tried again, and costs no other. What the schedule knows of keys that are
provided no more, such as words that were rare once, goes when their records have lapsed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from node.errors import StorageError
from node.net.kad_keyspace import key_point
from node.services.keywords import MAX_PER_NODE, Keywords
from node.services.provide_plan import STEP, Kind, ProvidePlan, is_alive, lapsing
from node.services.self_check import Checked
from node.services.threads import in_thread
from node.status import ProvideStatus

log = logging.getLogger(__name__)

WORKERS = 4
"""Batches under way: one is mostly waiting, for a lookup or for a server's pace."""

POLL_S = 1.0
"""Between looks whether somebody is known, while something is due."""

LOOK_S = 60.0
"""The longest time between two looks at what is due: the clock on the wall may have been set."""

GROWTH_S = 10.0
"""Between looks at how the network has grown: newcomers come in crowds."""

WARN_FIRST_S = 60.0
"""After the start, which a node that was off for two days spends renewing what has lapsed."""

WARN_EVERY_S = 3600.0
"""Between warnings about records that lapse: once an hour is heard and doesn't fill the log."""

PURGED = 1_000
"""Rows of lapsed records that go in one transaction, some ten milliseconds during which other writers wait."""


class ProvideReport(Protocol):
    """How a provide went; `node.net` has the class."""

    @property
    def closest(self) -> int: ...
    @property
    def stored(self) -> int: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Failed:
    closest: int = 0
    stored: int = 0
    reason: str = "something failed inside; the log says where"


_FAILED = _Failed()


class Routing(Protocol):
    """What this service needs of Kademlia."""

    @property
    def routing_table_size(self) -> int: ...
    @property
    def region_bits(self) -> int: ...
    async def provide_all(self, keys: Sequence[bytes]) -> Mapping[bytes, ProvideReport]: ...
    async def withdraw(self, key: bytes) -> None: ...


class Schedule(Protocol):
    """Where the schedule is kept: `node.store` has it."""

    def load(self) -> list[tuple[bytes, ProvideStatus]]: ...
    def save_all(self, statuses: Sequence[tuple[bytes, ProvideStatus]]) -> None: ...
    def remove_all(self, keys: Sequence[bytes]) -> None: ...


class Providing:
    """The keys this node provides, and when each is due."""

    def __init__(
        self, routing: Routing, schedule: Schedule, clock: Callable[[], float], *, max_keywords: int = MAX_PER_NODE
    ) -> None:
        self._routing = routing
        self._schedule = schedule
        self._clock = clock
        self._saved = dict(schedule.load())
        self._plan = ProvidePlan(key_point)
        self._keywords = Keywords(max_per_node=max_keywords)
        self.on_added: Callable[[bytes], None] = lambda key: None  # a share was added whose keywords aren't known yet
        self._servers = 0  # when it was last looked whether the network has grown
        self._last_reason = ""
        self.checked = Checked()  # what `self_check` found last
        self._gone: list[bytes] = []  # keys still in the schedule, provided no more
        self._wake = trio.Event()

    def add(self, key: bytes, keywords: Sequence[bytes] = ()) -> None:
        """Provide a share's key from now on; at once, unless a record of an earlier run is still fresh.

        `keywords` are multihashes of words that are to lead to the share, the most telling first; the first
        `keywords.MAX_PER_SHARE` are provided too, after the shares, within the node's cap. None given: as before.
        """
        is_new = self._plan.status(key) is None
        self._begin(key, Kind.SHARE)
        if keywords:
            added, dropped = self._keywords.set(key, keywords)
            for word in added:
                self._begin(word, Kind.KEYWORD)
            self._gone += [word for word in dropped if self._plan.remove(word)]
        elif is_new:  # a download adds itself with every chunk that it has
            self.on_added(key)

    async def remove(self, key: bytes) -> None:
        """Provide this key no more, nor the keywords that led only to it; what others hold lapses within 48 h."""
        added, dropped = self._keywords.set(key, ())
        for word in added:
            self._begin(word, Kind.KEYWORD)
        self._gone += [each for each in (key, *dropped) if self._plan.remove(each)]
        await self._forget_gone()

    def status(self, key: bytes) -> ProvideStatus | None:
        """How the key stands, None if it isn't provided."""
        return self._plan.status(key)

    @property
    def plan(self) -> ProvidePlan:
        """All keys, for eyes."""
        return self._plan

    @property
    def keywords_waiting(self) -> int:
        """How many keywords the node's cap keeps from being provided."""
        return self._keywords.waiting

    def provided_shares(self) -> Sequence[bytes]:
        """The shares of which others hold a record, as far as this node knows."""
        return self._plan.provided_shares()

    def renew(self, key: bytes) -> None:
        """Provide a key now, although its time hasn't come: it was looked for and not found."""
        self._plan.renew(key, self._clock())
        self._wake.set()

    def network_changed(self) -> None:
        """New peers are here: what could not be provided may go now."""
        self._wake.set()

    async def run(self) -> None:
        """Provide what is due, for as long as the node runs."""
        limiter = trio.Semaphore(WORKERS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_growth)
            nursery.start_soon(self._warn)
            while True:
                await _in_steps(self._plan.pull_in(self._clock()))
                while self._routing.routing_table_size:
                    await limiter.acquire()
                    batch = self._plan.next(self._clock(), self._routing.region_bits)
                    if not batch:
                        limiter.release()
                        break
                    nursery.start_soon(self._provide, batch, limiter)
                await self._forget_gone()
                with trio.move_on_after(self._wait_s()):
                    await self._wake.wait()
                self._wake = trio.Event()

    def _wait_s(self) -> float:
        look = self._plan.next_look()
        return LOOK_S if look is None else min(LOOK_S, max(POLL_S, look - self._clock()))

    async def _forget_gone(self) -> None:
        gone, self._gone = [key for key in self._gone if key not in self._plan], []
        left = dict.fromkeys(gone)
        try:
            for key in gone:
                if key not in self._plan:  # shared again meanwhile
                    await self._routing.withdraw(key)
                del left[key]
            if gone:
                await self._keep(self._schedule.remove_all, [key for key in gone if key not in self._plan])
        except BaseException:
            self._gone += left or gone  # whoever asked for this went away; it is done all the same
            self._wake.set()
            raise

    def _begin(self, key: bytes, kind: Kind) -> None:
        self._plan.add(key, kind, self._saved.pop(key, None), self._clock())
        self._wake.set()

    async def _provide(self, batch: list[bytes], limiter: trio.Semaphore) -> None:
        reports: Mapping[bytes, ProvideReport]
        try:
            reports = await self._routing.provide_all(batch)
        except Exception:  # the border: a fault met on the way to some servers costs this batch a retry
            log.exception("%s could not be provided", _some(len(batch), "key"))
            reports = dict.fromkeys(batch, _FAILED)
        finally:
            limiter.release()
        for key in batch:
            if key not in self._plan:
                await self._routing.withdraw(key)  # the record kept here may be younger than the first withdrawal
        reports = {key: report for key, report in reports.items() if key in self._plan}
        if not reports:
            return
        now = self._clock()
        after: list[tuple[bytes, ProvideStatus]] = []
        for number, (key, report) in enumerate(reports.items()):
            if status := self._plan.done(key, report.closest, report.stored, now):
                after.append((key, status))
            if number % STEP == 0:
                await trio.lowlevel.checkpoint()
        self._tell(reports)
        await self._keep(self._schedule.save_all, after)

    def _tell(self, reports: Mapping[bytes, ProvideReport]) -> None:
        """Log a batch: a line for what went well, and one for a new reason why it didn't."""
        taken = sum(report.stored > 0 for report in reports.values())
        if taken:
            stored = sum(report.stored for report in reports.values()) / taken
            closest = sum(report.closest for report in reports.values()) / len(reports)
            each = "it" if taken == 1 else "each"
            log.info("provided %s: %.0f of the %.0f closest nodes hold %s", _some(taken, "key"), stored, closest, each)
        reason = next((report.reason for report in reports.values() if report.reason), "")
        if reason and reason != self._last_reason:
            log.info("%s could not be provided: %s", _some(len(reports) - taken, "key"), reason)
        self._last_reason = reason

    async def _watch_growth(self) -> None:
        while True:
            await trio.sleep(GROWTH_S)
            if self._routing.routing_table_size > self._servers:
                await _in_steps(self._plan.hurry(self._clock(), self._routing.routing_table_size))
                self._wake.set()
            self._servers = self._routing.routing_table_size

    async def _warn(self) -> None:
        await trio.sleep(WARN_FIRST_S)
        while True:
            if left := await in_thread(lapsing, self._plan.statuses(Kind.SHARE), self._clock()):
                log.warning("%s", lapse_words(left, self._last_reason))
            await self._purge()
            await trio.sleep(WARN_EVERY_S)

    async def _purge(self) -> None:
        """Forget keys of earlier runs that nobody has asked to provide again: their records have lapsed."""
        now = self._clock()
        lapsed = [key for key, status in self._saved.items() if not is_alive(status, now)]
        for start in range(0, len(lapsed), PURGED):
            some = [key for key in lapsed[start : start + PURGED] if self._saved.pop(key, None)]
            await self._keep(self._schedule.remove_all, some)

    async def _keep(self, change: Callable[..., None], rows: Sequence[object]) -> None:
        """Change the schedule on disk; without it a restart provides a little too soon, which is no reason to stop."""
        try:
            await in_thread(change, rows)
        except StorageError as error:
            log.warning("the provide schedule can't be saved now: %s", error)


async def _in_steps(work: Iterable[None]) -> None:
    for _ in work:
        await trio.lowlevel.checkpoint()


def lapse_words(seconds_left: Sequence[float], reason: str) -> str:
    """What to tell of shares whose records lapse, after so many seconds each; 0 and less have lapsed."""
    lapsed = sum(left <= 0 for left in seconds_left)
    coming = [left for left in seconds_left if left > 0]
    parts = []
    if coming:
        parts.append(f"nobody will find {_some(len(coming), 'share')} from {min(coming) / 3600:.0f} h from now on")
    if lapsed:
        parts.append(f"nobody finds {_some(lapsed, 'share')} any more")
    return f"{' and '.join(parts)}: their provider records could not be renewed ({reason or 'not tried yet'})"


def _some(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
