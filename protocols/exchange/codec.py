"""Messages to bytes and back; the byte tables are those of SPEC.md.

Rules: one table says how every message is laid out, and reading and writing both follow it. Nothing here remembers
anything: what a message means, and whether it is legal now, is decided elsewhere. The bulk of a message (`data`) is
never copied, neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeVar

from protocols.cid import Cid, CidError
from protocols.errors import LocalProtocolError, RemoteProtocolError
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
from protocols.framing import Buffer, decode_uvarint, encode_uvarint

_Reason = TypeVar("_Reason", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of field: how a value is written, and how it is read from a payload at an offset.

    The values of a kind have one type, but a table of all kinds can't say which: hence Any.
    """

    write: Callable[[Any], Buffer]
    read: Callable[[memoryview, int], tuple[Any, int]]


def _write_bytes(value: bytes) -> bytes:
    return encode_uvarint(len(value)) + value


def _read_bytes(payload: memoryview, offset: int) -> tuple[bytes, int]:
    length, start = decode_uvarint(payload, offset)
    if length > len(payload) - start:
        raise RemoteProtocolError(f"a field claims {length} bytes of the {len(payload) - start} that are left")
    return bytes(payload[start : start + length]), start + length


def _read_cid(payload: memoryview, offset: int) -> tuple[Cid, int]:
    encoded, end = _read_bytes(payload, offset)
    try:
        return Cid.from_bytes(encoded), end
    except CidError as error:
        raise RemoteProtocolError(str(error)) from error


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("a text is not UTF-8") from error


def _read_text(payload: memoryview, offset: int) -> tuple[str, int]:
    encoded, end = _read_bytes(payload, offset)
    return _text(encoded), end


def _read_numbers(payload: memoryview, offset: int) -> tuple[tuple[int, ...], int]:
    numbers: list[int] = []
    while offset < len(payload) and len(numbers) <= limits.MAX_HAVE:  # one too many is enough to refuse them
        number, offset = decode_uvarint(payload, offset)
        numbers.append(number)
    return tuple(numbers), offset


def _write_peers(peers: tuple[KnownPeer, ...]) -> bytes:
    parts: list[bytes] = []
    for peer in peers:
        parts += (_write_bytes(peer.peer_id), encode_uvarint(len(peer.addresses)), *map(_write_bytes, peer.addresses))
    return b"".join(parts)


def _read_peers(payload: memoryview, offset: int) -> tuple[tuple[KnownPeer, ...], int]:
    peers: list[KnownPeer] = []
    while offset < len(payload) and len(peers) <= limits.MAX_PEERS:  # one too many is enough to refuse them
        peer_id, offset = _read_bytes(payload, offset)
        count, offset = decode_uvarint(payload, offset)
        addresses: list[bytes] = []
        while len(addresses) < min(count, limits.MAX_PEER_ADDRESSES + 1):
            address, offset = _read_bytes(payload, offset)
            addresses.append(address)
        peers.append(KnownPeer(peer_id, tuple(addresses)))
    return tuple(peers), offset


def _reason(reasons: type[_Reason]) -> _Kind:
    def read(payload: memoryview, offset: int) -> tuple[_Reason, int]:
        number, end = decode_uvarint(payload, offset)
        return reasons(number), end

    return _Kind(encode_uvarint, read)


_NUMBER = _Kind(encode_uvarint, decode_uvarint)
_CID = _Kind(lambda cid: _write_bytes(cid.to_bytes()), _read_cid)
_TEXT = _Kind(lambda text: _write_bytes(text.encode()), _read_text)
# The last four run to the end of the payload, without a length.
_NUMBERS = _Kind(lambda numbers: b"".join(map(encode_uvarint, numbers)), _read_numbers)
_PEERS = _Kind(_write_peers, _read_peers)
_LAST_TEXT = _Kind(str.encode, lambda payload, offset: (_text(bytes(payload[offset:])), len(payload)))
_BULK = _Kind(lambda data: data, lambda payload, offset: (payload[offset:], len(payload)))


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one message is laid out behind its type byte: its fields in order."""

    message: Callable[..., Message]
    fields: tuple[tuple[str, _Kind], ...]
    extra: int = 0  # bytes that may follow the fields, for newer revisions; ignored


_LAYOUTS: Final[Mapping[int, _Layout]] = {
    MessageType.HELLO: _Layout(
        Hello,
        (("version", _NUMBER), ("cid", _CID), ("request_limit", _NUMBER), ("agent", _TEXT)),
        extra=limits.MAX_HELLO_EXTRA,
    ),
    MessageType.GET_META: _Layout(GetMeta, (("part", _NUMBER), ("offset", _NUMBER))),
    MessageType.META: _Layout(Meta, (("part", _NUMBER), ("total", _NUMBER), ("offset", _NUMBER), ("data", _BULK))),
    MessageType.REJECT_META: _Layout(RejectMeta, (("part", _NUMBER), ("reason", _reason(RejectReason)))),
    MessageType.BITFIELD: _Layout(BitfieldMessage, (("data", _BULK),)),
    MessageType.HAVE: _Layout(Have, (("chunks", _NUMBERS),)),
    MessageType.REQUEST: _Layout(Request, (("chunk", _NUMBER), ("offset", _NUMBER), ("length", _NUMBER))),
    MessageType.DATA: _Layout(Data, (("chunk", _NUMBER), ("offset", _NUMBER), ("data", _BULK))),
    MessageType.CANCEL: _Layout(Cancel, (("chunk", _NUMBER), ("offset", _NUMBER), ("length", _NUMBER))),
    MessageType.REJECT: _Layout(
        Reject,
        (("chunk", _NUMBER), ("offset", _NUMBER), ("length", _NUMBER), ("reason", _reason(RejectReason))),
    ),
    MessageType.BYE: _Layout(Bye, (("reason", _reason(ByeReason)), ("text", _LAST_TEXT))),
    MessageType.PEERS: _Layout(Peers, (("peers", _PEERS),)),
}


def encode(message: Message) -> list[Buffer]:
    """The frame of a message, as buffers to write in this order.

    The bulk of META, BITFIELD and DATA is the message's own buffer, uncopied: leave it unchanged until it is written.
    """
    layout = _LAYOUTS[message.TYPE]
    parts = [kind.write(getattr(message, name)) for name, kind in layout.fields]
    bulk = parts.pop() if layout.fields[-1][1] is _BULK else b""
    head = b"".join((bytes((message.TYPE,)), *parts))
    prefix = encode_uvarint(len(head) + len(bulk)) + head
    return [prefix, bulk] if bulk else [prefix]


def decode(payload: memoryview) -> Message | None:
    """The message of a payload, or None if its type is an optional one that is unknown here.

    A payload is never empty, which the framing sees to. RemoteProtocolError for whatever isn't a whole and possible
    message. Bulk data is a view into the payload.
    """
    number = payload[0]
    layout = _LAYOUTS.get(number)
    if layout is None:
        _check_ignorable(number, len(payload))
        return None
    values = []
    offset = 1
    try:
        for _, kind in layout.fields:
            value, offset = kind.read(payload, offset)
            values.append(value)
        message = layout.message(*values)
    except (LocalProtocolError, RemoteProtocolError) as error:
        raise RemoteProtocolError(f"{MessageType(number).name}: {error}") from error
    if len(payload) - offset > layout.extra:
        raise RemoteProtocolError(f"{MessageType(number).name}: {len(payload) - offset} bytes too many at its end")
    return message


def _check_ignorable(number: int, length: int) -> None:
    if number < limits.FIRST_OPTIONAL_TYPE:
        raise RemoteProtocolError(f"an unknown message of type 0x{number:02x}")
    if length > limits.MAX_OPTIONAL:
        raise RemoteProtocolError(
            f"an optional message of type 0x{number:02x} has {length} bytes, more than {limits.MAX_OPTIONAL}"
        )
