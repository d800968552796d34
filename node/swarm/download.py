"""Everything that is decided about fetching one manifest's chunks: news in, commands out.

Anatomy of a chunk fetch: a peer with room in its pipeline is *ready*; `commands` asks it for leftovers of chunks
begun, else for the chunk that `picker` likes best, else for a duplicate in the endgame (`requesting`, `endgame`). DATA
goes through `in_flight` into that chunk's `progress`; when the last byte is here the driver hashes it and reports
`chunk_verified` or `chunk_failed` (`reputation`). Once a second `timeouts` releases what silent and slow peers owe.

Rules: pure; `now` (seconds, any clock that doesn't go back) and `rng` are arguments, so the same news give the same
commands. Peers that joined twice, left before or were banned are not an error: their news are ignored. Nothing loops
over chunks or peers per message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING, Final

from node.swarm.availability import mask_of_chunks
from node.swarm.commands import BanPeer, Command, DataVerdict
from node.swarm.inflight import NOTHING, InFlight
from node.swarm.limits import TokenBucket, ready_at
from node.swarm.peer import Peer
from node.swarm.picker import Picker
from node.swarm.rates import SLOW_S, Rate
from node.swarm.reputation import Reputation
from node.swarm.requesting import Requesting
from node.swarm.selection import Priority, Selection, byte_count
from node.swarm.settings import DownloadSettings
from node.swarm.stall import stall_reason
from node.swarm.timeouts import TICK_S, heard_from, look_after
from protocols.bitfield import Bitfield
from protocols.exchange import RejectReason
from protocols.geometry import Geometry

if TYPE_CHECKING:
    from random import Random

MAX_TRIES: Final = 64
LEAST_TRIES: Final = 4
"""Requests made or tried in one call, so that none takes more than a few milliseconds; `next_wakeup` then says now.
Fewer in a huge share, where one look for chunks may take a millisecond or two."""

AHEAD_S: Final = 10.0
AHEAD_CHUNKS: Final = 16
"""Bytes to wait for in the lines of busy peers: ten seconds' worth of all that comes in, some chunks at least. In a
swarm whose peers all have long lines more requests make nothing faster, and each is for a chunk that was the rarest a
long time ago. In the simulated flash crowd this takes a third off the time beyond the lower bound."""

_FEW: Final = 8
"""Chunks let go at once that are offered one by one; of more, every peer is looked at afresh instead."""

FIRST_BACKOFF_S: Final = 0.5
LAST_BACKOFF_S: Final = 30.0
"""How long a peer that refuses is left alone: doubled each time in a row, until it sends something."""


class Download:
    """The decisions of one download.

    `have` is shared with the caller: `chunk_verified` sets its bits and nobody else does while this lives.
    """

    def __init__(
        self,
        geometry: Geometry,
        have: Bitfield,
        *,
        rng: Random,
        now: float,
        settings: DownloadSettings | None = None,
        priorities: Mapping[int, Priority] | None = None,
    ) -> None:
        settings = settings or DownloadSettings()
        self.geometry = geometry
        self.have = have
        self.rate = Rate()
        self.average = Rate(SLOW_S)
        self.peers: dict[str, Peer] = {}
        self.reputation = Reputation()
        self.is_paused = False
        self.last_data_at = now
        self.failed_bytes = 0  # of chunks that didn't match their digest
        self._settings = settings
        self._buckets: tuple[TokenBucket, ...] = ()
        self.picker = Picker(have, Selection(geometry, priorities), rng, sequential=settings.sequential)
        self._in_flight = InFlight(self.peers)
        self._requesting = Requesting(geometry, self.peers, self.picker, self._in_flight, self.reputation, settings)
        self._ready: dict[str, None] = {}  # peers to look at in the next `commands`, in order
        self._bans: list[BanPeer] = []
        self._had_suspects = False
        self._is_unfinished = False  # the last call had to stop before every ready peer had its turn
        self._tick_at = now
        self.limited_until = now
        self.missing_bytes = self._count_missing()
        self._ahead_left = self._ahead_limit(now)  # bytes that may still be asked for; corrected every second

    # --- news: peers ------------------------------------------------------------------------------------------

    def peer_joined(self, peer: str, request_limit: int, now: float) -> None:
        """A session with a peer is open that accepts so many unanswered bytes; a banned one is banned again."""
        if reason := self.reputation.banned.get(peer):
            self._bans.append(BanPeer(peer, reason))
        elif peer not in self.peers:
            self.peers[peer] = state = Peer(peer, request_limit, self.geometry, self._settings)
            state.is_suspect = self.reputation.is_suspect(peer)

    def peer_bitfield(self, peer: str, bitfield: Bitfield, now: float) -> None:
        """A peer says what it has; replaces what it said before."""
        if state := self.peers.get(peer):
            self.picker.availability.remove(state.mask)
            state.told(bitfield.copy())
            self.picker.availability.add(state.mask)
            self._wake(state)

    def peer_has(self, peer: str, chunks: Iterable[int], now: float) -> None:
        """A peer has more chunks; raises IndexError for one outside the share."""
        state = self.peers.get(peer)
        if state is None:
            return
        for chunk in chunks:
            if state.has(chunk):
                self.picker.availability.add_chunk(chunk)
                # Who isn't exhausted has something to do already, and is asked for it as soon as it has room.
                if (state.is_exhausted and self.picker.pool[chunk]) or chunk in self._in_flight.partial:
                    self._offer(state, chunk)

    def peer_left(self, peer: str, now: float) -> None:
        """The session with a peer is over: nothing more comes from it."""
        if state := self.peers.get(peer):
            self.picker.availability.remove(state.mask)
            self._in_flight.peer_left(state)
            del self.peers[peer]
            self._ready.pop(peer, None)

    # --- news: data -------------------------------------------------------------------------------------------

    def data_received(self, peer: str, chunk: int, offset: int, length: int, now: float) -> DataVerdict:
        """DATA came in: keep exactly what the verdict names, and hash the chunk when it says complete.

        To be called before the bytes are used, for every DATA in the order it came in. Bytes that are here already
        from another peer, of a cancelled request, or of a chunk that isn't wanted are not in `keep`.
        """
        state = self.peers.get(peer)
        if state is None:
            return NOTHING
        verdict = self._in_flight.received(state, chunk, offset, length, now)
        heard_from(state, self._in_flight)
        self.rate.add(length, now)
        self.average.add(length, now)
        self.last_data_at = now
        if not state.pipeline.is_prompt:
            self._ahead_left += length
        self._ready[peer] = None
        return verdict

    def request_rejected(
        self, peer: str, chunk: int, offset: int, length: int, now: float, reason: RejectReason = RejectReason.BUSY
    ) -> None:
        """REJECT ended a request, also one that was cancelled."""
        state = self.peers.get(peer)
        request = state and self._in_flight.refused(state, chunk, offset, length)
        if not state or not request:
            return
        if not request.is_cancelled:
            if reason is RejectReason.UNAVAILABLE and state.bitfield[chunk]:
                state.lacks(chunk)
                self.picker.availability.remove(mask_of_chunks(self.geometry.chunk_count, (chunk,)))
            if state.busy_until <= now:  # once for everything that was refused together
                state.busy_until = now + min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2.0**state.refusals)
                state.refusals = min(state.refusals + 1, 16)
        self._wake(state)

    def chunk_verified(self, chunk: int, now: float, data: bytes | bytearray | memoryview = b"") -> None:
        """A complete chunk matches its digest and is on disk.

        Its bytes, if they are at hand, convict whoever sent wrong ones of it before; without them it takes longer.
        """
        progress = self._in_flight.finish(chunk)
        if progress is None:
            return
        self.have.set(chunk)
        self.missing_bytes -= progress.length
        for peer in progress.suppliers:
            if state := self.peers.get(peer):
                state.pipeline.is_proven = True
        self._judged(self.reputation.chunk_verified(progress, data), now)
        self._next_refused(now)

    def chunk_failed(self, chunk: int, now: float, data: bytes | bytearray | memoryview = b"") -> frozenset[str]:
        """A complete chunk doesn't match its digest: it is fetched again. The peers that supplied it.

        With its bytes (which cost a hash over them here) several suppliers can be told apart later.
        """
        progress = self._in_flight.finish(chunk)
        if progress is None:
            return frozenset()
        self.failed_bytes += progress.length
        if not self.picker.selection.wants(chunk):
            self.missing_bytes -= progress.length  # its file was skipped while it was hashed
        self._in_flight.freed.append(chunk)
        self._judged(self.reputation.chunk_failed(progress, data), now)
        return progress.suppliers

    # --- news: wishes -----------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Ask for nothing more and cancel what is asked for; what is here of a chunk stays here."""
        self.is_paused = True
        self._in_flight.cancel_all()

    def resume(self, now: float) -> None:
        """Go on after `pause`."""
        self.is_paused = False
        self.last_data_at = now
        self._wake_all()

    def set_limits(self, *buckets: TokenBucket) -> None:
        """Ask for no more than all of these let through; they may be shared with other downloads."""
        self._buckets = buckets
        self.limited_until = -inf
        self._wake_all()

    def set_priorities(self, priorities: Mapping[int, Priority]) -> None:
        """Change how much files are wanted; those not named are NORMAL."""
        selection = Selection(self.geometry, priorities)
        for progress in tuple(self._in_flight.chunks.values()):
            if not selection.wants(progress.chunk) and not progress.is_complete:
                self._in_flight.drop(progress)
        self.picker.select(selection, self._in_flight.chunks)
        self.missing_bytes = self._count_missing()
        self._wake_all()

    def set_sequential(self, sequential: bool) -> None:
        """Fetch in file order from now on, or rarest first."""
        self.picker.is_sequential = sequential
        self._wake_all()

    # --- decisions --------------------------------------------------------------------------------------------

    def commands(self, now: float) -> list[Command]:
        """What to do now. To be called after every piece of news, and when `next_wakeup` says so."""
        if now >= self._tick_at:
            self._tick(now)
        if self._in_flight.freed:
            self._offer_freed()
        if self._ready and now >= self.limited_until and not self.is_paused:
            self._request(now)
        if not self._in_flight.commands and not self._bans:
            return []
        commands: list[Command] = [*self._bans, *self._in_flight.commands]
        self._bans.clear()
        self._in_flight.commands.clear()
        return commands

    def next_wakeup(self, now: float) -> float | None:
        """When to call `commands` again though nothing happened; None if only news can change anything."""
        if self._bans or self._in_flight.commands or self._in_flight.freed:
            return now
        if self.is_paused or self.is_complete or not self.peers:
            return None
        if self._is_unfinished and self.limited_until < inf:
            return max(now, self.limited_until)
        return self._tick_at

    # --- views ------------------------------------------------------------------------------------------------

    @property
    def in_flight(self) -> frozenset[int]:
        """The chunks begun and not verified."""
        return frozenset(self._in_flight.chunks)

    @property
    def is_complete(self) -> bool:
        """Whether every wanted chunk is verified."""
        return not self._in_flight.chunks and not self._in_flight.freed and not self.picker.pool.count

    @property
    def wasted_bytes(self) -> int:
        """Bytes that came in and were of no use: wrong chunks, duplicates, late answers."""
        return self.failed_bytes + self._in_flight.duplicate_bytes

    def availability(self, chunk: int) -> int:
        """How many connected peers have a chunk."""
        return self.picker.availability.of(chunk)

    def stall_reason(self, now: float) -> str | None:
        """Why nothing comes in, in words; None while something does or nothing is missing."""
        return None if self.is_complete else stall_reason(self, now)

    def eta_s(self, now: float) -> float | None:
        """Seconds until every wanted byte is here at the present rate; None if nothing comes in."""
        bps = self.average.bps(now)
        return self.missing_bytes / bps if bps >= 1.0 else None

    # --- inside -----------------------------------------------------------------------------------------------

    def _count_missing(self) -> int:
        """Bytes of the wanted chunks that aren't verified."""
        in_flight = sum(progress.length for progress in self._in_flight.chunks.values())
        return in_flight + byte_count(self.geometry, self.picker.pool)

    def _tick(self, now: float) -> None:
        self._tick_at = now + TICK_S
        self._ahead_left = self._ahead_limit(now)
        self.limited_until = min(self.limited_until, now)  # somebody else may have changed a shared bucket
        # Those that answer come first, those that never do last, and each of them in its turn.
        for peer in sorted(self.peers.values(), key=lambda peer: (peer.silences, peer.asked_at)):
            look_after(peer, self._in_flight, now)
            if not peer.pipeline.is_prompt:
                self._ahead_left -= peer.counted_on()
            if peer.room(now):
                self._ready[peer.name] = None

    def _ahead_limit(self, now: float) -> int:
        return max(int(self.rate.bps(now) * AHEAD_S), AHEAD_CHUNKS * self.geometry.chunk_size)

    def _offer_freed(self) -> None:
        """Put chunks that were let go back into the pool, and give peers that have them something to do."""
        freed, self._in_flight.freed = self._in_flight.freed, []
        for chunk in freed:
            if chunk not in self._in_flight.chunks and not self.have[chunk]:
                self.picker.put_back(chunk)
        if len(freed) > _FEW:
            self._wake_all()
            return
        for peer in self.peers.values():
            for chunk in freed:
                if peer.bitfield[chunk]:
                    self._offer(peer, chunk)

    def _request(self, now: float) -> None:
        budget = max(LEAST_TRIES, MAX_TRIES // self.picker.entries)
        self._is_unfinished = True
        for name in tuple(self._ready):
            peer = self.peers[name]
            while room := peer.room(now):
                if not peer.pipeline.is_prompt and self._ahead_left <= 0:
                    break
                if not budget or (self._buckets and not self._may_spend(now)):
                    return
                budget -= 1
                size = self._requesting.request(peer, self._slice(room) if self._buckets else room, now)
                if not size:
                    break
                for bucket in self._buckets:
                    bucket.spend(size, now)
                if not peer.pipeline.is_prompt:
                    self._ahead_left -= size
            del self._ready[name]
        self._is_unfinished = False

    def _may_spend(self, now: float) -> bool:
        self.limited_until = ready_at(self._buckets, now)
        return self.limited_until <= now

    def _slice(self, room: int) -> int:
        return min(bucket.slice(room) for bucket in self._buckets)

    def _next_refused(self, now: float) -> None:
        """There is room for another chunk in flight: for the peer that has waited the longest for it."""
        refused = self._requesting.refused
        while refused:
            name = next(iter(refused))
            del refused[name]
            if name in self.peers and self.peers[name].room(now):
                self._ready[name] = None
                return

    def _judged(self, bans: list[BanPeer], now: float) -> None:
        for ban in bans:
            self._bans.append(ban)
            self.peer_left(ban.peer, now)
        if self.reputation.has_suspects or self._had_suspects:
            self._had_suspects = self.reputation.has_suspects
            for peer in self.peers.values():
                was_suspect, peer.is_suspect = peer.is_suspect, self.reputation.is_suspect(peer.name)
                if peer.is_suspect and not was_suspect:
                    self._in_flight.isolate(peer)
                elif was_suspect and not peer.is_suspect:
                    self._ready[peer.name] = None

    def _offer(self, peer: Peer, chunk: int) -> None:
        """A peer has a chunk that it could be asked for now."""
        self._ready[peer.name] = None
        if peer.is_exhausted and self.picker.pool[chunk]:
            peer.is_exhausted = False
            peer.shortlist.append(chunk)

    def _wake(self, peer: Peer) -> None:
        """The peer may have something now that it hadn't before."""
        peer.is_exhausted = False
        peer.shortlist.clear()
        self._ready[peer.name] = None

    def _wake_all(self) -> None:
        for peer in self.peers.values():
            self._wake(peer)
