"""One stream of a multiplexed connection: trio's manners behind py-libp2p's interface.

What a cancelled call leaves behind: `read` has taken nothing, `write` has queued all of its bytes or none, and no
other stream notices. What ends a stream is told apart: the peer's FIN raises MuxedStreamEOF once everything was read,
a reset MuxedStreamReset, and the loss of the connection MuxedConnectionLost. What had arrived before the peer's reset
or the loss is read first; a reset of our own drops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import MuxedStreamClosed, MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

from protocols.framing import Buffer
from protocols.yamux import Stream

if TYPE_CHECKING:
    from node.net.muxed_connection import MuxedConnection

SEND_LIMIT: Final = 512 * 1024
"""Bytes a stream may have queued when it is written to: two batches, so that the writer task doesn't run dry between
the turns of the application. A write is taken whole, so what lies queued may be more by one write."""


READ_LIMIT: Final = 1024 * 1024
"""Bytes that one read gives at most. A whole window at once would keep the event loop busy for milliseconds."""


class MuxedConnectionLost(MuxedStreamError):
    """The connection under a stream is gone; nobody ended the stream."""


class MuxedStream(IMuxedStream):
    """A stream that either side opened; made by `MuxedConnection` only."""

    def __init__(self, connection: MuxedConnection, stream: Stream) -> None:
        self.muxed_conn: MuxedConnection = connection
        self._session = connection.session
        self._stream = stream
        self._readers = trio.lowlevel.ParkingLot()
        self._writers = trio.lowlevel.ParkingLot()

    @property
    def stream_id(self) -> int:
        """Its yamux id."""
        return self._stream.id

    async def read(self, n: int | None = None) -> bytes:
        """What has arrived: at least one byte, at most `n`, and READ_LIMIT in any case; None and -1 say no more."""
        return b"".join(await self.read_parts(n))

    async def read_parts(self, n: int | None = None) -> list[Buffer]:
        """Like `read`, uncopied: in the buffers that it arrived in, which nobody changes any more."""
        limit = READ_LIMIT if n is None or n < 0 else min(n, READ_LIMIT)
        if not limit or not self._is_idle:
            await trio.lowlevel.checkpoint()
        while limit and not self._stream.unread:
            if not self._is_idle:
                raise self._why_nothing_comes()
            await self._readers.park()
        parts = self._session.read_pieces(self._stream, limit, trio.current_time())
        self.muxed_conn.flush()
        return parts

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queues all of `data` once less than SEND_LIMIT is queued, however long that takes."""
        await self.write_parts((data,))

    async def write_parts(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """Like `write`, of all the parts in a row."""
        await self.wait_writable()
        for part in parts:
            if len(part):
                self._session.write(self._stream, _immutable(part))
        self.muxed_conn.flush()

    async def wait_writable(self) -> None:
        """Returns once `write` would not wait. Raises what `write` would."""
        self.check_sending()
        if self.has_room:
            await trio.lowlevel.checkpoint()
            self.check_sending()
        while not self.has_room:
            self.muxed_conn.blocked.add(self)
            await self._writers.park()
            self.check_sending()

    def stop_reading(self) -> None:
        """Drops what came and what is still to come; reading raises MuxedStreamClosed from now on."""
        self._session.stop_reading(self._stream)
        self._changed()

    async def close_write(self) -> None:
        """Says FIN after what is queued; reading goes on. Does nothing to a stream that was reset."""
        if not self._stream.is_reset:
            self._session.finish(self._stream)
            self._changed()
        await trio.lowlevel.checkpoint()

    async def close(self) -> None:
        """Like `close_write`; and if the peer doesn't end its side, or doesn't read, the stream is reset in time."""
        if not self._stream.is_reset:
            self._session.close(self._stream, trio.current_time())
            self._changed()
        await trio.lowlevel.checkpoint()

    async def reset(self) -> None:
        """Abandons both directions, at once."""
        self.abandon()
        await trio.lowlevel.checkpoint()

    def abandon(self) -> None:
        """What `reset` does, for those who can't await.

        Does nothing once the connection is lost: py-libp2p then resets every stream, and a reader that hasn't come to
        the end of what arrived would take the loss for a reset.
        """
        if self.muxed_conn.end_reason is None:
            self._session.reset(self._stream)
            self._changed()

    def set_deadline(self, ttl: int) -> None:
        """Not supported, as in py-libp2p's muxers: trio's cancel scopes are safe here and do it."""
        raise NotImplementedError("use a cancel scope")

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the peer."""
        return self.muxed_conn.get_remote_address()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()

    def check_sending(self) -> None:
        """Raises if nothing can be sent any more."""
        if self._stream.is_reset:
            raise self._reset_error()
        if self._stream.is_send_closed:
            raise MuxedStreamClosed("this side has ended the stream")
        if self.muxed_conn.end_reason is not None:
            raise MuxedConnectionLost(self.muxed_conn.end_reason)

    # For the connection

    @property
    def has_room(self) -> bool:
        """Whether a write would be taken at once."""
        return self._stream.unsent < SEND_LIMIT

    def wake_reader(self) -> None:
        """There may be something to read, or never again."""
        self._readers.unpark_all()

    def wake_writer(self) -> None:
        """There may be room to write, or never again."""
        self._writers.unpark_all()

    def _changed(self) -> None:
        self.wake_reader()
        self.wake_writer()
        self.muxed_conn.flush()

    @property
    def _is_idle(self) -> bool:
        """Whether there is nothing to read, and something may still come."""
        stream = self._stream
        is_over = stream.is_unwanted or stream.is_reset or stream.at_eof or self.muxed_conn.end_reason is not None
        return not stream.unread and not is_over

    def _why_nothing_comes(self) -> MuxedStreamError:
        if self._stream.is_unwanted:
            return MuxedStreamClosed("this side has stopped reading")
        if self._stream.is_reset:
            return self._reset_error()
        if self._stream.at_eof:
            return MuxedStreamEOF("the peer has ended the stream")
        return MuxedConnectionLost(self.muxed_conn.end_reason)

    def _reset_error(self) -> MuxedStreamReset:
        return MuxedStreamReset(f"stream {self._stream.state.name.lower().replace('_', ' ')}")


def _immutable(data: bytes | bytearray | memoryview) -> bytes | memoryview:
    """The same bytes, copied only if their owner could still change them."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, memoryview) and type(data.obj) is bytes and data.contiguous and data.format == "B":
        return data
    return bytes(data)
