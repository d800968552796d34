"""Providing and finding in a loopback network of 16 Kademlia nodes over real connections, in one process.

Sixteen nodes share one core here, which makes each answer later than sixteen machines would: an upper bound.
"""

from __future__ import annotations

import hashlib
import random
import time
from contextlib import AsyncExitStack

import trio

from node.net.host import Host, HostSettings, open_host
from node.net.identity import Identity
from node.net.kad_reports import KademliaSettings
from node.net.kademlia import Kademlia, open_kademlia
from node.net.provider_store import MemoryProviderStore, Provider
from tests.bench.figures import Figure, middle
from tests.bench.ground import SEED, Ground

NODES = 16
FRIENDS = 4
RECORDS = 15
LIMIT_MS = 500.0
JOIN_TIMEOUT_S = 30.0


def measure(ground: Ground) -> list[Figure]:
    """Every record is provided by one node and looked up by another."""
    return trio.run(_measure)


async def _measure() -> list[Figure]:
    rng = random.Random(SEED)
    provides: list[float] = []
    finds: list[float] = []
    async with AsyncExitStack() as stack:
        nodes = [await _join(stack) for _ in range(NODES)]
        await _meet(nodes, rng)
        for number in range(RECORDS):
            key = b"\x12\x20" + hashlib.sha256(number.to_bytes(4, "big")).digest()
            (_, provider), (_, seeker) = rng.sample(nodes, 2)
            provides.append(await _provide_ms(provider, key))
            finds.append(await _find_ms(seeker, key))
    return [
        middle(f"provide among {NODES} nodes", provides, "ms"),
        middle(f"find among {NODES} nodes", finds, "ms", reference=LIMIT_MS, at_most=1),
    ]


async def _join(stack: AsyncExitStack) -> tuple[Host, Kademlia]:
    host = await stack.enter_async_context(open_host(HostSettings(Identity.generate())))
    dht = await stack.enter_async_context(open_kademlia(host, KademliaSettings(), MemoryProviderStore()))
    return host, dht


async def _meet(nodes: list[tuple[Host, Kademlia]], rng: random.Random) -> None:
    """Everybody dials some who came before, until each routing table has at least as many."""
    for number, (host, _) in enumerate(nodes):
        for earlier, _ in rng.sample(nodes[:number], min(number, FRIENDS)):
            await host.connect(earlier.addresses()[0])
    with trio.fail_after(JOIN_TIMEOUT_S):
        while min(dht.routing_table_size for _, dht in nodes) < FRIENDS:  # noqa: ASYNC110 - a table has no event
            await trio.sleep(0.05)


async def _provide_ms(dht: Kademlia, key: bytes) -> float:
    start = time.perf_counter()
    report = await dht.provide(key)
    if not report.stored:
        raise RuntimeError(f"a record was not stored: {report.reason}")
    return (time.perf_counter() - start) * 1e3


async def _find_ms(dht: Kademlia, key: bytes) -> float:
    """Milliseconds of a whole search, in which the network is asked although a record may lie here already."""
    start = time.perf_counter()
    seen: list[Provider] = []
    await dht.find_providers(key, seen.append, limit=20)
    if not seen:
        raise RuntimeError("a provider was not found")
    return (time.perf_counter() - start) * 1e3
