"""Filling in `NetworkStatus`: what the DHT's parts count, as values for eyes.

Rules: as in `snapshots`: reads, never changes, waits for no network.
"""

from __future__ import annotations

import time

from node.net.host import Host
from node.net.kademlia import Kademlia
from node.services.library import Library
from node.services.threads import in_thread
from node.status import NetworkStatus, ProvideStatus

DUE_SOON_S = 3600.0
"""A round within the hour is called due: a person who looks may want to leave the node on for it."""


async def network_status(host: Host, dht: Kademlia, library: Library, records_held: int) -> NetworkStatus:
    """The DHT and the connections as they stand now."""
    rows = await in_thread(library.catalogue.items)
    provided = [status for row in rows if (status := library.providing.status(row.cid.multihash)) is not None]
    figures = dht.statistics()
    connections = host.connections()
    inbound = sum(connection.direction == "in" for connection in connections)
    now = time.time()
    return NetworkStatus(
        routing_table=figures.routing_table,
        buckets=figures.buckets,
        records_held=records_held,
        provided=sum(status.stored > 0 for status in provided),
        provides_due=sum(_wait(status, now) < DUE_SOON_S for status in provided),
        provides_late=sum(_wait(status, now) < 0 for status in provided),
        next_provide_at=min((status.due for status in provided if status.due is not None), default=None),
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
    )


def _wait(status: ProvideStatus, now: float) -> float:
    """Seconds until the next round; it is under way, or late, where that is negative."""
    return (now if status.due is None else status.due) - now
