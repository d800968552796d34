"""Kademlia's routing table: py-libp2p's, with the rules for getting in and out that it gets wrong.

Rules: only servers that have answered a question of ours get in (the library lets in whoever opens a stream, clients
too); whoever fails to answer goes out (the library keeps the dead); a full bucket turns newcomers away, as the old
stay longest (Maymounkov and Mazieres, 2002), without the library's ping, which it cancels half way; only the bucket
of our own neighbourhood splits, so that the table stays small and a search in it short. What stays the library's:
buckets, ranges, splitting, and the limit of peers from one subnet.
"""

from __future__ import annotations

import heapq

import trio
from libp2p.abc import IHost
from libp2p.kad_dht.routing_table import KBucket, RoutingTable
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from multiaddr import Multiaddr

from node.net import addresses as multiaddrs
from node.net.kad_keyspace import key_point, peer_id_bytes
from node.net.kad_messages import Contact, address_text

K = 20  # peers in a bucket and in an answer


class ServerTable(RoutingTable):
    """The servers this node knows, by their distance to it."""

    def __init__(self, host: IHost) -> None:
        super().__init__(host.get_id(), host)
        self._heard_at: dict[str, float] = {}  # trio's clock: the library's own stamps jump with the wall clock
        self._admitting = trio.Lock()  # room found must still be room when the bucket takes the peer

    async def admit(self, contact: Contact) -> bool:
        """Put in a server that has just answered, or renew it; False if there is no room for it."""
        peer_id = _id(contact.peer_id)
        if peer_id == self.local_id:
            return False
        async with self._admitting:
            bucket = self._bucket_with_room(peer_id)
            if bucket is None:
                return False
            info = PeerInfo(peer_id, [Multiaddr(multiaddrs.without_peer_id(text)) for text in contact.addresses])
            if not await bucket.add_peer(info):
                return False
            self._heard_at[contact.peer_id] = trio.current_time()
            if contact.addresses:  # the library keeps those of the first time
                bucket.peers[peer_id] = (info, bucket.peers[peer_id][1])
            return True

    def evict(self, peer_id: str) -> bool:
        """Take out a peer that failed; False if it wasn't in."""
        self._heard_at.pop(peer_id, None)
        return self.remove_peer(_id(peer_id))

    def holds(self, peer_id: str) -> bool:
        """Tell whether a peer is in the table."""
        return self.peer_in_table(_id(peer_id))

    def closest(self, key: bytes, count: int = K) -> list[Contact]:
        """Return the peers nearest to a key, nearest first, with the addresses they were reached at."""
        target = key_point(key)
        known = [(peer_id, info) for bucket in self.buckets for peer_id, (info, _) in bucket.peers.items()]
        # ID.xor_id is cached; the library's own search hashes every peer anew for every request.
        nearest = heapq.nsmallest(count, known, key=lambda entry: entry[0].xor_id ^ target)
        return [Contact(str(peer_id), _texts(info)) for peer_id, info in nearest]

    def contact(self, peer_id: str) -> Contact | None:
        """Return what the table knows of a peer, None if it isn't in."""
        info = self.get_peer_info(_id(peer_id))
        return Contact(peer_id, _texts(info)) if info else None

    def bucket_sizes(self) -> tuple[int, ...]:
        """Return how many peers each bucket holds, in the keyspace's order."""
        return tuple(bucket.size() for bucket in self.buckets)

    def silent_for(self, seconds: float) -> list[Contact]:
        """Return the peers that have not answered anything for so long, the most silent first."""
        since = trio.current_time() - seconds
        silent = sorted((heard_at, peer_id) for peer_id, heard_at in self._heard_at.items() if heard_at < since)
        return [contact for _, peer_id in silent if (contact := self.contact(peer_id))]

    async def add_peer(self, peer_obj: PeerInfo | ID, *, skip_server_mode_check: bool = False) -> bool:
        """Let nobody in: the library calls this for peers it has only heard of; `admit` is the one way in."""
        return False

    def _bucket_with_room(self, peer_id: ID) -> KBucket | None:
        bucket = self.find_bucket(peer_id)
        while bucket.size() >= bucket.bucket_size and not bucket.has_peer(peer_id):
            if not (self._should_split_bucket(bucket) and self._split_bucket(bucket)):
                return None
            bucket = self.find_bucket(peer_id)
        return bucket

    def _should_split_bucket(self, bucket: KBucket) -> bool:
        return bucket.peer_id_in_range(self.local_id) and super()._should_split_bucket(bucket)


def _id(peer_id: str) -> ID:
    return ID(peer_id_bytes(peer_id))


def _texts(info: PeerInfo) -> tuple[str, ...]:
    texts = (address_text(address.to_bytes(), str(info.peer_id)) for address in info.addrs)
    return tuple(text for text in texts if text)
