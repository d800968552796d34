"""The chunk-exchange protocol, as SPEC.md has it: everything public is re-exported here."""

from __future__ import annotations

from protocols.exchange.codec import decode, encode
from protocols.exchange.connection import Connection
from protocols.exchange.limits import (
    MAX_ADDRESS,
    MAX_AGENT,
    MAX_DATA,
    MAX_HAVE,
    MAX_META_REQUESTS,
    MAX_PEER_ADDRESSES,
    MAX_PEERS,
    MAX_REQUESTS,
    MIN_DATA,
    MIN_REQUEST_LIMIT,
    PROTOCOL_ID,
    VERSION,
)
from protocols.exchange.messages import (
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    GetMeta,
    Have,
    Hello,
    KnownPeer,
    Message,
    MessageType,
    Meta,
    Peers,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
)
from protocols.exchange.rules import UnsupportedVersionError
from protocols.exchange.state import State

__all__ = [
    "MAX_ADDRESS",
    "MAX_AGENT",
    "MAX_DATA",
    "MAX_HAVE",
    "MAX_META_REQUESTS",
    "MAX_PEERS",
    "MAX_PEER_ADDRESSES",
    "MAX_REQUESTS",
    "MIN_DATA",
    "MIN_REQUEST_LIMIT",
    "PROTOCOL_ID",
    "VERSION",
    "BitfieldMessage",
    "Bye",
    "ByeReason",
    "Cancel",
    "Connection",
    "Data",
    "GetMeta",
    "Have",
    "Hello",
    "KnownPeer",
    "Message",
    "MessageType",
    "Meta",
    "Peers",
    "Reject",
    "RejectMeta",
    "RejectReason",
    "Request",
    "State",
    "UnsupportedVersionError",
    "decode",
    "encode",
]
