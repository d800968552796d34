"""Catalogues over real connections: three hosts in a line on loopback."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.net.host import HostSettings, open_host
from node.net.identity import Identity
from node.net.introductions import Introductions
from node.net.kad_reports import KademliaSettings
from node.net.kademlia import open_kademlia
from node.net.provider_store import MemoryProviderStore
from node.services.catalogues import Catalogues
from node.services.catalogues_own import OwnCatalogue
from node.services.catalogues_peers import ServerHints
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.entries import HeldCatalogues
from node.store.entries_own import OwnEntries
from node.store.search_index import SearchIndex
from protocols.catalog import PROTOCOL_ID
from tests.store.catalogues import entry
from tests.store.shares import share_file

DEADLINE_S = 60.0


class RealNode:
    """A host, its DHT and its catalogues, wired as the application wires them."""

    def __init__(self, host, dht, database: Database, identity: Identity) -> None:
        self.host = host
        self.dht = dht
        self.database = database
        self.catalogue = Catalogue(database)
        self.index = SearchIndex(database)
        key = Ed25519PrivateKey.from_private_bytes(identity.seed)
        rng = random.Random(1)
        hints = ServerHints(host, Introductions(host), dht, rng)
        own = OwnCatalogue(OwnEntries(database), key, time.time)
        self.catalogues = Catalogues(host, own, HeldCatalogues(database), hints, time.time, rng)
        host.on_connected(self.catalogues.met)
        host.on_disconnected(self.catalogues.lost)
        host.set_handler(PROTOCOL_ID, self.catalogues.accept)

    def share(self, name: str) -> None:
        share = share_file(name.encode(), name)
        self.catalogue.add_share(share.cid, share.manifest, share.blocks, "/here", (), 1.0)

    async def until(self, names: set[str]) -> None:
        with trio.fail_after(DEADLINE_S):
            while {hit.name for hit in self.index.search(("fish",), 100)} != names:  # noqa: ASYNC110 - sqlite has no event
                await trio.sleep(0.05)


@asynccontextmanager
async def open_nodes(folder: Path, count: int) -> AsyncIterator[list[RealNode]]:
    async with AsyncExitStack() as stack:
        nodes = []
        for number in range(count):
            identity = Identity.generate()
            database = Database(folder / f"{number}.db")
            stack.callback(database.close)
            host = await stack.enter_async_context(open_host(HostSettings(identity)))
            dht = await stack.enter_async_context(open_kademlia(host, KademliaSettings(), MemoryProviderStore()))
            nodes.append(RealNode(host, dht, database, identity))
        async with trio.open_nursery() as nursery:
            for node in nodes:
                await nursery.start(node.catalogues.run)
            yield nodes
            nursery.cancel_scope.cancel()


async def test_a_newcomer_learns_through_a_neighbour_what_is_shared_and_who_serves_the_dht(tmp_path):
    async with open_nodes(tmp_path, 3) as (ann, bob, newcomer):
        ann.share("ann's fish")
        await bob.host.connect(ann.host.addresses()[0])
        await bob.until({"ann's fish"})
        with trio.fail_after(DEADLINE_S):
            while not bob.dht.claims_to_serve(ann.host.peer_id):  # noqa: ASYNC110 - identify has no event
                await trio.sleep(0.05)
        await newcomer.host.connect(bob.host.addresses()[0])
        await newcomer.until({"ann's fish"})
        (hit,) = newcomer.index.search(("fish",), 10)
        assert hit.publishers == (ann.host.peer_id,)
        with trio.fail_after(DEADLINE_S):
            while newcomer.dht.routing_table_size < 2:  # noqa: ASYNC110 - a table has no event
                await trio.sleep(0.05)
        ann.catalogue.remove(ann.catalogue.items()[0].cid)
        bob.share("bob's fish")
        await newcomer.until({"bob's fish"})


async def test_ten_thousand_shares_cross_in_one_go(tmp_path):
    async with open_nodes(tmp_path, 2) as (ann, bob):
        with ann.database.write() as connection:
            for number in range(10_000):
                one = entry(f"fish {number}")
                connection.execute(
                    "INSERT INTO items (cid, cid_text, name, state, added_at, size, file_count) "
                    "VALUES (?, ?, ?, 'Complete', 0, 1, 1)",
                    (one.cid.to_bytes(), str(one.cid), one.name),
                )
            connection.execute("UPDATE items SET state = 'Seeding'")
        await bob.host.connect(ann.host.addresses()[0])
        with trio.fail_after(3 * DEADLINE_S):
            while await bob.catalogues.counts() != (1, 10_000):  # noqa: ASYNC110 - sqlite has no event
                await trio.sleep(0.1)
        assert bob.index.document_frequency("fish") == 10_000
