"""The values that Kademlia takes and gives: settings, reports, statistics.

Rules: plain frozen values; nothing here acts.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.errors import UsageError

NETWORKS = {"shoal": "/shoal/kad/1.0.0", "ipfs": "/ipfs/kad/1.0.0"}
SUFFIX = "/kad/1.0.0"


@dataclass(frozen=True, slots=True)
class KademliaSettings:
    """`protocol_id` names the network; `is_server` says whether this node answers others and holds their records."""

    protocol_id: str = NETWORKS["shoal"]
    is_server: bool = True


@dataclass(frozen=True, slots=True)
class ProvideReport:
    """`stored` of the `closest` servers hold our record, each asked after the fact; `reason` says why none does."""

    closest: int
    stored: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LookupReport:
    """How a search for providers went: how many were found, how many servers were asked, how many of them failed."""

    providers: int
    asked: int
    failed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class KademliaStatistics:
    """What a status screen shows of the DHT."""

    routing_table: int
    buckets: tuple[int, ...]  # peers in each, in the keyspace's order
    streams_in: int
    streams_out: int
    walks: int
    median_walk_s: float  # of the last few dozen
    queries: int
    failures: int
    slow_walk_s: float = 0.0  # of those, what 19 in 20 took at most
    queries_running: int = 0
    hour_queries: int = 0  # that ended within the last hour
    hour_failures: int = 0  # of those, without an answer
    median_query_s: float = 0.0  # of the answers within the last hour
    slow_query_s: float = 0.0
    distances: tuple[int, ...] = ()  # peers in the table by how many leading bits they share with us, from 0: far
    since_refresh_s: float | None = None  # since the table was last refreshed in every part; None before the first time
    is_client: bool = False  # asks, and isn't asked


def protocol_id(network: str) -> str:
    """Return the protocol id of `shoal`, `ipfs`, or any `/prefix/kad/1.0.0`; UsageError for anything else."""
    if network in NETWORKS:
        return NETWORKS[network]
    prefix = network.removesuffix(SUFFIX)
    if (
        prefix != network
        and len(prefix) > 1
        and prefix.startswith("/")
        and prefix.isascii()
        and prefix.isprintable()
        and " " not in prefix
    ):
        return network
    raise UsageError(f"{network!r} is not a network: use shoal, ipfs, or a protocol id such as /example{SUFFIX}.")
