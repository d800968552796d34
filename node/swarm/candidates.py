"""Peers that may have a manifest's chunks: whom to dial next, and when to try again.

Rules: pure; bounded; a peer that failed is tried again later and later, and only forgotten to make room for another
that nobody has tried; a banned one is never dialled for this manifest again. What other peers tell (PEERS) is worth
less than a provider record or a link: it gets a part of the room, is dialled after the rest and soon forgotten, and
who tells of peers that aren't there is listened to no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MAX_CANDIDATES: Final = 500
"""As many as one provider lookup may bring; above it the swarm has more peers than a download can use."""

MAX_ADDRESSES: Final = 16
"""Per peer: what provider records and links carry in practice, with room; each costs at most one dial attempt."""

FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 60.0
"""A seeder that restarts is back within seconds; one that stays away, or says that it has nothing, is asked once a
minute: often enough to join a waiting download soon, and no burden on either side."""

MAX_TOLD: Final = 200
MAX_TOLD_BY_ONE: Final = 50
"""Candidates that are known from other peers only, and from one of them: two full messages. The rest of the room is
for what the DHT and links say, however many peers lie."""

TOLD_TRIES: Final = 2
"""Dials of a peer that only another one has told of: one more than none, in case it was just restarting."""

DEAD_TRIES: Final = 3
"""Dials in vain after which a peer may have to make room for another one: more than a restart takes."""

DEAD_FOR_NOTHING: Final = 20
DEAD_PER_LIVE: Final = 4
"""Dials in vain that one peer's word is worth, and how many more for each that wasn't in vain: honest peers tell only
of those they are talking with, of whom a few leave in a minute."""

MAX_SOURCES: Final = 512
"""Peers whose words are judged, the latest: as many as there may be sessions."""


@dataclass(slots=True)
class Candidate:
    """One peer: where it may be reached and how that went so far."""

    peer: str
    addresses: list[str] = field(default_factory=list)
    failures: int = 0
    next_try: float = 0.0
    is_busy: bool = False  # being dialled, or in session
    is_banned: bool = False
    has_lied: bool = False  # banned because of wrong data, not because of a broken protocol
    has_refused: bool = False  # it was there the last time, and said that it gives nothing
    reason: str = ""  # why the last try failed
    told_by: str = ""  # the peer that alone knows of it; "" for whom the DHT, a link or we ourselves know


@dataclass(slots=True)
class _Source:
    """What became of the peers that one peer told of."""

    live: int = 0  # who was there
    dead: int = 0  # dials of who was not

    @property
    def is_believed(self) -> bool:
        return self.dead < DEAD_FOR_NOTHING + DEAD_PER_LIVE * self.live


class Candidates:
    """Everybody who was named as a provider, by the DHT, a link or another peer."""

    def __init__(self, own_peer: str) -> None:
        self.only = ""  # the one peer to be dialled, if a person chose one
        self._own_peer = own_peer
        self._known: dict[str, Candidate] = {}
        self._sources: dict[str, _Source] = {}  # the longest known first

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, peer: str) -> bool:
        """Whether a peer is known."""
        return peer in self._known

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """Everybody, and where they were said to be."""
        return {peer: tuple(candidate.addresses) for peer, candidate in self._known.items()}

    @property
    def banned(self) -> frozenset[str]:
        """Peers that sent wrong data for this manifest."""
        return frozenset(peer for peer, candidate in self._known.items() if candidate.is_banned)

    def add(self, peer: str, addresses: tuple[str, ...], now: float) -> bool:
        """Learn of a peer or of more addresses of it; whether it may be worth dialling now."""
        if peer == self._own_peer:
            return False
        candidate = self._known.get(peer)
        if candidate is None or candidate.told_by:
            if candidate is None and len(self._known) >= MAX_CANDIDATES and not self._make_room():
                return False
            is_busy = candidate is not None and candidate.is_busy
            candidate = self._known[peer] = Candidate(peer, next_try=now, is_busy=is_busy)
        fresh = [address for address in addresses if address not in candidate.addresses]
        candidate.addresses = (fresh + candidate.addresses)[:MAX_ADDRESSES]
        return not candidate.is_busy and not candidate.is_banned and candidate.next_try <= now

    def announced(self, peer: str, addresses: tuple[str, ...], now: float) -> bool:
        """A new provider record or a person names a peer: `add` it, and try it now whatever came of it before."""
        if (candidate := self._known.get(peer)) and not candidate.is_busy:
            candidate.next_try = min(candidate.next_try, now)
            if candidate.has_refused:
                candidate.failures = 0
        return self.add(peer, addresses, now)

    def told(self, source: str, peers: Iterable[tuple[str, tuple[str, ...]]], now: float) -> bool:
        """A peer tells of others and their addresses; whether one of them may be worth dialling now."""
        if not self.believes(source):
            return False
        told = [candidate.told_by for candidate in self._known.values() if candidate.told_by]
        room = min(MAX_TOLD - len(told), MAX_TOLD_BY_ONE - told.count(source), MAX_CANDIDATES - len(self._known))
        is_worth_it = False
        for peer, addresses in peers:
            if candidate := self._known.get(peer):
                fresh = [address for address in addresses if address not in candidate.addresses]
                candidate.addresses = (candidate.addresses + fresh)[:MAX_ADDRESSES]
            elif room > 0 and peer != self._own_peer:
                room -= 1
                is_worth_it = True
                self._known[peer] = Candidate(peer, list(addresses[:MAX_ADDRESSES]), next_try=now, told_by=source)
        return is_worth_it

    def believes(self, source: str) -> bool:
        """Whether what this peer tells of others is listened to."""
        return source not in self._sources or self._sources[source].is_believed

    def due(self, now: float, limit: int) -> list[Candidate]:
        """Up to `limit` peers to dial now, those with the fewest failures first; they count as busy from here on."""
        ready = [candidate for candidate in self._waiting() if candidate.next_try <= now]
        ready.sort(key=lambda candidate: (candidate.failures, candidate.told_by != "", candidate.next_try))
        for candidate in ready[:limit]:
            candidate.is_busy = True
        return ready[:limit]

    def connected(self, peer: str, now: float, *, is_inbound: bool = False) -> None:
        """A session with the peer is open; one that it opened itself is a reason to forget what it refused."""
        if (candidate := self._known.get(peer)) and candidate.told_by:
            self._source(candidate.told_by).live += 1
            candidate.told_by = ""
        self.add(peer, (), now)
        if candidate := self._known.get(peer):
            candidate.is_busy = True
            if is_inbound or not candidate.has_refused:
                candidate.failures = 0

    def ended(self, peer: str, now: float, reason: str = "", *, has_refused: bool = False) -> bool:
        """The dial failed or the session is over: try again after a pause that doubles each time.

        `has_refused`: the peer was there, and gave nothing but the reason. Whether that is news of this peer.
        """
        candidate = self._known.get(peer)
        if candidate is None:
            return True
        is_news = (candidate.reason, candidate.has_refused) != (reason, has_refused)
        if candidate.has_refused and not has_refused:
            candidate.failures = 0
        candidate.is_busy = False
        candidate.reason = reason
        candidate.has_refused = has_refused
        candidate.next_try = now + min(LAST_RETRY_S, FIRST_RETRY_S * 2.0**candidate.failures)
        candidate.failures = min(candidate.failures + 1, 16)
        if candidate.told_by:
            self._in_vain(candidate)
        return is_news

    def ban(self, peer: str, reason: str, now: float, *, has_lied: bool = True) -> None:
        """The peer sent wrong data, or broke the protocol: never dial it for this manifest again."""
        self.add(peer, (), now)
        if candidate := self._known.get(peer):
            candidate.is_banned = True
            candidate.has_lied = candidate.has_lied or has_lied
            candidate.reason = reason

    def pardon(self, peer: str, now: float) -> None:
        """A person wants a banned peer to be asked again: it may be dialled at once."""
        if candidate := self._known.get(peer):
            candidate.is_banned = candidate.has_lied = candidate.has_refused = False
            candidate.reason = ""
            candidate.failures = 0
            candidate.next_try = now

    def is_banned(self, peer: str) -> bool:
        """Whether the peer was banned for this manifest."""
        candidate = self._known.get(peer)
        return candidate is not None and candidate.is_banned

    def next_wakeup(self) -> float | None:
        """When the next peer becomes due; None if there is none to wait for."""
        return min((candidate.next_try for candidate in self._waiting()), default=None)

    def why_none(self) -> str:
        """In words, why nobody of the known peers is connected; "" while there is hope in the next seconds."""
        if chosen := self._known.get(self.only):
            if chosen.is_banned:
                return f"the chosen peer {_fault([chosen])} and is banned"
            why = "has nothing of it now" if chosen.has_refused else "isn't reachable"
            return f"the chosen peer {why}: {chosen.reason}" if chosen.reason else ""
        if not self._known:
            return "no provider answered"
        if all(candidate.is_banned for candidate in self._known.values()):
            fault = _fault(self._known.values())
            if len(self._known) == 1:
                return f"the only peer {fault} and is banned"
            return f"all {len(self._known)} peers {fault} and are banned"
        return _why_waiting(len(self._known), [c for c in self._known.values() if c.failures and not c.is_banned])

    # --- inside -----------------------------------------------------------------------------------------------

    def _waiting(self) -> list[Candidate]:
        """Who may be dialled, at some time."""
        return [
            candidate
            for candidate in self._known.values()
            if not candidate.is_busy and not candidate.is_banned and self.only in ("", candidate.peer)
        ]

    def _make_room(self) -> bool:
        """Forget the least promising of those that only other peers know of, else who failed most; whether it could.

        Records lapse after two days: those of the dead would else keep out everybody who comes later.
        """
        idle = [c for c in self._known.values() if not c.is_busy and not c.is_banned and c.peer != self.only]
        hopeless = [c for c in idle if c.told_by] or [c for c in idle if c.failures >= DEAD_TRIES]
        if not hopeless:
            return False
        del self._known[max(hopeless, key=lambda candidate: candidate.failures).peer]
        return True

    def _in_vain(self, candidate: Candidate) -> None:
        """Somebody that a peer told of isn't there: forget them in the end, and all its words after too many."""
        if candidate.failures >= TOLD_TRIES:
            del self._known[candidate.peer]
        source = self._source(candidate.told_by)
        source.dead += 1
        if not source.is_believed:
            for other in [c for c in self._known.values() if c.told_by == candidate.told_by and not c.is_busy]:
                del self._known[other.peer]

    def _source(self, peer: str) -> _Source:
        source = self._sources.pop(peer, None) or _Source()
        self._sources[peer] = source
        while len(self._sources) > MAX_SOURCES:
            del self._sources[next(iter(self._sources))]
        return source


def _why_waiting(known: int, failed: list[Candidate]) -> str:
    """Why none of the peers that were tried is in session, in words; those that answered come before the silent."""
    refused = [candidate for candidate in failed if candidate.has_refused]
    reason = max(refused or failed, key=lambda candidate: candidate.next_try).reason if failed else ""
    if not reason:
        return ""
    if not refused:
        return f"{known} known, none reachable: {reason}"
    peers = "1 peer" if known == 1 else f"{known} peers"
    away = len(failed) - len(refused)
    return f"{peers} known, {f'{away} not reachable, ' if away else ''}none has it now: {reason}"


def _fault(banned: Iterable[Candidate]) -> str:
    """What banned peers have done, in words."""
    lied = [candidate.has_lied for candidate in banned]
    if all(lied):
        return "sent wrong data"
    return "sent wrong data or broke the protocol" if any(lied) else "broke the protocol"
