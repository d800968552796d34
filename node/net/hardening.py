"""py-libp2p's swarm and host with what bites taken out: each override says what the library does by itself.

Rules: subclasses, no patched modules; every override is small and names the behaviour it replaces, so that a new
release of the library can be checked against this page. Line references are to libp2p 0.8.1.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from libp2p.abc import IMuxedConn, INetConn, INetStream, IPeerStore, IRawConnection
from libp2p.host.basic_host import BasicHost
from libp2p.io.trio import TrioTCPStream
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.transport.tcp.tcp import TCP
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr

from node.net.crowding import Crowding, place_of

if TYPE_CHECKING:
    from libp2p.io.abc import ReadWriteCloser
    from libp2p.metrics.swarm import SwarmEvent

log = logging.getLogger(__name__)

MAX_CONNECTIONS_PER_PEER = 4  # one each way, and one more each for a peer that came back before we noticed
MAX_INBOUND_STREAMS = 256  # per connection: a session per manifest, the DHT's; go-libp2p's limit per peer
NEGOTIATION_TIMEOUT_S = 10.0  # of a stream, for one round trip behind whatever the connection is busy with
HANDSHAKE_TIMEOUT_S = 10.0


def connection_config(max_connections: int, max_inbound: int) -> ConnectionConfig:
    """The library's limits for `max_connections`, of which `max_inbound` may have come in."""
    reserved = max(0, max_connections - max_inbound)
    return ConnectionConfig(
        max_connections=max_connections,
        min_connections=reserved,  # the library admits max - min inbound connections
        low_watermark=reserved,
        high_watermark=max_connections,
        max_connections_per_peer=MAX_CONNECTIONS_PER_PEER,
        inbound_upgrade_timeout=HANDSHAKE_TIMEOUT_S,
        outbound_upgrade_timeout=HANDSHAKE_TIMEOUT_S,
        outbound_stream_protocol_negotiation_timeout=NEGOTIATION_TIMEOUT_S,
        inbound_stream_protocol_negotiation_timeout=NEGOTIATION_TIMEOUT_S,
    )


class NoAutoConnector(AutoConnector):
    """Connects to nobody. The library's dials everything in the peerstore until 200 connections are open."""

    async def maybe_connect(self) -> None:
        """Do nothing."""

    async def run_background_task(self, nursery: trio.Nursery) -> None:
        """Start nothing."""

    def record_disconnect(self, peer_id: ID) -> None:
        """Remember nothing: the library only forgets these while connecting."""


class HardenedTcp(TCP):
    """The library's TCP, whose connections over IPv6 know their remote address."""

    async def dial(self, maddr: Multiaddr) -> IRawConnection:
        """Dial, then note the address."""
        connection = await super().dial(maddr)
        if isinstance(connection, RawConnection):
            name_remote(connection.stream)
        return connection


def name_remote(stream: ReadWriteCloser) -> None:
    """Note a socket's remote address, which the library leaves out for IPv6, whose socket names have four parts."""
    if isinstance(stream, TrioTCPStream):
        with suppress(OSError):
            host, port, *_ = stream.stream.socket.getpeername()
            stream._cached_remote_address = (str(host), int(port))


class HardenedSwarm(Swarm):
    """The library's swarm, safe against peers and against our own cancelled calls."""

    def __init__(
        self, peer_id: ID, peerstore: IPeerStore, upgrader: TransportUpgrader, config: ConnectionConfig
    ) -> None:
        super().__init__(peer_id, peerstore, upgrader, transports=[HardenedTcp()], connection_config=config)
        self.auto_connector = NoAutoConnector(self)
        self.dial_by_book: Callable[[ID], Awaitable[INetConn]] | None = None  # set by the host
        self.refused: frozenset[str] = frozenset()  # peers that get no connection; set by the host
        self._crowding = Crowding(int(self._inbound_limiter.total_tokens))

    async def dial_peer(self, peer_id: ID) -> list[INetConn]:
        """Dial in our order (`node.net.dialling`), also when the library itself wants a connection."""
        if self.dial_by_book is None:
            raise SwarmException("the host is not running")
        return [await self.dial_by_book(peer_id)]

    async def dial_once(self, address: Multiaddr, peer_id: ID) -> INetConn:
        """One dial of one address. `dial_addr` would retry, and forget every address of a peer that has moved."""
        return await self._dial_addr_single_attempt(address, peer_id)

    async def _handle_inbound_connection(self, read_write_closer: ReadWriteCloser, maddr: Multiaddr) -> None:
        """Keep one machine from taking every inbound slot; the library gives them to whoever comes first."""
        name_remote(read_write_closer)
        remote = read_write_closer.get_remote_address()
        with self._crowding.admitted(place_of(remote[0]) if remote else None) as is_admitted:
            if is_admitted:
                await super()._handle_inbound_connection(read_write_closer, maddr)
            else:
                log.debug("inbound connection from %s refused: too many from there", remote)
                with suppress(Exception):
                    await read_write_closer.close()

    async def _do_handle_inbound_connection(
        self, read_write_closer: ReadWriteCloser, maddr: Multiaddr, failure_event: SwarmEvent
    ) -> None:
        """Hold the inbound slot while the connection lives.

        The library (swarm.py:2044) holds it until the host stops: after 250 inbound connections in the life of the
        process it closes every new one, and keeps a task and a socket for each.
        """
        raw_connection = RawConnection(read_write_closer, initiator=False)
        try:
            if self._closing:
                raise SwarmException("the host is closing")
            muxed = await self.upgrade_inbound_raw_conn(raw_connection, maddr)
        except Exception as error:  # of whatever type: a stranger's handshake is no reason to stop
            log.debug("inbound connection from %s refused: %r", read_write_closer.get_remote_address(), error)
            with suppress(Exception):
                await raw_connection.close()
            return
        connection = next((c for c in self.get_connections(muxed.peer_id) if _muxed(c) is muxed), None)
        if isinstance(connection, SwarmConn):
            await connection.event_closed.wait()

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Admit a connection unless its peer has enough, or is to have none.

        The library closes an older connection, whatever runs on it, to make room for a newer one of the same peer.
        """
        if str(muxed_conn.peer_id) in self.refused:
            await muxed_conn.close()
            raise SwarmException(f"{muxed_conn.peer_id} is banned here")
        if len(self.get_connections(muxed_conn.peer_id)) >= MAX_CONNECTIONS_PER_PEER:
            await muxed_conn.close()
            raise SwarmException(f"{muxed_conn.peer_id} has {MAX_CONNECTIONS_PER_PEER} connections already")
        return await super().add_conn(muxed_conn, direction)

    def _trim_connections(self, peer_id: ID) -> None:
        """Trim nothing: `add_conn` has refused what would be too much."""

    async def close_connection(self, connection: INetConn) -> None:
        """Close one connection, also when the caller is cancelled; within a second, whatever its peer does."""
        with trio.CancelScope(shield=True):
            await connection.close()

    async def close(self) -> None:
        """Close everything at once; the library takes 0.2 s for each connection, one after the other."""
        if self._closing:
            return
        self._closing = True
        async with trio.open_nursery() as nursery:
            for connection in self.get_connections():
                nursery.start_soon(self.close_connection, connection)
        for listener in list(self.listeners.values()):
            await listener.close()
        self.listeners.clear()
        self.connections.clear()
        await self.manager.stop()


class HardenedHost(BasicHost):
    """The library's host, whose streams and strangers cannot take it down."""

    def __init__(self, network: HardenedSwarm, advertised: Callable[[list[Multiaddr]], list[Multiaddr]]) -> None:
        # Addresses that peers observe are those of our outgoing sockets, whose ports nobody can dial: not advertised.
        super().__init__(network, addrs_factory=advertised, disable_identify_address_discovery=True)
        self.identify_by: Callable[[ID], None] | None = None  # set by the host
        self._inbound_streams: Counter[int] = Counter()  # by id() of their connection

    async def connect(self, peer_info: PeerInfo) -> None:
        """Connect in our order. The library's first address is the only one it tries."""
        if peer_info.addrs:
            self.peerstore.add_addrs(peer_info.peer_id, peer_info.addrs, 120)
        await self.get_network().dial_peer(peer_info.peer_id)

    def _schedule_identify(self, peer_id: ID, *, reason: str) -> None:
        """Ask who the peer is our way (`node.net.identify`); the library's own asks in a system task."""
        if self.identify_by is not None:
            self.identify_by(peer_id)

    async def _swarm_stream_handler(self, net_stream: INetStream) -> None:
        """Negotiate and serve one inbound stream; whatever goes wrong ends that stream only.

        The library lets an exception out (swarm_connection.py:309), be it a handler's or its own over a protocol
        name that isn't UTF-8 (multiselect_communicator.py:58), and it stops the whole host.
        """
        connection = id(net_stream.muxed_conn)
        if self._inbound_streams[connection] >= MAX_INBOUND_STREAMS:
            log.info("%s has %d streams open; one more is refused", net_stream.muxed_conn.peer_id, MAX_INBOUND_STREAMS)
            await net_stream.reset()
            return
        self._inbound_streams[connection] += 1
        try:
            await super()._swarm_stream_handler(net_stream)
        except Exception:
            log.debug("stream from %s failed", net_stream.muxed_conn.peer_id, exc_info=True)
            await net_stream.reset()
        finally:
            self._inbound_streams[connection] -= 1
            if not self._inbound_streams[connection]:
                del self._inbound_streams[connection]


def _muxed(connection: INetConn) -> IMuxedConn:
    return connection.muxed_conn
