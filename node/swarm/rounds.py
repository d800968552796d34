"""Who is looked at when: the peers that may have room for a request, and when enough is asked for.

Rules: only peers that something happened to are looked at (they are *ready*), everybody once a second; a round is
bounded in requests, in what the bandwidth limits let through, and in what is waited for in the lines of busy peers.
What a peer is asked for is decided in `requesting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Final

from node.swarm.inflight import InFlight
from node.swarm.limits import TokenBucket, ready_at
from node.swarm.peer import Peer
from node.swarm.picker import Picker
from node.swarm.rates import Rate
from node.swarm.requesting import Requesting
from node.swarm.timeouts import TICK_S, look_after

MAX_TRIES: Final = 64
LEAST_TRIES: Final = 2
"""Requests made or tried in one round, so that none takes more than a few milliseconds; the next round is then due at
once. Fewer in a huge share, where one look for chunks may take a millisecond or two."""

AHEAD_S: Final = 10.0
AHEAD_CHUNKS: Final = 16
"""Bytes to wait for in the lines of busy peers: ten seconds' worth of all that comes in, some chunks at least. In a
swarm whose peers all have long lines more requests make nothing faster, and each is for a chunk that was the rarest a
long time ago. In the simulated flash crowd this takes a third off the time beyond the lower bound."""

_FEW: Final = 8
"""Chunks let go at once that are offered one by one; of more, every peer is looked at afresh instead."""


class Rounds:
    """The ready peers of one download, and the bounds on asking them."""

    def __init__(
        self,
        peers: Mapping[str, Peer],
        picker: Picker,
        in_flight: InFlight,
        requesting: Requesting,
        rate: Rate,
        chunk_size: int,
        now: float,
    ) -> None:
        self.limited_until = now
        self.next_tick = now
        self._peers = peers
        self._picker = picker
        self._in_flight = in_flight
        self._requesting = requesting
        self._rate = rate
        self._least_ahead = AHEAD_CHUNKS * chunk_size
        self._ahead_left = self._least_ahead  # bytes that busy peers may still be asked for; corrected every second
        self._buckets: tuple[TokenBucket, ...] = ()
        self._ready: dict[str, None] = {}  # in order
        self._is_unfinished = False  # the last round had to stop before every ready peer was looked at

    # --- who is ready -----------------------------------------------------------------------------------------

    def ready(self, peer: Peer) -> None:
        """Something happened that may have given a peer room."""
        self._ready[peer.name] = None

    def wake(self, peer: Peer) -> None:
        """The peer may have something now that it hadn't before."""
        peer.is_exhausted = False
        peer.shortlist.clear()
        self._ready[peer.name] = None

    def wake_all(self) -> None:
        """Everything may be different now."""
        for peer in self._peers.values():
            self.wake(peer)

    def offer(self, peer: Peer, chunk: int) -> None:
        """A peer has a chunk that it could be asked for now."""
        self._ready[peer.name] = None
        if peer.is_exhausted and self._picker.pool[chunk]:
            peer.is_exhausted = False
            peer.shortlist.append(chunk)

    def offer_freed(self) -> None:
        """Give peers that have chunks which were let go something to do."""
        freed, self._in_flight.freed = self._in_flight.freed, []
        for chunk in freed:
            if chunk not in self._in_flight.chunks:
                self._picker.put_back(chunk)
        if len(freed) > _FEW:
            self.wake_all()
            return
        for peer in self._peers.values():
            for chunk in freed:
                if peer.bitfield[chunk]:
                    self.offer(peer, chunk)

    def chunk_finished(self, now: float) -> None:
        """One less is in flight: the peer that has waited the longest for a chunk, because of that, is ready."""
        refused = self._requesting.refused
        while refused:
            name = next(iter(refused))
            del refused[name]
            if self._peers[name].room(now):
                self._ready[name] = None
                return

    def peer_left(self, name: str) -> None:
        """A peer is gone."""
        self._ready.pop(name, None)
        self._requesting.refused.pop(name, None)

    def data_received(self, peer: Peer, size: int) -> None:
        """Bytes came in from a peer."""
        if not peer.pipeline.is_prompt:
            self._ahead_left += size
        self._ready[peer.name] = None

    # --- when it is enough ------------------------------------------------------------------------------------

    def set_limits(self, buckets: tuple[TokenBucket, ...]) -> None:
        """Ask for no more than all of these let through."""
        self._buckets = buckets
        self.limited_until = -inf
        self.wake_all()

    def tick(self, now: float) -> None:
        """Once a second: look after everybody."""
        self.next_tick = now + TICK_S
        self.limited_until = min(self.limited_until, now)  # somebody else may have changed a shared bucket
        self._ahead_left = max(int(self._rate.bps(now) * AHEAD_S), self._least_ahead)
        # Those that answer come first, those that never do last, and each of them in its turn.
        for peer in sorted(self._peers.values(), key=lambda peer: (peer.silences, peer.asked_at)):
            look_after(peer, self._in_flight, now)
            if not peer.pipeline.is_prompt:
                self._ahead_left -= peer.counted_on()
            if peer.room(now):
                self._ready[peer.name] = None

    def run(self, now: float) -> None:
        """Ask the ready peers for as much as they have room for and the bounds allow."""
        if not self._ready or now < self.limited_until:
            return
        tries = max(LEAST_TRIES, MAX_TRIES // self._picker.entries)
        self._is_unfinished = True
        for name in tuple(self._ready):
            peer = self._peers[name]
            while room := peer.room(now):
                if not peer.pipeline.is_prompt and self._ahead_left <= 0:
                    break
                if not tries or not self._may_spend(now):
                    return
                tries -= 1
                if not self._ask(peer, room, now):
                    break
            del self._ready[name]
        self._is_unfinished = False

    def due(self, now: float) -> float:
        """When the next round or tick is due."""
        if self._is_unfinished and self.limited_until < inf:
            return max(now, self.limited_until)
        return self.next_tick

    def _ask(self, peer: Peer, room: int, now: float) -> bool:
        for bucket in self._buckets:
            room = bucket.slice(room)
        size = self._requesting.request(peer, room, now)
        for bucket in self._buckets:
            bucket.spend(size, now)
        if not peer.pipeline.is_prompt:
            self._ahead_left -= size
        return size > 0

    def _may_spend(self, now: float) -> bool:
        if self._buckets:
            self.limited_until = ready_at(self._buckets, now)
        return self.limited_until <= now
