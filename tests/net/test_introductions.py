"""Whom peers are told of, at which addresses, and what is taken of what they tell."""

from __future__ import annotations

import pytest
from multiaddr import Multiaddr

from node.net.host import open_host
from node.net.identity import Identity
from node.net.introductions import Introductions, Reach, Whereabouts, introduce, reach_of, understand
from node.net.kad_keyspace import peer_id_bytes
from protocols.exchange import KnownPeer
from tests.net.hosts import open_pair, settings, until
from tests.net.test_identify import claim, push

PEER = Identity.generate().peer_id
LOOPBACK, PRIVATE, PUBLIC = "/ip4/127.0.0.1/tcp/4001", "/ip4/192.168.1.10/tcp/4001", "/ip4/1.1.1.1/tcp/4001"


def wire(*addresses: str) -> KnownPeer:
    return KnownPeer(peer_id_bytes(PEER), tuple(Multiaddr(address).to_bytes() for address in addresses))


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("/ip4/127.0.0.1/tcp/1", Reach.MACHINE),
        ("/ip4/127.8.8.8/tcp/1", Reach.MACHINE),
        ("/ip6/::1/tcp/1", Reach.MACHINE),
        ("/ip4/10.1.2.3/tcp/1", Reach.NETWORK),
        ("/ip4/172.16.0.1/tcp/1", Reach.NETWORK),
        ("/ip4/192.168.0.1/tcp/1/p2p/Qm", Reach.NETWORK),
        ("/ip4/100.64.0.1/tcp/1", Reach.NETWORK),
        ("/ip4/169.254.0.1/tcp/1", Reach.NETWORK),
        ("/ip6/fe80::1/tcp/1", Reach.NETWORK),
        ("/ip6/fd00::1/tcp/1", Reach.NETWORK),
        ("/ip4/1.1.1.1/tcp/1", Reach.WORLD),
        ("/ip6/2606:4700::1/tcp/1", Reach.WORLD),
        ("/ip4/0.0.0.0/tcp/1", Reach.NOWHERE),
        ("/ip4/224.0.0.1/tcp/1", Reach.NOWHERE),
        ("/dns4/localhost/tcp/1", Reach.NOWHERE),
        ("", Reach.NOWHERE),
    ],
)
def test_how_far_an_address_reaches(address, reach):
    assert reach_of(address) is reach


@pytest.mark.parametrize(
    ("somebody", "for_them"),
    [
        (LOOPBACK, (LOOPBACK, PRIVATE, PUBLIC)),
        (PRIVATE, (PRIVATE, PUBLIC)),
        (PUBLIC, (PUBLIC,)),
    ],
)
def test_nobody_is_told_nor_believed_of_what_is_nearer_than_they_are(somebody, for_them):
    everywhere = (LOOPBACK, PRIVATE, PUBLIC)
    assert introduce(PEER, Whereabouts(PUBLIC, everywhere), Whereabouts(somebody, ())) == wire(*for_them)
    assert understand(wire(*everywhere), somebody) == (PEER, for_them)


def test_who_is_nowhere_is_not_told_of():
    assert introduce(PEER, Whereabouts(LOOPBACK, ()), Whereabouts(LOOPBACK, ())) is None
    assert introduce(PEER, Whereabouts(LOOPBACK, (LOOPBACK,)), Whereabouts(PUBLIC, ())) is None


@pytest.mark.parametrize(
    "address",
    [b"\xff" * 120, b"\x04", Multiaddr("/dns4/localhost/tcp/1").to_bytes(), Multiaddr(LOOPBACK).to_bytes()[:-1]],
)
def test_what_could_not_be_dialled_is_not_taken(address):
    told = KnownPeer(peer_id_bytes(PEER), (address, Multiaddr(PUBLIC).to_bytes()))
    assert understand(told, LOOPBACK) == (PEER, (PUBLIC,))
    assert understand(KnownPeer(told.peer_id, (address,)), LOOPBACK) is None


def test_what_is_no_peer_id_is_not_taken():
    assert understand(KnownPeer(bytes(40), wire(PUBLIC).addresses), LOOPBACK) is None


async def test_a_peer_that_dialled_is_where_it_says_it_listens_if_it_is_there():
    async with open_pair() as (one, two):
        listens = two.addresses()[0].split("/p2p/")[0]
        at_home = Introductions(one)

        async def known() -> bool:
            return at_home.whereabouts()[two.peer_id].addresses == (listens,)

        await until(known)
        elsewhere = b"\x04\x01\x01\x01\x01\x06\x0f\xa1"
        await push(two, one.peer_id, claim(elsewhere, Multiaddr("/ip4/127.0.0.1/tcp/7").to_bytes()))

        async def told_again() -> bool:
            return at_home.whereabouts()[two.peer_id].addresses == ("/ip4/127.0.0.1/tcp/7",)

        await until(told_again)


async def test_a_peer_that_was_dialled_is_where_it_was_reached():
    async with open_pair() as (one, two):
        reached = one.addresses()[0].split("/p2p/")[0]
        where = Introductions(two).whereabouts()[one.peer_id]
        assert where.addresses[0] == reached
        assert where.remote == f"{reached}/p2p/{one.peer_id}"


async def test_a_peer_that_only_dials_is_nowhere():
    async with open_host(settings()) as one, open_host(settings(listen=())) as two:
        await two.connect(one.addresses()[0])
        assert Introductions(one).whereabouts()[two.peer_id].addresses == ()
