"""Searching in a loopback network of 40 real nodes with 10,000 shares, in one process.

Forty nodes share one core here, which makes each answer later than forty machines would: an upper bound. That they get
to know each other takes a minute or two, most of it cryptography, before anything is measured. The records of the
keywords are put where providing would have put them, which `providing` measures. Names are made of words of which few
are in many names and most in a few, as in real collections.
"""

from __future__ import annotations

import gc
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

import trio

from node.net.host import Host, HostSettings, open_host
from node.net.identity import Identity
from node.net.kad_keyspace import key_point, peer_point
from node.net.kad_reports import KademliaSettings
from node.net.kad_table import K
from node.net.kademlia import Kademlia, open_kademlia
from node.net.provider_store import MemoryProviderStore
from node.services.content import Content
from node.services.exchange import Exchange
from node.services.searching import Searching
from node.services.searching_answering import SearchAnswers
from node.services.searching_keywords import keyword_keys
from node.services.searching_state import Search
from node.store.database import Database
from node.store.search_index import SearchIndex
from protocols.cid import Cid
from protocols.exchange import PROTOCOL_ID as EXCHANGE
from protocols.manifest import decode
from protocols.search import PROTOCOL_ID as SEARCH
from tests.bench.figures import Figure
from tests.bench.ground import SEED, Ground
from tests.bench.words import Words
from tests.services.fakes import complete_content, one_file

NODES = 40
FRIENDS = 15  # known to a node before the next one joins
SHARES = 250  # of each node
HOLDERS = 3
SEARCHES = 10
FIRST_LIMIT_S, COMPLETE_LIMIT_S, NOTHING_LIMIT_S = 1.0, 3.0, 3.0
TIMEOUT_S = 120.0
JOIN_S = 10.0
FOREVER = 1e12


def measure(ground: Ground) -> list[Figure]:
    """Words that three nodes hold, and words that nobody does, each looked for by another node."""
    return trio.run(_measure, ground)


@dataclass
class Node:
    """One node, as far as searching needs it."""

    host: Host
    dht: Kademlia
    records: MemoryProviderStore
    database: Database
    exchange: Exchange
    searching: Searching
    contents: dict[Cid, Content]

    def share(self, names: list[str]) -> None:
        """Put shares of these names into the index, as the catalogue does."""
        with self.database.write() as connection:
            for name in names:
                cid = self._content(name)
                connection.execute(
                    "INSERT INTO items (cid, cid_text, name, state, added_at, size, file_count) "
                    "VALUES (?, ?, ?, 'Complete', 0, ?, 1)",
                    (cid.to_bytes(), str(cid), name, len(name.encode())),
                )
            connection.execute("UPDATE items SET state = 'Seeding'")

    def _content(self, name: str) -> Cid:
        data = name.encode()
        encoded, whole = one_file(data, name), complete_content(data)
        manifest = decode(encoded.block)
        self.contents[encoded.cid] = Content(encoded.cid, manifest, (encoded.block,), whole.have, whole.reader)
        return encoded.cid


async def _measure(ground: Ground) -> list[Figure]:
    async with trio.open_nursery() as nursery:
        async with AsyncExitStack() as stack:
            nodes = [await _join(stack, nursery, ground, number) for number in range(NODES)]
            found, nothing = await _search_all(nodes)
        nursery.cancel_scope.cancel()
    if any(one.hits or not one.asked for one in nothing):
        raise RuntimeError("something was found that nobody has, or nobody was asked")
    network = f"among {NODES} nodes, {NODES * SHARES:,} shares"
    return [
        _worst(f"first hit {network}", [one.first_s for one in found], FIRST_LIMIT_S),
        Figure("hits found", sum(one.hits for one in found), "", HOLDERS * SEARCHES, at_least=1),
        _worst("complete answer", [one.complete_s for one in found], COMPLETE_LIMIT_S),
        _worst("every hit verified", [one.checked_s for one in found], None),
        _worst("a search without an answer", [one.complete_s for one in nothing], NOTHING_LIMIT_S),
    ]


async def _search_all(nodes: list[Node]) -> tuple[list[Found], list[Found]]:
    """Share, provide, and search for words that three nodes hold and for words that nobody does."""
    rng = random.Random(SEED)
    names = Names(rng)
    await _meet(nodes, rng)
    rare = [f"{names.word()}{number}" for number in range(SEARCHES)]
    holders = {word: rng.sample(nodes, HOLDERS) for word in rare}
    for node in nodes:
        own = [f"{names.name()} {word}" for word in rare if node in holders[word]]
        node.share([*own, *(names.name() for _ in range(SHARES - len(own)))])
    _place_records(nodes)
    gc.collect()
    gc.freeze()  # a million records of forty nodes in one process: no node's own collector has to walk so many
    await _search(nodes[0], names.name())  # so that nothing is measured that happens once
    found = [await _search(rng.choice([node for node in nodes if node not in holders[word]]), word) for word in rare]
    nothing = [await _search(rng.choice(nodes), f"nobody has {names.word()}xyz") for _ in rare]
    return found, nothing


def _worst(name: str, seconds: list[float], limit_s: float | None) -> Figure:
    return Figure(f"{name}, slowest of {len(seconds)}", max(seconds), "s", limit_s, at_most=limit_s and 1)


# --- the network --------------------------------------------------------------------------------------------------


async def _join(stack: AsyncExitStack, nursery: trio.Nursery, ground: Ground, number: int) -> Node:
    host = await stack.enter_async_context(open_host(HostSettings(Identity.generate())))
    records = MemoryProviderStore()
    dht = await stack.enter_async_context(open_kademlia(host, KademliaSettings(), records))
    database = Database(ground.place(f"node{number}") / "state.db")
    stack.callback(database.close)
    contents: dict[Cid, Content] = {}

    async def find_content(cid: Cid) -> Content | None:
        await trio.lowlevel.checkpoint()
        return contents.get(cid)

    exchange = Exchange(host, find_content, "bench")
    index = SearchIndex(database)
    searching = Searching(host, dht, index, "bench", random.Random(number))
    await nursery.start(exchange.run)
    await nursery.start(searching.run)
    host.set_handler(EXCHANGE, exchange.accept)
    host.set_handler(SEARCH, SearchAnswers(index).accept)
    return Node(host, dht, records, database, exchange, searching, contents)


async def _meet(nodes: list[Node], rng: random.Random) -> None:
    """Join one after the other: all at once would be hundreds of handshakes at a time on one core."""
    for number, node in enumerate(nodes[1:], start=1):
        await node.host.connect(rng.choice(nodes[:number]).host.addresses()[0])
        with trio.move_on_after(JOIN_S):  # a table with fewer is no failure: the figures tell what it costs
            while node.dht.routing_table_size < min(number, FRIENDS):  # noqa: ASYNC110 - a table has no event
                await trio.sleep(0.05)


def _place_records(nodes: list[Node]) -> None:
    """Each node's keywords at the nodes that are nearest to them."""
    points = [(peer_point(node.host.peer_id), node.records) for node in nodes]
    for node in nodes:
        addresses = tuple(node.host.addresses())
        with node.database.read() as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM items")]
        for key in {key for name in names for key in keyword_keys(name, lambda _: 0)}:
            target = key_point(key)
            for _, records in sorted(points, key=lambda point: point[0] ^ target)[:K]:
                records.add(key, node.host.peer_id, addresses, FOREVER)


class Names(Words):
    """Names of files, made of words."""

    def name(self) -> str:
        some = self.some(2, 6)
        year, part = self._rng.randint(1900, 2030), self._rng.randint(1, 10**6)
        return f"{' '.join(some)} ({year}) - {part:06}.{self._rng.choice(('mkv', 'pdf', 'iso', 'flac', 'zip'))}"


# --- searching ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """How one search went."""

    hits: int
    asked: int
    first_s: float
    complete_s: float
    checked_s: float


async def _search(node: Node, text: str) -> Found:
    with trio.fail_after(TIMEOUT_S):
        start = time.perf_counter()
        search: Search = node.searching.begin(text)
        while not len(search.results) and not search.over.is_set():
            await search.changed.wait()
        first_s = time.perf_counter() - start
        await search.over.wait()
        complete_s = time.perf_counter() - start
        await search.checked.wait()
        checked_s = time.perf_counter() - start
    return Found(len(search.results), len(search.asked), first_s, complete_s, checked_s)
