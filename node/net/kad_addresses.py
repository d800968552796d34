"""Addresses between their text and Kademlia's wire form, fast.

Rules: pure. What counts as an address is decided in `node.net.addresses`; here is a short cut for the two forms that
nearly all of them have, /ip4/…/tcp/… and /ip6/…/tcp/…, since the multiaddr library takes 50 us for one and an answer
may carry hundreds, which would hold up the whole node for tens of milliseconds.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

from multiaddr import Multiaddr

from node.net import addresses
from node.net.kad_keyspace import CACHED_IDS, peer_id_bytes

# Codes of https://github.com/multiformats/multiaddr/blob/master/protocols.csv
_IP4, _IP6, _TCP, _P2P = b"\x04", b"\x29", b"\x06", b"\xa5\x03"


def is_quick(address: bytes | str) -> bool:
    """Tell whether an address, wire or text, is of the forms that take a microsecond; a DNS name takes some 60."""
    return address.startswith("/ip") if isinstance(address, str) else address[:1] in (_IP4, _IP6)


@lru_cache(maxsize=CACHED_IDS)
def address_text(wire: bytes, peer_id: str) -> str | None:
    """Return the dialable address of `peer_id` that `wire` stands for, ending in /p2p/, or None if it is none."""
    if wire[:1] in (_IP4, _IP6):
        return _ip_text(wire, peer_id)
    text = addresses.from_network(wire)
    return addresses.with_peer_id(text, peer_id) if text else None


@lru_cache(maxsize=CACHED_IDS)
def address_wire(text: str) -> bytes:
    """Return an address's wire form without its peer id, which stands beside it in go's and rust's messages."""
    match text.split("/"):
        case ["", "ip4", host, "tcp", port, *_]:
            return _IP4 + socket.inet_aton(host) + _TCP + int(port).to_bytes(2, "big")
        case ["", "ip6", host, "tcp", port, *_]:
            return _IP6 + ipaddress.IPv6Address(host).packed + _TCP + int(port).to_bytes(2, "big")
        case _:
            wire: bytes = Multiaddr(addresses.without_peer_id(text)).to_bytes()
            return wire


def _ip_text(wire: bytes, peer_id: str) -> str | None:
    family, size = ("ip4", 4) if wire[:1] == _IP4 else ("ip6", 16)
    packed, code, port = wire[1 : size + 1], wire[size + 1 : size + 2], wire[size + 2 : size + 4]
    rest, own_id = wire[size + 4 :], peer_id_bytes(peer_id)
    # What else may follow is a transport on top of TCP, a relay, or the id of somebody else.
    if code != _TCP or len(port) != 2 or rest not in (b"", _P2P + bytes([len(own_id)]) + own_id):
        return None
    if not (any(packed) and any(port)):  # every interface, or any port: no place to dial
        return None
    # inet_ntop writes what holds an IPv4 address as the library does; Python's ipaddress does so from 3.13 on.
    host = socket.inet_ntop(socket.AF_INET if family == "ip4" else socket.AF_INET6, packed)
    return f"/{family}/{host}/tcp/{int.from_bytes(port, 'big')}/p2p/{peer_id}"
