"""What to ask a peer for next, in this order: leftovers of chunks begun, a new chunk, what waits in another peer's
line, a duplicate in the endgame.

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
from node.swarm.progress import ChunkProgress, OpenRequest
from node.swarm.reputation import Reputation
from node.swarm.settings import DownloadSettings
from protocols.geometry import Geometry

_LOOKED_AT: Final = 64
"""Leftovers looked at for one request, the oldest first: there are rarely more than a few."""

OVERDUE_S: Final = 3.0
"""An answer may take so long to begin before an idle peer gets the request instead: round trips and a disk. Longer, and
in a swarm with free riders rare chunks lie in their lines; shorter, and answers cross with cancels."""

NEW_OVERDUE_S: Final = 1.0
"""The same in the endgame for a peer that hasn't sent a byte yet: twice the longest round trip on earth. Whoever is
idle then has nothing better to do, and what was asked of a peer that never sends costs a second and not three."""

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
        self.refused: dict[str, None] = {}  # peers that got no new chunk because too many are in flight, in order

    def request(self, peer: Peer, room: int, now: float) -> int:
        """Ask a peer for one more range of at most `room` bytes; its length, 0 if there is nothing to ask for."""
        found = self._leftover(peer, now) or self._new(peer, now)
        is_duplicate = False
        if not found and not (peer.request_count or peer.silences or peer.is_suspect):
            is_endgame = self._is_endgame()
            found = self._overdue(peer, now, NEW_OVERDUE_S if is_endgame else OVERDUE_S)
            if not found and is_endgame:
                is_duplicate = True
                found = duplicate(peer, self._peers, self._in_flight, now)
        if not found:
            return 0
        progress, span = found
        size = min(span.end - span.start, room, peer.range_limit(), peer.pipeline.range_size(progress.length))
        start = span.end - size if is_duplicate else span.start
        self._in_flight.request(peer, progress, Span(start, start + size), now, is_duplicate=is_duplicate)
        return size

    def _leftover(self, peer: Peer, now: float) -> tuple[ChunkProgress, Span] | None:
        if not self._in_flight.partial:
            return None
        for progress in tuple(islice(self._in_flight.partial.values(), _LOOKED_AT)):
            if not peer.bitfield[progress.chunk] or peer.is_entangled(progress.chunk):
                continue
            if peer.silences and self._is_to_be_had_elsewhere(progress.chunk, now):
                continue
            if progress.sole == peer.name or (progress.sole is None and not peer.is_suspect):
                return progress, progress.unasked()[0]
            if progress.sole is not None and self._is_given_up(progress, progress.sole, now):
                self._in_flight.drop(progress)  # its bytes must not be mixed with ours: it goes back to the pool
        return None

    def _is_to_be_had_elsewhere(self, chunk: int, now: float) -> bool:
        """Whether a peer in working order has the chunk: what is late already isn't left to a silent one again."""
        return any(peer.bitfield[chunk] and peer.is_in_order(now) for peer in self._peers.values())

    def _is_given_up(self, progress: ChunkProgress, sole: str, now: float) -> bool:
        owner = self._peers[sole]
        if not owner.is_in_order(now) or not owner.bitfield[progress.chunk]:
            return True
        return any(request.is_released for request in progress.requests)

    def _new(self, peer: Peer, now: float) -> tuple[ChunkProgress, Span] | None:
        if peer.is_exhausted:
            return None
        if self._in_flight.bytes >= self._settings.max_in_flight and not self._make_room(peer):
            self.refused[peer.name] = None
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

    def _overdue(self, peer: Peer, now: float, new_s: float) -> tuple[ChunkProgress, Span] | None:
        """What waits in another peer's line, for one that is idle: it changes over, and nothing is sent twice.

        `new_s` is the patience with peers that haven't sent anything yet.
        """
        for progress in islice(self._in_flight.chunks.values(), _LOOKED_AT):
            if progress.sole is None and peer.bitfield[progress.chunk]:
                late = [r for r in progress.requests if not r.received and self._is_late(r, now, new_s)]
                self._in_flight.release(late)
                if late and (spans := progress.unasked()):
                    return progress, spans[0]
        return None

    def _is_late(self, request: OpenRequest, now: float, new_s: float) -> bool:
        is_new = not self._peers[request.peer].pipeline.rate.total
        return now - request.issued_at >= (new_s if is_new else OVERDUE_S)

    def _is_for_others(self, peer: Peer, chunk: int, now: float) -> bool:
        """Whether a chunk that this peer may have spoilt can be asked now of somebody who hasn't.

        Who is busy doesn't count, or one that trickles would keep the chunk from all suspects for as long as it likes.
        """
        case = self._reputation.cases.get(chunk)
        if case is None or peer.name not in case.suspects:
            return False
        return any(
            other.bitfield[chunk] and other.name not in case.suspects and other.is_in_order(now) and other.room(now)
            for other in self._peers.values()
        )

    def _make_room(self, peer: Peer) -> bool:
        """Forget for a peer that has others the oldest leftover that nobody sends any more; whether there was one.

        If there is none it is one that silent peers owe: a few of them would else hold all the room there is for ever.
        """
        unsent = [p for p in self._in_flight.partial.values() if all(map(self._is_of_silent, p.requests))]
        if not unsent or not self._picker.has_any(peer):
            return False
        self._in_flight.drop(min(unsent, key=lambda progress: bool(progress.requests)))
        return True

    def _is_of_silent(self, request: OpenRequest) -> bool:
        return request.is_released and self._peers[request.peer].silences > 0

    def _is_endgame(self) -> bool:
        """Whether no connected peer has anything that isn't asked for."""
        for peer in self._peers.values():
            if not peer.is_exhausted:
                if self._picker.has_any(peer):
                    return False
                peer.is_exhausted = True
        return True
