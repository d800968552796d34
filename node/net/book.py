"""The address book: where a peer was reached before.

Why not the library's peerstore: identify replaces what it holds with what the peer claims, so the one address that
worked is lost behind `0.0.0.0` or a NAT. Rules: only addresses of connections that we dialled and that succeeded;
bounded; newest first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

MAX_PEERS = 2_000  # a swarm and a routing table several times over; at 8 addresses some 2 MB
MAX_ADDRESSES_PER_PEER = 8  # a peer has a few networks and moves now and then


class AddressBook(Protocol):
    """What the host needs of an address book; the node's is kept in its database."""

    async def record(self, peer_id: str, address: str) -> None:
        """A connection to `peer_id` at `address` (without /p2p/) has just succeeded."""

    async def addresses(self, peer_id: str) -> Sequence[str]:
        """The addresses at which the peer was reached, newest first."""

    async def recent(self, limit: int) -> Sequence[tuple[str, str]]:
        """(peer id, address) of up to `limit` peers reached most recently, newest first."""


class MemoryAddressBook:
    """An address book that lives as long as the process."""

    def __init__(self, max_peers: int = MAX_PEERS, max_addresses: int = MAX_ADDRESSES_PER_PEER) -> None:
        self._max_peers = max_peers
        self._max_addresses = max_addresses
        self._peers: OrderedDict[str, list[str]] = OrderedDict()  # the most recently reached peer is last

    async def record(self, peer_id: str, address: str) -> None:
        """See AddressBook."""
        known = self._peers.pop(peer_id, [])
        newest_first = [address, *(other for other in known if other != address)]
        self._peers[peer_id] = newest_first[: self._max_addresses]
        if len(self._peers) > self._max_peers:
            self._peers.popitem(last=False)

    async def addresses(self, peer_id: str) -> Sequence[str]:
        """See AddressBook."""
        return tuple(self._peers.get(peer_id, ()))

    async def recent(self, limit: int) -> Sequence[tuple[str, str]]:
        """See AddressBook."""
        newest = list(reversed(self._peers.items()))[:limit]
        return [(peer_id, addresses[0]) for peer_id, addresses in newest]
