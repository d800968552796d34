"""Frames on a byte stream: an unsigned varint length, then so many bytes of payload.

Rules of this file: it knows nothing of what payloads mean, so that every protocol of shoal can share it. Nothing is
allocated because a peer claims it: the decoder holds only bytes that have arrived, and at most one unfinished frame
of them. A payload is copied at most once, and not at all when one feed holds the whole frame.

Varints are the unsigned-varint of multiformats (https://github.com/multiformats/unsigned-varint): seven bits a byte,
least significant group first, in their shortest form only, so that every number has exactly one spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from protocols.byte_queue import ByteQueue
from protocols.errors import LocalProtocolError, RemoteProtocolError

Buffer = bytes | bytearray | memoryview

MAX_UVARINT = (1 << 63) - 1  # the multiformats limit
MAX_UVARINT_SIZE = 9  # bytes, of seven bits each
MAX_PREFIX = 4  # bytes of a length prefix: frames below 256 MiB, far above what any protocol here allows

_ONE_BYTE = tuple(bytes((value,)) for value in range(0x80))  # most fields and lengths are this small


def encode_uvarint(value: int) -> bytes:
    """The shortest varint of a number from 0 to MAX_UVARINT; LocalProtocolError for any other."""
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    if not 0 <= value <= MAX_UVARINT:
        raise LocalProtocolError(f"{value} is not a number from 0 to 2^63 - 1")
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_uvarint(data: Buffer, offset: int = 0) -> tuple[int, int]:
    """The varint that starts at `offset`, and the offset behind it.

    RemoteProtocolError if the data ends inside it, it isn't the shortest form, or it exceeds MAX_UVARINT.
    """
    value = shift = 0
    for position in range(offset, min(offset + 9, len(data))):
        byte = data[position]
        if byte < 0x80:
            if byte == 0 and shift:
                raise RemoteProtocolError("a varint is not in its shortest form")
            return value | byte << shift, position + 1
        value |= (byte & 0x7F) << shift
        shift += 7
    if shift == 63:
        raise RemoteProtocolError("a varint is longer than nine bytes")
    raise RemoteProtocolError("the message ends inside a varint")


def encode_frame(*parts: Buffer) -> bytes:
    """One frame whose payload is the parts in a row."""
    return b"".join((encode_uvarint(sum(map(len, parts))), *parts))


class FrameDecoder:
    """Cuts a byte stream back into payloads, however the stream was split on its way.

    `max_length` bounds a payload, in bytes. After a RemoteProtocolError the stream can't be followed any further,
    and the decoder must not be fed again.
    """

    def __init__(self, max_length: int) -> None:
        self._max_length = max_length
        self._length = 0  # of the frame under way, as far as its prefix is known
        self._shift = 0  # bits of its prefix that have been read
        self._in_body = False
        self._body = ByteQueue()  # what has arrived of it, if it didn't come in one piece

    @property
    def held(self) -> int:
        """Bytes held of an unfinished frame: never more than `max_length` and its prefix."""
        return len(self._body) + self._shift // 7

    def feed(self, data: Buffer) -> Iterator[memoryview]:
        """Yield each payload that `data` completes, in order; exhaust it before the next feed.

        The views are read-only and lie over `data` itself, or over a buffer of their own if the frame came in several
        feeds: they stay valid for as long as the caller leaves `data` unchanged, which for `bytes` is always.
        RemoteProtocolError for a length that is zero, over `max_length`, or not a proper varint.
        """
        for parts in self.feed_pieces((data,)):
            yield memoryview(parts[0] if len(parts) == 1 else b"".join(parts)).toreadonly()

    def feed_pieces(self, pieces: Iterable[Buffer]) -> Iterator[Sequence[Buffer]]:
        """Like `feed`, of bytes in several pieces, and each payload in the pieces that it came in, none of them empty.

        The pieces fed must never change from now on.
        """
        for piece in pieces:
            view = memoryview(piece).toreadonly()
            position, end = 0, len(view)
            while position < end:
                if not self._in_body:
                    self._in_body = self._read_prefix(view[position])
                    position += 1
                    continue
                stop = position + self._length - len(self._body)
                if stop > end:
                    self._body.append(view[position:])
                    break
                payload: Sequence[Buffer] = (view[position:stop],)
                if self._body:
                    self._body.append(view[position:stop])
                    payload = self._body.take_pieces(self._length)
                position, self._in_body, self._length = stop, False, 0
                yield payload

    def _read_prefix(self, byte: int) -> bool:
        """Take one byte of a length prefix; true if it was the last."""
        if byte >= 0x80:
            self._length |= (byte & 0x7F) << self._shift
            self._shift += 7
            if self._shift == 7 * MAX_PREFIX:
                raise RemoteProtocolError(f"the length of a frame is longer than {MAX_PREFIX} bytes")
            return False
        if byte == 0:
            fault = "the length of a frame is not in its shortest form" if self._shift else "a frame without a payload"
            raise RemoteProtocolError(fault)
        self._length |= byte << self._shift
        self._shift = 0
        if self._length > self._max_length:
            raise RemoteProtocolError(f"a frame of {self._length} bytes, more than the {self._max_length} allowed")
        return True
