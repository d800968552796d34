"""The routing table, and the small values around it."""

from __future__ import annotations

import random

import pytest
import trio

from node.errors import UsageError
from node.net.kad_keyspace import key_near, key_point, peer_point
from node.net.kad_messages import Contact
from node.net.kad_reports import protocol_id
from node.net.kad_sightings import Sightings
from node.net.kad_table import K, ServerTable
from node.net.provider_store import Provider
from tests.net.kad_world import FakeRaw, new_peer_id

RNG = random.Random("own")
OWN = new_peer_id(RNG)


def contact(number, ip="127.0.0.1"):
    peer_id = new_peer_id(random.Random(number))
    return Contact(peer_id, (f"/ip4/{ip}/tcp/4001/p2p/{peer_id}",))


async def test_it_gives_the_nearest_with_their_addresses():
    table = ServerTable(FakeRaw(OWN))
    contacts = [contact(number) for number in range(30)]
    admitted = [entry for entry in contacts if await table.admit(entry)]
    target = key_point(b"a key")
    expected = sorted(admitted, key=lambda entry: peer_point(entry.peer_id) ^ target)
    assert table.closest(b"a key", 5) == expected[:5]
    assert table.size() == len(admitted) == sum(table.bucket_sizes())


async def test_it_stays_small_and_keeps_the_neighbourhood():
    """Only the bucket of this node's own place splits: some k peers for each bit of the network's size."""
    table = ServerTable(FakeRaw(OWN))
    contacts = [contact(number) for number in range(1000)]
    for entry in contacts:
        await table.admit(entry)
    assert K * 5 <= table.size() <= K * 9
    assert max(table.bucket_sizes()) <= K
    own = table.find_bucket(table.local_id)
    neighbours = [entry for entry in contacts if own.min_range <= peer_point(entry.peer_id) < own.max_range]
    assert len(neighbours) >= 5
    assert all(table.holds(entry.peer_id) for entry in neighbours)


async def test_peers_are_counted_by_their_distance_from_the_far_half_on():
    table = ServerTable(FakeRaw(OWN))
    assert table.distances() == ()
    for number in range(1000):
        await table.admit(contact(number))
    counts = table.distances()
    assert sum(counts) == table.size()
    assert counts[-1]
    far = [entry for entry in map(contact, range(1000)) if table.holds(entry.peer_id)]
    assert counts[0] == sum((peer_point(entry.peer_id) ^ peer_point(OWN)) >> 255 for entry in far)


async def test_the_old_keep_their_place_until_they_fail():
    table = ServerTable(FakeRaw(OWN))
    refused = None
    for number in range(200):
        if not await table.admit(contact(number)):
            refused = contact(number)
    assert refused is not None
    far = [entry for entry in map(contact, range(200)) if table.holds(entry.peer_id)]
    for entry in far:
        table.evict(entry.peer_id)
    assert await table.admit(refused)
    assert not table.evict(far[0].peer_id)


async def test_it_never_holds_its_own_node_or_what_the_library_puts_in():
    table = ServerTable(FakeRaw(OWN))
    assert not await table.admit(Contact(OWN))
    assert not await table.add_peer(FakeRaw(contact(1).peer_id).get_id(), skip_server_mode_check=True)
    assert table.size() == 0


async def test_new_addresses_replace_old_ones_and_none_replaces_nothing():
    table = ServerTable(FakeRaw(OWN))
    before = contact(1)
    moved = Contact(before.peer_id, (f"/ip4/127.0.0.1/tcp/5000/p2p/{before.peer_id}",))
    for entry in (before, moved, Contact(before.peer_id)):
        assert await table.admit(entry)
    assert table.contact(before.peer_id) == moved
    assert table.contact(contact(2).peer_id) is None


async def test_a_subnet_gets_two_places_in_a_bucket():
    table = ServerTable(FakeRaw(OWN))
    admitted = [await table.admit(contact(number, ip=f"8.8.8.{number}")) for number in range(1, 6)]
    assert admitted == [True, True, False, False, False]


async def test_silence_is_measured_per_peer(autojump_clock):
    table = ServerTable(FakeRaw(OWN))
    early, late = contact(1), contact(2)
    await table.admit(early)
    await trio.sleep(200)
    await table.admit(late)
    await trio.sleep(200)
    assert table.silent_for(300) == [early]
    await table.admit(early)
    assert table.silent_for(300) == []
    assert table.silent_for(100) == [late]


@pytest.mark.parametrize("bits", range(8))
def test_a_random_key_lies_in_the_bucket_asked_for(bits):
    point = peer_point(OWN)
    key = key_near(point, bits, RNG)
    assert 256 - (key_point(key) ^ point).bit_length() == bits


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("shoal", "/shoal/kad/1.0.0"),
        ("ipfs", "/ipfs/kad/1.0.0"),
        ("/ipfs/lan/kad/1.0.0", "/ipfs/lan/kad/1.0.0"),
        ("/club-7/kad/1.0.0", "/club-7/kad/1.0.0"),
    ],
)
def test_every_network_has_its_protocol_id(network, expected):
    assert protocol_id(network) == expected


@pytest.mark.parametrize("network", ["", "mainnet", "/kad/1.0.0x", "club/kad/1.0.0", "/a b/kad/1.0.0", "/kad/1.0.0"])
def test_other_words_are_no_network(network):
    with pytest.raises(UsageError, match="not a network"):
        protocol_id(network)


def test_a_provider_without_addresses_waits_for_somebody_who_knows_some():
    reported = []
    sightings = Sightings(reported.append, limit=3)
    ann, bob = contact(1), contact(2)
    assert not sightings.add([Contact(ann.peer_id), Contact(bob.peer_id)])
    assert reported == []
    assert not sightings.add([ann, ann])
    sightings.finish()
    assert reported == [Provider(ann.peer_id, ann.addresses), Provider(bob.peer_id, ())]
    assert sightings.add([contact(3), contact(4)])
    assert sightings.count == len(reported) == 3
