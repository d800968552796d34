"""Hypothesis strategies for every message that can be."""

from __future__ import annotations

from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, Cid
from protocols.exchange import (
    MAX_ADDRESS,
    MAX_AGENT,
    MAX_PEER_ADDRESSES,
    MAX_PEERS,
    MIN_REQUEST_LIMIT,
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    GetMeta,
    Have,
    Hello,
    KnownPeer,
    Meta,
    Peers,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
)
from protocols.framing import MAX_UVARINT

numbers = st.integers(0, 300) | st.integers(0, MAX_UVARINT)
lengths = st.integers(1, MAX_UVARINT)
bulk = st.binary(min_size=1, max_size=300)
cids = st.binary(min_size=32, max_size=32).map(lambda digest: Cid(DAG_CBOR, digest))
agents = st.text(max_size=MAX_AGENT // 4)
texts = st.text(max_size=64)

hellos = st.builds(Hello, numbers, cids, st.integers(MIN_REQUEST_LIMIT, MAX_UVARINT), agents)
metas = st.builds(
    lambda part, offset, data: Meta(part, offset + len(data), offset, data), numbers, st.integers(0, 1 << 40), bulk
)
reject_metas = st.builds(RejectMeta, numbers, st.sampled_from([r for r in RejectReason if r.name != "CANCELLED"]))

known_peers = st.builds(
    KnownPeer,
    st.binary(min_size=34, max_size=44),
    st.lists(st.binary(min_size=1, max_size=MAX_ADDRESS), min_size=1, max_size=MAX_PEER_ADDRESSES).map(tuple),
)
peers = st.builds(
    Peers, st.lists(known_peers, min_size=1, max_size=MAX_PEERS, unique_by=lambda peer: peer.peer_id).map(tuple)
)

messages = st.one_of(
    hellos,
    st.builds(GetMeta, numbers, numbers),
    metas,
    reject_metas,
    st.builds(BitfieldMessage, st.binary(max_size=300)),
    st.builds(Have, st.lists(numbers, min_size=1, max_size=50).map(tuple)),
    st.builds(Request, numbers, numbers, lengths),
    st.builds(Data, numbers, numbers, bulk),
    st.builds(Cancel, numbers, numbers, lengths),
    st.builds(Reject, numbers, numbers, lengths, st.sampled_from(RejectReason)),
    st.builds(Bye, st.sampled_from(ByeReason), texts),
    peers,
)
