"""Nodes with nothing but catalogues, joined in memory; a database each, shares made of names."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.net.introductions import Whereabouts
from node.services.catalogues import Catalogues
from node.services.catalogues_own import OwnCatalogue
from node.services.catalogues_peers import ServerHints
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.entries import HeldCatalogues
from node.store.entries_own import OwnEntries
from node.store.search_index import SearchIndex
from protocols.catalog import peer_id_of
from protocols.cid import Cid
from protocols.search.tokens import tokens_of_query
from tests.services.fakes import FakeNetwork
from tests.store.shares import share_file

START = 1_780_000_000
"""Unix time when the virtual clock says 0."""


def unix_time() -> float:
    return START + trio.current_time()


class Surroundings:
    """Who is connected, and who of them serves the DHT: everybody, at an address made of the name."""

    def __init__(self) -> None:
        self.peers: dict[str, Whereabouts] = {}
        self.routing_table_size = 0

    def whereabouts(self):
        return self.peers

    def claims_to_serve(self, peer_id):
        return True

    def connected(self):
        return self.peers


class Node:
    """One node; `meet` joins two."""

    def __init__(self, network: FakeNetwork, home: Path, name: str, *, is_public: bool = True) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
        self.peer_id = peer_id_of(self.key.public_key())
        self.database = Database(home / f"{name}.db")
        self.catalogue = Catalogue(self.database)
        self.index = SearchIndex(self.database)
        self.held = HeldCatalogues(self.database)
        self.own = OwnCatalogue(OwnEntries(self.database), self.key, unix_time, is_public=is_public)
        self.host = network.host(self.peer_id)
        self.surroundings = Surroundings()
        rng = random.Random(name)
        hints = ServerHints(self.host, self.surroundings, self.surroundings, rng)
        self.catalogues = Catalogues(self.host, self.own, self.held, hints, unix_time, rng)
        network.handlers[self.peer_id] = self.catalogues.accept

    def share(self, name: str) -> Cid:
        share = share_file(name.encode(), name)
        self.catalogue.add_share(share.cid, share.manifest, share.blocks, "/here", (), 1.0)
        return share.cid

    def meet(self, other: Node) -> None:
        for one, two in ((self, other), (other, self)):
            one.surroundings.peers[two.peer_id] = Whereabouts("/ip4/127.0.0.1/tcp/1", ("/ip4/127.0.0.1/tcp/1",))
            one.catalogues.met(two.peer_id)

    def finds(self, query: str) -> dict[str, tuple[str, ...]]:
        return {hit.name: hit.publishers for hit in self.index.search(tokens_of_query(query), 100)}

    async def until_found(self, query: str, seconds: float = 10.0) -> dict[str, tuple[str, ...]]:
        """What it finds, once there is something; raises TooSlowError."""
        with trio.fail_after(seconds):
            while not self.finds(query):  # noqa: ASYNC110 - sqlite has no event
                await trio.sleep(0.1)
        return self.finds(query)

    async def until_gone(self, query: str, seconds: float = 10.0) -> None:
        with trio.fail_after(seconds):
            while self.finds(query):  # noqa: ASYNC110 - as above
                await trio.sleep(0.1)


@asynccontextmanager
async def running(*nodes: Node) -> AsyncIterator[trio.Nursery]:
    async with trio.open_nursery() as nursery:
        for node in nodes:
            await nursery.start(node.catalogues.run)
        yield nursery
        nursery.cancel_scope.cancel()
    for node in nodes:
        node.database.close()
