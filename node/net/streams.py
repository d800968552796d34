"""A libp2p stream as a trio stream: what a caller cancels never reaches the library.

Why: py-libp2p corrupts a whole connection when a read or write is cancelled half way (the Noise nonce has moved on,
the bytes have not), its EOF may be a reset, and a reader that pauses breaks the sender. So every stream has one
reader task and one writer task that live as long as the stream, in a nursery that the host owns, and the caller only
waits on queues.

What a cancelled call leaves behind: `receive_some` loses nothing; `send_all` has queued all of its bytes or none;
`send_eof` has queued the FIN or not; `aclose` resets the stream.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from operator import index
from typing import Final

import trio
from libp2p.abc import INetStream

from node.net.errors import ConnectionLost, StreamReset
from node.net.library_stream import WINDOW_POLL_S, LibraryStream

log = logging.getLogger(__name__)

READ_SIZE: Final = 256 * 1024  # measured: 64 KiB costs a quarter of the throughput, 1 MiB gains nothing
# One Noise message carries 65,519 bytes of plaintext, a yamux header takes 12: a larger piece would be split in two.
WRITE_SIZE: Final = 65_507
INCOMING_LIMIT: Final = 1 << 20  # bytes read ahead of the caller; beyond it the peer's window is left to fill up
OUTGOING_LIMIT: Final = 1 << 20  # bytes queued before `send_all` waits
FLUSH_TIMEOUT_S: Final = 10.0  # how long `aclose` waits for a peer that doesn't read
LINGER_S: Final = 5.0  # how long a closed stream waits for the peer's FIN before it is reset
LINGER_LIMIT: Final = 1 << 20  # bytes it lets the peer send meanwhile: what may have been on its way, not a file


@dataclass(slots=True)
class Traffic:
    """Bytes that the streams of one connection have moved."""

    received: int = 0
    sent: int = 0


class PeerStream(trio.abc.HalfCloseableStream):
    """One stream to one peer.

    `receive_some` returns b"" only after a real FIN; a reset raises StreamReset and a lost connection ConnectionLost,
    both after every byte that did arrive. Only one task may send and one receive at a time.
    """

    def __init__(self, stream: INetStream, peer_id: str, remote_address: str, traffic: Traffic) -> None:
        self.peer_id = peer_id
        self.remote_address = remote_address
        self._traffic = traffic
        self._library = LibraryStream(stream)
        self._incoming: deque[bytes] = deque()
        self._incoming_size = 0
        self._consumed = 0  # bytes of the first incoming buffer that the caller has already had
        self._outgoing: deque[bytes | memoryview] = deque()
        self._outgoing_size = 0
        self._end: Exception | None = None  # why nothing more can be read or written
        self._got_eof = False
        self._sends_eof = False  # the caller's side is ended: a FIN is queued or sent
        self._sent_eof = False
        self._closed = False  # by the caller
        self._lingering = 0  # bytes that came after that
        self._abandoned = False  # a reset is due
        self._sending = _OneTask("another task is already sending to this stream")
        self._receiving = _OneTask("another task is already receiving from this stream")
        self._readable = trio.lowlevel.ParkingLot()  # receive_some waits for bytes or the end
        self._readable_room = trio.lowlevel.ParkingLot()  # the reader task waits for the caller to take some
        self._writable = trio.lowlevel.ParkingLot()  # the writer task waits for bytes, a FIN or a reset
        self._writable_room = trio.lowlevel.ParkingLot()  # send_all, send_eof and aclose wait for the writer
        self._finished = trio.Event()

    # ------------------------------------------------------------------ for the caller

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Some bytes, at most `max_bytes`; b"" after the peer's FIN.

        Raises StreamReset, ConnectionLost, or trio.ClosedResourceError after aclose() or reset().
        """
        if max_bytes is not None and index(max_bytes) < 1:
            raise ValueError("max_bytes must be at least 1")
        await trio.lowlevel.checkpoint()
        with self._receiving:
            while not self._incoming:
                self._check_open()
                if self._got_eof:
                    return b""
                if self._end is not None:
                    raise self._ended()
                await self._readable.park()
        return self._take(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Queue `data` for sending, waiting while more than OUTGOING_LIMIT bytes are queued.

        When it returns the bytes are this stream's, not yet the network's. Errors as in `receive_some`.
        """
        await self.wait_send_all_might_not_block()
        if len(data):
            buffer = _immutable(data)
            self._outgoing.append(buffer)
            self._outgoing_size += len(buffer)
            self._writable.unpark_all()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until `send_all` would queue its bytes at once."""
        await trio.lowlevel.checkpoint()
        with self._sending:
            while self._check_sendable() and self._outgoing_size >= OUTGOING_LIMIT:
                await self._writable_room.park()

    async def send_eof(self) -> None:
        """Send what is queued, then FIN; receiving goes on."""
        await trio.lowlevel.checkpoint()
        with self._sending:
            self._check_open()
            self._sends_eof = True
            self._writable.unpark_all()
            while not self._sent_eof:
                if self._end is not None:
                    raise self._ended()
                await self._writable_room.park()
                self._check_open()

    async def aclose(self) -> None:
        """Send what is queued, then FIN, and be done; a peer that doesn't take it in time gets a reset."""
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        self._close()
        self._sends_eof = True
        self._writable.unpark_all()
        done = False
        try:
            with trio.move_on_after(FLUSH_TIMEOUT_S):
                await trio.lowlevel.checkpoint()
                while not (self._sent_eof or self._end is not None):
                    await self._writable_room.park()
                done = True
        finally:
            if not done:
                self.reset()

    def reset(self) -> None:
        """Abandon the stream at once: what is queued is dropped and the peer is told. Never blocks."""
        self._close()
        self._abandoned = True
        self._outgoing.clear()
        self._outgoing_size = 0
        self._writable.unpark_all()

    @property
    def is_closed(self) -> bool:
        """Whether the caller has closed or reset the stream."""
        return self._closed

    # ------------------------------------------------------------------ for the host

    def start(self, nursery: trio.Nursery) -> None:
        """Start the two tasks; the host calls this once."""
        nursery.start_soon(self._read_task, name="stream reader")
        nursery.start_soon(self._write_task, name="stream writer")

    async def wait_finished(self) -> None:
        """Wait until both directions are over and the library has let go of the stream."""
        await self._finished.wait()

    # ------------------------------------------------------------------ the reader task

    async def _read_task(self) -> None:
        """Move bytes from the library to the queue until the stream ends."""
        try:
            while True:
                while self._incoming_size >= INCOMING_LIMIT:
                    await self._readable_room.park()
                self._received(await self._library.read(READ_SIZE))
        except Exception as error:  # the library's errors have no common base; whatever it was, the stream is over
            self._received(self._library.leftover())
            self._settle(self._library.why_ended(error))
        finally:
            self._library.forget()

    def _received(self, data: bytes) -> None:
        self._traffic.received += len(data)
        if self._closed:
            self._lingering += len(data)
            if self._lingering > LINGER_LIMIT:
                self.reset()
        elif data:
            self._incoming.append(data)
            self._incoming_size += len(data)
            self._readable.unpark_all()

    def _settle(self, end: StreamReset | ConnectionLost | None) -> None:
        """Note how reading ended and wake everybody whom that concerns."""
        if end is None:
            self._got_eof = True
        elif self._end is None:
            self._end = end
        for waiting in (self._readable, self._writable, self._writable_room):
            waiting.unpark_all()

    def _take(self, max_bytes: int | None) -> bytes:
        """The first buffer, or as much of it as was asked for."""
        first = self._incoming[0]
        if max_bytes is None or len(first) - self._consumed <= max_bytes:
            self._incoming.popleft()
            data = first[self._consumed :]  # the whole buffer, uncopied, unless part of it was taken before
            self._consumed = 0
        else:
            data = first[self._consumed : self._consumed + max_bytes]
            self._consumed += max_bytes
        self._incoming_size -= len(data)
        self._readable_room.unpark_all()
        return data

    # ------------------------------------------------------------------ the writer task

    async def _write_task(self) -> None:
        """Move bytes from the queue to the library, then see the stream to its end."""
        try:
            await self._write_queued()
            await self._linger()
        except Exception as error:  # as in the reader task
            self._settle(self._library.why_ended(error) or ConnectionLost(str(error)))
        finally:
            with trio.CancelScope(shield=True):
                await self._let_go()

    async def _write_queued(self) -> None:
        """Write until a FIN is sent, a reset is due or the stream has ended."""
        while not self._abandoned and self._end is None:
            if self._outgoing:
                room = self._library.writable(min(self._outgoing_size, WRITE_SIZE))
                if not room:
                    await trio.sleep(WINDOW_POLL_S)
                    continue
                data = self._gather(room)
                with trio.CancelScope(shield=True):
                    await self._library.write(data)
                self._traffic.sent += len(data)
                self._writable_room.unpark_all()
            elif self._sends_eof:
                with trio.CancelScope(shield=True):
                    await self._library.close_write()
                self._sent_eof = True
                self._writable_room.unpark_all()
                return
            else:
                await self._writable.park()

    def _gather(self, size: int) -> bytes | memoryview:
        """The first `size` queued bytes: cut from a large buffer without a copy, else joined."""
        parts: list[bytes | memoryview] = []
        missing = size
        while missing:
            buffer = self._outgoing.popleft()
            if len(buffer) > missing:
                view = memoryview(buffer)
                self._outgoing.appendleft(view[missing:])
                buffer = view[:missing]
            parts.append(buffer)
            missing -= len(buffer)
        self._outgoing_size -= size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _linger(self) -> None:
        """After our FIN: wait for the peer's, for a limited time once the caller has closed."""
        while not (self._got_eof or self._abandoned or self._end is not None):
            if not self._closed:
                await self._writable.park()
                continue
            with trio.move_on_after(LINGER_S) as scope:
                await self._writable.park()
            self._abandoned = self._abandoned or scope.cancelled_caught

    async def _let_go(self) -> None:
        """Tell the library that this stream is over, one way or the other."""
        try:
            if self._sent_eof and self._got_eof and not self._abandoned:
                await self._library.close()
            else:
                await self._library.reset()
        except Exception:  # the connection may be gone, and nothing remains to be told
            log.debug("closing a stream to %s failed", self.peer_id, exc_info=True)
        if self._end is None:
            self._end = ConnectionLost("the stream is over")
        self._writable_room.unpark_all()
        self._readable.unpark_all()
        self._finished.set()

    # ------------------------------------------------------------------ states

    def _close(self) -> None:
        self._closed = True
        self._incoming.clear()
        self._incoming_size = self._consumed = 0
        for waiting in (self._readable, self._readable_room, self._writable, self._writable_room):
            waiting.unpark_all()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this stream was closed")

    def _check_sendable(self) -> bool:
        self._check_open()
        if self._sends_eof:
            raise trio.ClosedResourceError("the sending side of this stream was closed")
        if self._end is not None:
            raise self._ended()
        return True

    def _ended(self) -> Exception:
        """A fresh copy of the end's error: one exception raised in two tasks would share its traceback."""
        assert self._end is not None
        return type(self._end)(*self._end.args)


class _OneTask:
    """A block that only one task may be in."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._taken = False

    def __enter__(self) -> None:
        if self._taken:
            raise trio.BusyResourceError(self._message)
        self._taken = True

    def __exit__(self, *exc_info: object) -> None:
        self._taken = False


def _immutable(data: bytes | bytearray | memoryview) -> bytes | memoryview:
    """The same bytes, copied only if their owner could change them later."""
    if isinstance(data, bytes) or (isinstance(data, memoryview) and type(data.obj) is bytes and data.contiguous):
        return data if isinstance(data, bytes) or data.format == "B" else data.cast("B")
    return bytes(data)
