"""Peers that may have a manifest's chunks: whom to dial next, and when to try again.

Rules: pure; bounded; a peer that failed is tried again later and later but never forgotten while it is known, and a
banned one is never dialled for this manifest again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_CANDIDATES: Final = 500
"""As many as one provider lookup may bring; above it the swarm has more peers than a download can use."""

MAX_ADDRESSES: Final = 16
"""Per peer: what provider records and links carry in practice, with room; each costs at most one dial attempt."""

FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 60.0
"""A seeder that restarts is back within seconds; one that stays away is asked once a minute."""


@dataclass(slots=True)
class Candidate:
    """One peer: where it may be reached and how that went so far."""

    peer: str
    addresses: list[str] = field(default_factory=list)
    failures: int = 0
    next_try: float = 0.0
    is_busy: bool = False  # being dialled, or in session
    is_banned: bool = False
    reason: str = ""  # why the last try failed


class Candidates:
    """Everybody who was named as a provider, by the DHT, a link or another peer."""

    def __init__(self, own_peer: str) -> None:
        self._own_peer = own_peer
        self._known: dict[str, Candidate] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def banned(self) -> frozenset[str]:
        """Peers that sent wrong data for this manifest."""
        return frozenset(peer for peer, candidate in self._known.items() if candidate.is_banned)

    def add(self, peer: str, addresses: tuple[str, ...], now: float) -> bool:
        """Learn of a peer or of more addresses of it; whether it may be worth dialling now."""
        if peer == self._own_peer:
            return False
        candidate = self._known.get(peer)
        if candidate is None:
            if len(self._known) >= MAX_CANDIDATES:
                return False
            candidate = self._known[peer] = Candidate(peer, next_try=now)
        fresh = [address for address in addresses if address not in candidate.addresses]
        candidate.addresses = (fresh + candidate.addresses)[:MAX_ADDRESSES]
        return not candidate.is_busy and not candidate.is_banned and candidate.next_try <= now

    def due(self, now: float, limit: int) -> list[Candidate]:
        """Up to `limit` peers to dial now, those with the fewest failures first; they count as busy from here on."""
        ready = [c for c in self._known.values() if not c.is_busy and not c.is_banned and c.next_try <= now]
        ready.sort(key=lambda candidate: (candidate.failures, candidate.next_try))
        for candidate in ready[:limit]:
            candidate.is_busy = True
        return ready[:limit]

    def connected(self, peer: str, now: float) -> None:
        """A session with the peer is open, whoever opened it."""
        self.add(peer, (), now)
        if peer in self._known:
            self._known[peer].is_busy = True
            self._known[peer].failures = 0

    def ended(self, peer: str, now: float, reason: str = "") -> None:
        """The dial failed or the session is over: try again after a pause that doubles each time."""
        candidate = self._known.get(peer)
        if candidate is None:
            return
        candidate.is_busy = False
        candidate.reason = reason
        candidate.next_try = now + min(LAST_RETRY_S, FIRST_RETRY_S * 2.0**candidate.failures)
        candidate.failures = min(candidate.failures + 1, 16)

    def ban(self, peer: str, reason: str, now: float) -> None:
        """The peer sent wrong data: never dial it for this manifest again."""
        self.add(peer, (), now)
        if peer in self._known:
            self._known[peer].is_banned = True
            self._known[peer].reason = reason

    def is_banned(self, peer: str) -> bool:
        """Whether the peer was banned for this manifest."""
        candidate = self._known.get(peer)
        return candidate is not None and candidate.is_banned

    def next_wakeup(self) -> float | None:
        """When the next peer becomes due; None if there is none to wait for."""
        waiting = [c.next_try for c in self._known.values() if not c.is_busy and not c.is_banned]
        return min(waiting, default=None)

    def why_none(self) -> str:
        """In words, why nobody of the known peers is connected; "" while there is hope in the next seconds."""
        if not self._known:
            return "no provider answered"
        if all(candidate.is_banned for candidate in self._known.values()):
            if len(self._known) == 1:
                return "the only peer sent wrong data and is banned"
            return f"all {len(self._known)} peers sent wrong data and are banned"
        failed = [candidate for candidate in self._known.values() if candidate.failures]
        if failed:
            latest = max(failed, key=lambda candidate: candidate.next_try)
            return f"{len(self._known)} known, none reachable: {latest.reason}" if latest.reason else ""
        return ""
