"""Messages to bytes and back; the byte tables are those of SPEC.md."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeVar

from protocols.exchange import limits
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
from protocols.framing import MAX_UVARINT_SIZE, Buffer, decode_uvarint, encode_uvarint
from protocols.layout import BULK, BYTES, CID, LAST_TEXT, NUMBER, TEXT, Kind, Layout, Layouts, list_of, rest_of
from protocols.rope import Rope, parts_of

_Reason = TypeVar("_Reason", bound=IntEnum)

_DATA_HEAD: Final = 1 + 2 * MAX_UVARINT_SIZE
"""The most that a DATA message has before its bulk."""

_ADDRESSES: Final = list_of(BYTES, limits.MAX_PEER_ADDRESSES)


def _write_peer(peer: KnownPeer) -> bytes:
    return b"".join((BYTES.write(peer.peer_id), _ADDRESSES.write(peer.addresses)))


def _read_peer(payload: Buffer, offset: int) -> tuple[KnownPeer, int]:
    peer_id, offset = BYTES.read(payload, offset)
    addresses, offset = _ADDRESSES.read(payload, offset)
    return KnownPeer(peer_id, addresses), offset


def _reason(reasons: type[_Reason]) -> Kind:
    def read(payload: Buffer, offset: int) -> tuple[_Reason, int]:
        number, end = decode_uvarint(payload, offset)
        return reasons(number), end

    return Kind(encode_uvarint, read)


KNOWN_PEER: Final = Kind(_write_peer, _read_peer)
"""A peer and its addresses, which the catalogue protocol lays out in the same way."""

_LAYOUTS: Final[Layouts[Message]] = Layouts(
    MessageType,
    {
        MessageType.HELLO: Layout(
            Hello,
            (("version", NUMBER), ("cid", CID), ("request_limit", NUMBER), ("agent", TEXT)),
            extra=limits.MAX_HELLO_EXTRA,
        ),
        MessageType.GET_META: Layout(GetMeta, (("part", NUMBER), ("offset", NUMBER))),
        MessageType.META: Layout(Meta, (("part", NUMBER), ("total", NUMBER), ("offset", NUMBER), ("data", BULK))),
        MessageType.REJECT_META: Layout(RejectMeta, (("part", NUMBER), ("reason", _reason(RejectReason)))),
        MessageType.BITFIELD: Layout(BitfieldMessage, (("data", BULK),)),
        MessageType.HAVE: Layout(Have, (("chunks", rest_of(NUMBER, limits.MAX_HAVE)),)),
        MessageType.REQUEST: Layout(Request, (("chunk", NUMBER), ("offset", NUMBER), ("length", NUMBER))),
        MessageType.DATA: Layout(Data, (("chunk", NUMBER), ("offset", NUMBER), ("data", BULK))),
        MessageType.CANCEL: Layout(Cancel, (("chunk", NUMBER), ("offset", NUMBER), ("length", NUMBER))),
        MessageType.REJECT: Layout(
            Reject,
            (("chunk", NUMBER), ("offset", NUMBER), ("length", NUMBER), ("reason", _reason(RejectReason))),
        ),
        MessageType.BYE: Layout(Bye, (("reason", _reason(ByeReason)), ("text", LAST_TEXT))),
        MessageType.PEERS: Layout(Peers, (("peers", rest_of(KNOWN_PEER, limits.MAX_PEERS)),)),
    },
    limits.FIRST_OPTIONAL_TYPE,
    limits.MAX_OPTIONAL,
)


def encode(message: Message) -> list[Buffer]:
    """The frame of a message, as buffers to write in this order.

    The bulk of META, BITFIELD and DATA is the message's own buffer, uncopied: leave it unchanged until it is written.
    """
    return _LAYOUTS.encode(message.TYPE, message)


def decode(*parts: Buffer) -> Message | None:
    """The message of a payload that lies in these parts, or None if its type is an optional one that is unknown here.

    No part is empty, which the framing sees to. RemoteProtocolError for whatever isn't a whole and possible message.
    Bulk data is a view into the payload; that of DATA is a rope if it lies in several parts.
    """
    first = parts[0]
    if len(parts) == 1:
        return _LAYOUTS.decode(first)
    if first[0] != MessageType.DATA or len(first) <= _DATA_HEAD:
        return _LAYOUTS.decode(memoryview(b"".join(parts)))
    begun = _LAYOUTS.decode(first)
    assert isinstance(begun, Data)
    return Data(begun.chunk, begun.offset, Rope((*parts_of(begun.data), *parts[1:])))
