"""A stream to a peer as a trio stream: what code above the network reads and writes.

Cancelling is safe: `receive_some` has then taken nothing, and `send_all` has queued all of its bytes or none. That and
everything else about bytes is `node.net.muxed_stream`'s doing; here its ends get the names that trio streams use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

import trio
from libp2p.stream_muxer.exceptions import MuxedStreamClosed, MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

from node.net.errors import ConnectionLost, StreamReset
from node.net.muxed_stream import MuxedStream


@dataclass(slots=True)
class Traffic:
    """Bytes that some streams have moved: those of one connection, or of one protocol."""

    received: int = 0
    sent: int = 0


class PeerStream(trio.abc.HalfCloseableStream):
    """One stream to one peer.

    `receive_some` returns b"" only after a real FIN; a reset raises StreamReset and a lost connection ConnectionLost,
    both after every byte that did arrive. Only one task may send and one receive at a time. After aclose() or reset()
    everything raises trio.ClosedResourceError.
    """

    def __init__(self, muxed: MuxedStream, peer_id: str, remote_address: str, *counters: Traffic) -> None:
        self.peer_id = peer_id
        self.remote_address = remote_address
        self._muxed = muxed
        self._counters = counters
        self._is_closed = False
        self._sending = _OneTask("another task is already sending to this stream")
        self._receiving = _OneTask("another task is already receiving from this stream")

    @property
    def is_closed(self) -> bool:
        """Whether the caller has closed or reset the stream."""
        return self._is_closed

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Some bytes, at most `max_bytes`; b"" after the peer's FIN."""
        if max_bytes is not None and index(max_bytes) < 1:
            raise ValueError("max_bytes must be at least 1")
        return b"".join(await self.receive_parts(max_bytes))

    async def receive_parts(self, max_bytes: int | None = None) -> Sequence[bytes | bytearray | memoryview]:
        """Like `receive_some`, uncopied: in the buffers that it came in, which nobody changes any more; () for FIN."""
        with self._receiving:
            try:
                parts = await self._muxed.read_parts(max_bytes)
            except MuxedStreamEOF:
                return ()
            except MuxedStreamError as error:
                raise self._translated(error) from None
        size = sum(map(len, parts))
        for traffic in self._counters:
            traffic.received += size
        return parts

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Queue `data` for sending, waiting while half a MiB is queued.

        When it returns the bytes are this stream's, not yet the network's.
        """
        await self.send_parts((data,))

    async def send_parts(self, parts: Sequence[bytes | bytearray | memoryview]) -> None:
        """Like `send_all`, of all the parts in a row and uncopied: they leave together."""
        with self._sending:
            try:
                await self._muxed.write_parts(parts)
            except MuxedStreamError as error:
                raise self._translated(error) from None
        size = sum(map(len, parts))
        for traffic in self._counters:
            traffic.sent += size

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until `send_all` would queue its bytes at once."""
        with self._sending:
            try:
                await self._muxed.wait_writable()
            except MuxedStreamError as error:
                raise self._translated(error) from None

    async def send_eof(self) -> None:
        """Queue a FIN after what is queued; receiving goes on."""
        with self._sending:
            try:
                self._muxed.check_sending()
            except MuxedStreamClosed as error:
                if self._is_closed:
                    raise self._translated(error) from None
            except MuxedStreamError as error:
                raise self._translated(error) from None
            await self._muxed.close_write()

    async def aclose(self) -> None:
        """Be done, without waiting: what is queued is still sent, then FIN. A peer that doesn't take it gets a reset.

        Cancelled, it resets the stream at once.
        """
        if self._is_closed:
            await trio.lowlevel.checkpoint()
            return
        self._is_closed = True
        self._muxed.stop_reading()
        try:
            await self._muxed.close()
        except trio.Cancelled:
            self.reset()
            raise

    def reset(self) -> None:
        """Abandon the stream at once: what is queued is dropped and the peer is told. Never blocks."""
        self._is_closed = True
        self._muxed.abandon()

    def _translated(self, error: MuxedStreamError) -> trio.ClosedResourceError | StreamReset | ConnectionLost:
        if self._is_closed or isinstance(error, MuxedStreamClosed):
            return trio.ClosedResourceError(f"this stream was closed: {error}")
        return StreamReset(str(error)) if isinstance(error, MuxedStreamReset) else ConnectionLost(str(error))


class _OneTask:
    """A block that only one task may be in."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._taken = False

    def __enter__(self) -> None:
        if self._taken:
            raise trio.BusyResourceError(self._message)
        self._taken = True

    def __exit__(self, *_: object) -> None:
        self._taken = False
