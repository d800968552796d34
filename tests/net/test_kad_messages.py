"""Kademlia's messages: go's wire format, and what hostile bytes may not do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from multiaddr import Multiaddr

from node.net import kad_addresses, kad_messages
from node.net.kad_keyspace import key_point, peer_id_bytes, peer_id_text
from node.net.kad_messages import Contact, Kind
from protocols.errors import RemoteProtocolError

ANN = peer_id_text(bytes.fromhex("002408011220") + bytes(32))
BOB = peer_id_text(bytes.fromhex("1220") + bytes(range(32)))
KEY = bytes.fromhex("1220") + bytes(32)


def entry(peer_id, *addresses):
    return Message.Peer(id=peer_id_bytes(peer_id), addrs=[Multiaddr(text).to_bytes() for text in addresses])


def test_the_keyspace_is_that_of_the_specification():
    """Vector of specs.ipfs.tech: the multihash of bafybeihfg3d7rdltd43u3tfvncx7n5loqofbsobojcadtmokrljfthuc7y."""
    multihash = bytes.fromhex("1220e536c7f88d731f374dccb568aff6f56e838a19382e488039b1ca8ad2599e82fe")
    assert key_point(multihash) == int("d623250f3f660ab4c3a53d3c97b3f6a0194c548053488d093520206248253bcb", 16)


def test_messages_have_the_bytes_that_go_sends():
    # type = 3, key = the multihash: protobuf fields 1 and 2
    assert kad_messages.query(Kind.GET_PROVIDERS, KEY).SerializeToString() == b"\x08\x03\x12\x22" + KEY
    told = kad_messages.announcement(KEY, Contact(ANN, (f"/ip4/127.0.0.1/tcp/4001/p2p/{ANN}",)))
    address = bytes.fromhex("047f000001060fa1")  # without /p2p/: the id stands beside it
    peer = b"\x0a\x26" + peer_id_bytes(ANN) + b"\x12\x08" + address
    assert told.SerializeToString() == b"\x08\x02\x12\x22" + KEY + b"\x4a" + bytes([len(peer)]) + peer


def test_an_answer_carries_the_question_s_type_and_key():
    bob = Contact(BOB, (f"/dns4/example.org/tcp/443/p2p/{BOB}",))
    got = kad_messages.decode(
        kad_messages.answer(kad_messages.query(Kind.GET_PROVIDERS, KEY), [Contact(ANN)], [bob]).SerializeToString()
    )
    assert (got.type, got.key) == (Kind.GET_PROVIDERS, KEY)
    assert kad_messages.contacts(got.closerPeers, 20) == [Contact(ANN)]
    assert kad_messages.contacts(got.providerPeers, 20) == [bob]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_within_limits_or_the_peer_s_fault(payload):
    try:
        message = kad_messages.decode(payload)
    except RemoteProtocolError:
        return
    assert len(message.key) <= kad_messages.MAX_KEY
    for contact in kad_messages.contacts(message.closerPeers, 20):
        assert peer_id_text(peer_id_bytes(contact.peer_id)) == contact.peer_id


@given(st.lists(st.tuples(st.binary(max_size=50), st.lists(st.binary(max_size=40), max_size=4)), max_size=5))
def test_garbage_in_entries_is_dropped_and_never_raises(entries):
    peers = [Message.Peer(id=wire, addrs=addresses) for wire, addresses in entries]
    for contact in kad_messages.contacts(peers, 20):
        for address in contact.addresses:
            assert str(Multiaddr(address)) == address
            assert address.endswith(f"/p2p/{contact.peer_id}")


@pytest.mark.parametrize("payload", [b"\x08\x09", b"\x12\x51" + bytes(81), b"\xff", b"\x0a"])
def test_unknown_types_long_keys_and_noise_are_the_peer_s_fault(payload):
    with pytest.raises(RemoteProtocolError):
        kad_messages.decode(payload)


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/0.0.0.0/tcp/4001",
        "/ip6/::/tcp/4001",
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1",
        "/unix/tmp/socket",
        "/ip6/::1/udp/4001/quic-v1",  # no transport of ours
        f"/ip4/192.168.1.9/tcp/4001/p2p/{BOB}/p2p-circuit",
        "",
    ],
)
def test_addresses_that_lead_nowhere_are_dropped(address):
    assert kad_messages.contacts([entry(ANN, address)], 1) == [Contact(ANN)]


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/192.168.1.9/tcp/4001",
        "/ip6/::1/tcp/4001",
        "/dns4/example.org/tcp/443",
    ],
)
def test_dialable_addresses_get_the_peer_s_id(address):
    assert kad_messages.contacts([entry(ANN, address)], 1) == [Contact(ANN, (f"{address}/p2p/{ANN}",))]
    assert kad_messages.contacts([entry(ANN, f"{address}/p2p/{ANN}")], 1) == [Contact(ANN, (f"{address}/p2p/{ANN}",))]


def test_a_name_that_would_garble_a_screen_is_dropped():
    name = b"evil\x1b[2J"
    wire = b"\x36" + bytes([len(name)]) + name + b"\x06\x0f\xa1"
    assert kad_addresses.address_text(wire, ANN) is None


def test_entries_and_addresses_are_capped():
    many = [f"/ip4/10.0.0.{index}/tcp/4001" for index in range(1, 100)]
    peers = [Message.Peer(id=b"\x12\x20" + bytes([index]) * 32, addrs=[]) for index in range(100)]
    assert len(kad_messages.contacts(peers, 20)) == 20
    assert len(kad_messages.contacts([entry(ANN, *many)], 1)[0].addresses) == kad_messages.MAX_ADDRESSES
    assert len(kad_messages.announcement(KEY, Contact(ANN, tuple(many))).providerPeers[0].addrs) == 16
    long = b"\x36\xac\x02" + b"a" * 300 + b"\x06\x0f\xa1"  # /dns4/aaa…/tcp/4001
    assert kad_messages.contacts([Message.Peer(id=peer_id_bytes(ANN), addrs=[long])], 1) == [Contact(ANN)]


def test_a_record_is_found_behind_any_number_of_others():
    peers = [Message.Peer(id=b"\x12\x20" + bytes([index]) * 32, addrs=[]) for index in range(100)]
    assert not kad_messages.names(peers, ANN)
    assert kad_messages.names([*peers, entry(ANN)], ANN)


@pytest.mark.parametrize("wire", [b"", b"\x12\x20short", b"\x00\x24" + bytes(35), bytes(60), b"\x13\x20" + bytes(32)])
def test_only_multihashes_of_keys_are_peer_ids(wire):
    with pytest.raises(ValueError, match="not a peer id"):
        peer_id_text(wire)


def test_names_which_take_long_to_read_and_to_write_are_capped_over_a_whole_list():
    peers = [b"\x12\x20" + bytes([index]) * 32 for index in range(40)]
    named = [f"/dns4/host{index}.example/tcp/4001" for index in range(8)]
    plain = "/ip4/10.0.0.1/tcp/4001"
    entries = [entry(peer_id_text(peer), *named, plain) for peer in peers]
    found = kad_messages.contacts(entries, 40)
    assert all(any("/ip4/" in address for address in contact.addresses) for contact in found)
    assert sum("/dns4/" in address for contact in found for address in contact.addresses) == kad_messages.MAX_NAMED
    texts = tuple(f"{address}/p2p/{ANN}" for address in (*named, plain))
    reply = kad_messages.answer(
        kad_messages.query(Kind.FIND_NODE, KEY), [Contact(peer_id_text(peer), texts) for peer in peers]
    )
    assert sum(len(each.addrs) for each in reply.closerPeers) == len(peers) + kad_messages.MAX_NAMED
