"""Providing 10,000 shares and 8,000 keywords to 200 simulated servers: lookups in a 22 h cycle, naive and batched.

The servers are those of `node.net` on a network in memory, in virtual time; a cycle is one round in which every key is
due. Naive is a lookup for each key, as in Kademlia by itself; what such a lookup costs is measured on a few. The cap
on keywords per node is lifted, so that both provide the same keys.

And 100,000 shares that are all due at once, as on a laptop that slept for two days: the longest time for which nobody
else got a turn. Python's collector is off meanwhile: its pauses are those of all that a process holds.
"""

from __future__ import annotations

import gc
import hashlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from unittest import mock

import trio
from trio.testing import MockClock

from node.net.kad_reports import ProvideReport
from node.net.kad_table import K
from node.services.provide_plan import REPROVIDE_S, STEP, Kind
from node.services.providing import Providing
from node.status import ProvideStatus
from tests.bench.figures import Figure
from tests.bench.ground import SEED, Ground
from tests.net.kad_world import open_world

SERVERS = 200
SHARES = 10_000
TOKENS = 8_000
WORDS_PER_SHARE = 8
SAMPLE = 20
AT_MOST = 1 / 20
DUE_AT_ONCE = 100_000
STEP_MS = 5.0


class MemorySchedule:
    """A schedule that nobody reads again."""

    def load(self) -> list[tuple[bytes, ProvideStatus]]:
        return []

    def save_all(self, statuses: Sequence[tuple[bytes, ProvideStatus]]) -> None:
        pass

    def remove_all(self, keys: Sequence[bytes]) -> None:
        pass


def measure(ground: Ground) -> list[Figure]:
    """One round in which everything is provided."""
    with mock.patch.object(trio.to_thread, "run_sync", _run_here):  # virtual time would not wait for a thread
        figures = trio.run(_measure, clock=MockClock(autojump_threshold=0))
    adding, providing = trio.run(_longest_steps_ms, clock=MockClock(autojump_threshold=0))
    return [
        *figures,
        Figure(f"{DUE_AT_ONCE:,} keys due at once: longest step", providing, "ms", STEP_MS, at_most=1),
        Figure("adding them at the start: longest step", adding, "ms"),
    ]


async def _run_here(work, *arguments, limiter=None):
    await trio.lowlevel.checkpoint()
    return work(*arguments)


async def _measure() -> list[Figure]:
    async with open_world(seed=SEED) as world:
        nodes = await world.network(SERVERS)
        _, dht = nodes[0]
        naive_queries = await _queries_of_one_lookup(dht)
        service = Providing(dht, MemorySchedule(), trio.current_time, max_keywords=TOKENS)
        keys = _add_all(service)
        walks, start = dht.statistics().walks, trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.run)
            await _until_provided(service)
            nursery.cancel_scope.cancel()
        walks, seconds = dht.statistics().walks - walks, trio.current_time() - start
    stored = [status.stored for kind in Kind for status in service.plan.statuses(kind)]
    return [
        Figure(f"lookups for {keys:,} keys at {SERVERS} servers, naive and batched", walks, "", keys, at_most=AT_MOST),
        Figure("queries of a naive lookup", naive_queries, ""),
        Figure("servers that hold each record, worst", min(stored), "", K, at_least=0.9),
        Figure("one round, at the pace that servers stand", seconds, "s", REPROVIDE_S, at_most=0.1),
    ]


def _key(text: str) -> bytes:
    return b"\x12\x20" + hashlib.sha256(text.encode()).digest()


def _add_all(service: Providing) -> int:
    """Add every share with some of the tokens; how many keys that makes."""
    rng = random.Random(SEED)
    tokens = [_key(f"token {number}") for number in range(TOKENS)]
    for number in range(SHARES):
        few = rng.sample(tokens, WORDS_PER_SHARE - 1)
        service.add(_key(f"share {number}"), [tokens[number % TOKENS], *few])
    return len(service.plan)


async def _queries_of_one_lookup(dht) -> float:
    before = dht.statistics().queries
    for number in range(SAMPLE):
        await dht.look_for(_key(f"sample {number}"))
    return (dht.statistics().queries - before) / SAMPLE


async def _until_provided(service: Providing) -> None:
    def is_done() -> bool:
        return all(status.at is not None for kind in Kind for status in service.plan.statuses(kind))

    while not is_done():  # noqa: ASYNC110 - what it waits for is eighteen thousand statuses
        await trio.sleep(5)


class Servers:
    """Two hundred servers that take everything at once."""

    routing_table_size = SERVERS
    region_bits = 3

    async def provide_all(self, keys: Sequence[bytes]) -> Mapping[bytes, ProvideReport]:
        await trio.sleep(1)
        return dict.fromkeys(keys, ProvideReport(K, K))

    async def withdraw(self, key: bytes) -> None:
        await trio.lowlevel.checkpoint()


class Steps(trio.abc.Instrument):
    """The longest step of any task, in seconds of the processor."""

    def __init__(self) -> None:
        self._start = time.thread_time()
        self.longest = 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._start = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.longest = max(self.longest, time.thread_time() - self._start)


async def _longest_steps_ms() -> tuple[float, float]:
    """Add all keys as a start does, which is longest where Python's dictionaries grow; and provide them."""
    service = Providing(Servers(), MemorySchedule(), trio.current_time)
    keys = [_key(f"share {number}") for number in range(DUE_AT_ONCE)]
    with _without_collector():
        with _measuring() as adding:
            for number, key in enumerate(keys):
                service.add(key)
                if number % STEP == 0:
                    await trio.lowlevel.checkpoint()
        with _measuring() as providing:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(service.run)
                while _is_due(service):  # noqa: ASYNC110 - a plan has no event
                    await trio.sleep(1)
                nursery.cancel_scope.cancel()
    return adding.longest * 1e3, providing.longest * 1e3


@contextmanager
def _measuring() -> Iterator[Steps]:
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    try:
        yield steps
    finally:
        trio.lowlevel.remove_instrument(steps)


def _is_due(service: Providing) -> bool:
    look = service.plan.next_look()
    return look is None or look <= trio.current_time()


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
