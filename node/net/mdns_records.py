"""What mDNS says of a libp2p peer: TXT records of `dnsaddr=<multiaddr>` under `_p2p._udp.local`, and nothing else.

Rules: pure; after libp2p/specs discovery/mdns. Whoever sits in the LAN can say anything, so only addresses of the LAN
itself are announced and believed: not loopback, not the internet, no names to be looked up. Everything is bounded.
"""

from __future__ import annotations

import ipaddress
import random
import string
from collections.abc import Iterable

from node.net.addresses import from_network, ip_of, parse_peer_id, split_peer_id, with_peer_id
from node.net.errors import AddressError

SERVICE = "_p2p._udp.local."
PREFIX = b"dnsaddr="
MAX_STRING = 255  # bytes of one string of a TXT record (RFC 1035)
MAX_TEXT = 1_300  # bytes of a record: one packet on an Ethernet
MAX_ADDRESSES = 8  # announced, and used of one peer: a few interfaces, two families
MAX_PEERS = 4  # used of one record; the specification has one in each
NAME_LENGTH = 40  # of the random name, at least 32 (specification): it must not tell one start from the next


def peer_name(rng: random.Random) -> str:
    """A random name to be announced under, another one each time."""
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=NAME_LENGTH))


def lan_addresses(addresses: Iterable[str]) -> list[str]:
    """Those of the addresses that lie in a private network, link-local ones aside; at most MAX_ADDRESSES."""
    return [address for address in addresses if _is_lan(ip_of(address))][:MAX_ADDRESSES]


def encode_text(addresses: Iterable[str]) -> bytes:
    """The TXT record that announces addresses, each with /p2p/; those that don't fit are left out."""
    text = b""
    for address in addresses:
        entry = PREFIX + address.encode()
        if len(entry) <= MAX_STRING and len(text) + 1 + len(entry) <= MAX_TEXT:
            text += bytes([len(entry)]) + entry
    return text


def decode_text(text: bytes) -> dict[str, list[str]]:
    """The peers that a TXT record announces, with their addresses in the LAN, each with /p2p/."""
    peers: dict[str, list[str]] = {}
    for entry in _strings(text):
        if not entry.startswith(PREFIX):
            continue
        transport, peer_text = split_peer_id(entry[len(PREFIX) :].decode("ascii", "replace"))
        address = from_network(transport)
        try:
            peer_id = parse_peer_id(peer_text or "")
        except AddressError:
            continue
        if address is None or not _is_lan(ip_of(address)) or (peer_id not in peers and len(peers) >= MAX_PEERS):
            continue
        known = peers.setdefault(peer_id, [])
        if len(known) < MAX_ADDRESSES:
            known.append(with_peer_id(address, peer_id))
    return peers


def _strings(text: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(text):
        length = text[at]
        if at + 1 + length > len(text):
            return
        yield text[at + 1 : at + 1 + length]
        at += 1 + length


def _is_lan(ip: str) -> bool:
    try:
        parsed = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return parsed.is_private and not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
