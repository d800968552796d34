"""Where peers may be told of, and what to take of what they tell: addresses in the PEERS message.

Rules (SPEC.md of the exchange protocol, section 7): a peer is told of where this node reached it, or where it says it
listens if its connection comes from that very IP address, so that nobody has others dial a victim; by IP address only,
since a name may lead anywhere; and never to anybody, nor at the word of anybody, who is farther away than the address
reaches: an address of this machine is for peers on this machine. All but `Introductions` is pure.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError

from node.net import addresses as multiaddrs
from node.net.connections import ConnectionInfo
from node.net.host import Host
from node.net.kad_addresses import address_text, address_wire
from node.net.kad_keyspace import CACHED_IDS, peer_id_bytes, peer_id_text
from protocols.exchange import MAX_ADDRESS, MAX_PEER_ADDRESSES, KnownPeer


class Reach(IntEnum):
    """From how far an address can be dialled; a greater one includes the lesser ones."""

    NOWHERE = 0  # a wildcard, a multicast group, a name: nothing to tell anybody
    MACHINE = 1
    NETWORK = 2  # private and link-local ones, and those of carriers
    WORLD = 3


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a connected peer is: its end of the connection, and the addresses at which it may be told of."""

    remote: str
    addresses: tuple[str, ...]


class Introductions:
    """What this node's host knows of the peers that are connected now."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def whereabouts(self) -> dict[str, Whereabouts]:
        """Every connected peer by its id; of several connections that which was dialled from here, or the newest."""
        connections = sorted(self._host.connections(), key=lambda each: (each.direction == "out", each.opened_at))
        return {each.peer_id: Whereabouts(each.multiaddr, self._addresses(each)) for each in connections}

    def _addresses(self, connection: ConnectionInfo) -> tuple[str, ...]:
        reached = (multiaddrs.without_peer_id(connection.multiaddr),) if connection.direction == "out" else ()
        claimed = [each for each in self._claimed(connection.peer_id) if multiaddrs.ip_of(each) == connection.ip]
        return tuple(dict.fromkeys([*reached, *claimed]))[:MAX_PEER_ADDRESSES]

    def _claimed(self, peer_id: str) -> list[str]:
        """What identify has said, without the multiaddr library's parser, which would take milliseconds for a swarm."""
        try:
            known = self._host.raw.get_peerstore().addrs(ID.from_base58(peer_id))
        except PeerStoreError:
            return []
        texts = (address_text(address.to_bytes(), peer_id) for address in known)
        return [multiaddrs.without_peer_id(text) for text in texts if text]


def reach_of(address: str) -> Reach:
    """From how far an address, such as a connection's remote end, can be dialled."""
    return _reach_of_host(multiaddrs.ip_of(address))


@lru_cache(maxsize=CACHED_IDS)
def _reach_of_host(host: str) -> Reach:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return Reach.NOWHERE
    if ip.is_unspecified or ip.is_multicast:
        return Reach.NOWHERE
    if ip.is_loopback:
        return Reach.MACHINE
    return Reach.WORLD if ip.is_global else Reach.NETWORK


def introduce(peer_id: str, where: Whereabouts, listener: Whereabouts) -> KnownPeer | None:
    """What `listener` may be told of a peer; None if that is nothing."""
    addresses = [address_wire(each) for each in where.addresses if _is_for(each, listener.remote)]
    usable = tuple(each for each in addresses if len(each) <= MAX_ADDRESS)
    return KnownPeer(peer_id_bytes(peer_id), usable) if usable else None


def understand(told: KnownPeer, teller: str) -> tuple[str, tuple[str, ...]] | None:
    """Peer id and addresses (without /p2p/) of what a peer at the address `teller` says; None for nothing of use."""
    try:
        peer_id = peer_id_text(told.peer_id)
    except ValueError:
        return None
    texts = [address_text(each, peer_id) for each in told.addresses]
    usable = tuple(multiaddrs.without_peer_id(each) for each in texts if each and _is_for(each, teller))
    return (peer_id, usable) if usable else None


def _is_for(address: str, somebody: str) -> bool:
    return reach_of(address) >= max(reach_of(somebody), Reach.MACHINE)
