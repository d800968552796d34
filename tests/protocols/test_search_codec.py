"""Messages of a search: the vectors hold, whatever is written reads back, and any bytes are a message or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import FrameDecoder, encode_frame
from protocols.search import PROTOCOL_ID, Hit, Outcome, Query
from protocols.search.codec import decode_answer, decode_query, encode
from protocols.search.limits import MAX_FRAME, MAX_QUERY_BYTES
from protocols.search.messages import End, Hits

VECTORS = json.loads((Path(__file__).parents[2] / "interop" / "vectors" / "search.json").read_text())
DECODE = {"query": decode_query, "answer": decode_answer}
CID = Cid.of(DAG_CBOR, b"a manifest")

PEERS = st.lists(st.from_regex(r"[1-9A-HJ-NP-Za-km-z]{1,64}", fullmatch=True), min_size=1, max_size=8).map(tuple)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..")
)
HITS = st.builds(
    Hit,
    st.binary(min_size=32, max_size=32).map(lambda digest: Cid(DAG_CBOR, digest)),
    NAMES,
    st.integers(0, 2**45),
    st.integers(0, 65_536),
    st.booleans(),
    PEERS,
)


def payload_of(frame: str) -> bytes:
    (payload,) = FrameDecoder(MAX_FRAME).feed(bytes.fromhex(frame))
    return bytes(payload)


def message_of(fields):
    if "text" in fields:
        return Query(fields["text"], fields["limit"])
    if "end" in fields:
        return End(Outcome(fields["end"]))
    return Hits(
        tuple(
            Hit(Cid.parse(hit["cid"]), hit["name"], hit["size"], hit["files"], hit["own"], tuple(hit["peers"]))
            for hit in fields["hits"]
        )
    )


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["what"])
def test_messages(vector):
    message = message_of(vector["fields"])
    assert VECTORS["protocol"] == PROTOCOL_ID
    assert DECODE[vector["kind"]](payload_of(vector["frame"])) == message
    assert (encode_frame(encode(message)).hex() == vector["frame"]) is vector["canonical"]


@pytest.mark.parametrize("vector", VECTORS["bad_messages"], ids=lambda vector: vector["why"])
def test_bad_messages(vector):
    with pytest.raises(RemoteProtocolError):
        DECODE[vector["kind"]](payload_of(vector["frame"]))


@given(st.lists(HITS, min_size=1, max_size=5))
def test_hits_read_back(hits):
    assert decode_answer(encode(Hits(tuple(hits)))) == Hits(tuple(hits))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data):
    for decode in DECODE.values():
        with suppress(RemoteProtocolError):
            decode(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Query("linux", 0),
        lambda: Query("linux \ud800"),
        lambda: Query("x" * (MAX_QUERY_BYTES + 1)),
        lambda: Hit(Cid(RAW, bytes(32)), "linux", 1, 1, True),
        lambda: Hit(CID, "a/b", 1, 1, True),
        lambda: Hit(CID, "linux", -1, 1, True),
        lambda: Hits(()),
    ],
)
def test_what_can_never_be_said_can_not_be_made(make):
    with pytest.raises(LocalProtocolError):
        make()
