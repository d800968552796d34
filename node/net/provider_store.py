"""Provider records at rest: what a DHT server keeps for others, bounded in every direction.

Rules: a store knows keys, peer ids and text; no wire format, no clock (`now` and `expires_at` are unix time and
arguments), no trio. It may touch a disk, so the driver calls it from a worker thread, never two calls at once. When it
is full, the provider with the most records gives its oldest one up to whoever would still have fewer: one peer can fill
it only with what nobody else wants, and a lone node with many shares may do so. A key that is full refuses newcomers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from node.swarm.fair_share import FairShare

VALIDITY_S = 48 * 3600.0  # of a record (libp2p/specs kad-dht, go-libp2p-kad-dht)
MAX_PER_KEY = 500  # an answer carries a sample of them, and a downloader has use for a few dozen
MAX_RECORDS = 100_000  # 40 to 60 MB in memory; 1000 shares of 100 neighbours


@dataclass(frozen=True, slots=True)
class Provider:
    """Who has what a key names, with its dialable multiaddrs, each ending in /p2p/<peer id>."""

    peer_id: str
    addresses: tuple[str, ...]


class ProviderStore(Protocol):
    """What Kademlia needs of a store; `node.store` has one on disk."""

    def add(self, key: bytes, peer_id: str, addresses: Sequence[str], expires_at: float) -> bool:
        """Keep or renew a record; False if there is no room for another one."""

    def get(self, key: bytes, now: float) -> Sequence[tuple[str, tuple[str, ...]]]:
        """Return peer id and addresses of every record of `key` that is still valid."""

    def remove(self, key: bytes, peer_id: str) -> None:
        """Drop a record if it is there."""

    def expire(self, now: float) -> None:
        """Drop every record that is no longer valid."""

    def count(self) -> int:
        """Return how many records are held."""


class MemoryProviderStore:
    """A ProviderStore that forgets with the process."""

    def __init__(self, *, max_per_key: int = MAX_PER_KEY, max_records: int = MAX_RECORDS) -> None:
        self._max_per_key = max_per_key
        self._max_records = max_records
        self._count = 0
        self._fair = FairShare({})
        # key -> peer id -> (addresses, expires_at); no key is held without a record
        self._records: dict[bytes, dict[str, tuple[tuple[str, ...], float]]] = {}
        self._keys: dict[str, dict[bytes, None]] = {}  # of every provider, the one renewed longest ago in front

    def add(self, key: bytes, peer_id: str, addresses: Sequence[str], expires_at: float) -> bool:
        """See ProviderStore."""
        held = self._records.get(key, {})
        if peer_id in held:
            del self._keys[peer_id][key]
        elif len(held) >= self._max_per_key or not self._has_room(peer_id):
            return False
        else:
            self._count += 1
            self._fair.took(peer_id)
        self._records.setdefault(key, {})[peer_id] = (tuple(addresses), expires_at)
        self._keys.setdefault(peer_id, {})[key] = None
        return True

    def _has_room(self, peer_id: str) -> bool:
        """Whether there is room for one more, made if need be."""
        if self._count < self._max_records:
            return True
        if heaviest := self._fair.who_gives_way(peer_id):
            self.remove(next(iter(self._keys[heaviest])), heaviest)
        return heaviest is not None

    def get(self, key: bytes, now: float) -> Sequence[tuple[str, tuple[str, ...]]]:
        """See ProviderStore."""
        held = self._records.get(key, {})
        return [(peer_id, addresses) for peer_id, (addresses, expires_at) in held.items() if expires_at > now]

    def remove(self, key: bytes, peer_id: str) -> None:
        """See ProviderStore."""
        held = self._records.get(key, {})
        if held.pop(peer_id, None):
            self._count -= 1
            self._fair.gave(peer_id)
            del self._keys[peer_id][key]
            if not self._keys[peer_id]:
                del self._keys[peer_id]
            if not held:
                del self._records[key]

    def expire(self, now: float) -> None:
        """See ProviderStore."""
        for key, held in list(self._records.items()):
            for peer_id in [peer_id for peer_id, (_, expires_at) in held.items() if expires_at <= now]:
                self.remove(key, peer_id)

    def count(self) -> int:
        """See ProviderStore."""
        return self._count
