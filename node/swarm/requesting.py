"""What to ask a peer for next, in this order: leftovers of chunks begun, a new chunk, a duplicate in the endgame.

Rules: decides and books one request at a time. Here live the rules about who may share a chunk with whom: a suspect
shares none, and a chunk that was wrong before comes from one peer alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from node.swarm.commands import Span
from node.swarm.endgame import duplicate
from node.swarm.inflight import InFlight
from node.swarm.peer import Peer
from node.swarm.picker import Picker
from node.swarm.progress import ChunkProgress
from node.swarm.reputation import Reputation
from node.swarm.settings import DownloadSettings
from protocols.geometry import Geometry

_LOOKED_AT: Final = 64
"""Leftovers looked at for one request, the oldest first: there are rarely more than a few."""

_PICKS: Final = 8
"""Picks tried for one request: one is refused only after a chunk was wrong or cancelled at this very peer."""


class Requesting:
    """The rules that turn a peer with room into a request."""

    def __init__(
        self,
        geometry: Geometry,
        peers: Mapping[str, Peer],
        picker: Picker,
        in_flight: InFlight,
        reputation: Reputation,
        settings: DownloadSettings,
    ) -> None:
        self._geometry = geometry
        self._peers = peers
        self._picker = picker
        self._in_flight = in_flight
        self._reputation = reputation
        self._settings = settings
        self.was_full = False  # a new chunk was refused because too many are in flight

    def request(self, peer: Peer, room: int, now: float) -> int:
        """Ask a peer for one more range of at most `room` bytes; its length, 0 if there is nothing to ask for."""
        found = self._leftover(peer, now) or self._new(peer, now)
        again = not found
        if not found and not peer.request_count and not peer.is_suspect and self._is_endgame():
            found = duplicate(peer, self._peers, self._in_flight, now)
        if not found:
            return 0
        progress, span = found
        size = min(span.end - span.start, room, peer.range_limit(), peer.pipeline.range_size(progress.length))
        start = span.end - size if again else span.start
        self._in_flight.request(peer, progress, Span(start, start + size), now, again=again)
        return size

    def _leftover(self, peer: Peer, now: float) -> tuple[ChunkProgress, Span] | None:
        if not self._in_flight.partial:
            return None
        for progress in tuple(islice(self._in_flight.partial.values(), _LOOKED_AT)):
            if not peer.bitfield[progress.chunk] or peer.is_entangled(progress.chunk):
                continue
            if progress.sole == peer.name or (progress.sole is None and not peer.is_suspect):
                return progress, progress.unasked()[0]
            if progress.sole is not None and self._is_given_up(progress, progress.sole, now):
                self._in_flight.drop(progress)  # its bytes must not be mixed with ours: it goes back to the pool
        return None

    def _is_given_up(self, progress: ChunkProgress, sole: str, now: float) -> bool:
        owner = self._peers[sole]
        return not owner.is_in_order(now) or any(request.is_released for request in progress.requests)

    def _new(self, peer: Peer, now: float) -> tuple[ChunkProgress, Span] | None:
        if peer.is_exhausted:
            return None
        if self._in_flight.bytes >= self._settings.max_in_flight and not self._make_room():
            self.was_full = True
            return None
        for _ in range(_PICKS):
            chunk = self._picker.pick(peer, now)
            if chunk is None:
                return None
            if not peer.is_entangled(chunk) and not self._is_for_others(peer, chunk, now):
                self._picker.take(chunk)
                length = self._geometry.chunk_length(chunk)
                alone = peer.is_suspect or chunk in self._reputation.cases
                return self._in_flight.begin(chunk, length, peer.name if alone else None), Span(0, length)
        return None

    def _is_for_others(self, peer: Peer, chunk: int, now: float) -> bool:
        """Whether a chunk that this peer may have spoilt can be had from somebody who hasn't."""
        case = self._reputation.cases.get(chunk)
        if case is None or peer.name not in case.suspects:
            return False
        return any(
            other.bitfield[chunk] and other.name not in case.suspects and other.is_in_order(now)
            for other in self._peers.values()
        )

    def _make_room(self) -> bool:
        """Forget the oldest leftover that nobody sends any more; whether there was one."""
        for progress in self._in_flight.partial.values():
            if not progress.requests:
                self._in_flight.drop(progress)
                return True
        return False

    def _is_endgame(self) -> bool:
        """Whether no connected peer has anything that isn't asked for."""
        for peer in self._peers.values():
            if not peer.is_exhausted:
                if self._picker.has_any(peer):
                    return False
                peer.is_exhausted = True
        return True
