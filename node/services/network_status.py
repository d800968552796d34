"""Filling in `NetworkStatus`: what the DHT's parts count, as values for eyes.

Rules: as in `snapshots`: reads, never changes, waits for no network. What goes through all shares does so in a thread:
of 100,000 that takes more than a tenth of a second.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from node.net.connections import ConnectionInfo
from node.net.host import Host
from node.net.kademlia import Kademlia
from node.services.library import Library
from node.services.provide_plan import REPROVIDE_S, VALIDITY_S, WARN_S, Kind
from node.services.threads import in_thread
from node.status import NetworkStatus, ProtocolStatus, ProvideStatus, TransportStatus

DUE_SOON_S = 3600.0
"""A round within the hour is called due: a person who looks may want to leave the node on for it."""


LATE_S = 60.0
"""A round takes some seconds, and one that is under way isn't late."""


@dataclass(frozen=True, slots=True)
class Provides:
    """How many shares others hold a record of, and of how many one is fresh, due, late, or lapsing; unix time."""

    held: int
    fresh: int
    due: int
    late: int
    lapsing: int
    next_at: float | None


def count_provides(provided: Sequence[ProvideStatus], now: float) -> Provides:
    """Count the shares by how they stand."""
    return Provides(
        held=sum(status.stored > 0 for status in provided),
        fresh=sum(status.stored > 0 and not _is_late(status, now) for status in provided),
        due=sum(_wait(status, now) < DUE_SOON_S for status in provided),
        late=sum(_is_late(status, now) for status in provided),
        lapsing=sum(status.at is not None and status.at + VALIDITY_S - now < WARN_S for status in provided),
        next_at=min((status.due for status in provided if status.due is not None), default=None),
    )


async def network_status(host: Host, dht: Kademlia, library: Library, records_held: int) -> NetworkStatus:
    """The DHT and the connections as they stand now."""
    plan = library.providing.plan
    provided = plan.statuses(Kind.SHARE)
    provides = await in_thread(count_provides, provided, time.time())
    figures = dht.statistics()
    connections = host.connections()
    inbound = sum(connection.direction == "in" for connection in connections)
    return NetworkStatus(
        routing_table=figures.routing_table,
        buckets=figures.buckets,
        records_held=records_held,
        provided=provides.held,
        provides_due=provides.due,
        provides_late=provides.late,
        next_provide_at=provides.next_at,
        walks=figures.walks,
        median_walk_s=figures.median_walk_s,
        queries=figures.queries,
        failures=figures.failures,
        streams_in=figures.streams_in,
        streams_out=figures.streams_out,
        connections_in=inbound,
        connections_out=len(connections) - inbound,
        received=sum(connection.received for connection in connections),
        sent=sum(connection.sent for connection in connections),
        network_size=round(dht.network_size),
        provides_lapsing=provides.lapsing,
        keywords=len(plan) - len(provided),
        keywords_waiting=library.providing.keywords_waiting,
        checked=library.providing.checked.shares,
        checked_found=library.providing.checked.found,
        checked_at=library.providing.checked.at,
        slow_walk_s=figures.slow_walk_s,
        median_rtt_s=median(rtts) if (rtts := [each.rtt_s for each in connections if each.rtt_s]) else None,
        transports=_by_transport(connections),
        protocols=_by_protocol(host),
        connection_limit=host.connection_limit,
        distances=figures.distances,
        refreshed_at=None if figures.since_refresh_s is None else time.time() - figures.since_refresh_s,
        is_client=figures.is_client,
        queries_running=figures.queries_running,
        hour_queries=figures.hour_queries,
        hour_failures=figures.hour_failures,
        median_query_s=figures.median_query_s,
        slow_query_s=figures.slow_query_s,
        provides=len(provided),
        provides_fresh=provides.fresh,
    )


def _by_transport(connections: list[ConnectionInfo]) -> tuple[TransportStatus, ...]:
    ways = Counter((_transport(each.multiaddr), each.direction) for each in connections)
    names = sorted({name for name, _ in ways})
    return tuple(TransportStatus(name, ways[name, "in"], ways[name, "out"]) for name in names)


def _transport(multiaddr: str) -> str:
    if "/p2p-circuit" in multiaddr:
        return "relayed"
    return "quic" if "/quic" in multiaddr else "tcp"


def _by_protocol(host: Host) -> tuple[ProtocolStatus, ...]:
    moved = [ProtocolStatus(name, each.received, each.sent) for name, each in host.traffic_by_protocol().items()]
    return tuple(sorted(moved, key=lambda each: -(each.received + each.sent)))


def _is_late(status: ProvideStatus, now: float) -> bool:
    """Whether the last round that somebody took is longer ago than it should be, or there was none yet."""
    return status.at is None or now > status.at + REPROVIDE_S + LATE_S


def _wait(status: ProvideStatus, now: float) -> float:
    """Seconds until the next round; it is under way where that is negative."""
    return (now if status.due is None else status.due) - now
