"""Multiaddrs as text: what is usable, what is refused, what garbage does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multiaddr import Multiaddr

from node.net import addresses
from node.net.errors import AddressError

PEER = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"
OLD_PEER = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("/ip4/192.0.2.7/tcp/4001", "/ip4/192.0.2.7/tcp/4001"),
        (f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}", f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}"),
        ("/ip6/2001:0db8::0001/tcp/4001", "/ip6/2001:db8::1/tcp/4001"),
        ("/dns4/example.net/tcp/4001", "/dns4/example.net/tcp/4001"),
    ],
)
def test_dialable_addresses_have_one_form(text, canonical):
    assert addresses.parse(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "nonsense",
        "/ip4/192.0.2.7",
        "/ip4/999.0.2.7/tcp/1",
        "/ip4/192.0.2.7/tcp/65536",
        "/ip4/192.0.2.7/udp/4001/quic-v1",
        "/ip4/192.0.2.7/tcp/4001/ws",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}/p2p-circuit",
        f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER[:-1]}",
        "/unix/tmp/socket",
    ],
)
def test_other_addresses_are_refused(text):
    with pytest.raises(AddressError):
        addresses.parse(text)
    assert addresses.from_network(text) is None


@pytest.mark.parametrize("peer_id", [PEER, OLD_PEER])
def test_peer_ids_are_taken(peer_id):
    assert addresses.parse_peer_id(peer_id) == peer_id


def test_a_peer_id_written_as_a_cid_is_the_same_peer():
    written = "bafzaajaiaejcbu3zcpnaj4gl7d5zn4ky4y3epejlyxw5cqqc6uyucxk5ckgwqeqt"
    assert addresses.parse_peer_id(written) == "12D3KooWQ3sGt7qvsq1hqKix1nTUtkWpysUuZYKJcKY3oHbvs3ia"


@pytest.mark.parametrize("text", ["", "abc", "0OIl", "ü", PEER[:-1], PEER + "N", f"{PEER}/tcp/1", "../etc/passwd"])
def test_other_words_are_no_peer_ids(text):
    with pytest.raises(AddressError, match="is not a peer id"):
        addresses.parse_peer_id(text)


@given(st.binary(max_size=80))
@example(b"\xff\xff")
@example(b"\x04\x01")
@example(b"")
def test_garbage_from_the_network_is_no_address(raw):
    """Multiaddr(bytes) takes anything; an error of any type comes when somebody looks."""
    address = addresses.from_network(raw)
    assert address is None or addresses.parse(address) == address
    assert addresses.from_network(Multiaddr(raw)) == address


@given(st.text(max_size=80))
def test_garbage_text_is_no_address(text):
    address = addresses.from_network(text)
    assert address is None or addresses.parse(address) == address


@pytest.mark.parametrize("text", ["/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001", "/ip4/192.0.2.7/tcp/0"])
def test_addresses_that_lead_nowhere_are_not_taken_from_the_network(text):
    assert addresses.from_network(text) is None


def test_an_overlong_address_is_not_looked_at():
    assert addresses.from_network(b"/" * 10_000) is None


def test_peer_ids_come_off_and_go_on():
    address = f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}"
    assert addresses.from_network(address) == "/ip4/192.0.2.7/tcp/4001"
    assert addresses.split_peer_id(address) == ("/ip4/192.0.2.7/tcp/4001", PEER)
    assert addresses.split_peer_id("/ip4/192.0.2.7/tcp/4001") == ("/ip4/192.0.2.7/tcp/4001", None)
    assert addresses.with_peer_id(address, OLD_PEER) == f"/ip4/192.0.2.7/tcp/4001/p2p/{OLD_PEER}"


def test_parts_of_an_address():
    assert addresses.ip_of("/ip4/192.0.2.7/tcp/4001") == "192.0.2.7"
    assert addresses.ip_of("/dns/example.net/tcp/1") == "example.net"
    assert addresses.ip_of("nonsense") == addresses.family_of("nonsense") == ""
    assert addresses.family_of("/ip6/::1/tcp/1") == "ip6"
    assert addresses.socket_address("/ip6/::1/tcp/4001") == ("::1", 4001)
    with pytest.raises(AddressError):
        addresses.socket_address("/ip4/192.0.2.7/udp/4001")


def test_sockets_have_multiaddrs():
    assert addresses.from_socket("192.0.2.7", 4001) == "/ip4/192.0.2.7/tcp/4001"
    assert addresses.from_socket("::1", 4001) == "/ip6/::1/tcp/4001"
    assert addresses.from_socket("::ffff:192.0.2.7", 4001) == "/ip4/192.0.2.7/tcp/4001"
    assert addresses.from_socket("fe80::1%eth0", 4001) == "/ip6/fe80::1/tcp/4001"


def test_wildcards_become_the_interfaces_loopback_last():
    listening = ["/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4002", "/ip4/127.0.0.1/tcp/4001"]
    assert addresses.expand(listening, ["192.0.2.7", "2001:db8::7"]) == [
        "/ip4/192.0.2.7/tcp/4001",
        "/ip4/127.0.0.1/tcp/4001",
        "/ip6/2001:db8::7/tcp/4002",
        "/ip6/::1/tcp/4002",
    ]
