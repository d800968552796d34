"""A stream as py-libp2p has it: what a PeerStream needs of it, and what stock yamux makes hard to get.

Rules: whatever depends on the inner workings of py-libp2p's yamux is here, each quirk saying what the library does by
itself; `node.net.streams` knows none of it. Names are those of libp2p 0.8.1, stream_muxer/yamux/yamux.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from libp2p.abc import IMuxedStream, INetStream
from libp2p.network.stream.net_stream import NetStream
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamReset
from libp2p.stream_muxer.yamux.yamux import YamuxStream

from node.net.errors import ConnectionLost, StreamReset

WINDOW_POLL_S = 0.005  # when to ask again: yamux offers nothing to wait on; its own wait polls every 10 ms


class LibraryStream:
    """The library's two layers of one stream: the muxer's, which moves bytes, and the network's, which keeps count.

    Bytes go to and from the muxer's layer directly; the other one adds a lock and a state machine to every call.
    """

    def __init__(self, stream: INetStream) -> None:
        assert isinstance(stream, NetStream)
        self._stream = stream
        self._muxed: IMuxedStream = stream.muxed_stream
        self._yamux = self._muxed if isinstance(self._muxed, YamuxStream) else None
        # The very object that yamux fills: it outlives the table it is taken from.
        self._buffer = self._yamux.conn.stream_buffers.get(self._yamux.stream_id) if self._yamux else None
        self.read = self._muxed.read  # (size) -> 1 to size bytes; raises at the end, whatever kind of end it is
        self.write: Callable[[bytes | memoryview], Awaitable[None]]
        self.write = self._muxed.write  # type: ignore[assignment]  # says bytes, but only slices and concatenates

    def writable(self, size: int) -> int:
        """How many of `size` bytes can be written now without waiting for the peer's window; 0 to ask again later.

        Stock yamux gives a writer five seconds of zero window, then breaks the stream: a receiver that pauses for a
        full disk or a busy person would lose it. A writer that never asks for more than the window never waits there.
        """
        if self._yamux is None or self._yamux.closed:
            return size
        return min(size, max(self._yamux.send_window, 0))

    def leftover(self) -> bytes:
        """Bytes that had arrived when the stream ended and that reading no longer gives.

        Stock yamux drops them with a reset, a lost connection, or 60 s after both sides are closed.
        """
        rest = bytes(self._buffer) if self._buffer else b""
        self._buffer = None
        return rest

    def why_ended(self, error: Exception) -> StreamReset | ConnectionLost | None:
        """What really ended a stream whose read or write raised `error`; None for the peer's FIN.

        Stock yamux raises EOF for a FIN, for a reset (it forgets the stream before the reader wakes) and for a lost
        connection alike. Its flags tell them apart, with one exception that errs to the safe side: a FIN that the
        connection's end overtakes is reported as a lost connection.
        """
        clean = isinstance(error, MuxedStreamEOF)
        if self._yamux is None:
            reset = isinstance(error, MuxedStreamReset)
            return None if clean else StreamReset(str(error)) if reset else ConnectionLost(str(error))
        if self._yamux.conn.event_shutting_down.is_set() or self._yamux.conn.is_closed:
            return ConnectionLost("the connection to the peer is gone")
        if self._yamux.reset_received or not clean:
            return StreamReset("the peer reset the stream")
        return None

    async def close_write(self) -> None:
        """Send FIN."""
        await self._stream.close_write()

    async def close(self) -> None:
        """Let the library forget a stream whose two sides are closed."""
        await self._stream.close()

    async def reset(self) -> None:
        """Reset the stream and wake its reader, which a local reset of stock yamux leaves asleep for good."""
        event = self._yamux.conn.stream_events.get(self._yamux.stream_id) if self._yamux else None
        await self._stream.reset()
        if event is not None:
            event.set()

    def forget(self) -> None:
        """Drop the entry that a reader, woken after its stream was removed, leaves in the connection's table."""
        if self._yamux is not None and self._yamux.stream_id not in self._yamux.conn.streams:
            self._yamux.conn.stream_events.pop(self._yamux.stream_id, None)
