"""Yamux frames: twelve bytes of header, and a decoder that never holds a payload.

Rules of this file:
- It knows how a frame is written, not what it means for a stream; `session` knows that.
- Payload is handed on as it comes, in fragments that are views of the caller's bytes. The only bytes kept
  between calls are those of an unfinished header.

Source: https://github.com/hashicorp/yamux/blob/master/spec.md; libp2p's `yamux` specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from protocols.errors import RemoteProtocolError
from protocols.framing import Buffer

VERSION: Final = 0

DATA: Final = 0
WINDOW_UPDATE: Final = 1
PING: Final = 2
GO_AWAY: Final = 3

SYN: Final = 1
ACK: Final = 2
FIN: Final = 4
RST: Final = 8

NORMAL: Final = 0
"""Go-away code: the session ends in good order."""
PROTOCOL_ERROR: Final = 1
INTERNAL_ERROR: Final = 2

SESSION_ID: Final = 0
"""The stream id of frames that concern the session as a whole."""

MAX_STREAM_ID: Final = 2**32 - 1

_HEADER: Final = Struct(">BBHLL")
HEADER_SIZE: Final = _HEADER.size


class Header(NamedTuple):
    """One frame's header, its version checked; `length` means what `type` says it means."""

    type: int
    flags: int
    stream_id: int
    length: int


def encode_header(type_: int, flags: int, stream_id: int, length: int) -> bytes:
    """The twelve bytes that start a frame, and are all of it unless it is DATA."""
    return _HEADER.pack(VERSION, type_, flags, stream_id, length)


class FrameDecoder:
    """Cuts a byte stream into headers and fragments of payload."""

    def __init__(self) -> None:
        self._unfinished = b""
        self._payload_left = 0

    @property
    def is_between_frames(self) -> bool:
        """Whether the bytes so far end where a frame ends."""
        return not self._unfinished and not self._payload_left

    def receive_data(self, data: Buffer) -> Iterator[Header | memoryview]:
        """Yields each header, and after that of a DATA frame the fragments of its payload, none of them empty.

        The iterator must be run to its end before the next call.
        Raises RemoteProtocolError for another version or an unknown type: what follows couldn't be told apart.
        """
        view = memoryview(data)
        at, end = 0, len(data)
        if self._unfinished:  # is put together by itself, so that what follows it isn't copied
            at = HEADER_SIZE - len(self._unfinished)
            self._unfinished += view[:at]
            if len(self._unfinished) < HEADER_SIZE:
                return
            header, self._unfinished = self._unfinished, b""
            yield self._read_header(header, 0)
        while at < end:
            if self._payload_left:
                fragment = view[at : at + self._payload_left]
                self._payload_left -= len(fragment)
                at += len(fragment)
                yield fragment
            elif end - at >= HEADER_SIZE:
                yield self._read_header(view, at)
                at += HEADER_SIZE
            else:
                self._unfinished = bytes(view[at:])
                break

    def _read_header(self, data: Buffer, at: int) -> Header:
        version, type_, flags, stream_id, length = _HEADER.unpack_from(data, at)
        if version != VERSION or type_ > GO_AWAY:
            raise RemoteProtocolError(f"a yamux frame of version {version} and type {type_}")
        if type_ == DATA:
            self._payload_left = length
        return Header(type_, flags, stream_id, length)
