"""Frozen snapshots of everything that a person may see.

Rules: plain values only (numbers, strings, tuples of these classes), so that each one is JSON by `to_json` and
`from_json` reads it back; raw units (bytes, bytes per second, seconds, unix time), formatting belongs to `node.ui`;
nothing secret. Imports nothing of shoal: services fill these in, screens and clients read them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints


class TransferState(StrEnum):
    """The state words of the screens."""

    DOWNLOADING = "Downloading"
    PAUSED = "Paused"
    STALLED = "Stalled"
    VERIFYING = "Verifying"
    COMPLETE = "Complete"
    SEEDING = "Seeding"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class ProvideStatus:
    """How a share stands in the DHT: `stored` of the `closest` nodes hold its provider record."""

    closest: int
    stored: int
    at: float | None  # unix time of the last round, None before the first
    due: float | None  # unix time of the next one


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """One row of `list`: a share or a download."""

    number: int
    cid: str
    name: str
    size: int
    files: int
    state: TransferState
    reason: str  # why it is stalled, paused or in error; "" otherwise
    path: str  # where it is, or will be, on disk
    chunks: int
    chunks_have: int
    bytes_have: int
    down_bps: float
    up_bps: float
    eta_s: float | None
    peers_connected: int
    peers_known: int
    received: int
    sent: int
    added_at: float
    link: str
    provided: ProvideStatus | None
    up_limit_bps: float | None = None  # None: no limit of its own; 0: nothing may pass
    down_limit_bps: float | None = None
    sequential: bool = False  # fetched in file order, not rarest first
    skipped_files: int = 0  # files that aren't wanted
    skipped_bytes: int = 0  # of them, what isn't here and won't be fetched
    priority: str = "normal"  # of its wanted files: high, normal or low, or mixed
    copies: float | None = None  # whole ones among the connected peers, and the part with one more; None if unknown

    @property
    def wanted_bytes(self) -> int:
        """Bytes that are here or to be fetched: what progress is measured by."""
        return self.size - self.skipped_bytes


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One file inside a share, `path` with forward slashes."""

    path: str
    size: int
    sha256: str  # hex, to compare with `sha256sum`
    bytes_have: int
    priority: str = "normal"  # high, normal, low or skip


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One peer of one share, or one connection where `chunks` is 0."""

    number: int
    peer_id: str
    address: str  # IP address
    multiaddr: str
    chunks: int
    chunks_have: int
    down_bps: float
    up_bps: float
    received: int
    sent: int
    direction: str  # "in" or "out"
    flags: str  # of D we download, U we upload, I it wants what is here, C serves us nothing, ! sent bad data,
    # B banned by a person, b banned for this file by the node itself
    rtt_s: float | None = None  # None before the first round trip, or without a connection
    agent: str = ""  # what it says it runs


@dataclass(frozen=True, slots=True)
class BanStatus:
    """One peer that a person has banned or, with a reason, one that the node has banned itself for some files."""

    peer_id: str
    multiaddr: str  # where it was last; "" if that wasn't known
    agent: str
    banned_at: float  # unix time
    reason: str = ""  # what it did, and for how many files; "" for a person's ban, which is for everything


@dataclass(frozen=True, slots=True)
class DetailStatus:
    """What `info` shows of one item."""

    item: ItemStatus
    chunk_size: int
    chunks_in_flight: int
    chunks_bad: int
    cells: str  # the chunk map in as many cells as asked for: # have, v in flight, 1-9 copies, . nobody has it, x bad
    file_list: tuple[FileStatus, ...]  # the first FILES_SHOWN files
    peers: tuple[PeerStatus, ...]
    rarest: int = 0  # copies of the missing chunks that the fewest have
    rarest_chunks: int = 0  # how many those are
    average_bps: float | None = None  # while bytes came in, since the node started; without pauses and stalls


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What `status` shows of the node itself."""

    version: str
    peer_id: str
    addresses: tuple[str, ...]
    network: str
    home: str
    uptime_s: float
    connections: int
    routing_table: int
    records_held: int
    shares: int
    downloads: int
    down_bps: float
    up_bps: float
    received: int
    sent: int
    rss_bytes: int
    up_limit_bps: float | None = None  # of the whole node; None: no limit, 0: nothing may pass
    down_limit_bps: float | None = None
    catalogues: int = 0  # of others that are known here, without empty ones
    catalogue_entries: int = 0  # in those
    checked: int = 0  # shares looked for in the latest self-check
    checked_found: int = 0  # of those, found as a stranger would find them
    mdns: bool = False  # whether it looks for others on the LAN


@dataclass(frozen=True, slots=True)
class TransportStatus:
    """The connections over one transport."""

    name: str  # "tcp", "quic"
    inbound: int
    outbound: int


@dataclass(frozen=True, slots=True)
class ProtocolStatus:
    """What the streams of one protocol have moved since the start, in bytes."""

    protocol_id: str
    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """What the node does in the DHT and whom it is connected to."""

    routing_table: int  # peers in it
    buckets: tuple[int, ...]  # peers in each bucket, in the keyspace's order
    records_held: int  # provider records that others left here
    provided: int  # shares whose records some other node holds
    provides_due: int  # shares that wait for their first round, or for the next within the hour
    provides_late: int  # shares whose time has passed without anybody taking their records
    next_provide_at: float | None  # unix time
    walks: int  # lookups since the start
    median_walk_s: float  # of the last few dozen; 0 before the first
    queries: int  # RPCs sent
    failures: int  # of those, without an answer
    streams_in: int
    streams_out: int
    connections_in: int
    connections_out: int
    received: int  # bytes, over the connections of now
    sent: int
    network_size: int = 0  # servers that the network seems to have
    provides_lapsing: int = 0  # shares whose records lapse within hours, or have lapsed
    keywords: int = 0  # words that are provided so that they lead to shares
    keywords_waiting: int = 0  # words that the cap per node keeps out
    checked: int = 0  # shares looked for lately as a stranger would, from another place in the network
    checked_found: int = 0  # of those, found
    checked_at: float | None = None  # unix time of the latest check
    slow_walk_s: float = 0.0  # what 19 in 20 of the last few dozen lookups took at most
    median_rtt_s: float | None = None  # of the connections; None before the first round trip
    transports: tuple[TransportStatus, ...] = ()
    protocols: tuple[ProtocolStatus, ...] = ()  # what moved most first
    connection_limit: int = 0  # how many connections there may be
    distances: tuple[int, ...] = ()  # peers in the table by how many leading bits they share with this node, from 0
    refreshed_at: float | None = None  # unix time of the table's last refresh; None before the first
    is_client: bool = False  # asks others in the DHT, and isn't asked
    queries_running: int = 0
    hour_queries: int = 0  # RPCs that ended within the last hour
    hour_failures: int = 0  # of those, without an answer
    median_query_s: float = 0.0  # of the answers within the last hour; 0 before the first
    slow_query_s: float = 0.0  # what 19 in 20 of them took at most
    provides: int = 0  # shares that are to be found by others
    provides_fresh: int = 0  # of those, the ones whose records were renewed when they should have been


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """One watched folder: how many files of it are shared, and how many wait to be."""

    path: str
    shared: int
    waiting: int
    problem: str  # why it can't be read or heard; "" otherwise


class HitState(StrEnum):
    """What is known of a search's hit: the status words of its screen."""

    AVAILABLE = "Available"  # a peer has proved to have it
    INCOMPLETE = "Incomplete"  # so it has, but all who have proved it haven't every chunk together
    UNVERIFIED = "Unverified"  # peers say so
    FALSE = "False"  # its manifest says something else than those who offer it
    HAVE = "Have it"
    DOWNLOADING = "Downloading"


@dataclass(frozen=True, slots=True)
class HitStatus:
    """One row of a search: one content, whoever has it."""

    number: int  # as long as the search is remembered, whatever is found later
    cid: str
    name: str
    size: int
    files: int
    state: HitState
    claimed: int  # peers that are said to have it
    verified: int  # of them, those that have proved it
    found: tuple[str, ...]  # how: "here", "catalogue", "peers", "DHT"
    same_as: int | None = None  # the number of the row that is the same bytes under another name
    copies: float | None = None  # whole ones among the peers that have proved it, and the part with one more
    seen_at: float | None = None  # unix time of the newest word of a peer that it has it itself; None for hearsay only


@dataclass(frozen=True, slots=True)
class AskedStatus:
    """One peer that a search has asked."""

    peer_id: str
    found: str  # how the search came upon it: "peers" or "DHT"
    reply: str  # "answered", "busy", "didn't answer", …
    hits: int


@dataclass(frozen=True, slots=True)
class SearchStatus:
    """A search as it stands."""

    text: str
    scope: str  # "all", "peers" or "local"
    seconds: float  # since it began, or that it took
    is_over: bool  # everybody was asked, and has answered or been given up
    is_checked: bool  # and the claims worth checking have been checked
    hits: tuple[HitStatus, ...]
    asked: tuple[AskedStatus, ...]
    connected: int  # peers this node was connected to when it began
    keywords: tuple[str, ...]  # words that the DHT was asked for
    providers: int  # peers it named, connected ones among them
    number: int = 0  # which search of the node's this is, from 1
    is_stopped: bool = False  # it was told to stop before its end


Status = (
    ItemStatus
    | DetailStatus
    | PeerStatus
    | NodeStatus
    | NetworkStatus
    | SearchStatus
    | HitStatus
    | WatchStatus
    | BanStatus
)


def to_json(status: Status) -> dict[str, object]:
    """The snapshot as a JSON object: field names as here, tuples as arrays, states as their words."""
    return asdict(status)


T = TypeVar("T")


def from_json(kind: type[T], value: object) -> T:
    """The snapshot that `to_json` wrote as `value`; members that this version doesn't know are ignored.

    Raises `ValueError` if a member is missing or of another type, as from another version of shoal.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{kind.__name__} isn't an object")
    names, hints, plain = _members(cast("Hashable", kind))  # every class is; mypy doubts it
    try:
        members = [value[name] for name in names]
    except KeyError as missing:
        raise ValueError(f"{kind.__name__} has no {missing.args[0]}") from None
    # Most are plain and as they should be; a screen has thousands of them a second.
    for place, (member, types) in enumerate(zip(members, plain, strict=True)):
        if type(member) not in types:
            members[place] = _decode(hints[place], member)
    return kind(*members)


@cache
def _members(kind: Hashable) -> tuple[tuple[str, ...], tuple[Any, ...], tuple[frozenset[type], ...]]:
    """The names of a class's members in order, their types, and what JSON gives for each that is taken as it is."""
    hints = get_type_hints(kind)
    return tuple(hints), tuple(hints.values()), tuple(map(_plain, hints.values()))


def _plain(hint: Any) -> frozenset[type]:  # noqa: ANN401 - a type hint has no narrower type
    kinds = set(get_args(hint)) if isinstance(hint, UnionType) else {hint}
    return frozenset(kinds & {str, int, float, bool, NoneType})


def _decode(hint: Any, value: object) -> object:  # noqa: ANN401 - a type hint has no narrower type
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(_decode(get_args(hint)[0], item) for item in value)
    if isinstance(hint, UnionType):  # every union of ours is one kind or None
        return None if value is None else _decode(get_args(hint)[0], value)
    if is_dataclass(hint):
        return from_json(cast("type[object]", hint), value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(str(value))
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{value!r:.40} isn't {hint}")
