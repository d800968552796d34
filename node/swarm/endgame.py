"""The end of a download: what a peer has begun to send is asked of idle peers too, so that the slowest can't hold up
the last chunk.

Rules: only when nothing that a connected peer has is left to ask for, only of peers that have nothing else to do, one
range each, and bounded in number (libtorrent's strict end-game, rain's limit). A duplicate begins at the far end
of what the other peer still owes, sized by both rates, so that the two meet instead of sending the same bytes; what
has met is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from node.swarm.commands import Span
from node.swarm.inflight import InFlight
from node.swarm.peer import Peer
from node.swarm.pipeline import MIN_RANGE
from node.swarm.progress import ChunkProgress, OpenRequest

MAX_DUPLICATES: Final = 20
"""Duplicate requests at a time over all peers (rain: 20): what an endgame may waste is bounded by this many ranges."""

MAX_SOURCES: Final = 3
"""Peers asked for the same chunk at a time."""

_LOOKED_AT: Final = 64
"""Chunks looked at for one duplicate, the oldest first: in folders of small files hundreds are in flight."""

_HASTE: Final = 2.0
"""The other peer must need this many times longer than the idle one, or waiting for it is cheaper than a duplicate."""

_UNKNOWN_BPS: Final = 256 << 10
"""What a peer is trusted with that hasn't sent anything yet: an ordinary home line."""


def duplicate(
    peer: Peer, peers: Mapping[str, Peer], in_flight: InFlight, now: float
) -> tuple[ChunkProgress, Span] | None:
    """The range to ask of an idle peer as well; None if that would help nothing."""
    if in_flight.duplicate_requests >= MAX_DUPLICATES:
        return None
    best: tuple[ChunkProgress, OpenRequest] | None = None
    longest = 0.0
    own_bps = peer.pipeline.pace.bps() or peer.pipeline.average.bps(now) or _UNKNOWN_BPS
    for progress, request in islice(_candidates(peer, in_flight), _LOOKED_AT):
        other = peers[request.peer]
        seconds = other.awaited_bytes / max(other.pipeline.rate.bps(now), 1.0)
        if seconds > longest and seconds * own_bps > _HASTE * request.remaining:
            best, longest = (progress, request), seconds
    if best is None:
        return None
    progress, request = best
    return progress, _far_end(progress, request, own_bps, peers[request.peer].pipeline.rate.bps(now))


def _candidates(peer: Peer, in_flight: InFlight) -> Iterator[tuple[ChunkProgress, OpenRequest]]:
    for progress in in_flight.chunks.values():
        sources = len(progress.requests) if progress.sole is None else 0
        if 0 < sources < MAX_SOURCES and peer.bitfield[progress.chunk] and progress.chunk not in peer.requests:
            request = max(progress.requests, key=lambda request: request.remaining)
            if request.received:
                yield progress, request


def _far_end(progress: ChunkProgress, request: OpenRequest, own_bps: float, other_bps: float) -> Span:
    """The second peer's fair share of what a request still owes."""
    last = progress.missing(request.next_offset, request.end)[-1]
    share = int((last.end - last.start) * own_bps / (own_bps + other_bps + 1.0))
    return Span(max(last.start, last.end - max(share, MIN_RANGE)), last.end)
