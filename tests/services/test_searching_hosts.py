"""Three real hosts: one finds what another one shares by a word in the DHT, though they have never met."""

from __future__ import annotations

from contextlib import AsyncExitStack
from random import Random

import trio

from node.net.host import HostSettings, open_host
from node.net.identity import Identity
from node.net.kad_reports import KademliaSettings
from node.net.kademlia import open_kademlia
from node.net.provider_store import MemoryProviderStore
from node.services.exchange import Exchange
from node.services.searching import Searching
from node.services.searching_answering import SearchAnswers
from node.services.searching_keywords import keyword_keys
from node.services.searching_status import search_status
from node.status import HitState
from node.store.search_index import IndexHit
from protocols.exchange import PROTOCOL_ID as EXCHANGE
from protocols.search import PROTOCOL_ID as SEARCH
from tests.services.fakes import complete_content
from tests.services.search_world import FakeIndex

DEADLINE_S = 60.0
CONTENT = bytes(range(256)) * 1024  # four chunks


class RealNode:
    """Host, DHT and searching of one node; `contents` is what it serves."""

    def __init__(self, host, dht, nursery: trio.Nursery) -> None:
        self.host, self.dht = host, dht
        self.contents = {}
        self.index = FakeIndex()
        self.exchange = Exchange(host, self._find, "test")
        self.searching = Searching(host, dht, self.index, "test", Random(1))
        host.set_handler(EXCHANGE, self.exchange.accept)
        host.set_handler(SEARCH, SearchAnswers(self.index).accept)
        nursery.start_soon(self.exchange.run)
        nursery.start_soon(self.searching.run)

    async def _find(self, cid):
        await trio.lowlevel.checkpoint()
        return self.contents.get(cid)


async def open_node(stack: AsyncExitStack, nursery: trio.Nursery, *, is_server: bool) -> RealNode:
    host = await stack.enter_async_context(open_host(HostSettings(Identity.generate())))
    settings = KademliaSettings(is_server=is_server)
    dht = await stack.enter_async_context(open_kademlia(host, settings, MemoryProviderStore()))
    return RealNode(host, dht, nursery)


async def test_a_share_of_a_stranger_is_found_by_a_word_and_proved(nursery):
    async with AsyncExitStack() as stack:
        hub = await open_node(stack, nursery, is_server=True)
        sharer, searcher = [await open_node(stack, nursery, is_server=False) for _ in range(2)]
        for node in (sharer, searcher):
            await node.host.connect(hub.host.addresses()[0])
        content = complete_content(CONTENT)
        sharer.contents[content.cid] = content
        sharer.index.rows.append(IndexHit(str(content.cid), "file.bin", len(CONTENT), 1, True, ()))
        with trio.fail_after(DEADLINE_S):
            (key,) = keyword_keys("file.bin", len)
            while not (await sharer.dht.provide(key)).stored:  # noqa: ASYNC110 - a routing table has no event
                await trio.sleep(0.05)
            assert sharer.host.peer_id not in {each.peer_id for each in searcher.host.connections()}
            search = searcher.searching.begin("FILE")
            await search.checked.wait()
        (hit,) = search_status(search, {}).hits
        assert (hit.name, hit.state, hit.found) == ("file.bin", HitState.AVAILABLE, ("DHT",))
        assert (hit.claimed, hit.verified) == (1, 1)
        assert search.seconds < 3
        nursery.cancel_scope.cancel()
