"""The streams of one host: opening them, and serving those that peers open.

Rules: a handler's failure resets its own stream and is logged with the peer's id; a caller who gives up while a stream
is being opened leaves none behind.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

import trio
from libp2p.abc import INetConn, INetStream
from libp2p.network.stream.net_stream import NetStream
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable

from node.net import addresses as multiaddrs
from node.net.errors import StreamError
from node.net.muxed_connection import MuxedConnection
from node.net.muxed_stream import MuxedStream
from node.net.negotiation import request_protocol
from node.net.streams import PeerStream, Traffic
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

Handler = Callable[[PeerStream], Awaitable[None]]


class StreamKeeper:
    """Opens, serves and counts the PeerStreams of a host."""

    def __init__(self) -> None:
        self._traffic: WeakKeyDictionary[INetConn, Traffic] = WeakKeyDictionary()
        self._protocols: dict[str, Traffic] = {}  # those that this node speaks: peers can't add to them
        self._serving: set[trio.CancelScope] = set()  # of the handlers at work

    def traffic(self, connection: INetConn) -> Traffic:
        """The counters of one connection."""
        return self._traffic.setdefault(connection, Traffic())

    def protocols(self) -> dict[str, Traffic]:
        """The counters of each protocol since the start."""
        return dict(self._protocols)

    async def open(self, connection: INetConn, protocol_id: str, timeout_s: float) -> PeerStream:
        """A new stream on this very connection; raises ProtocolRefusedError and StreamError. Safe to cancel.

        It is opened below the library's own layer, which would only keep count of it.
        """
        peer_id = str(connection.muxed_conn.peer_id)
        try:
            with trio.fail_after(timeout_s):
                stream = self._adopt(await muxed(connection).open_stream(), connection, protocol_id)
                try:
                    await request_protocol(stream, protocol_id)
                except BaseException:
                    stream.reset()
                    raise
        except trio.TooSlowError as error:
            raise StreamError(f"{peer_id} did not answer within {timeout_s:g} s.") from error
        except (MuxedConnUnavailable, trio.BrokenResourceError, RemoteProtocolError) as error:
            raise StreamError(f"{peer_id} did not take a stream: {error}.") from error
        return stream

    async def serve(self, protocol_id: str, handler: Handler, net_stream: INetStream) -> None:
        """Run `handler` on an inbound stream; the stream is closed when it returns and reset when it raises."""
        assert isinstance(net_stream, NetStream)
        assert isinstance(net_stream.muxed_stream, MuxedStream)
        assert net_stream.swarm_conn is not None
        stream = self._adopt(net_stream.muxed_stream, net_stream.swarm_conn, protocol_id)
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

    def cancel_handlers(self) -> None:
        """Cancel every handler at work; their streams are reset."""
        for scope in self._serving:
            scope.cancel()

    def _adopt(self, stream: MuxedStream, connection: INetConn, protocol_id: str) -> PeerStream:
        peer_id = str(connection.muxed_conn.peer_id)
        protocol = self._protocols.setdefault(protocol_id, Traffic())
        return PeerStream(stream, peer_id, remote_address(connection), self.traffic(connection), protocol)


def muxed(connection: INetConn) -> MuxedConnection:
    """Our connection under the library's."""
    assert isinstance(connection.muxed_conn, MuxedConnection)
    return connection.muxed_conn


def remote_address(connection: INetConn) -> str:
    """The multiaddr of a connection's remote end, with /p2p/."""
    remote = muxed(connection).get_remote_address()
    address = multiaddrs.from_socket(*remote) if remote else ""
    return multiaddrs.with_peer_id(address, str(connection.muxed_conn.peer_id))
