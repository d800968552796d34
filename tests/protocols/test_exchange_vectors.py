"""The vectors that other implementations are checked with are true of this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocols import exchange
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    PROTOCOL_ID,
    BitfieldMessage,
    ByeReason,
    Connection,
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

VECTORS = json.loads((Path(__file__).parents[2] / "interop/vectors/exchange.json").read_text())
READERS = {
    "cid": Cid.parse,
    "data": bytes.fromhex,
    "chunks": tuple,
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
    return pytest.mark.parametrize("vector", VECTORS[section], ids=lambda vector: vector["name"])


def test_every_message_has_a_vector():
    assert VECTORS["protocol"] == PROTOCOL_ID
    assert {vector["type"] for vector in VECTORS["messages"]} == {number.name for number in MessageType}


@each("messages")
def test_messages(vector):
    assert read(vector["frame"]) == message_of(vector)
    assert b"".join(encode(message_of(vector))).hex() == vector["frame"]


@each("accepted")
def test_frames_of_newer_revisions(vector):
    expected = vector["read_as"] and message_of(vector["read_as"])
    assert read(vector["frame"]) == expected


@each("bad_frames")
def test_bad_frames(vector):
    with pytest.raises(RemoteProtocolError):
        read(vector["frame"])


@each("bad_conversations")
def test_bad_conversations(vector):
    *legal, last = vector["steps"]
    other = last["from"]
    cid = read(vector["steps"][0]["frame"]).cid if other == "acceptor" else None
    here = Connection(cid, request_limit=LIMIT, max_manifest_size=MAX_MANIFEST, max_page_size=MAX_PAGE)
    here.set_geometry(Geometry(vector["chunk_size"], tuple(vector["file_sizes"])))
    for step in legal:
        if step["from"] == other:
            here.receive_data(bytes.fromhex(step["frame"]))
        else:
            assert b"".join(here.send(read(step["frame"]))).hex() == step["frame"]
    with pytest.raises(RemoteProtocolError):
        here.receive_data(bytes.fromhex(last["frame"]))
