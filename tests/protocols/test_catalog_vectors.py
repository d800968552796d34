"""The vectors that other implementations are checked with are true of this one; libp2p's own envelope agrees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from libp2p.peer.envelope import make_unsigned, unmarshal_envelope
from libp2p.peer.id import ID

from protocols.catalog import (
    Entry,
    Head,
    Message,
    MessageType,
    codec,
    decode,
    decode_page,
    encode,
    encode_page,
    heads,
    limits,
    seal,
    split,
    unseal,
)
from protocols.catalog.messages import Ask, GetPage, NoPage, Page, Tell
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import KnownPeer
from protocols.framing import FrameDecoder

VECTORS = json.loads((Path(__file__).parents[2] / "interop/vectors/catalog.json").read_text())
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["seed"]))
REFUSED = VECTORS["refused"]


def entry(vector) -> Entry:
    return Entry(Cid.parse(vector["cid"]), vector["name"], vector["size"], vector["files"])


def head(vector) -> Head:
    times = (vector["seq"], vector["issued"], vector["expires"], vector["count"])
    return Head(vector["publisher"], *times, tuple(map(Cid.parse, vector["pages"])))


def peer(vector) -> KnownPeer:
    return KnownPeer(bytes.fromhex(vector["peer_id"]), tuple(map(bytes.fromhex, vector["addresses"])))


MESSAGES = {
    "ASK": lambda vector: Ask(vector["heads"], vector["peers"]),
    "TELL": lambda vector: Tell(tuple(map(bytes.fromhex, vector["heads"])), tuple(map(peer, vector["peers"]))),
    "GET_PAGE": lambda vector: GetPage(Cid.parse(vector["cid"])),
    "PAGE": lambda vector: Page(bytes.fromhex(vector["data"])),
    "NO_PAGE": lambda vector: NoPage(),
}


def read(frame: str) -> list[Message | None]:
    return [decode(bytes(payload)) for payload in FrameDecoder(limits.MAX_PAYLOAD).feed(bytes.fromhex(frame))]


@pytest.mark.parametrize("vector", VECTORS["pages"])
def test_pages(vector):
    entries = tuple(map(entry, vector["entries"]))
    block = bytes.fromhex(vector["block"])
    assert encode_page(entries) == block
    assert decode_page(block) == entries
    assert str(Cid.of(DAG_CBOR, block)) == vector["cid"]


def test_where_pages_are_cut():
    every = [
        Entry(Cid.of(DAG_CBOR, f"entry {number}".encode()), f"file {number}", number, 1)
        for number in range(VECTORS["split"]["entries"])
    ]
    pages = list(split(sorted(every, key=lambda one: one.cid)))
    found = [{"entries": len(page), "cid": str(Cid.of(DAG_CBOR, encode_page(page)))} for page in pages]
    assert found == VECTORS["split"]["pages"]


@pytest.mark.parametrize("vector", VECTORS["heads"])
def test_heads(vector):
    sealed = bytes.fromhex(vector["sealed"])
    assert seal(head(vector), KEY) == sealed
    assert unseal(sealed) == head(vector)


@pytest.mark.parametrize("vector", VECTORS["heads"])
def test_the_envelope_is_the_one_that_libp2p_reads(vector):
    envelope = unmarshal_envelope(bytes.fromhex(vector["sealed"]))
    envelope.validate(heads.DOMAIN.decode())
    assert str(ID.from_pubkey(envelope.public_key)) == vector["publisher"]
    unsigned = make_unsigned(heads.DOMAIN.decode(), heads.PAYLOAD_TYPE, envelope.raw_payload)
    assert envelope.public_key.verify(unsigned, envelope.signature)


@pytest.mark.parametrize("vector", VECTORS["current"])
def test_when_a_head_is_current(vector):
    assert head(VECTORS["heads"][0]).is_current(vector["now"]) is vector["current"]


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["type"])
def test_messages(vector):
    message = MESSAGES[vector["type"]](vector)
    assert message.TYPE is MessageType[vector["type"]]
    assert encode(message).hex() == vector["frame"]
    assert read(vector["frame"]) == [message]


@pytest.mark.parametrize("vector", REFUSED["heads"], ids=lambda vector: vector["why"])
def test_heads_that_are_refused(vector):
    with pytest.raises(RemoteProtocolError):
        unseal(bytes.fromhex(vector["sealed"]))


@pytest.mark.parametrize("vector", REFUSED["pages"], ids=lambda vector: vector["why"])
def test_pages_that_are_refused(vector):
    with pytest.raises(RemoteProtocolError):
        decode_page(bytes.fromhex(vector["block"]))


@pytest.mark.parametrize("vector", REFUSED["messages"], ids=lambda vector: vector["why"])
def test_messages_that_are_refused(vector):
    with pytest.raises(RemoteProtocolError):
        read(vector["frame"])


def test_every_message_has_a_vector():
    assert {vector["type"] for vector in VECTORS["messages"]} == {kind.name for kind in MessageType}
    assert set(codec._LAYOUTS.table) == set(MessageType)
