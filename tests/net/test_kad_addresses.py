"""Addresses on Kademlia's wire: the short cut says what the library says, only sooner."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiaddr import Multiaddr

from node.net import addresses
from node.net.kad_addresses import address_text, address_wire
from node.net.kad_keyspace import peer_id_bytes
from tests.net.kad_world import new_peer_id

ANN, BOB = new_peer_id(random.Random(1)), new_peer_id(random.Random(2))
ip4 = st.ip_addresses(v=4).map(lambda ip: f"/ip4/{ip}")
ip6 = st.ip_addresses(v=6).map(lambda ip: f"/ip6/{ip}")
mapped = st.ip_addresses(v=4).map(lambda ip: f"/ip6/::ffff:{ip}")
hosts = st.one_of(ip4, ip6, mapped)
names = st.sampled_from(["/dns4/example.org", "/dns/a.example", "/dnsaddr/example.org"])
tcp = st.integers(0, 65535).map(lambda port: f"/tcp/{port}")
transports = st.one_of(tcp, st.just("/udp/4001/quic-v1"), st.just(""))
endings = st.sampled_from(["", "/ws", "/p2p-circuit", f"/p2p/{ANN}", "/tls/ws"])


@given(st.one_of(hosts, names), transports, endings)
def test_the_short_cut_agrees_with_the_one_way_in(host, transport, ending):
    wire = Multiaddr(host + transport + ending).to_bytes()
    expected = addresses.from_network(wire)
    assert address_text(wire, ANN) == (addresses.with_peer_id(expected, ANN) if expected else None)


@given(hosts, st.integers(1, 65535))
def test_text_and_wire_are_each_other_s_inverse(host, port):
    wire = Multiaddr(f"{host}/tcp/{port}").to_bytes()
    text = address_text(wire, ANN)
    if text is not None:
        assert address_wire(text) == wire


@given(st.binary(max_size=60))
def test_any_bytes_are_an_address_or_none(wire):
    text = address_text(wire, ANN)
    assert text is None or str(Multiaddr(text)) == text


@given(st.binary(max_size=30).map(lambda rest: b"\x04" + rest))
def test_bytes_that_start_like_an_ip_address_agree_too(wire):
    expected = addresses.from_network(wire)
    assert address_text(wire, ANN) == (addresses.with_peer_id(expected, ANN) if expected else None)


def test_the_address_of_somebody_else_is_none_of_ours():
    wire = Multiaddr("/ip4/192.168.1.9/tcp/4001").to_bytes()
    others = b"\xa5\x03" + bytes([len(peer_id_bytes(BOB))]) + peer_id_bytes(BOB)
    assert address_text(wire + others, BOB) == f"/ip4/192.168.1.9/tcp/4001/p2p/{BOB}"
    assert address_text(wire + others, ANN) is None


@pytest.mark.parametrize("text", ["/dns4/example.org/tcp/443", "/ip4/127.0.0.1/tcp/1"])
def test_the_wire_form_has_no_peer_id(text):
    assert address_wire(f"{text}/p2p/{ANN}") == address_wire(text) == Multiaddr(text).to_bytes()
