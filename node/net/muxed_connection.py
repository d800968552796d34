"""A multiplexed connection: one task reads, one writes, one keeps the time; `protocols.yamux` decides everything.

Where the tasks live: py-libp2p runs `start` in the host's service manager, where an exception would end the host. So
`start` owns them in a nursery of its own, ends when the connection does, and lets nothing out but cancellation.
Streams call the session directly and synchronously; the only thing they wait for is an event.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import trio
from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable
from multiaddr import Multiaddr

from node.net.muxed_stream import MuxedStream
from node.net.secure import NoiseConnection
from protocols.errors import RemoteProtocolError
from protocols.yamux import (
    NORMAL,
    PROTOCOL_ERROR,
    BatchSize,
    Event,
    PeerSilent,
    Session,
    Stream,
    StreamOpened,
    StreamReadable,
    StreamReset,
    WentAway,
)

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S: Final = 0.5
"""How long closing waits for the peer to take what is queued and the goodbye."""


class MuxedConnection(IMuxedConn):
    """All streams to one peer over one connection."""

    def __init__(self, conn: ISecureConn, peer_id: ID) -> None:
        if not isinstance(conn, NoiseConnection):
            raise TypeError(f"the multiplexer runs over our own Noise connections, not over a {type(conn).__name__}")
        self.peer_id = peer_id
        self.secured_conn = conn
        self.session = Session(is_client=conn.is_initiator, now=trio.current_time())
        self.event_started = trio.Event()
        self.event_closed = trio.Event()
        self.end_reason: str | None = None  # set when no more bytes will come or go
        self.blocked: set[MuxedStream] = set()  # streams with a task that waits for room to write
        self._opened_by_peer: deque[Stream] = deque()  # bounded by the session
        self._cancel_scope = trio.CancelScope()
        self._writer = trio.lowlevel.ParkingLot()  # waits for something to send
        self._acceptors = trio.lowlevel.ParkingLot()  # wait for the peer to open a stream
        self._openers = trio.lowlevel.ParkingLot()  # wait for the peer to accept one of ours

    @property
    def is_initiator(self) -> bool:
        """Whether this side dialled."""
        return self.secured_conn.is_initiator

    @property
    def is_established(self) -> bool:
        """Whether streams can be opened."""
        return self.event_started.is_set() and self.end_reason is None

    @property
    def is_closed(self) -> bool:
        """Whether the socket is closed."""
        return self.event_closed.is_set()

    def rtt(self) -> float:
        """The smallest of the last measured round trips, in seconds; 0 before the first."""
        return self.session.round_trip_s

    async def open_stream(self) -> MuxedStream:
        """Opens a stream, waiting while the peer has too many of ours to accept. Raises MuxedConnUnavailable."""
        await trio.lowlevel.checkpoint()
        while not self.session.can_open or self.end_reason is not None:
            if self.session.is_ending or self.end_reason is not None:
                raise MuxedConnUnavailable(f"connection closed: {self.end_reason or 'it is about to end'}")
            await self._openers.park()
        stream = self.session.open_stream()
        handle = stream.handle = MuxedStream(self, stream)
        self.flush()
        return handle

    async def accept_stream(self) -> MuxedStream:
        """The next stream that the peer opens. Raises MuxedConnUnavailable once the connection has ended."""
        await trio.lowlevel.checkpoint()
        while self.end_reason is None:
            while self._opened_by_peer:
                stream = self._opened_by_peer.popleft()
                if self.session.accept(stream):
                    self.flush()
                    return _handle(stream)
            await self._acceptors.park()
        raise MuxedConnUnavailable(f"connection closed: {self.end_reason}")

    async def close(self) -> None:
        """Sends what can be sent and a goodbye, in CLOSE_TIMEOUT_S at most, and closes the socket. Cancel to hurry."""
        self.session.go_away()
        self._end("closed by this side")
        if not self.event_started.is_set():
            self.event_started.set()  # nothing will start any more
            await self._close_socket()
        try:
            with trio.move_on_after(CLOSE_TIMEOUT_S):
                await self.event_closed.wait()
        finally:
            self._cancel_scope.cancel()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the peer."""
        return self.secured_conn.get_remote_address()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Of the connection itself, not of the peerstore."""
        return self.secured_conn.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Direct or relayed."""
        return self.secured_conn.get_connection_type()

    def flush(self) -> None:
        """Has the writer send what the session has to send."""
        if self.session.has_data_to_send:
            self._writer.unpark_all()

    async def start(self) -> None:
        """Runs the connection until it ends; called once, by the host. Raises nothing."""
        if self.event_started.is_set():
            return
        self.event_started.set()
        try:
            with self._cancel_scope:
                async with trio.open_nursery() as nursery:
                    for task in (self._read, self._write, self._keep_time):
                        nursery.start_soon(self._contain, task, name=f"{task.__name__} {self.peer_id}")
        finally:
            self._end("the host stopped")
            await self._close_socket()

    async def _contain(self, task: Callable[[], Awaitable[str]]) -> None:
        """Runs one of the tasks; its end, whatever the reason, is the end of the connection and of nothing else."""
        try:
            reason = await task()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            reason = f"lost: {error}"
        except Exception:
            log.exception("the connection to %s failed", self.peer_id)
            reason = "failed"
        self._end(reason)
        self._cancel_scope.cancel()

    async def _read(self) -> str:
        while True:
            try:
                plaintexts = await self.secured_conn.receive()
                if not plaintexts:
                    return "closed by the peer"
                now = trio.current_time()
                self._handle_events(self.session.receive_pieces(plaintexts, now))
                if now >= self.session.next_deadline:
                    self._handle_events(self.session.tick(now))
            except RemoteProtocolError as error:
                log.info("%s broke the protocol: %s", self.peer_id, error)
                self.session.go_away(PROTOCOL_ERROR)
                self._end(f"the peer broke the protocol: {error}")
                await trio.sleep(CLOSE_TIMEOUT_S)  # the writer says why, and ends everything when it has
                return "closed by this side"
            self.flush()

    async def _write(self) -> str:
        batch = BatchSize()
        while True:
            pieces = self.session.pieces_to_send(batch.bytes)
            self._unblock()
            if pieces:
                start = trio.current_time()
                await self.secured_conn.send(*pieces)
                if batch.sent(sum(map(len, pieces)), trio.current_time() - start):
                    self.secured_conn.limit_unsent(batch.bytes)
            elif self.end_reason is not None:
                return self.end_reason
            elif self.session.is_over:
                return "the peer went away"
            else:
                await self._writer.park()

    async def _keep_time(self) -> str:
        while True:
            await trio.sleep_until(self.session.next_deadline)
            events = self.session.tick(trio.current_time())
            if PeerSilent() in events:
                return "the peer has fallen silent"
            self._handle_events(events)
            self.flush()

    def _handle_events(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case StreamReadable(stream):
                    _handle(stream).wake_reader()
                case StreamOpened(stream):
                    stream.handle = MuxedStream(self, stream)
                    self._opened_by_peer.append(stream)
                    self._acceptors.unpark_all()
                case StreamReset(stream):
                    _handle(stream).wake_reader()
                    _handle(stream).wake_writer()
                    if stream in self._opened_by_peer:
                        self._opened_by_peer.remove(stream)
                case WentAway(code):
                    if code != NORMAL:
                        self._end(f"the peer went away with code {code}")
                    self._writer.unpark_all()  # ends the connection if no streams are left
        if self._openers and self.session.can_open:
            self._openers.unpark_all()

    def _unblock(self) -> None:
        """Wakes the writers of the streams that have room again."""
        for stream in [stream for stream in self.blocked if stream.has_room] if self.blocked else ():
            self.blocked.discard(stream)
            stream.wake_writer()

    def _end(self, reason: str) -> None:
        """Nothing more will come or go, but for what the writer can still send."""
        if self.end_reason is not None:
            return
        log.debug("connection to %s: %s", self.peer_id, reason)
        self.end_reason = reason
        for stream in self.session.streams:
            if stream.handle is not None:  # the peer may break the protocol before we have heard of a stream
                _handle(stream).wake_reader()
                _handle(stream).wake_writer()
        for waiting in (self._writer, self._acceptors, self._openers):
            waiting.unpark_all()

    async def _close_socket(self) -> None:
        with trio.CancelScope(shield=True):
            await self.secured_conn.close()
        self.event_closed.set()


def _handle(stream: Stream) -> MuxedStream:
    """What this connection made for the stream."""
    assert isinstance(stream.handle, MuxedStream)
    return stream.handle
