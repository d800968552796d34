"""Nodes that search and share in memory: the services are real, the network and the index are not."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import trio

from node.errors import NoPeersError
from node.net.errors import ProtocolRefusedError
from node.services.content import Content
from node.services.exchange import Exchange
from node.services.searching import Searching
from node.services.searching_answering import SearchAnswers
from node.store.search_index import IndexHit
from protocols.exchange import PROTOCOL_ID as EXCHANGE
from protocols.manifest import decode
from protocols.search import PROTOCOL_ID as SEARCH
from protocols.search.tokens import keyword_key, keywords, matches, tokens_of_name
from tests.services.fakes import FakeProvider, FakeStream, Pipe, complete_content, one_file


class SearchStream(FakeStream):
    """With the half-close that a search needs."""

    async def send_eof(self) -> None:
        self.outgoing.is_eof = True
        self.outgoing.wake()
        await trio.lowlevel.checkpoint()


@dataclass(frozen=True)
class Connected:
    """A connection as the host tells of it."""

    peer_id: str
    ip: str = "127.0.0.1"
    rtt_s: float | None = None
    agent: str = ""

    @property
    def multiaddr(self) -> str:
        return f"/ip4/{self.ip}/tcp/4001/p2p/{self.peer_id}"


class FakeIndex:
    """Rows in memory, matched by the protocol's own rule."""

    def __init__(self, rows: list[IndexHit] | None = None) -> None:
        self.rows = rows or []

    def search(self, tokens, limit, *, own_only=False) -> list[IndexHit]:
        found = [row for row in self.rows if matches(tokens_of_name(row.name), tokens)]
        return [row for row in found if row.is_own or not own_only][:limit]

    def document_frequency(self, token) -> int:
        return sum(token in tokens_of_name(row.name) for row in self.rows)


class Node:
    """One node: what it shares, its services, and its view of the world as host and routing."""

    def __init__(self, world: World, peer_id: str) -> None:
        self.world = world
        self.peer_id = peer_id
        self.peers: list[Connected] = []
        self.contents: dict[object, Content] = {}
        self.index = FakeIndex()
        self.lookups: list[bytes] = []
        self.exchange = Exchange(self, self._content, "test")
        self.answers = SearchAnswers(self.index)
        self.handlers = {SEARCH: self.answers.accept, EXCHANGE: self.exchange.accept}
        self.searching = Searching(self, self, self.index, "test", Random(1))

    async def _content(self, cid) -> Content | None:
        await trio.lowlevel.checkpoint()
        return self.contents.get(cid)

    def share(self, name: str, data: bytes = b"some bytes", *, provide: bool = True) -> str:
        """Share a file; its CID."""
        content = _content_named(name, data)
        self.contents[content.cid] = content
        self.index.rows.append(IndexHit(str(content.cid), name, len(data), 1, True, ()))
        if provide:
            for word in keywords(tokens_of_name(name)):
                self.world.providers.setdefault(keyword_key(word), []).append(self.peer_id)
        return str(content.cid)

    def knows(self, *others: Node) -> None:
        """Be connected to these nodes."""
        for other in others:
            self.peers.append(Connected(other.peer_id))
            other.peers.append(Connected(self.peer_id))

    # --- host and routing -------------------------------------------------------------------------------------

    def connections(self) -> list[Connected]:
        return self.peers

    async def addresses_of(self, peer_id) -> list[str]:
        """Of whom this node has heard: everybody lives at one address."""
        await trio.lowlevel.checkpoint()
        return ["/ip4/198.51.100.7/tcp/4001"]

    async def connect(self, target, hints=()) -> str:
        await trio.lowlevel.checkpoint()
        if target in self.world.silent:
            await trio.sleep(60)
        if target not in self.world.nodes:
            raise NoPeersError(f"{target} is not reachable")
        return target

    async def open_stream(self, peer_id, protocol_id) -> SearchStream:
        await trio.lowlevel.checkpoint()
        handler = self.world.nodes[peer_id].handlers.get(protocol_id)
        if handler is None:
            raise ProtocolRefusedError(f"{peer_id} doesn't speak {protocol_id}")
        there, back = Pipe(), Pipe()
        self.world.nursery.start_soon(self.world.serve, handler, SearchStream(self.peer_id, there, back))
        return SearchStream(peer_id, back, there)

    async def find_providers(self, key, found, limit) -> None:
        self.lookups.append(key)
        await trio.sleep(self.world.lookup_s)
        for name in self.world.providers.get(key, [])[:limit]:
            found(FakeProvider(name))


def _content_named(name: str, data: bytes) -> Content:
    encoded = one_file(data, name)
    whole = complete_content(data)
    return Content(encoded.cid, decode(encoded.block), (encoded.block,), whole.have, whole.reader)


class World:
    """All nodes, and what the DHT knows."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.nodes: dict[str, Node] = {}
        self.providers: dict[bytes, list[str]] = {}
        self.silent: set[str] = set()
        self.lookup_s = 0.1

    async def serve(self, handler, stream: SearchStream) -> None:
        """As the host does: the stream ends with its handler."""
        await handler(stream)
        if not stream.is_closed and not stream.outgoing.is_broken:
            await stream.aclose()

    async def node(self, peer_id: str) -> Node:
        """A new node, running."""
        node = self.nodes[peer_id] = Node(self, peer_id)
        await self.nursery.start(node.exchange.run)
        await self.nursery.start(node.searching.run)
        return node
