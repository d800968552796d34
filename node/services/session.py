"""One exchange stream with one peer: the trio driver around `protocols.exchange.Connection`.

Rules: nothing is decided here about chunks; this file moves bytes. Any task may call `queue` (control messages) and
`queue_bulk` (DATA, and the REJECT that must not overtake it), neither of which blocks; who queues bulk looks at
`bulk_bytes` first. One writer task alone touches the stream's sending side, and control messages always go out before
bulk, so that a HAVE or CANCEL never waits behind a chunk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from node.swarm.rates import Rate
from protocols.bitfield import Bitfield
from protocols.errors import RemoteProtocolError
from protocols.exchange import MAX_DATA, BitfieldMessage, Bye, ByeReason, Connection, Data, Have, Message, Reject
from protocols.geometry import Geometry

BURST_S = 0.04
BURST_LEAST = 1 << 19
BURST_MOST = 2 * MAX_DATA
"""DATA written to the stream at once is what the peer takes in so long, within these bounds in bytes; then control has
its turn again. A write costs the same however long it is, and what is written can't be overtaken any more. With less
than the least, eight leechers on a small machine took a tenth longer."""

MESSAGES_WRITTEN = 128
"""Answers that carry little written at once: a write costs more than one of them does; and so many keep the loop busy
for about a millisecond."""

CONTROL_QUEUED = 4 << 20
"""Bytes of control messages waiting: above it the peer has stopped reading for good (a bitfield is at most 256 KiB)."""

HELLO_TIMEOUT_S = 10.0
"""A peer that opens a stream and says nothing is not a peer; slow links need seconds, not tens of them."""

IDLE_TIMEOUT_S = 300.0
"""A session in which nothing was said for so long only holds memory; either side opens a new one when it needs it.
Who takes what we send says something by that: a chunk may take longer at a low limit."""


class ExchangeStream(Protocol):
    """What a session needs of `node.net.streams.PeerStream`."""

    @property
    def peer_id(self) -> str: ...
    @property
    def remote_address(self) -> str: ...
    async def send_all(self, data: bytes | bytearray | memoryview) -> None: ...
    async def send_parts(self, parts: Sequence[bytes | bytearray | memoryview]) -> None: ...
    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray: ...
    async def receive_parts(self) -> Sequence[bytes | bytearray | memoryview]: ...
    async def aclose(self) -> None: ...
    def reset(self) -> None: ...


class PeerSession:
    """One peer session: messages in, messages out, and how fast both went."""

    def __init__(self, stream: ExchangeStream, connection: Connection, *, outbound: bool, now: float) -> None:
        self.stream = stream
        self.connection = connection
        self.outbound = outbound
        self.peer = stream.peer_id
        self.address = stream.remote_address
        self.agent = ""  # what the peer says it runs, in its HELLO
        self.opened_at = now
        self.received = 0
        self.sent = 0
        self.down = Rate()
        self.up = Rate()
        self.farewell = ""  # why the peer left, in its own words
        self.fault: RemoteProtocolError | None = None  # how the peer broke the protocol
        self.remote_have: Bitfield | None = None  # what the peer says it has, once it said so and we can read it
        self.early: list[Message] = []  # what came in the same bytes as HELLO
        self.written = trio.Event()  # our BYE has left
        self._chunk_count = 0
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._bulk: deque[Data | Reject] = deque()
        self.bulk_bytes = 0  # of DATA, waiting or being written
        self.on_written: Callable[[], None] = lambda: None  # called when there is less of it
        self._wake = trio.Event()
        self.closing = trio.Event()  # our BYE is on its way, or the session has failed
        self.said_goodbye = False

    @property
    def is_closing(self) -> bool:
        """Whether the last word (BYE) is on its way: nothing more can be queued."""
        return self.closing.is_set()

    def set_geometry(self, geometry: Geometry) -> None:
        """The manifest is known: what the peer has said it has can be read, and held against it, from here on."""
        if self.is_closing:
            return
        self._chunk_count = geometry.chunk_count
        try:
            self._note(self.connection.set_geometry(geometry))
        except RemoteProtocolError as error:
            self._fail(error)

    async def greet(self, agent: str) -> None:
        """Say HELLO, the first message of each side."""
        for part in self.connection.send(self.connection.hello(agent)):
            await self.stream.send_all(part)

    async def receive(self) -> list[Message]:
        """The next messages, at least one; [] after the peer's BYE and end of stream.

        Raises RemoteProtocolError for an illegal message, and trio.BrokenResourceError when the stream is reset, its
        connection lost, or it ends without BYE: a peer whose process dies is no liar, and may be used again.
        """
        while True:
            sent = self.sent
            # Not move_on_after, which costs three times as much, and this is done for each piece of every chunk.
            with trio.CancelScope(deadline=trio.current_time() + IDLE_TIMEOUT_S) as idle:
                parts = await self._receive_parts()
            if idle.cancelled_caught:
                if self.sent > sent:
                    continue
                self.bye(ByeReason.TIMEOUT, "nothing was said for a while")
                return []
            if not parts:
                self._check_end()
                return []
            self.received += sum(map(len, parts))
            if messages := self.connection.receive_data(*parts):
                self._note(messages)
                return messages

    async def _receive_parts(self) -> Sequence[bytes | bytearray | memoryview]:
        try:
            return await self.stream.receive_parts()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            if self.fault:
                raise self.fault from None
            raise

    def _fail(self, fault: RemoteProtocolError) -> None:
        """End the session for what the peer did. Its reader raises that, not the caller, who may be another's task."""
        self.fault = fault
        self.closing.set()
        self._wake.set()
        self.stream.reset()

    def _check_end(self) -> None:
        try:
            self.connection.receive_eof()
        except RemoteProtocolError as error:
            raise trio.BrokenResourceError(str(error)) from error

    def queue(self, message: Message) -> None:
        """Queue a control message; a peer that has long stopped reading loses its session instead."""
        if self.is_closing:
            return
        for part in self.connection.send(message):
            self._control.append(bytes(part))
            self._control_bytes += len(part)
        if self._control_bytes > CONTROL_QUEUED:
            self._fail(RemoteProtocolError(f"{self._control_bytes} bytes of messages wait and the peer reads none"))
        self._wake.set()

    def queue_bulk(self, message: Data | Reject) -> None:
        """Queue DATA, or what has to come after the DATA before it."""
        if self.is_closing:
            return
        self._bulk.append(message)
        self.bulk_bytes += _bulk(message)
        self._wake.set()

    def bye(self, reason: ByeReason, text: str = "") -> None:
        """Queue the last message; what bulk is still queued is dropped."""
        if self.is_closing:
            return
        self.queue(Bye.saying(reason, text))
        self.closing.set()
        self._wake.set()

    def burst(self, now: float) -> int:
        """Bytes of DATA to send to this peer at once."""
        return min(max(BURST_LEAST, int(self.up.bps(now) * BURST_S)), BURST_MOST)

    async def write(self) -> None:
        """The writer task: runs until BYE is written or the stream breaks."""
        while True:
            if self._control:
                batch = b"".join(self._control)
                self._control.clear()
                self._control_bytes = 0
                await self.stream.send_all(batch)
                self.sent += len(batch)
            elif self.is_closing:
                self.written.set()
                return
            elif self._bulk:
                await self._write_bulk()
            else:
                await self._wake.wait()
                self._wake = trio.Event()

    async def _write_bulk(self) -> None:
        messages: list[Data | Reject] = []
        size, most = 0, self.burst(trio.current_time())
        while self._bulk and (not messages or size + _bulk(self._bulk[0]) <= most):
            messages.append(self._bulk.popleft())
            size += _bulk(messages[-1])
            if len(messages) == MESSAGES_WRITTEN:
                break
        # Sent only now, because messages must be written in the order in which the connection sends them.
        parts = [part for message in messages for part in self.connection.send(message)]
        await self.stream.send_parts(parts)
        self.sent += sum(map(len, parts))
        self.bulk_bytes -= size
        self.up.add(size, trio.current_time())
        self.on_written()

    def _note(self, messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, BitfieldMessage):
                self.remote_have = Bitfield.from_bytes(self._chunk_count, bytes(message.data))
            elif isinstance(message, Have) and self.remote_have is not None:
                for chunk in message.chunks:
                    self.remote_have.set(chunk)


def _bulk(message: Data | Reject) -> int:
    return len(message.data) if isinstance(message, Data) else 0
