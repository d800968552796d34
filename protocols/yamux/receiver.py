"""What the peer's frames do to the streams of a session.

Rules of this file:
- Frames for streams that are over are skipped, payload and all: they were under way when this side reset the stream.
- What the peer must not do raises RemoteProtocolError, here or below; nothing after it in the same bytes has happened.
- Flags count in the order SYN, ACK, payload or window, RST or else FIN, in whatever combination they come; unknown ones
  are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocols.errors import RemoteProtocolError
from protocols.framing import Buffer
from protocols.yamux.events import Event, StreamOpened, StreamReadable, StreamReset, WentAway
from protocols.yamux.frames import (
    ACK,
    DATA,
    FIN,
    GO_AWAY,
    PING,
    RST,
    SESSION_ID,
    SYN,
    WINDOW_UPDATE,
    FrameDecoder,
    Header,
    encode_header,
)
from protocols.yamux.keepalive import Keepalive
from protocols.yamux.limits import MAX_UNREAD
from protocols.yamux.outbox import Outbox
from protocols.yamux.stream import Input, Stream
from protocols.yamux.table import StreamTable


class Receiver:
    """The receive side of a session."""

    def __init__(self, streams: StreamTable, outbox: Outbox, keepalive: Keepalive) -> None:
        self._streams = streams
        self._outbox = outbox
        self._keepalive = keepalive
        self._decoder = FrameDecoder()
        self._events: list[Event] = []
        self._readable: dict[Stream, None] = {}
        self._takes_streams = True
        self._now = 0.0
        # The DATA frame whose payload is arriving
        self._stream: Stream | None = None
        self._payload_left = 0
        self._is_last = False
        self.has_heard_go_away = False
        self._handlers = {
            DATA: self._receive_data_header,
            WINDOW_UPDATE: self._receive_window_update,
            PING: self._receive_ping,
            GO_AWAY: self._receive_go_away,
        }

    def receive_data(self, pieces: Iterable[Buffer], now: float, *, takes_streams: bool) -> list[Event]:
        """Takes bytes from the peer, cut anywhere. Streams that it opens are refused unless `takes_streams`."""
        self._now = now
        self._takes_streams = takes_streams
        for data in pieces:
            for item in self._decoder.receive_data(data):
                if isinstance(item, memoryview):
                    self._receive_payload(item)
                else:
                    self._handlers[item.type](item)
        events, self._events = self._events, []
        events += (StreamReadable(stream) for stream in self._readable if not stream.is_reset)
        self._readable.clear()
        return events

    def _receive_data_header(self, header: Header) -> None:
        stream = self._stream_of(header)
        self._stream, self._payload_left, self._is_last = stream, header.length, False
        if stream is None:
            return
        if header.length:
            stream.enter(Input.RECEIVE_DATA)
            stream.window.check(header.length)
            self._is_last = bool(header.flags & FIN)
        self._receive_end(stream, header.flags & RST if header.length else header.flags)

    def _receive_payload(self, payload: memoryview) -> None:
        self._payload_left -= len(payload)
        stream = self._stream
        if stream is None or stream.is_reset:  # since the header came, or by it
            return
        stream.window.received(len(payload), self._now)
        self._streams.received(stream, payload)
        self._readable[stream] = None
        if self._is_last and not self._payload_left:
            self._receive_end(stream, FIN)
        if stream.is_in_vain:
            self._give_up(stream)
        elif self._streams.unread > MAX_UNREAD:
            self._give_up(self._streams.fullest())

    def _receive_window_update(self, header: Header) -> None:
        stream = self._stream_of(header)
        if stream is None:
            return
        stream.send_window += header.length
        self._outbox.add_stream(stream)
        self._receive_end(stream, header.flags)

    def _receive_ping(self, header: Header) -> None:
        self._check_session_id(header)
        if header.flags & SYN:
            self._outbox.add_answer(encode_header(PING, ACK, SESSION_ID, header.length))
        elif header.flags & ACK:
            self._keepalive.pong(header.length, self._now)

    def _receive_go_away(self, header: Header) -> None:
        self._check_session_id(header)
        self.has_heard_go_away = True
        self._events.append(WentAway(header.length))

    def _receive_end(self, stream: Stream, flags: int) -> None:
        if flags & RST:
            stream.enter(Input.RECEIVE_RST)
            stream.queued.clear()
            self._streams.forget_if_over(stream)
            if stream in self._streams:
                self._streams.lingering.add(stream, self._now)
            self._events.append(StreamReset(stream))
        elif flags & FIN:
            stream.enter(Input.RECEIVE_FIN)
            self._streams.forget_if_over(stream)
            self._readable[stream] = None

    def _stream_of(self, header: Header) -> Stream | None:
        if header.flags & SYN:
            return self._open(header.stream_id)
        stream = self._streams.find(header.stream_id)
        if stream is not None and header.flags & ACK:
            self._streams.acknowledged(stream)
        return stream

    def _open(self, stream_id: int) -> Stream | None:
        stream = self._streams.add_theirs(stream_id) if self._takes_streams else None
        if stream is None:
            self._refuse(stream_id)
        else:
            self._events.append(StreamOpened(stream))
        return stream

    def _refuse(self, stream_id: int) -> None:
        self._outbox.add_answer(encode_header(WINDOW_UPDATE, RST, stream_id, 0))

    def _give_up(self, stream: Stream) -> None:
        stream.enter(Input.SEND_RST)
        self._refuse(stream.id)
        self._streams.forget(stream)
        self._events.append(StreamReset(stream))

    @staticmethod
    def _check_session_id(header: Header) -> None:
        if header.stream_id != SESSION_ID:
            raise RemoteProtocolError(f"a yamux frame of type {header.type} for stream {header.stream_id}")
