"""Peers as rows for eyes: who is, or was, in session about an item, and every connection of the node.

Rules: as in `snapshots`: reads, never changes, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from node.net.connections import ConnectionInfo
from node.services.content import Content
from node.services.session import PeerSession
from node.services.swarms import NOTHING_YET, PeerTotals, Swarm
from node.status import BanStatus, PeerStatus
from node.swarm.download import Download


def sharing_rows(
    swarm: Swarm,
    chunks: int,
    machine: Download | None,
    connections: Iterable[ConnectionInfo],
    bans: Mapping[str, BanStatus],
    now: float,
) -> tuple[PeerStatus, ...]:
    """Who is in session about an item of so many chunks, then who was; `machine` is the download's, if there is one."""
    live = {connection.peer_id: connection for connection in connections}
    rows = []
    for number, (peer, totals) in enumerate(_by_presence(swarm), start=1):
        row = _row(number, peer, totals, swarm.sessions.get(peer), chunks, now)
        connection = live.get(peer)
        flags = _flags(peer, swarm, machine, now) + ("B" if peer in bans else "b" if peer in swarm.banned else "")
        agent = row.agent or (connection.agent if connection else "")
        rows.append(replace(row, flags=flags, agent=agent, rtt_s=connection.rtt_s if connection else None))
    return tuple(rows)


def connection_rows(connections: Iterable[ConnectionInfo], bans: Mapping[str, BanStatus]) -> list[PeerStatus]:
    """Every connection of the node, then who is banned, as `peers` without a file shows them."""
    rows = [_connected(number, connection) for number, connection in enumerate(connections, start=1)]
    return rows + [_banned(number, ban) for number, ban in enumerate(bans.values(), start=len(rows) + 1)]


def _by_presence(swarm: Swarm) -> list[tuple[str, PeerTotals]]:
    totals = swarm.totals()
    present = [(peer, totals.pop(peer, NOTHING_YET)) for peer in swarm.sessions]
    return present + sorted(totals.items(), key=lambda entry: -(entry[1].received + entry[1].sent))


def _row(
    number: int, peer: str, totals: PeerTotals, session: PeerSession | None, chunks: int, now: float
) -> PeerStatus:
    return PeerStatus(
        number=number,
        peer_id=peer,
        address=_ip(totals.address),
        multiaddr=totals.address,
        chunks=chunks,
        chunks_have=totals.chunks_have,
        down_bps=session.down.bps(now) if session else 0.0,
        up_bps=session.up.bps(now) if session else 0.0,
        received=totals.received,
        sent=totals.sent,
        direction=("out" if session.outbound else "in") if session else "",
        flags="",
        agent=totals.agent,
    )


def _connected(number: int, connection: ConnectionInfo) -> PeerStatus:
    return PeerStatus(
        number=number,
        peer_id=connection.peer_id,
        address=connection.ip,
        multiaddr=connection.multiaddr,
        chunks=0,
        chunks_have=0,
        down_bps=0.0,
        up_bps=0.0,
        received=connection.received,
        sent=connection.sent,
        direction=connection.direction,
        flags="",
        rtt_s=connection.rtt_s,
        agent=connection.agent,
    )


def _banned(number: int, ban: BanStatus) -> PeerStatus:
    return PeerStatus(
        number=number,
        peer_id=ban.peer_id,
        address=_ip(ban.multiaddr) or ban.peer_id,
        multiaddr=ban.multiaddr,
        chunks=0,
        chunks_have=0,
        down_bps=0.0,
        up_bps=0.0,
        received=0,
        sent=0,
        direction="",
        flags="B",
        agent=ban.agent,
    )


def _flags(peer: str, swarm: Swarm, machine: Download | None, now: float) -> str:
    session = swarm.sessions.get(peer)
    asked = machine.peers.get(peer) if machine else None
    marks = (
        ("D", session is not None and session.down.bps(now) >= 1),
        ("U", session is not None and session.up.bps(now) >= 1),
        ("I", session is not None and _is_interested(session, swarm.content)),
        ("C", session is not None and asked is not None and not asked.is_in_order(now)),
        ("!", peer in swarm.liars),
    )
    return "".join(mark for mark, holds in marks if holds)


def _is_interested(session: PeerSession, content: Content | None) -> bool:
    """Whether the peer lacks something that is here: nobody says so in this protocol, but both say what they have."""
    theirs = session.remote_have
    if theirs is None or content is None or theirs.is_complete:
        return False
    return content.have.is_complete or theirs.count_missing_from(content.have) > 0


def _ip(multiaddr: str) -> str:
    """The IP address in a multiaddr's text, or all of it where there is none."""
    parts = multiaddr.split("/")
    return parts[2] if len(parts) > 2 and parts[1] in ("ip4", "ip6") else multiaddr
