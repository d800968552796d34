"""What a peer says about itself is taken with bounds."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
from libp2p.crypto.serialization import deserialize_public_key
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore, PeerStoreError
from multiaddr import Multiaddr

from node.net import identify
from node.net.errors import StreamReset
from node.net.host import Host, open_host
from node.net.identity import Identity
from node.net.messages import encode_message
from tests.net.hosts import ECHO, echo, open_pair, roundtrip, settings, until


async def push(host: Host, peer_id: str, data: bytes) -> None:
    """Tell a peer who we claim to be."""
    stream = await host.open_stream(peer_id, identify.IDENTIFY_PUSH)
    await stream.send_all(data)
    await stream.send_eof()
    with suppress(StreamReset):  # what it thinks of a bad one
        await stream.receive_some()  # until the peer is done with it
    await stream.aclose()


def claim(*addresses: bytes) -> bytes:
    return encode_message(Identify(listen_addrs=addresses).SerializeToString())


def tcp(number: int) -> bytes:
    return b"\x04\x0a" + number.to_bytes(3, "big") + b"\x06\x0f\xa1"


async def test_a_flood_of_addresses_is_cut_and_where_the_peer_was_reached_stays():
    async with open_pair() as (one, two):
        (reached,) = (address.split("/p2p/")[0] for address in one.addresses())
        await push(one, two.peer_id, claim(*(tcp(number) for number in range(3000))))

        async def told() -> bool:
            return len(await two.addresses_of(one.peer_id)) > 5

        await until(told)
        known = await two.addresses_of(one.peer_id)
        assert len(known) == identify.MAX_ADDRESSES
        assert known[0] == reached


async def test_a_flood_in_answer_to_our_question_is_cut_too():
    async with open_host(settings()) as one, open_host(settings()) as two:
        target = one.addresses()[0]
        one.raw._addrs_factory = lambda listening: [Multiaddr(tcp(number)) for number in range(500)]
        await two.connect(target)

        async def told() -> bool:
            return len(await two.addresses_of(one.peer_id)) > 5

        await until(told)
        assert len(await two.addresses_of(one.peer_id)) == identify.MAX_ADDRESSES


async def test_garbage_addresses_are_dropped_and_the_peer_can_still_be_dialled():
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        garbage = [b"\xff\xff\xff", b"\x04\x01", b"", b"\x06", tcp(1)[:-1], b"\x04\x00\x00\x00\x00\x06\x0f\xa1"]
        await push(one, two.peer_id, claim(*garbage, tcp(7)))

        async def told() -> bool:
            return "/ip4/10.0.0.7/tcp/4001" in await two.addresses_of(one.peer_id)

        await until(told)
        assert len(await two.addresses_of(one.peer_id)) == 2
        await two.disconnect(one.peer_id)
        await roundtrip(two, one.peer_id)


@pytest.mark.parametrize(
    "data",
    [
        encode_message(b"\xff\xff\xff"),  # no protobuf
        b"\xff" * 20,  # a length without end
        encode_message(bytes(identify.MAX_MESSAGE + 1))[:100],  # a length beyond the bound
        encode_message(b"x" * 100)[:50],  # an end in the middle
        b"",
    ],
)
async def test_a_broken_message_costs_its_stream(data):
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        await push(two, one.peer_id, data)
        await roundtrip(two, one.peer_id)


async def test_a_peer_that_never_says_who_it_is_is_not_waited_for(hurried_clock):
    """The handler gives up by itself; nothing of the peer's connection is touched."""
    async with open_pair() as (one, two):
        stream = await two.open_stream(one.peer_id, identify.IDENTIFY_PUSH)
        await stream.send_all(b"\x7f")
        with trio.fail_after(60), pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()
        assert two.connections()


def test_a_foreign_key_and_overlong_protocols_are_not_kept():
    peer, other = Identity.generate(), Identity.generate()
    store, peer_id = PeerStore(), ID.from_base58(peer.peer_id)
    message = Identify(
        public_key=other.key_pair.public_key.serialize(),
        protocols=["/ok/1", "/" + "x" * 10_000, *(f"/p/{number}" for number in range(10_000))],
    )
    identify.remember(store, peer_id, message, ["/ip4/192.0.2.7/tcp/4001"])
    with pytest.raises(PeerStoreError):
        store.pubkey(peer_id)
    assert store.supports_protocols(peer_id, ["/ok/1"]) == ["/ok/1"]
    assert len(store.get_protocols(peer_id)) < identify.MAX_PROTOCOLS
    assert [str(address) for address in store.addrs(peer_id)] == ["/ip4/192.0.2.7/tcp/4001"]


def test_its_own_key_is_kept():
    peer = Identity.generate()
    store, peer_id = PeerStore(), ID.from_base58(peer.peer_id)
    key = peer.key_pair.public_key.serialize()
    identify.remember(store, peer_id, Identify(public_key=key), [])
    assert store.pubkey(peer_id) == deserialize_public_key(key)


async def test_the_peers_of_a_new_connection_know_each_other():
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)

        async def acquainted() -> bool:
            return bool(await one.addresses_of(two.peer_id)) and bool(await two.addresses_of(one.peer_id))

        await until(acquainted)
        await one.disconnect(two.peer_id)
        await one.connect(two.peer_id)  # at the address that the other told it, though it never dialled there before
        assert [info.direction for info in one.connections()] == ["out"]
