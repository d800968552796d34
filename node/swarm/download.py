"""Everything that is decided about fetching one manifest's chunks: news in, commands out.

Anatomy of a chunk fetch: a peer with room in its pipeline is *ready*; `commands` asks it for leftovers of chunks
begun, else for the chunk that `picker` likes best, else for what waits in another peer's line or, in the endgame, for
a duplicate (`rounds`, `requesting`, `endgame`). DATA goes through `in_flight` into that chunk's `progress`; when the
last byte is here the driver hashes it and reports `chunk_verified` or `chunk_failed` (`reputation`). Once a second
`timeouts` releases what silent and slow peers owe.

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
from node.swarm.limits import TokenBucket
from node.swarm.peer import Peer
from node.swarm.picker import Picker
from node.swarm.rates import SLOW_S, Rate
from node.swarm.reputation import Reputation
from node.swarm.requesting import Requesting
from node.swarm.rounds import Rounds
from node.swarm.selection import Priority, Selection, byte_count
from node.swarm.settings import DownloadSettings
from node.swarm.stall import stall_reason
from node.swarm.timeouts import heard_from
from protocols.bitfield import Bitfield
from protocols.exchange import RejectReason
from protocols.geometry import Geometry

if TYPE_CHECKING:
    from random import Random

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
        self.picker = Picker(have, Selection(geometry, priorities), rng, now, sequential=settings.sequential)
        self._settings = settings
        self._in_flight = InFlight(self.peers)
        requesting = Requesting(geometry, self.peers, self.picker, self._in_flight, self.reputation, settings)
        self._rounds = Rounds(self.peers, self.picker, self._in_flight, requesting, self.rate, geometry.chunk_size, now)
        self._bans: list[BanPeer] = []
        self._had_suspects = False
        self.missing_bytes = self._count_missing()

    # --- news: peers ------------------------------------------------------------------------------------------

    def peer_joined(self, peer: str, request_limit: int, now: float) -> None:
        """A session with a peer is open that accepts so many unanswered bytes; a banned one is banned again."""
        if reason := self.reputation.banned.get(peer):
            self._bans.append(BanPeer(peer, reason))
        elif peer not in self.peers:
            self.peers[peer] = state = Peer(peer, request_limit, self.geometry, self._settings)
            state.is_suspect = self.reputation.is_suspect(peer)
            self.picker.knows(state, now)

    def peer_bitfield(self, peer: str, bitfield: Bitfield, now: float) -> None:
        """A peer says what it has; replaces what it said before."""
        if state := self.peers.get(peer):
            self.picker.availability.remove(state.mask)
            state.told(bitfield.copy())
            self.picker.availability.add(state.mask)
            self.picker.knows(state, now)
            self._rounds.wake(state)

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
                    self._rounds.offer(state, chunk)
        self.picker.knows(state, now)

    def peer_left(self, peer: str, now: float) -> None:
        """The session with a peer is over: nothing more comes from it."""
        if state := self.peers.get(peer):
            self.picker.availability.remove(state.mask)
            self._in_flight.peer_left(state)
            self.picker.forgets(peer, now)
            del self.peers[peer]
            self._rounds.peer_left(peer)

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
        self._rounds.data_received(state, length)
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
                state.lacks(chunk, now)
                self.picker.knows(state, now)
                self.picker.availability.remove(mask_of_chunks(self.geometry.chunk_count, (chunk,)))
            if state.busy_until <= now:  # once for everything that was refused together
                state.busy_until = now + min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2.0**state.refusals)
                state.refusals = min(state.refusals + 1, 16)
        self._rounds.wake(state)

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
        self._rounds.chunk_finished(now)

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
        self._rounds.wake_all()

    def set_limits(self, *buckets: TokenBucket) -> None:
        """Ask for no more than all of these let through; they may be shared with other downloads."""
        self._rounds.set_limits(buckets)

    def set_priorities(self, priorities: Mapping[int, Priority]) -> None:
        """Change how much files are wanted; those not named are NORMAL."""
        selection = Selection(self.geometry, priorities)
        for progress in tuple(self._in_flight.chunks.values()):
            if not selection.wants(progress.chunk) and not progress.is_complete:
                self._in_flight.drop(progress)
        self.picker.select(selection, self._in_flight.chunks)
        self.missing_bytes = self._count_missing()
        self._rounds.wake_all()

    def set_sequential(self, sequential: bool) -> None:
        """Fetch in file order from now on, or rarest first."""
        self.picker.is_sequential = sequential
        self._rounds.wake_all()

    # --- decisions --------------------------------------------------------------------------------------------

    def commands(self, now: float) -> list[Command]:
        """What to do now. To be called after every piece of news, and when `next_wakeup` says so."""
        if now >= self._rounds.next_tick:
            self._rounds.tick(now)
            for peer in self.peers.values():
                if again := peer.withheld.due(now):
                    self.peer_has(peer.name, again, now)
        if self._in_flight.freed:
            self._rounds.offer_freed()
        if not self.is_paused:
            self._rounds.run(now)
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
        return self._rounds.due(now)

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
    def is_forbidden(self) -> bool:
        """Whether a bandwidth limit of 0 keeps it from asking for anything."""
        return self._rounds.limited_until == inf

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
                    self._rounds.ready(peer)
