"""A yamux session: bytes in, events out, bytes out. Nothing here waits, sleeps or owns a socket.

Rules of this file:
- It is the one owner of all streams: whatever changes one goes through a method here.
- Reading, writing and closing take effect at once or not at all, so a task that is cancelled while it waits to do
  one of them has lost nothing.
- What the peer can make this side hold is bounded by `limits`. A peer that breaks the protocol costs the session;
  one that only overfills it costs the stream that is in the way.

The driver calls `receive_data` with what it read, `tick` when `next_deadline` has come, and sends what
`pieces_to_send` gives while `has_data_to_send`.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import Buffer
from protocols.yamux.events import Event, PeerSilent, StreamReset
from protocols.yamux.frames import (
    ACK,
    GO_AWAY,
    NORMAL,
    PING,
    PROTOCOL_ERROR,
    RST,
    SESSION_ID,
    SYN,
    WINDOW_UPDATE,
    encode_header,
)
from protocols.yamux.keepalive import Keepalive
from protocols.yamux.outbox import Outbox
from protocols.yamux.receiver import Receiver
from protocols.yamux.stream import Input, Stream
from protocols.yamux.table import StreamTable


class Session:
    """One side of one connection. The client is the side that dialled."""

    def __init__(self, *, is_client: bool, now: float) -> None:
        self._streams = StreamTable(is_client=is_client)
        self._outbox = Outbox()
        self._keepalive = Keepalive(now)
        self._receiver = Receiver(self._streams, self._outbox, self._keepalive)
        self._has_said_go_away = False
        self._has_failed = False

    @property
    def is_ending(self) -> bool:
        """Whether no stream can be opened any more."""
        return self._has_said_go_away or self._receiver.has_heard_go_away or self._streams.is_exhausted

    @property
    def is_over(self) -> bool:
        """Whether the peer has gone away and no streams are left, so that nothing will ever happen again."""
        return self._receiver.has_heard_go_away and not self._streams

    @property
    def can_open(self) -> bool:
        """Whether `open_stream` would succeed. If not, it may later, unless the session `is_ending`."""
        return not self.is_ending and not self._streams.is_backlogged

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Those that are not over."""
        return tuple(self._streams)

    @property
    def unread(self) -> int:
        """Bytes received and not yet read, of all streams."""
        return self._streams.unread

    @property
    def round_trip_s(self) -> float:
        """The smallest of the last measured round trips; 0 before the first."""
        return self._keepalive.round_trip_s

    @property
    def next_deadline(self) -> float:
        """When `tick` must be called next."""
        return min(self._keepalive.next_deadline, self._streams.lingering.next_deadline)

    @property
    def has_data_to_send(self) -> bool:
        """Whether `pieces_to_send` would give anything."""
        return not self._outbox.is_empty

    # What applications do

    def open_stream(self) -> Stream:
        """Opens a stream, usable at once. Raises LocalProtocolError unless `can_open`."""
        if not self.can_open:
            raise LocalProtocolError("no yamux stream can be opened now")
        stream = self._streams.add_ours()
        self._outbox.add_control(encode_header(WINDOW_UPDATE, SYN, stream.id, 0))
        return stream

    def accept(self, stream: Stream) -> bool:
        """Tells the peer that the stream it opened is in use; False if it is over already."""
        is_new = self._streams.accepted(stream)
        if is_new:
            self._outbox.add_control(encode_header(WINDOW_UPDATE, ACK, stream.id, 0))
        return is_new

    def read(self, stream: Stream, limit: int, now: float) -> bytes:
        """What `read_pieces` gives, as one; b"" if there is nothing now."""
        return b"".join(self.read_pieces(stream, limit, now))

    def read_pieces(self, stream: Stream, limit: int, now: float) -> list[Buffer]:
        """Takes up to `limit` of the bytes received, uncopied; [] if there are none now."""
        pieces = self._streams.read(stream, limit)
        if pieces and stream.can_receive:
            credit = stream.window.read(sum(map(len, pieces)), stream.unread, now, self.round_trip_s)
            if credit:
                self._outbox.add_credit(stream, credit)
        return pieces

    def stop_reading(self, stream: Stream) -> None:
        """Drops what came on the stream and what is still to come. A peer that then fills its window gets a reset."""
        self._streams.stop_reading(stream)
        if stream.is_in_vain:
            self.reset(stream)

    def write(self, stream: Stream, data: bytes | memoryview) -> None:
        """Queues all of `data`, which must never change from now on.

        Raises LocalProtocolError after `finish`, `close` or a reset.
        """
        stream.enter(Input.SEND_DATA)
        stream.queued.append(data)
        self._outbox.add_stream(stream)

    def finish(self, stream: Stream) -> None:
        """Says FIN after what is queued: the peer sees the end, and can still send."""
        stream.enter(Input.SEND_FIN)
        self._outbox.add_stream(stream)

    def close(self, stream: Stream, now: float) -> None:
        """Like `finish`, and if the peer doesn't end its side too, or doesn't read, the stream is reset in time."""
        self.finish(stream)
        if stream in self._streams:
            self._streams.lingering.add(stream, now)

    def reset(self, stream: Stream) -> None:
        """Ends both directions at once and drops what is queued in them. Does nothing to a stream that is over."""
        if stream in self._streams:
            if not stream.is_reset:
                self._outbox.add_control(encode_header(WINDOW_UPDATE, RST, stream.id, 0))
            stream.enter(Input.SEND_RST)
            self._streams.forget(stream)

    def go_away(self, code: int = NORMAL) -> None:
        """Tells the peer that this side ends the session. Streams go on until the connection is closed."""
        if not self._has_said_go_away:
            self._has_said_go_away = True
            self._outbox.add_control(encode_header(GO_AWAY, 0, SESSION_ID, code))

    # What the connection does

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Takes bytes from the peer, cut anywhere; see `receive_pieces`."""
        return self.receive_pieces((data,), now)

    def receive_pieces(self, pieces: Iterable[Buffer], now: float) -> list[Event]:
        """Takes bytes from the peer that came in several pieces, cut anywhere; a stream is told readable once.

        Raises RemoteProtocolError. The session is over then: all it still sends is why.
        """
        if self._has_failed:
            raise LocalProtocolError("this yamux session has failed")
        self._keepalive.heard()
        try:
            return self._receiver.receive_data(pieces, now, takes_streams=not self._has_said_go_away)
        except RemoteProtocolError:
            self._has_failed = True
            self._outbox = Outbox()
            self._has_said_go_away = False
            self.go_away(PROTOCOL_ERROR)
            raise

    def data_to_send(self, limit: int) -> bytes:
        """What `pieces_to_send` gives, as one."""
        return b"".join(self.pieces_to_send(limit))

    def pieces_to_send(self, limit: int) -> list[Buffer]:
        """Frames for the peer, `limit` bytes of them and more only of control; [] if there is nothing to send now.

        The pieces are not copied, and don't match the frames.
        """
        pieces, finished = self._outbox.take(limit)
        for stream in finished:
            self._streams.forget_if_over(stream)
            if stream.is_in_vain:
                self.reset(stream)
        return pieces

    def tick(self, now: float) -> list[Event]:
        """Does what time asks for: pings, and the end of streams that linger and of a peer that is silent."""
        if self._keepalive.is_silent(now):
            return [PeerSilent()]
        number = self._keepalive.ping_due(now)
        if number is not None:
            self._outbox.add_control(encode_header(PING, SYN, SESSION_ID, number))
        stale = self._streams.lingering.expired(now)
        for stream in stale:
            self.reset(stream)
        return [StreamReset(stream) for stream in stale]
