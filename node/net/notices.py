"""Who is connected, told to whoever asked to know.

Rules: a peer is announced with its first connection and again when its last is gone, however many it has between;
a callback that raises is logged and hurts nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from libp2p.abc import INetConn, INetStream, INetwork, INotifee
from multiaddr import Multiaddr

from node.net.hardening import HardenedSwarm

log = logging.getLogger(__name__)


class ConnectionNotices(INotifee):
    """Turns the library's notices about connections into notices about peers."""

    def __init__(self, swarm: HardenedSwarm) -> None:
        self.on_connected: list[Callable[[str], None]] = []
        self.on_disconnected: list[Callable[[str], None]] = []
        self._swarm = swarm
        self._announced: set[str] = set()
        swarm.register_notifee(self)

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        """A connection has been made; the library awaits this before it counts as such."""
        peer_id = str(conn.muxed_conn.peer_id)
        if peer_id not in self._announced:
            self._announced.add(peer_id)
            _tell(self.on_connected, peer_id)

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        """A connection has gone."""
        peer_id = str(conn.muxed_conn.peer_id)
        if peer_id in self._announced and not self._swarm.get_connections(conn.muxed_conn.peer_id):
            self._announced.discard(peer_id)
            _tell(self.on_disconnected, peer_id)

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """Of no interest."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """Of no interest."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Of no interest."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Of no interest."""


def _tell(callbacks: list[Callable[[str], None]], peer_id: str) -> None:
    for callback in tuple(callbacks):
        try:
            callback(peer_id)
        except Exception:
            log.exception("callback about %s failed", peer_id)
