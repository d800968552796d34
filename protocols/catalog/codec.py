"""Messages to bytes and back; the byte tables are those of SPEC.md, section 4.

Rules: one table says how every message is laid out, and reading and writing both follow it. Nothing here remembers
anything; what is legal when is `conversation`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from protocols.catalog import limits
from protocols.catalog.messages import Ask, GetPage, Message, MessageType, NoPage, Page, Tell
from protocols.cid import Cid, CidError
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.exchange import MAX_PEER_ADDRESSES, KnownPeer
from protocols.framing import decode_uvarint, encode_frame, encode_uvarint


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of field: how a value is written, and how it is read from a payload at an offset.

    The values of a kind have one type, but a table of all kinds can't say which: hence Any.
    """

    write: Callable[[Any], bytes]
    read: Callable[[bytes, int], tuple[Any, int]]


def _write_bytes(value: bytes) -> bytes:
    return encode_uvarint(len(value)) + value


def _read_bytes(payload: bytes, offset: int) -> tuple[bytes, int]:
    length, start = decode_uvarint(payload, offset)
    if length > len(payload) - start:
        raise RemoteProtocolError(f"a field claims {length} bytes of the {len(payload) - start} that are left")
    return payload[start : start + length], start + length


def _write_peer(peer: KnownPeer) -> bytes:
    return _write_bytes(peer.peer_id) + _ADDRESSES.write(peer.addresses)


def _read_peer(payload: bytes, offset: int) -> tuple[KnownPeer, int]:
    peer_id, offset = _read_bytes(payload, offset)
    addresses, offset = _ADDRESSES.read(payload, offset)
    return KnownPeer(peer_id, addresses), offset


def _list_of(kind: _Kind, most: int) -> _Kind:
    """A count, then so many of a kind; the count is refused before anything is made of it."""

    def write(values: tuple[Any, ...]) -> bytes:
        return encode_uvarint(len(values)) + b"".join(map(kind.write, values))

    def read(payload: bytes, offset: int) -> tuple[tuple[Any, ...], int]:
        count, offset = decode_uvarint(payload, offset)
        if count > most:
            raise RemoteProtocolError(f"a list of {count}, where {most} are the most")
        values = []
        for _ in range(count):
            value, offset = kind.read(payload, offset)
            values.append(value)
        return tuple(values), offset

    return _Kind(write, read)


def _read_cid(payload: bytes, offset: int) -> tuple[Cid, int]:
    encoded, end = _read_bytes(payload, offset)
    try:
        return Cid.from_bytes(encoded), end
    except CidError as error:
        raise RemoteProtocolError(str(error)) from error


_NUMBER = _Kind(encode_uvarint, decode_uvarint)
_BYTES = _Kind(_write_bytes, _read_bytes)
_CID = _Kind(lambda cid: _write_bytes(cid.to_bytes()), _read_cid)
_ADDRESSES = _list_of(_BYTES, MAX_PEER_ADDRESSES)
_HEADS = _list_of(_BYTES, limits.MAX_HEADS)
_PEERS = _list_of(_Kind(_write_peer, _read_peer), limits.MAX_PEERS)
_REST = _Kind(lambda data: data, lambda payload, offset: (payload[offset:], len(payload)))

_LAYOUTS: Final[Mapping[int, tuple[Callable[..., Message], tuple[tuple[str, _Kind], ...]]]] = {
    MessageType.ASK: (Ask, (("heads", _NUMBER), ("peers", _NUMBER))),
    MessageType.TELL: (Tell, (("heads", _HEADS), ("peers", _PEERS))),
    MessageType.GET_PAGE: (GetPage, (("cid", _CID),)),
    MessageType.PAGE: (Page, (("data", _REST),)),
    MessageType.NO_PAGE: (NoPage, ()),
}


def encode(message: Message) -> bytes:
    """The frame of a message."""
    _, fields = _LAYOUTS[message.TYPE]
    return encode_frame(bytes((message.TYPE,)), *(kind.write(getattr(message, name)) for name, kind in fields))


def decode(payload: bytes) -> Message | None:
    """The message of a payload, which is never empty; None if its type is an optional one that is unknown here.

    RemoteProtocolError for whatever isn't a whole and possible message.
    """
    layout = _LAYOUTS.get(payload[0])
    if layout is None:
        _check_ignorable(payload[0], len(payload))
        return None
    make, fields = layout
    values = []
    offset = 1
    try:
        for _, kind in fields:
            value, offset = kind.read(payload, offset)
            values.append(value)
        message = make(*values)
    except (LocalProtocolError, RemoteProtocolError) as error:
        raise RemoteProtocolError(f"{MessageType(payload[0]).name}: {error}") from error
    if offset != len(payload):
        raise RemoteProtocolError(f"{message.TYPE.name}: {len(payload) - offset} bytes too many at its end")
    return message


def _check_ignorable(number: int, length: int) -> None:
    if number < limits.FIRST_OPTIONAL_TYPE:
        raise RemoteProtocolError(f"an unknown message of type 0x{number:02x}")
    if length > limits.MAX_OPTIONAL:
        raise RemoteProtocolError(
            f"an optional message of type 0x{number:02x} has {length} bytes, more than {limits.MAX_OPTIONAL}"
        )
