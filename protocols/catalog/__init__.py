"""The catalogue protocol, as SPEC.md has it: everything public is re-exported here."""

from __future__ import annotations

from protocols.catalog.codec import decode, encode
from protocols.catalog.conversation import Answer, Answering, Asking, Request
from protocols.catalog.heads import Head, peer_id_of, seal, unseal
from protocols.catalog.limits import (
    MAX_CLOCK_SKEW_S,
    MAX_ENTRIES,
    MAX_HEADS,
    MAX_LIFETIME_S,
    MAX_NEWS,
    MAX_OUTSTANDING,
    MAX_PEERS,
    MAX_TELL_HEADS,
    PROTOCOL_ID,
)
from protocols.catalog.messages import Ask, GetPage, Message, MessageType, NoPage, Page, Tell
from protocols.catalog.pages import Entry, decode_page, encode_page, split

__all__ = [
    "MAX_CLOCK_SKEW_S",
    "MAX_ENTRIES",
    "MAX_HEADS",
    "MAX_LIFETIME_S",
    "MAX_NEWS",
    "MAX_OUTSTANDING",
    "MAX_PEERS",
    "MAX_TELL_HEADS",
    "PROTOCOL_ID",
    "Answer",
    "Answering",
    "Ask",
    "Asking",
    "Entry",
    "GetPage",
    "Head",
    "Message",
    "MessageType",
    "NoPage",
    "Page",
    "Request",
    "Tell",
    "decode",
    "decode_page",
    "encode",
    "encode_page",
    "peer_id_of",
    "seal",
    "split",
    "unseal",
]
