"""Multiaddrs as text: what is usable, how it is written, what a wildcard stands for.

Rules: an address is dialable here if it is `/ip4|ip6|dns|dns4|dns6/…/tcp/…`, optionally with `/p2p/<peer id>` (see
`node.net.upgrader` for why TCP only). Addresses from the network are hostile: py-libp2p's `Multiaddr(bytes)` doesn't
look at its bytes, and the error, of any type, comes when somebody dials; `from_network` is the one way in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

import base58
from multiaddr import Multiaddr
from multiaddr.exceptions import BinaryParseError, StringParseError
from multiaddr.utils import get_network_addrs

from node.net.errors import AddressError

MAX_ADDRESS_BYTES = 512  # the longest DNS name is 253 bytes, a peer id 66; more is not an address
_DIALABLE = re.compile(
    r"/(?P<family>ip4|ip6|dns|dns4|dns6)/(?P<host>[^/]+)/tcp/(?P<port>\d+)(?:/p2p/(?P<peer_id>[^/]+))?"
)
_WILDCARDS = {"ip4": "0.0.0.0", "ip6": "::"}
_LOOPBACKS = {"ip4": "127.0.0.1", "ip6": "::1"}
# What py-libp2p's codecs raise on bytes that are no address; found by feeding them random bytes.
_GARBAGE = (BinaryParseError, StringParseError, ValueError, TypeError, LookupError)


def parse_peer_id(text: str) -> str:
    """The peer id written as `12D3KooW…`, `Qm…` or a CID, in its canonical form; raises AddressError."""
    canonical = _canonical(f"/p2p/{text}")
    peer_id = canonical.removeprefix("/p2p/") if canonical else ""
    if "/" in peer_id or not _is_multihash(base58.b58decode(peer_id)):
        raise AddressError(f"{text!r} is not a peer id, such as 12D3KooW….")
    return peer_id


def parse(text: str) -> str:
    """A dialable multiaddr in its canonical form; raises AddressError with the reason."""
    canonical = _canonical(text)
    if canonical is None:
        raise AddressError(f"{text!r} is not a multiaddr, such as /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW….")
    if not _DIALABLE.fullmatch(canonical):
        raise AddressError(f"{text} cannot be used: only TCP addresses, such as /ip4/192.0.2.7/tcp/4001, can.")
    return canonical


def from_network(raw: bytes | str | Multiaddr) -> str | None:
    """An address that a peer sent, without its peer id; None unless it could be dialled."""
    if isinstance(raw, Multiaddr):
        raw = raw.to_bytes()
    if not raw or len(raw) > MAX_ADDRESS_BYTES:
        return None
    canonical = _canonical(raw)
    match = _DIALABLE.fullmatch(canonical) if canonical else None
    if match is None or match["port"] == "0" or match["host"] in _WILDCARDS.values():
        return None
    return without_peer_id(match[0])


def split_peer_id(address: str) -> tuple[str, str | None]:
    """The transport part and the peer id of an address."""
    transport, _, peer_id = address.partition("/p2p/")
    return transport, peer_id or None


def without_peer_id(address: str) -> str:
    """The address without `/p2p/…`."""
    return split_peer_id(address)[0]


def with_peer_id(address: str, peer_id: str) -> str:
    """The address with `/p2p/<peer_id>` at its end."""
    return f"{without_peer_id(address)}/p2p/{peer_id}"


def ip_of(address: str) -> str:
    """The IP address, or DNS name, in an address; "" if it has none."""
    match = _DIALABLE.match(address)
    return match["host"] if match else ""


def family_of(address: str) -> str:
    """`ip4`, `ip6` or one of the dns words; "" if the address has none."""
    match = _DIALABLE.match(address)
    return match["family"] if match else ""


def socket_address(address: str) -> tuple[str, int]:
    """Host and port of a canonical address; raises AddressError."""
    match = _DIALABLE.match(address)
    if match is None:
        raise AddressError(f"{address} is not a TCP address.")
    return match["host"], int(match["port"])


def from_socket(host: str, port: int) -> str:
    """The multiaddr of a socket's end; IPv4 in IPv6 clothes (`::ffff:…`) becomes IPv4."""
    ip = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return f"/ip{ip.version}/{ip}/tcp/{port}"


def expand(addresses: Iterable[str], interfaces: Sequence[str]) -> list[str]:
    """The addresses with 0.0.0.0 and :: replaced by this machine's `interfaces`, loopback last.

    py-libp2p advertises the wildcard itself, which no peer can dial.
    """
    expanded: dict[str, None] = {}
    for address in addresses:
        host, port = socket_address(address)
        family = family_of(address)
        if host != _WILDCARDS.get(family):
            expanded[address] = None
            continue
        version = int(family[-1])
        hosts = [host for host in interfaces if ipaddress.ip_address(host).version == version]
        for host in [*hosts, _LOOPBACKS[family]]:
            expanded[f"/{family}/{host}/tcp/{port}"] = None
    return list(expanded)


def machine_interfaces() -> list[str]:
    """The IP addresses of this machine's interfaces, without loopback and link-local ones."""
    return [*get_network_addrs(4), *get_network_addrs(6)]


def _canonical(raw: bytes | str) -> str | None:
    try:
        return str(Multiaddr(raw))
    except _GARBAGE:
        return None


def _is_multihash(raw: bytes) -> bool:
    """Whether the bytes are an identity or SHA-256 multihash, the two that peer ids use."""
    return len(raw) > 2 and raw[:1] in (b"\x00", b"\x12") and len(raw) == 2 + raw[1]
