"""Providing many keys at once: few lookups, every record where it belongs, and none where nobody keeps it."""

from __future__ import annotations

import random
from hashlib import sha256

import trio

from node.net.kad_keyspace import key_point, peer_point
from node.net.kad_messages import Contact
from node.net.kad_sweep import Sweep
from node.net.kad_table import K
from node.net.kad_upkeep import REFRESH_S
from node.net.kad_walk import WalkReport
from tests.net.kad_world import new_peer_id
from tests.turns import counted_turns


def multihash(number):
    return b"\x12\x20" + sha256(str(number).encode()).digest()


class Servers:
    """A network as a sweep sees it: lookups find the truth, records are kept unless a server is one of `deaf`."""

    def __init__(self, count):
        rng = random.Random(count)
        self.ids = [new_peer_id(rng) for _ in range(count)]
        self.records = {peer_id: set() for peer_id in self.ids}
        self.deaf = set()
        self.lookups = 0
        self.sweep = Sweep(self.look_for, self.place, lambda: min(len(self.ids), 60), rng)

    def nearest(self, key):
        return sorted(self.ids, key=lambda peer_id: peer_point(peer_id) ^ key_point(key))[:K]

    async def look_for(self, key):
        await trio.lowlevel.checkpoint()
        self.lookups += 1
        return WalkReport(tuple(Contact(peer_id) for peer_id in self.nearest(key)), K, 0, 0.1)

    async def place(self, keys, server):
        await trio.lowlevel.checkpoint()
        if server.peer_id in self.deaf:
            return set()
        self.records[server.peer_id].update(keys)
        return set(keys)

    def join(self):
        self.ids.append(new_peer_id(random.Random(len(self.ids) + 1000)))
        self.records[self.ids[-1]] = set()


async def test_a_thousand_keys_share_a_few_lookups_and_each_is_where_it_belongs():
    servers = Servers(100)
    keys = [multihash(number) for number in range(1000)]
    reports = await servers.sweep.provide(keys)
    assert all((report.closest, report.stored, report.reason) == (K, K, "") for report in reports.values())
    for key in keys:
        assert {peer_id for peer_id in servers.ids if key in servers.records[peer_id]} == set(servers.nearest(key))
    assert servers.lookups < 20


async def test_one_key_takes_one_lookup_and_its_neighbours_none():
    servers = Servers(15)
    await servers.sweep.provide([multihash(0)])
    await servers.sweep.provide([multihash(1), multihash(2)])
    assert servers.lookups == 1


async def test_two_keys_far_from_each_other_take_a_lookup_each():
    servers = Servers(500)
    await servers.sweep.provide([multihash(0), multihash(1)])
    assert servers.lookups == 2


async def test_a_server_that_takes_nothing_is_left_out_the_next_time():
    servers = Servers(100)
    key = multihash(0)
    servers.deaf = set(servers.nearest(key)[:3])
    before = (await servers.sweep.provide([key]))[key]
    assert (before.closest, before.stored) == (20, 17)
    servers.ids = [peer_id for peer_id in servers.ids if peer_id not in servers.deaf]  # the walk meets them no more
    after = (await servers.sweep.provide([key]))[key]
    assert (after.closest, after.stored) == (20, 20)


async def test_nobody_to_ask_and_nobody_who_keeps_it_are_told_apart():
    nobody = Servers(0)
    report = (await nobody.sweep.provide([multihash(0)]))[multihash(0)]
    assert (report.closest, report.reason) == (0, "no DHT server could be reached")
    deaf = Servers(5)
    deaf.deaf = set(deaf.ids)
    report = (await deaf.sweep.provide([multihash(0)]))[multihash(0)]
    assert (report.closest, report.stored, report.reason) == (5, 0, "no DHT server kept the record")


async def test_newcomers_to_a_small_network_get_records_at_once(autojump_clock):
    servers = Servers(3)
    await servers.sweep.provide([multihash(0)])
    servers.join()
    reports = await servers.sweep.provide([multihash(1)])
    assert reports[multihash(1)].closest == 4


async def test_what_was_covered_is_looked_at_again_after_a_while(autojump_clock):
    servers = Servers(100)
    keys = [multihash(number) for number in range(200)]
    await servers.sweep.provide(keys)
    first = servers.lookups
    await servers.sweep.provide(keys)
    assert servers.lookups == first
    await trio.sleep(REFRESH_S)
    await servers.sweep.provide(keys)
    assert servers.lookups > first


async def test_a_walk_that_fails_is_no_news_about_regions():
    """Five that answer, where sixty are known, are not the whole network."""
    servers = Servers(100)
    everybody = servers.ids
    servers.ids = everybody[:5]
    servers.sweep._known = lambda: 60
    await servers.sweep.provide([multihash(0)])
    servers.ids = everybody
    reports = await servers.sweep.provide([multihash(number) for number in range(50)])
    assert all(report.closest == K for report in reports.values())


async def test_what_is_unshared_meanwhile_is_told_to_nobody_else(autojump_clock):
    servers = Servers(100)
    keys = [multihash(number) for number in range(50)]
    look_for, told = servers.sweep._look_for, []

    async def look_slowly(key):
        await trio.sleep(1)
        return await look_for(key)

    async def place(its_keys, server):
        told.extend(its_keys)
        await trio.sleep(1)
        return set(its_keys)

    servers.sweep._look_for, servers.sweep._place = look_slowly, place
    async with trio.open_nursery() as nursery:
        nursery.start_soon(servers.sweep.provide, keys)
        await trio.sleep(0.5)
        servers.sweep.forget(keys[7])
    assert set(told) == {*keys} - {keys[7]}
    await servers.sweep.provide([keys[7]])  # and shared again
    assert keys[7] in told


async def test_hundreds_of_keys_of_known_regions_let_others_have_their_turn():
    servers = Servers(100)
    keys = [multihash(number) for number in range(250)]
    await servers.sweep.provide(keys)
    async with counted_turns() as turns:
        await servers.sweep.provide(keys)
    assert turns.count >= len(keys)
