"""The streams of one host: opening them, serving them and running their tasks where no caller can cancel them.

Rules: the nursery is the host's; a caller who gives up leaves an opening stream to a task that resets it once it is
there; a handler's failure resets its own stream and is logged with the peer's id.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

import trio
from libp2p.abc import INetConn, INetStream

from node.net import addresses as multiaddrs
from node.net.errors import StreamError
from node.net.negotiation import request_protocol
from node.net.streams import PeerStream, Traffic
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

Handler = Callable[[PeerStream], Awaitable[None]]

MAX_OPENING = 64  # streams per connection still being opened; stock yamux blocks the 257th for ever


class _Opening:
    """A stream that is being opened by a task of the host."""

    def __init__(self) -> None:
        self.settled = trio.Event()
        self.stream: INetStream | None = None
        self.error: Exception | None = None
        self.abandoned = False  # whoever wanted it has gone


class StreamKeeper:
    """Opens, serves and counts the PeerStreams of a host; works once `tasks` is set."""

    def __init__(self) -> None:
        self.tasks: trio.Nursery  # the host's
        self._traffic: WeakKeyDictionary[INetConn, Traffic] = WeakKeyDictionary()
        self._opening: WeakKeyDictionary[INetConn, int] = WeakKeyDictionary()
        self._serving: set[trio.CancelScope] = set()  # of the handlers at work

    def traffic(self, connection: INetConn) -> Traffic:
        """The counters of one connection."""
        return self._traffic.setdefault(connection, Traffic())

    async def open(self, connection: INetConn, protocol_id: str, timeout_s: float) -> PeerStream:
        """A new stream on this very connection; raises ProtocolRefusedError and StreamError. Safe to cancel."""
        peer_id = str(connection.muxed_conn.peer_id)
        try:
            with trio.fail_after(timeout_s):
                stream = self.adopt(await self._open_raw(connection), connection)
                try:
                    await request_protocol(stream, protocol_id)
                except BaseException:
                    stream.reset()
                    raise
        except trio.TooSlowError as error:
            raise StreamError(f"{peer_id} did not answer within {timeout_s:g} s.") from error
        except (trio.BrokenResourceError, RemoteProtocolError) as error:
            raise StreamError(f"{peer_id} did not take a stream: {error}.") from error
        return stream

    def adopt(self, stream: INetStream, connection: INetConn) -> PeerStream:
        """The library's stream as a PeerStream, with its tasks running."""
        peer_id = str(connection.muxed_conn.peer_id)
        adopted = PeerStream(stream, peer_id, remote_address(connection), self.traffic(connection))
        adopted.start(self.tasks)
        return adopted

    async def serve(self, protocol_id: str, handler: Handler, net_stream: INetStream) -> None:
        """Run `handler` on an inbound stream and see the stream to its end."""
        connection: INetConn = net_stream.swarm_conn  # type: ignore[attr-defined]  # NetStream has it, INetStream not
        stream = self.adopt(net_stream, connection)
        with trio.CancelScope() as scope:
            self._serving.add(scope)
            try:
                await handler(stream)
                await stream.aclose()
            except (RemoteProtocolError, trio.BrokenResourceError, trio.TooSlowError) as error:
                log.info("%s from %s ended: %r", protocol_id, stream.peer_id, error)
            except Exception:  # a bug of ours in a handler costs this stream only
                log.exception("%s failed while serving %s", protocol_id, stream.peer_id)
            finally:
                self._serving.discard(scope)
                if not stream.is_closed:
                    stream.reset()
        await stream.wait_finished()

    def cancel_handlers(self) -> None:
        """Cancel every handler at work; their streams are reset."""
        for scope in self._serving:
            scope.cancel()

    async def _open_raw(self, connection: INetConn) -> INetStream:
        """The library's stream, opened by a task that outlives a cancelled caller."""
        if self._opening.get(connection, 0) >= MAX_OPENING:
            raise StreamError(f"{connection.muxed_conn.peer_id} has {MAX_OPENING} streams waiting to be opened.")
        opening = _Opening()
        self._opening[connection] = self._opening.get(connection, 0) + 1
        self.tasks.start_soon(self._open_task, connection, opening, name="stream opener")
        try:
            await opening.settled.wait()
        except trio.Cancelled:
            opening.abandoned = True
            if opening.stream is not None:  # it came in the very moment
                self.adopt(opening.stream, connection).reset()
            raise
        if opening.stream is None:
            raise StreamError(f"{connection.muxed_conn.peer_id} did not take a stream.") from opening.error
        return opening.stream

    async def _open_task(self, connection: INetConn, opening: _Opening) -> None:
        try:
            opening.stream = await connection.new_stream()
            if opening.abandoned:
                await opening.stream.reset()
        except Exception as error:  # the library's errors have no common base; the caller gets it as its cause
            opening.error = error
        finally:
            self._opening[connection] -= 1
            opening.settled.set()


def remote_address(connection: INetConn) -> str:
    """The multiaddr of a connection's remote end, with /p2p/."""
    peer_id = str(connection.muxed_conn.peer_id)
    remote = connection.muxed_conn.get_remote_address()  # type: ignore[attr-defined]  # of yamux, not of IMuxedConn
    return multiaddrs.with_peer_id(multiaddrs.from_socket(*remote) if remote else "", peer_id)
