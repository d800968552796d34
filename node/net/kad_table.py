"""Kademlia's routing table: py-libp2p's, with the rules for getting in and out that it gets wrong.

Rules: only servers that have answered a question of ours get in (the library lets in whoever opens a stream, clients
too); whoever fails to answer goes out (the library keeps the dead); a full bucket turns newcomers away, as the old
stay longest (Maymounkov and Mazieres, 2002), without the library's ping, which it cancels half way; only the bucket
of our own neighbourhood splits, so that the table stays small and a search in it short. What stays the library's:
buckets, ranges, splitting, and the limit of peers from one subnet. Beside its buckets this keeps each peer's contact
and when it was heard, in shoal's own terms; both change only here, together.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass

import trio
from libp2p.abc import IHost
from libp2p.kad_dht.routing_table import KBucket, RoutingTable
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

from node.net.kad_addresses import address_wire
from node.net.kad_keyspace import key_point, peer_id_bytes, peer_point
from node.net.kad_messages import Contact
from node.net.kad_regions import POINT_BITS

K = 20  # peers in a bucket and in an answer


@dataclass(frozen=True, slots=True)
class _Entry:
    contact: Contact
    heard_at: float  # trio's clock: the library's own stamps jump with the wall clock


class ServerTable(RoutingTable):
    """The servers this node knows, by their distance to it."""

    def __init__(self, host: IHost) -> None:
        super().__init__(host.get_id(), host)
        self._entries: dict[str, _Entry] = {}
        self._admitting = trio.Lock()  # room found must still be room when the bucket takes the peer

    async def admit(self, contact: Contact) -> bool:
        """Put in a server that has just answered, or renew it; False if there is no room for it."""
        peer_id = _id(contact.peer_id)
        if peer_id == self.local_id:
            return False
        async with self._admitting:
            known = self.contact(contact.peer_id)
            if known and contact.addresses in (known.addresses, ()):
                self._entries[contact.peer_id] = _Entry(known, trio.current_time())
                return True
            self.remove_peer(peer_id)  # or the library would keep the addresses of the first time
            bucket = self._bucket_with_room(peer_id)
            if bucket is None:
                return False
            info = PeerInfo(peer_id, [Multiaddr(address_wire(text)) for text in contact.addresses])
            if not await bucket.add_peer(info):
                return False
            self._entries[contact.peer_id] = _Entry(contact, trio.current_time())
            return True

    def evict(self, peer_id: str) -> bool:
        """Take out a peer that failed; False if it wasn't in."""
        return self.remove_peer(_id(peer_id))

    def holds(self, peer_id: str) -> bool:
        """Tell whether a peer is in the table."""
        return peer_id in self._entries

    def contact(self, peer_id: str) -> Contact | None:
        """Return what the table knows of a peer, None if it isn't in."""
        entry = self._entries.get(peer_id)
        return entry.contact if entry else None

    def closest(self, key: bytes, count: int = K) -> list[Contact]:
        """Return the peers nearest to a key, nearest first, with the addresses they were reached at."""
        target = key_point(key)
        nearest = heapq.nsmallest(count, self._entries, key=lambda peer_id: peer_point(peer_id) ^ target)
        return [self._entries[peer_id].contact for peer_id in nearest]

    def farthest(self, key: bytes, count: int) -> list[Contact]:
        """Return the peers farthest from a key, farthest first: where somebody else might start to look for it."""
        target = key_point(key)
        far = heapq.nlargest(count, self._entries, key=lambda peer_id: peer_point(peer_id) ^ target)
        return [self._entries[peer_id].contact for peer_id in far]

    def bucket_sizes(self) -> tuple[int, ...]:
        """Return how many peers each bucket holds, in the keyspace's order."""
        return tuple(bucket.size() for bucket in self.buckets)

    def distances(self) -> tuple[int, ...]:
        """Return how many peers share how many leading bits with this node: from none, the far half, to the nearest."""
        own = peer_point(str(self.local_id))
        shared = Counter(POINT_BITS - (peer_point(peer_id) ^ own).bit_length() for peer_id in self._entries)
        return tuple(shared[bits] for bits in range(max(shared, default=-1) + 1))

    def silent_for(self, seconds: float) -> list[Contact]:
        """Return the peers that have not answered anything for so long, the most silent first."""
        since = trio.current_time() - seconds
        silent = [entry for entry in self._entries.values() if entry.heard_at < since]
        return [entry.contact for entry in sorted(silent, key=lambda entry: entry.heard_at)]

    async def add_peer(self, peer_obj: PeerInfo | ID, *, skip_server_mode_check: bool = False) -> bool:
        """Let nobody in: the library calls this for peers it has only heard of; `admit` is the one way in."""
        return False

    def remove_peer(self, peer_id: ID) -> bool:
        """Take out a peer, here and in its bucket."""
        self._entries.pop(str(peer_id), None)
        return super().remove_peer(peer_id)

    def cleanup_routing_table(self) -> None:
        """Take out everybody."""
        self._entries.clear()
        super().cleanup_routing_table()

    def _bucket_with_room(self, peer_id: ID) -> KBucket | None:
        bucket = self.find_bucket(peer_id)
        while bucket.size() >= bucket.bucket_size:
            if not (self._should_split_bucket(bucket) and self._split_bucket(bucket)):
                return None
            bucket = self.find_bucket(peer_id)
        return bucket

    def _should_split_bucket(self, bucket: KBucket) -> bool:
        return bucket.peer_id_in_range(self.local_id) and super()._should_split_bucket(bucket)


def _id(peer_id: str) -> ID:
    return ID(peer_id_bytes(peer_id))
