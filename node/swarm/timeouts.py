"""Peers that owe bytes and don't send them: looked at once a second.

Rules: nobody is banned for being slow. What a silent or overcommitted peer owes is released: others may be asked for
it, and until one is, it is welcome from the first peer too.
"""

from __future__ import annotations

from typing import Final

from node.swarm.inflight import InFlight
from node.swarm.peer import Peer
from node.swarm.pipeline import MAX_SLOW_RANGE

TICK_S: Final = 1.0
"""How often peers are looked at; the precision of every time-out here."""

SNUB_S: Final = 15.0
"""A peer that owes bytes and sends next to none for so long is snubbing us: longer than a disk or line hiccup,
shorter than a person's patience (libtorrent: 20 s for a piece, 60 s for a request)."""

SNUB_BYTES: Final = 4 << 10
"""What counts as next to none in that time, so that a trickle of single bytes holds up nothing."""

LAST_PROBE_S: Final = 120.0
"""A peer that stays silent is asked for one range now and then, at first at once, at last every two minutes."""


def look_after(peer: Peer, in_flight: InFlight, now: float) -> None:
    """Release what the peer won't send in time; to be called every `TICK_S`."""
    if not peer.awaited_bytes:
        return
    peer.waited_s += TICK_S
    if peer.waited_s >= SNUB_S:
        peer.probe_at = now + min(LAST_PROBE_S, SNUB_S * peer.silences)
        peer.silences += 1
        peer.waited_s, peer.heard_bytes = 0.0, 0
        peer.pipeline.restart()
        in_flight.release(tuple(peer.open_requests()))
    affordable = peer.pipeline.affordable()
    if affordable is not None and peer.awaited_bytes > affordable:
        _release_excess(peer, in_flight, affordable)


def heard_from(peer: Peer, in_flight: InFlight) -> None:
    """Bytes came in: a peer that sends again is counted on again."""
    if peer.heard_bytes >= SNUB_BYTES:
        peer.waited_s, peer.heard_bytes = 0.0, 0
        if peer.silences:
            peer.silences = 0
            in_flight.reclaim(peer)


def _release_excess(peer: Peer, in_flight: InFlight, affordable: float) -> None:
    """Release every request that the peer can't finish in the time a chunk may take."""
    ahead = 0
    late = []
    for request in peer.open_requests():
        ahead += request.remaining
        # One small range is what a slow peer is there for; taking that away too would only move it around.
        if ahead > affordable and (ahead > request.remaining or request.length > MAX_SLOW_RANGE):
            late.append(request)
    in_flight.release(late)
