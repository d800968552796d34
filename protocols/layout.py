"""How a message of numbers, bytes and texts lies in its payload: a type byte, then its fields in order.

Rules: a table says how every message of a protocol is laid out, and reading and writing both follow it. Nothing here
remembers anything: what a message means, and whether it is legal now, is decided elsewhere. A count is refused before
anything is made of it. What is bulk is never copied, neither way. Shared by the exchange and the catalogue protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Generic, TypeVar

from protocols.cid import Cid, CidError
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import Buffer, decode_uvarint, encode_uvarint

_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of field: how a value is written, and how it is read from a payload at an offset.

    The values of a kind have one type, but a table of all kinds can't say which: hence Any.
    """

    write: Callable[[Any], Buffer]
    read: Callable[[Buffer, int], tuple[Any, int]]


@dataclass(frozen=True, slots=True)
class Layout(Generic[_Message]):
    """How one message is laid out behind its type byte: its fields in order, and what makes it of their values."""

    message: Callable[..., _Message]
    fields: tuple[tuple[str, Kind], ...]
    extra: int = 0  # bytes that may follow the fields, for newer revisions; ignored


@dataclass(frozen=True, slots=True)
class Layouts(Generic[_Message]):
    """All messages of a protocol, by the type that is the first byte of their payloads.

    Types from `first_optional` on are optional: a payload of at most `max_optional` bytes with an unknown one of them
    is ignored.
    """

    types: type[IntEnum]
    table: Mapping[int, Layout[_Message]]
    first_optional: int
    max_optional: int

    def encode(self, number: int, message: _Message) -> list[Buffer]:
        """The frame of a message of this type, as buffers to write in this order; bulk is a buffer of its own."""
        fields = self.table[number].fields
        parts = [kind.write(getattr(message, name)) for name, kind in fields]
        bulk = parts.pop() if fields and fields[-1][1] is BULK else b""
        head = b"".join((bytes((number,)), *parts))
        prefix = encode_uvarint(len(head) + len(bulk)) + head
        return [prefix, bulk] if bulk else [prefix]

    def decode(self, payload: Buffer) -> _Message | None:
        """The message of a payload, or None if its type is an optional one that is unknown here.

        A payload is never empty, which the framing sees to. RemoteProtocolError for whatever isn't a whole and
        possible message.
        """
        number = payload[0]
        layout = self.table.get(number)
        if layout is None:
            self._check_ignorable(number, len(payload))
            return None
        values = []
        offset = 1
        try:
            for _, kind in layout.fields:
                value, offset = kind.read(payload, offset)
                values.append(value)
            message = layout.message(*values)
        except (LocalProtocolError, RemoteProtocolError) as error:
            raise RemoteProtocolError(f"{self.types(number).name}: {error}") from error
        left = len(payload) - offset
        if left > layout.extra:
            raise RemoteProtocolError(f"{self.types(number).name}: {left} bytes too many at its end")
        return message

    def _check_ignorable(self, number: int, length: int) -> None:
        if number < self.first_optional:
            raise RemoteProtocolError(f"an unknown message of type 0x{number:02x}")
        if length > self.max_optional:
            raise RemoteProtocolError(
                f"an optional message of type 0x{number:02x} has {length} bytes, more than {self.max_optional}"
            )


def _write_bytes(value: bytes) -> bytes:
    return encode_uvarint(len(value)) + value


def _read_bytes(payload: Buffer, offset: int) -> tuple[bytes, int]:
    length, start = decode_uvarint(payload, offset)
    if length > len(payload) - start:
        raise RemoteProtocolError(f"a field claims {length} bytes of the {len(payload) - start} that are left")
    return bytes(payload[start : start + length]), start + length


def _read_cid(payload: Buffer, offset: int) -> tuple[Cid, int]:
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


def _read_text(payload: Buffer, offset: int) -> tuple[str, int]:
    encoded, end = _read_bytes(payload, offset)
    return _text(encoded), end


NUMBER: Final = Kind(encode_uvarint, decode_uvarint)
BYTES: Final = Kind(_write_bytes, _read_bytes)
CID: Final = Kind(lambda cid: _write_bytes(cid.to_bytes()), _read_cid)
TEXT: Final = Kind(lambda text: _write_bytes(text.encode()), _read_text)

# These two run to the end of the payload, without a length. What is read of BULK is a slice of the payload as it is
# given: a view of a view, and a copy of bytes.
LAST_TEXT: Final = Kind(str.encode, lambda payload, offset: (_text(bytes(payload[offset:])), len(payload)))
BULK: Final = Kind(lambda data: data, lambda payload, offset: (payload[offset:], len(payload)))


def list_of(kind: Kind, most: int) -> Kind:
    """A count, then so many of a kind, as a tuple; RemoteProtocolError for a count over `most`."""

    def write(values: tuple[Any, ...]) -> bytes:
        return encode_uvarint(len(values)) + b"".join(map(kind.write, values))

    def read(payload: Buffer, offset: int) -> tuple[tuple[Any, ...], int]:
        count, offset = decode_uvarint(payload, offset)
        if count > most:
            raise RemoteProtocolError(f"a list of {count}, where {most} are the most")
        values = []
        for _ in range(count):
            value, offset = kind.read(payload, offset)
            values.append(value)
        return tuple(values), offset

    return Kind(write, read)


def rest_of(kind: Kind, most: int) -> Kind:
    """As many of a kind as the payload has left, as a tuple; of more than `most` no more than one too many is read.

    One too many is enough for the message to refuse them.
    """

    def write(values: tuple[Any, ...]) -> bytes:
        return b"".join(map(kind.write, values))

    def read(payload: Buffer, offset: int) -> tuple[tuple[Any, ...], int]:
        values: list[Any] = []
        while offset < len(payload) and len(values) <= most:
            value, offset = kind.read(payload, offset)
            values.append(value)
        return tuple(values), offset

    return Kind(write, read)
