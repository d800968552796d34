"""Kademlia on real hosts over loopback: sixteen nodes in one process, and py-libp2p's own KadDHT as a neighbour."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from hashlib import sha256
from statistics import median

import pytest
import trio
from libp2p import new_host
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from node.net.errors import ProtocolRefusedError
from node.net.host import HostSettings, open_host
from node.net.identity import Identity
from node.net.kad_messages import MAX_ANSWER, Kind
from node.net.kad_reports import NETWORKS, KademliaSettings
from node.net.kad_stream import KadStream
from node.net.kademlia import open_kademlia
from node.net.provider_store import MemoryProviderStore
from tests.net.kad_world import until


def multihash(text):
    return b"\x12\x20" + sha256(text.encode()).digest()


async def start_node(stack, *, network="shoal", listens=True, is_server=True):
    settings = HostSettings(Identity.generate(), listen=("/ip4/127.0.0.1/tcp/0",) if listens else ())
    host = await stack.enter_async_context(open_host(settings))
    kademlia = open_kademlia(host, KademliaSettings(NETWORKS[network], is_server), MemoryProviderStore())
    return host, await stack.enter_async_context(kademlia)


async def join(newcomers, nodes):
    """One after the other: all at once would be two hundred handshakes at a time on the test's one core."""
    for host, dht in newcomers:
        if nodes:
            await host.connect(nodes[0][0].addresses()[0])
        await until(lambda dht=dht: dht.routing_table_size == len(nodes))
        nodes.append((host, dht))
    await until(lambda: all(dht.routing_table_size == len(nodes) - 1 for _, dht in nodes))


async def start_network(stack, size):
    nodes = []
    await join([await start_node(stack) for _ in range(size)], nodes)
    return nodes


async def find(dht, key, limit=20):
    found, started = [], trio.current_time()
    first_after = []

    def report(provider):
        first_after.append(trio.current_time() - started)
        found.append(provider)

    lookup = await dht.find_providers(key, report, limit)
    return found, lookup, first_after


async def test_sixteen_nodes_and_half_of_them_killed():
    async with AsyncExitStack() as stack, AsyncExitStack() as doomed:
        survivors = await start_network(stack, 8)
        nodes = list(survivors)
        await join([await start_node(doomed) for _ in range(8)], nodes)
        rng = random.Random(1)
        times = []
        for number in range(8):
            key = multihash(f"share {number}")
            (host, dht), (_, searcher) = rng.sample(nodes, 2)
            report = await dht.provide(key)
            assert (report.closest, report.stored) == (15, 15)
            found, lookup, _ = await find(searcher, key)
            assert [provider.peer_id for provider in found] == [host.peer_id]
            assert found[0].addresses == tuple(host.addresses())
            times.append(lookup.seconds)
        assert median(times) < 0.5

        key = multihash("before the storm")
        for _, dht in nodes[:3]:
            await dht.provide(key)
        await doomed.aclose()
        for _, dht in survivors:
            started = trio.current_time()
            found, _, _ = await find(dht, key)
            assert {provider.peer_id for provider in found} == {host.peer_id for host, _ in nodes[:3]}
            assert trio.current_time() - started < 5.0
        assert survivors[4][1].routing_table_size == 7
        assert (await survivors[5][1].provide(multihash("after the storm"))).stored == 7


async def test_clients_held_streams_and_the_protocol_id_on_the_wire():
    async with AsyncExitStack() as stack:
        nodes = await start_network(stack, 3)
        server, server_dht = nodes[0]
        client, client_dht = await start_node(stack, is_server=False)
        await client.connect(server.addresses()[0])
        await until(lambda: client_dht.routing_table_size == 3)
        with pytest.raises(ProtocolRefusedError):
            await client.open_stream(server.peer_id, "/ipfs/kad/1.0.0")
        with pytest.raises(ProtocolRefusedError):
            await server.open_stream(client.peer_id, "/shoal/kad/1.0.0")

        lines = []
        for _ in range(20):
            stream = await client.open_stream(server.peer_id, "/shoal/kad/1.0.0")
            lines.append(KadStream(stream, MAX_ANSWER))
            await lines[-1].send(Message(type=Kind.GET_PROVIDERS, key=multihash("x")))
            assert (await lines[-1].receive()).key == multihash("x")
        key = multihash("while streams are held")
        assert (await client_dht.provide(key)).stored == 3
        newcomer, newcomer_dht = await start_node(stack)
        await newcomer.connect(server.addresses()[0])
        await until(lambda: newcomer_dht.routing_table_size == 3)
        found, _, _ = await find(newcomer_dht, key)
        assert [provider.peer_id for provider in found] == [client.peer_id]
        assert all(dht.routing_table_size == 3 for _, dht in [*nodes, (newcomer, newcomer_dht)])
        assert server_dht.statistics().streams_in >= 16


async def test_a_node_that_listens_nowhere_is_not_stored_and_still_finds():
    async with AsyncExitStack() as stack:
        nodes = await start_network(stack, 2)
        mute, mute_dht = await start_node(stack, listens=False)
        await mute.connect(nodes[0][0].addresses()[0])
        await until(lambda: mute_dht.routing_table_size == 2)
        assert (await mute_dht.provide(multihash("mute"))).stored == 0
        assert (await nodes[1][1].provide(multihash("loud"))).stored >= 1
        found, _, _ = await find(mute_dht, multihash("loud"))
        assert [provider.peer_id for provider in found] == [nodes[1][0].peer_id]
        assert await mute_dht.find_peer(nodes[1][0].peer_id) == tuple(nodes[1][0].addresses())


async def test_py_libp2p_s_own_dht_is_a_good_neighbour_both_ways():
    """It echoes ADD_PROVIDER, answers ten of them in ten seconds, and speaks /ipfs/kad/1.0.0 only."""
    async with AsyncExitStack() as stack:
        ours, our_dht = await start_node(stack, network="ipfs")
        theirs = new_host(listen_addrs=[Multiaddr("/ip4/127.0.0.1/tcp/0")])
        await stack.enter_async_context(theirs.run(listen_addrs=[Multiaddr("/ip4/127.0.0.1/tcp/0")]))
        their_dht = KadDHT(theirs, DHTMode.SERVER)
        await stack.enter_async_context(background_trio_service(their_dht))
        await theirs.connect(info_from_p2p_addr(Multiaddr(ours.addresses()[0])))
        await until(lambda: our_dht.routing_table_size == 1)
        await their_dht.add_peer(ours.raw.get_id())

        for number in range(6):
            key = multihash(f"ours {number}")
            report = await our_dht.provide(key)
            assert (report.closest, report.stored) == (1, 1)
        assert [str(info.peer_id) for info in await their_dht.find_providers(multihash("ours 0").hex())] == [
            ours.peer_id
        ]

        assert await their_dht.provide(multihash("theirs").hex())
        found, _, _ = await find(our_dht, multihash("theirs"))
        assert [provider.peer_id for provider in found] == [str(theirs.get_id())]
        assert found[0].addresses
