"""How many inbound connections one place in the network may have, so that one machine cannot take every slot.

Rules: a place is an IPv4 address or an IPv6 /64, which is what one household or one rented machine gets; it counts from
the first byte of a handshake on, because 500 connections that never finish one cost their maker nothing. This machine
itself is no place: many nodes on it are a test network. go-libp2p's resource manager limits by prefix for this reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network

FEWEST = 4  # a household has a few machines, and each may reconnect before its old connection is noticed as dead
SHARE = 4  # the part of all inbound slots for one place: it takes four of them, not one, to shut everybody out
PREFIX_V6 = 64


class Crowding:
    """Counts inbound connections by place."""

    def __init__(self, slots: int) -> None:
        self.limit = max(FEWEST, slots // SHARE)
        self._count: Counter[str] = Counter()

    @contextmanager
    def admitted(self, place: str | None) -> Iterator[bool]:
        """Count one connection from `place` (None: not counted) for as long as the block lasts; False if too many."""
        if place is None:
            yield True
            return
        if self._count[place] >= self.limit:
            yield False
            return
        self._count[place] += 1
        try:
            yield True
        finally:
            self._count[place] -= 1
            if not self._count[place]:
                del self._count[place]


def place_of(ip: str) -> str | None:
    """The place that an IP address belongs to; None for this machine, and for what is no IP address."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return None if address.is_loopback else str(ip_network((int(address), PREFIX_V6), strict=False))
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)
