"""The answering side, asked over raw streams as go, py-libp2p or an attacker would."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from multiaddr import Multiaddr

from node.errors import StorageError
from node.net import kad_messages, kad_pacing, kad_server
from node.net.errors import StreamReset
from node.net.kad_keyspace import peer_id_bytes
from node.net.kad_messages import MAX_PROVIDERS, Kind
from node.net.provider_store import VALIDITY_S, MemoryProviderStore
from tests.net.kad_world import jumping_clock, new_peer_id, open_world, own_entry, until


def multihash(text):
    return b"\x12\x20" + sha256(text.encode()).digest()


KEY = multihash("a manifest")


@pytest.fixture
def clock(monkeypatch):
    return jumping_clock(monkeypatch)


def add_provider(host, key=KEY, entry=None):
    return Message(type=Kind.ADD_PROVIDER, key=key, providerPeers=[entry or own_entry(host)])


def get_providers(key=KEY):
    return Message(type=Kind.GET_PROVIDERS, key=key)


def ids(entries):
    return [entry.id for entry in entries]


async def test_a_stream_carries_many_questions_and_each_gets_its_own_answer(clock):
    """go keeps one stream per peer, reads no answer to ADD_PROVIDER, and takes what comes next for its next answer."""
    async with open_world() as world:
        server, _ = await world.node()
        asker = world.host()
        line = await world.line(asker, server)
        keys = [multihash(f"share {number}") for number in range(50)]
        for key in keys:
            await line.send(add_provider(asker, key))
            await line.send(get_providers(key))
        for key in keys:
            reply = await line.receive()
            assert (reply.type, reply.key) == (Kind.GET_PROVIDERS, key)
            assert ids(reply.providerPeers) == [peer_id_bytes(asker.peer_id)]


async def test_add_provider_is_never_answered(clock):
    async with open_world() as world:
        server, _ = await world.node()
        asker = world.host()
        line = await world.line(asker, server)
        await line.send(add_provider(asker))
        with trio.move_on_after(30) as scope:
            await line.receive()
        assert scope.cancelled_caught


@pytest.mark.parametrize("addresses", [[], ["/ip4/0.0.0.0/tcp/4001"], ["/ip4/127.0.0.1/tcp/0"], ["garbage"]])
async def test_a_provider_that_nobody_could_dial_is_not_stored(clock, addresses):
    async with open_world() as world:
        server, _ = await world.node()
        asker = world.host()
        wires = [b"\xff\xff" if text == "garbage" else Multiaddr(text).to_bytes() for text in addresses]
        line = await world.line(asker, server)
        await line.send(add_provider(asker, entry=Message.Peer(id=peer_id_bytes(asker.peer_id), addrs=wires)))
        await line.send(get_providers())
        assert len((await line.receive()).providerPeers) == 0


async def test_nobody_can_provide_in_another_s_name(clock):
    async with open_world() as world:
        store = MemoryProviderStore()
        server, _ = await world.node(store=store)
        asker, other = world.host(), world.host()
        line = await world.line(asker, server)
        await line.send(add_provider(asker, entry=own_entry(other)))
        await line.send(get_providers())
        assert len((await line.receive()).providerPeers) == 0
        assert store.count() == 0


async def test_1500_announcements_at_once_are_slowed_down_and_none_is_lost(clock):
    """py-libp2p resets the stream at the eleventh and reports success for all of them."""
    async with open_world(latency_s=0) as world:
        store = MemoryProviderStore()
        server, _ = await world.node(store=store)
        asker = world.host()
        line = await world.line(asker, server)
        started = trio.current_time()
        for number in range(1500):
            await line.send(add_provider(asker, multihash(f"share {number}")))
        await until(lambda: store.count() == 1500)
        assert 4.5 < trio.current_time() - started < 6.0


async def test_pacing_of_one_peer_delays_no_other(clock):
    async with open_world(latency_s=0) as world:
        server, _ = await world.node()
        eager, other = world.host(), world.host()
        line = await world.line(eager, server)
        for _ in range(int(kad_pacing.BURST) + 500):
            await line.send(get_providers())
        patient = await world.line(other, server)
        started = trio.current_time()
        await patient.send(get_providers())
        assert (await patient.receive()).type == Kind.GET_PROVIDERS
        assert trio.current_time() - started < 1.0


async def test_held_streams_starve_nobody(clock):
    """py-libp2p resets everybody's streams, for ever, once twelve idle ones are held."""
    async with open_world(latency_s=0.001) as world:
        server, dht = await world.node()
        holders = [world.host() for _ in range(20)]
        lines = []
        for host in holders:
            for _ in range(3):
                lines.append(await world.line(host, server))
                await lines[-1].send(get_providers())
                await lines[-1].receive()
        assert dht.statistics().streams_in == 60
        newcomer = world.host()
        line = await world.line(newcomer, server)
        await line.send(get_providers())
        assert (await line.receive()).type == Kind.GET_PROVIDERS
        for held in lines:
            await held.send(get_providers())
            assert (await held.receive()).type == Kind.GET_PROVIDERS


async def test_too_many_streams_cost_the_idlest(clock, monkeypatch):
    monkeypatch.setattr(kad_server, "MAX_STREAMS", 6)
    monkeypatch.setattr(kad_server, "MAX_STREAMS_PER_PEER", 2)
    async with open_world(latency_s=0.001) as world:
        server, dht = await world.node()
        greedy = world.host()
        lines = [await world.line(greedy, server) for _ in range(5)]
        await until(lambda: dht.statistics().streams_in == 2)
        for line in lines[:3]:
            with pytest.raises(StreamReset):
                await line.receive()
        for line in lines[3:]:
            await line.send(get_providers())
            assert (await line.receive()).type == Kind.GET_PROVIDERS
        for _ in range(8):
            line = await world.line(world.host(), server)
            await line.send(get_providers())
            assert (await line.receive()).type == Kind.GET_PROVIDERS
        assert dht.statistics().streams_in <= 6


async def test_an_idle_stream_is_ended_after_a_minute(clock):
    async with open_world() as world:
        server, dht = await world.node()
        line = await world.line(world.host(), server)
        started = trio.current_time()
        with pytest.raises(StreamReset):
            await line.receive()
        assert trio.current_time() - started == pytest.approx(60, abs=0.5)
        assert dht.statistics().streams_in == 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        Message(type=Kind.GET_PROVIDERS).SerializeToString(),
        Message(type=Kind.FIND_NODE, key=bytes(81)).SerializeToString(),
        Message(type=Kind.PUT_VALUE, key=b"/pk/x").SerializeToString(),
        b"\xff\xff\xff",
    ],
)
async def test_a_broken_rule_costs_that_stream_only(clock, request_bytes):
    async with open_world() as world:
        server, _ = await world.node()
        asker = world.host()
        good, bad = await world.line(asker, server), await world.line(asker, server)
        await bad._stream.send_all(bytes([len(request_bytes)]) + request_bytes)
        with pytest.raises(StreamReset):
            await bad.receive()
        await good.send(get_providers())
        assert (await good.receive()).type == Kind.GET_PROVIDERS


async def test_a_message_cut_short_and_one_too_long(clock):
    async with open_world() as world:
        server, dht = await world.node()
        asker = world.host()
        cut = await world.line(asker, server)
        await cut._stream.send_all(b"\x20half")
        await cut._stream.aclose()
        await until(lambda: dht.statistics().streams_in == 0)
        long = await world.line(asker, server)
        await long._stream.send_all(b"\xff\xff\xff\x01")
        with pytest.raises(StreamReset):
            await long.receive()


async def test_requests_that_arrive_byte_by_byte_are_understood(clock):
    async with open_world(latency_s=0) as world:
        server, _ = await world.node()
        line = await world.line(world.host(), server)
        payload = get_providers().SerializeToString()
        for byte in bytes([len(payload)]) + payload:
            await line._stream.send_all(bytes([byte]))
        assert (await line.receive()).key == KEY


async def test_ping_and_get_value_are_answered_politely(clock):
    async with open_world() as world:
        nodes = await world.network(3)
        line = await world.line(world.host(), nodes[0][0])
        await line.send(Message(type=Kind.PING))
        assert (await line.receive()).type == Kind.PING
        await line.send(Message(type=Kind.GET_VALUE, key=b"/ipns/x"))
        reply = await line.receive()
        assert (reply.type, reply.HasField("record"), len(reply.closerPeers)) == (Kind.GET_VALUE, False, 2)


async def test_find_node_names_the_target_even_if_it_is_a_client_or_the_server(clock):
    async with open_world() as world:
        nodes = await world.network(3)
        server, _ = nodes[0]
        client, _ = await world.node(is_server=False, bootstrap=server)
        await trio.sleep(1)
        line = await world.line(world.host(), server)
        for target in (client, server):
            await line.send(Message(type=Kind.FIND_NODE, key=peer_id_bytes(target.peer_id)))
            assert ids((await line.receive()).closerPeers)[0] == peer_id_bytes(target.peer_id)
        await line.send(Message(type=Kind.FIND_NODE, key=KEY))
        assert set(ids((await line.receive()).closerPeers)) == {peer_id_bytes(host.peer_id) for host, _ in nodes[1:]}


async def test_nobody_is_told_of_itself(clock):
    async with open_world() as world:
        nodes = await world.network(3)
        line = await world.line(nodes[1][0], nodes[0][0])
        await line.send(Message(type=Kind.FIND_NODE, key=peer_id_bytes(nodes[1][0].peer_id)))
        assert ids((await line.receive()).closerPeers) == [peer_id_bytes(nodes[2][0].peer_id)]


async def test_a_popular_key_s_answer_is_a_sample_with_the_asker_s_own_record_first(clock):
    async with open_world() as world:
        store = MemoryProviderStore()
        server, _ = await world.node(store=store)
        asker = world.host()
        for _ in range(3 * MAX_PROVIDERS):
            store.add(KEY, new_peer_id(world.rng), ("/ip4/127.0.0.1/tcp/1",), 1e12)
        line = await world.line(asker, server)
        await line.send(add_provider(asker))
        samples = []
        for _ in range(2):
            await line.send(get_providers())
            samples.append(ids((await line.receive()).providerPeers))
            assert len(samples[-1]) == MAX_PROVIDERS
            assert samples[-1][0] == peer_id_bytes(asker.peer_id)
        assert set(samples[0]) != set(samples[1])


async def test_records_lapse_after_48_hours(clock):
    now = 1_000_000.0
    async with open_world() as world:
        server, _ = await world.node(unix_time=lambda: now)
        asker = world.host()
        line = await world.line(asker, server)
        await line.send(add_provider(asker))
        for later, held in ((0, 1), (VALIDITY_S - 1, 1), (VALIDITY_S + 1, 0)):
            now = 1_000_000.0 + later
            await line.send(get_providers())
            assert len((await line.receive()).providerPeers) == held


class BrokenStore(MemoryProviderStore):
    def add(self, *_):
        raise StorageError("the disk is full")

    get = expire = add


async def test_a_broken_disk_leaves_the_node_in_the_dht(clock):
    async with open_world() as world:
        nodes = await world.network(2)
        server, dht = await world.node(store=BrokenStore(), bootstrap=nodes[0][0])
        asker = world.host()
        line = await world.line(asker, server)
        await line.send(add_provider(asker))
        await until(lambda: dht.routing_table_size == 2)
        await line.send(get_providers())
        reply = await line.receive()
        assert (len(reply.providerPeers), len(reply.closerPeers)) == (0, 2)
        assert (await dht.provide(KEY)).stored == 2


def test_a_token_bucket_delays_by_the_rate_beyond_the_burst():
    bucket = kad_pacing.TokenBucket(0.0, rate=10, burst=5)
    assert [bucket.take(0.0) for _ in range(7)] == [0, 0, 0, 0, 0, 0.1, 0.2]
    assert bucket.take(0.3) == 0
    assert [bucket.take(100.0) for _ in range(6)] == [0, 0, 0, 0, 0, 0.1]


def test_pacing_remembers_a_bounded_number_of_peers():
    pacing = kad_pacing.PeerPacing(max_buckets=2)
    for peer in ("ann", "bob", "cat"):
        for _ in range(1200):
            delay = pacing.take(peer, 0.0)
        assert delay == pytest.approx(2.0)
    assert pacing.take("cat", 0.0) > 0
    assert pacing.take("ann", 0.0) == 0, "the peer heard of longest ago starts anew"


def test_the_limits_of_requests_fit_what_honest_peers_send():
    provider = kad_messages.Contact(
        new_peer_id(random.Random(0)), tuple(f"/dns4/{'a' * 60}.example/tcp/{port}" for port in range(1, 17))
    )
    assert kad_messages.announcement(KEY, provider).ByteSize() < kad_messages.MAX_REQUEST / 10
