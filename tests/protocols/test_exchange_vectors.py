"""The vectors that other implementations are checked with are true of this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from multiaddr import Multiaddr

from protocols import exchange
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    PROTOCOL_ID,
    BitfieldMessage,
    ByeReason,
    Connection,
    KnownPeer,
    Message,
    MessageType,
    RejectReason,
    decode,
    encode,
)
from protocols.exchange.limits import MAX_PAYLOAD
from protocols.framing import FrameDecoder
from protocols.geometry import Geometry
from tests.protocols.exchange_pair import LIMIT, MAX_MANIFEST, MAX_PAGE

FOLDER = Path(__file__).parents[2] / "interop/vectors"
VECTORS = json.loads((FOLDER / "exchange.json").read_text())
PEERS_VECTORS = json.loads((FOLDER / "exchange_peers.json").read_text())


def known_peers(vectors) -> tuple[KnownPeer, ...]:
    return tuple(
        KnownPeer(bytes.fromhex(vector["peer_id"]), tuple(map(bytes.fromhex, vector["addresses"])))
        for vector in vectors
    )


READERS = {
    "cid": Cid.parse,
    "data": bytes.fromhex,
    "chunks": tuple,
    "peers": known_peers,
}


def message_of(vector) -> Message:
    """The message that a vector's type and fields spell."""
    name = vector["type"].title().replace("_", "")
    cls = BitfieldMessage if name == "Bitfield" else getattr(exchange, name)
    fields = {field: READERS.get(field, lambda value: value)(value) for field, value in vector["fields"].items()}
    if "reason" in fields:
        fields["reason"] = (ByeReason if name == "Bye" else RejectReason)(fields["reason"])
    return cls(**fields)


def read(frame: str) -> Message | None:
    (payload,) = FrameDecoder(MAX_PAYLOAD).feed(bytes.fromhex(frame))
    return decode(payload)


def each(section: str):
    vectors = VECTORS.get(section, []) + PEERS_VECTORS.get(section, [])
    return pytest.mark.parametrize("vector", vectors, ids=lambda vector: vector["name"])


def test_every_message_has_a_vector():
    assert VECTORS["protocol"] == PROTOCOL_ID
    assert PEERS_VECTORS["protocol"] == PROTOCOL_ID
    written = [vector["type"] for vector in VECTORS["messages"] + PEERS_VECTORS["messages"]]
    assert set(written) == {number.name for number in MessageType}


@each("messages")
def test_messages(vector):
    assert read(vector["frame"]) == message_of(vector)
    assert b"".join(encode(message_of(vector))).hex() == vector["frame"]


@pytest.mark.parametrize("vector", PEERS_VECTORS["messages"], ids=lambda vector: vector["name"])
def test_addresses_of_peers_are_multiaddrs(vector):
    if "multiaddrs" not in vector:
        return  # of the longest ones only the bytes count
    addresses = [
        f"{Multiaddr(address)}/p2p/{Multiaddr(_p2p(peer.peer_id)).value_for_protocol('p2p')}"
        for peer in message_of(vector).peers
        for address in peer.addresses
    ]
    assert addresses == vector["multiaddrs"]


def _p2p(peer_id: bytes) -> bytes:
    return b"\xa5\x03" + bytes((len(peer_id),)) + peer_id


@each("accepted")
def test_frames_of_newer_revisions(vector):
    expected = vector["read_as"] and message_of(vector["read_as"])
    assert read(vector["frame"]) == expected


@each("bad_frames")
def test_bad_frames(vector):
    with pytest.raises(RemoteProtocolError):
        read(vector["frame"])


def conversation(vector, other: str) -> Connection:
    """The side of a conversation that `other` talks to."""
    cid = read(vector["steps"][0]["frame"]).cid if other == "acceptor" else None
    here = Connection(cid, request_limit=LIMIT, max_manifest_size=MAX_MANIFEST, max_page_size=MAX_PAGE)
    here.set_geometry(Geometry(vector["chunk_size"], tuple(vector["file_sizes"])))
    return here


def play(here: Connection, other: str, steps) -> None:
    for step in steps:
        if step["from"] == other:
            here.receive_data(bytes.fromhex(step["frame"]))
        else:
            assert b"".join(here.send(read(step["frame"]))).hex() == step["frame"]


@each("good_conversations")
@pytest.mark.parametrize("other", ["opener", "acceptor"])
def test_good_conversations(vector, other):
    play(conversation(vector, other), other, vector["steps"])


@each("bad_conversations")
def test_bad_conversations(vector):
    *legal, last = vector["steps"]
    here = conversation(vector, last["from"])
    play(here, last["from"], legal)
    with pytest.raises(RemoteProtocolError):
        here.receive_data(bytes.fromhex(last["frame"]))
