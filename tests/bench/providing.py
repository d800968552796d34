"""Providing 10,000 shares and 8,000 keywords to 200 simulated servers: lookups in a 22 h cycle, naive and batched.

The servers are those of `node.net` on a network in memory, in virtual time; a cycle is one round in which every key is
due. Naive is a lookup for each key, as in Kademlia by itself; what such a lookup costs is measured on a few. The cap
on keywords per node is lifted, so that both provide the same keys.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from unittest import mock

import trio
from trio.testing import MockClock

from node.net.kad_table import K
from node.services.provide_plan import REPROVIDE_S, Kind
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
        return trio.run(_measure, clock=MockClock(autojump_threshold=0))


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
