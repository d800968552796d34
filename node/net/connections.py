"""One live connection, as it is told to everything above `node.net`."""

from __future__ import annotations

from dataclasses import dataclass

from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.rcmgr import Direction

from node.net import addresses as multiaddrs
from node.net.keeper import muxed, remote_address
from node.net.streams import Traffic


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One live connection."""

    peer_id: str
    multiaddr: str  # of the remote end, with /p2p/
    ip: str
    direction: str  # "in" or "out"
    opened_at: float  # unix time
    streams: int
    received: int  # bytes moved by PeerStreams
    sent: int
    rtt_s: float | None = None  # the smallest of the last round trips; None before the first
    agent: str = ""  # what the peer says it runs; "" before identify has told


def describe(connection: SwarmConn, traffic: Traffic, agent: str) -> ConnectionInfo:
    """A connection with what its streams have moved and what its peer says it runs."""
    address = remote_address(connection)
    return ConnectionInfo(
        peer_id=str(connection.muxed_conn.peer_id),
        multiaddr=address,
        ip=multiaddrs.ip_of(address),
        direction="in" if connection.direction == Direction.INBOUND else "out",
        opened_at=connection._created_at,
        streams=len(muxed(connection).session.streams),
        received=traffic.received,
        sent=traffic.sent,
        rtt_s=muxed(connection).rtt() or None,
        agent=agent,
    )
