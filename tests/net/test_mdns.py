"""mDNS: what is announced and believed, and who is dialled; without a network."""

from __future__ import annotations

import random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from node.errors import ShoalError
from node.net.mdns import AGAIN_S, LOOK_S, MAX_FOUND, Mdns
from node.net.mdns_records import (
    MAX_ADDRESSES,
    MAX_PEERS,
    MAX_TEXT,
    NAME_LENGTH,
    decode_text,
    encode_text,
    lan_addresses,
    peer_name,
)
from tests.net.kad_world import new_peer_id

RNG = random.Random(5)
OWN, *OTHERS = (new_peer_id(RNG) for _ in range(100))


def address(peer_id, ip="192.168.1.7", port=4001):
    return f"/ip4/{ip}/tcp/{port}/p2p/{peer_id}"


def entry(text):
    return bytes([len(text)]) + text.encode()


def test_what_is_announced_is_understood():
    addresses = [address(OWN), address(OWN, "10.0.0.1", 9), f"/ip6/fd00::1/tcp/4001/p2p/{OWN}"]
    assert decode_text(encode_text(addresses)) == {OWN: addresses}


def test_what_others_write_is_understood():
    """As go-libp2p and rust-libp2p do: each address a string of its own, other strings beside them."""
    text = entry("agent=kubo") + entry(f"dnsaddr={address(OWN)}") + entry(f"dnsaddr={address(OWN, '10.1.2.3')}")
    assert decode_text(text) == {OWN: [address(OWN), address(OWN, "10.1.2.3")]}


@pytest.mark.parametrize(
    "said",
    [
        f"/ip4/127.0.0.1/tcp/4001/p2p/{OWN}",
        f"/ip4/8.8.8.8/tcp/4001/p2p/{OWN}",
        f"/ip4/169.254.1.1/tcp/4001/p2p/{OWN}",
        f"/ip4/0.0.0.0/tcp/4001/p2p/{OWN}",
        f"/dns4/victim.example/tcp/80/p2p/{OWN}",
        f"/ip4/192.168.1.7/udp/4001/quic-v1/p2p/{OWN}",
        "/ip4/192.168.1.7/tcp/4001",
        "/ip4/192.168.1.7/tcp/4001/p2p/nobody",
        "nonsense",
        "\udcff",
    ],
)
def test_what_is_not_in_the_lan_is_not_believed(said):
    text = said.encode("utf-8", "surrogateescape")
    assert decode_text(bytes([8 + len(text)]) + b"dnsaddr=" + text) == {}


@given(st.binary(max_size=600))
def test_any_bytes_are_harmless(text):
    decode_text(text)


def test_everything_is_bounded():
    many = b"".join(entry(f"dnsaddr={address(peer_id)}") for peer_id in OTHERS)
    assert len(decode_text(many)) == MAX_PEERS
    moves = b"".join(entry(f"dnsaddr={address(OWN, port=port)}") for port in range(1, 100))
    assert len(decode_text(moves)[OWN]) == MAX_ADDRESSES
    assert len(encode_text(address(OWN, port=port) for port in range(1, 1000))) <= MAX_TEXT
    assert decode_text(entry(f"dnsaddr={address(OWN)}")[:-1]) == {}


def test_only_lan_addresses_are_announced():
    here = [address(OWN, ip) for ip in ("127.0.0.1", "192.168.1.7", "203.0.114.9", "10.0.0.1")]
    assert lan_addresses(here) == [here[1], here[3]]


def test_names_are_random_and_long():
    assert len(peer_name(RNG)) == NAME_LENGTH
    assert peer_name(RNG) != peer_name(RNG)


class FakeLan:
    """Remembers what was announced; `say` is what somebody else announces."""

    def __init__(self):
        self.announced = None
        self.opened = 0
        self.broken = None
        self.say = lambda text: None

    def open(self, ips, name, text, heard):
        if self.broken:
            raise self.broken
        self.opened += 1
        self.announced, self.say = (list(ips), text), heard

    def close(self):
        self.announced = None


class FakeNetwork:
    peer_id = OWN

    def __init__(self):
        self.here = [address(OWN), address(OWN, "127.0.0.1")]
        self.dialled = []
        self.connected = []
        self.is_deaf = False

    def addresses(self):
        return self.here

    def connections(self):
        return self.connected

    async def connect(self, target, hints=()):
        await trio.sleep(0.1)
        self.dialled.append((target, list(hints)))
        if self.is_deaf:
            raise ShoalError("nobody there")
        self.connected.append(target)
        return target


@pytest.fixture
def lan(monkeypatch):
    async def run_here(call, *arguments, limiter=None):
        await trio.lowlevel.checkpoint()
        call(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_here)
    return FakeLan()


@pytest.fixture
async def network(nursery, lan):
    network = FakeNetwork()
    nursery.start_soon(Mdns(network, lan, random.Random(1)).run)
    return network


async def settle():
    await trio.sleep(1)


async def test_it_announces_its_lan_addresses_and_takes_them_back(autojump_clock, lan):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Mdns(FakeNetwork(), lan, RNG).run)
        await settle()
        assert lan.announced == (["192.168.1.7"], encode_text([address(OWN)]))
        nursery.cancel_scope.cancel()
    assert lan.announced is None


async def test_on_loopback_it_says_and_hears_nothing(autojump_clock, lan, nursery):
    network = FakeNetwork()
    network.here = [address(OWN, "127.0.0.1")]
    nursery.start_soon(Mdns(network, lan, RNG).run)
    await trio.sleep(10 * LOOK_S)
    assert lan.opened == 0


async def test_whom_it_hears_of_it_dials_once(autojump_clock, lan, network):
    await settle()
    other = address(OTHERS[0])
    lan.say(encode_text([other]))
    lan.say(encode_text([other]))
    lan.say(encode_text([address(OWN)]))
    lan.say(b"nonsense")
    await settle()
    assert network.dialled == [(OTHERS[0], [other])]
    await trio.sleep(AGAIN_S)
    lan.say(encode_text([other]))
    await settle()
    assert len(network.dialled) == 2  # the host knows whether it is connected


async def test_while_it_is_alone_those_found_are_tried_again(autojump_clock, lan, network):
    await settle()
    network.is_deaf = True
    lan.say(encode_text([address(OTHERS[0])]))
    await trio.sleep(4 * AGAIN_S)
    assert len(network.dialled) > 2
    network.is_deaf = False
    await trio.sleep(2 * AGAIN_S)
    tries = len(network.dialled)
    await trio.sleep(10 * AGAIN_S)
    assert len(network.dialled) == tries


async def test_a_flood_of_announcements_is_bounded(autojump_clock, lan, network):
    await settle()
    for peer_id in OTHERS:
        lan.say(encode_text([address(peer_id)]))
    await settle()
    assert len(network.dialled) <= MAX_FOUND


async def test_it_follows_the_machine_into_another_network(autojump_clock, lan, network):
    await settle()
    network.here = [address(OWN, "10.0.0.5")]
    await trio.sleep(LOOK_S)
    assert lan.announced[0] == ["10.0.0.5"]
    network.here = []
    await trio.sleep(LOOK_S)
    assert lan.announced is None


async def test_a_machine_without_multicast_is_told_once_and_tried_again(autojump_clock, lan, network, caplog):
    lan.broken = OSError("no such device")
    await trio.sleep(5 * LOOK_S)
    assert caplog.text.count("no such device") == 1
    lan.broken = None
    await trio.sleep(LOOK_S)
    assert lan.announced
