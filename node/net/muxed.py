"""What a stream needs of the muxer under it, and what stock yamux makes hard to get.

Rules: whatever depends on the inner workings of py-libp2p's yamux is here, one function per quirk, each saying what
the library does by itself; `node.net.streams` knows none of it. Paths and names are those of libp2p 0.8.1,
stream_muxer/yamux/yamux.py.
"""

from __future__ import annotations

from typing import Protocol, cast

from libp2p.abc import INetStream
from libp2p.stream_muxer.exceptions import MuxedStreamEOF
from libp2p.stream_muxer.yamux.yamux import Yamux, YamuxStream

from node.net.errors import ConnectionLost, StreamReset

WINDOW_POLL_S = 0.005  # when to ask again: yamux offers nothing to wait on; its own wait polls every 10 ms


class MuxedStream(Protocol):
    """The calls of `IMuxedStream` that move bytes."""

    async def read(self, n: int | None = None) -> bytes: ...

    async def write(self, data: bytes | memoryview) -> None: ...


def muxed_stream(stream: INetStream) -> MuxedStream:
    """The muxer's stream inside a network stream; reading it directly saves a lock and a state machine per call."""
    return cast("MuxedStream", stream.muxed_stream)  # type: ignore[attr-defined]  # NetStream has it, its interface not


def why_ended(stream: INetStream, error: Exception) -> StreamReset | ConnectionLost | None:
    """What really ended a stream whose read or write raised `error`; None for the remote's FIN.

    Stock yamux raises EOF for a FIN, for a RST (it forgets the stream before the reader wakes) and for a lost
    connection alike. Its flags tell them apart, with one exception that errs to the safe side: a FIN that the
    connection's end overtakes is reported as a lost connection.
    """
    muxed = muxed_stream(stream)
    if not isinstance(muxed, YamuxStream):
        return None if isinstance(error, MuxedStreamEOF) else StreamReset(str(error))
    if muxed.conn.event_shutting_down.is_set() or muxed.conn.is_closed:
        return ConnectionLost("the connection to the peer is gone")
    if muxed.reset_received or not isinstance(error, MuxedStreamEOF):
        return StreamReset("the peer reset the stream")
    return None


def writable(stream: INetStream, size: int) -> int:
    """How many of `size` bytes can be written now without waiting for the remote's window; 0 to ask again later.

    Stock yamux gives a writer five seconds of zero window, then breaks the stream: a receiver that pauses for a full
    disk or a busy person would lose it. A writer that never asks for more than the window never waits in there.
    """
    muxed = muxed_stream(stream)
    if not isinstance(muxed, YamuxStream) or muxed.closed:
        return size
    return min(size, max(muxed.send_window, 0))


async def reset(stream: INetStream) -> None:
    """Reset the stream and wake its reader, which a local reset of stock yamux leaves asleep for good."""
    muxed = muxed_stream(stream)
    event = muxed.conn.stream_events.get(muxed.stream_id) if isinstance(muxed, YamuxStream) else None
    await stream.reset()
    if event is not None:
        event.set()


def forget(stream: INetStream) -> None:
    """Drop the entry that a reader, woken after its stream was removed, puts back into the connection's table."""
    muxed = muxed_stream(stream)
    if isinstance(muxed, YamuxStream) and isinstance(muxed.conn, Yamux) and muxed.stream_id not in muxed.conn.streams:
        muxed.conn.stream_events.pop(muxed.stream_id, None)
