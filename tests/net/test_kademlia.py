"""Kademlia end to end on a network in memory: provide, find, join, survive deaths."""

from __future__ import annotations

from hashlib import sha256

import pytest
import trio

from node.net.kad_client import ANSWER_S
from node.net.kad_reports import KademliaSettings
from node.net.kad_upkeep import Upkeep
from node.net.kademlia import open_kademlia
from node.net.provider_store import MemoryProviderStore
from tests.net.kad_world import jumping_clock, open_world, until


def multihash(text):
    return b"\x12\x20" + sha256(text.encode()).digest()


KEY = multihash("a manifest")


@pytest.fixture
def clock(monkeypatch):
    return jumping_clock(monkeypatch)


async def test_a_provider_is_found_by_everybody_else(clock):
    async with open_world() as world:
        nodes = await world.network(12)
        (host, dht), *others = nodes
        report = await dht.provide(KEY)
        assert (report.closest, report.stored, report.reason) == (11, 11, "")
        for _, other in others:
            found = []
            lookup = await other.find_providers(KEY, found.append, limit=20)
            assert [provider.peer_id for provider in found] == [host.peer_id]
            assert found[0].addresses == tuple(host.addresses())
            assert lookup.providers == 1
            assert lookup.failed == 0


async def test_several_providers_are_reported_once_each_and_up_to_the_limit(clock):
    async with open_world() as world:
        nodes = await world.network(10)
        for _, dht in nodes[:5]:
            await dht.provide(KEY)
        found = []
        await nodes[9][1].find_providers(KEY, found.append, limit=20)
        assert sorted(p.peer_id for p in found) == sorted(host.peer_id for host, _ in nodes[:5])
        found = []
        report = await nodes[9][1].find_providers(KEY, found.append, limit=3)
        assert len(found) == report.providers == 3


async def test_a_second_search_sees_new_providers(clock):
    """py-libp2p answers from its own store for 48 h once it has provided or searched."""
    async with open_world() as world:
        nodes = await world.network(6)
        (ann_host, ann), (bob_host, bob) = nodes[:2]
        await ann.provide(KEY)
        await ann.find_providers(KEY, lambda _: None, limit=20)
        await bob.provide(KEY)
        found = []
        await ann.find_providers(KEY, found.append, limit=20)
        assert {provider.peer_id for provider in found} == {ann_host.peer_id, bob_host.peer_id}


async def test_a_search_leaves_no_records_behind(clock):
    async with open_world() as world:
        client_store = MemoryProviderStore()
        nodes = await world.network(5)
        _, client = await world.node(is_server=False, store=client_store, bootstrap=nodes[0][0])
        await until(lambda: client.routing_table_size == 5)
        await nodes[0][1].provide(KEY)
        await client.find_providers(KEY, lambda _: None, limit=20)
        assert client_store.count() == 0


async def test_nothing_is_found_quickly_where_nothing_is(clock):
    async with open_world() as world:
        nodes = await world.network(8)
        report = await nodes[3][1].find_providers(KEY, lambda _: None, limit=20)
        assert (report.providers, report.asked, report.failed) == (0, 7, 0)
        assert report.seconds < 0.5


async def test_results_arrive_while_others_still_sleep(clock):
    async with open_world() as world:
        nodes = await world.network(8)
        await nodes[0][1].provide(KEY)
        for host, _ in nodes[2:4]:
            host.stop("frozen")
        started, arrived = trio.current_time(), []
        await nodes[7][1].find_providers(KEY, lambda _: arrived.append(trio.current_time() - started), limit=20)
        assert arrived[0] < 0.2
        assert trio.current_time() - started >= ANSWER_S


@pytest.mark.parametrize("state", ["dead", "frozen"])
async def test_half_the_network_gone(clock, state):
    async with open_world() as world:
        nodes = await world.network(16)
        await nodes[0][1].provide(KEY)
        for host, _ in nodes[1:9]:
            host.stop(state)
        _, dht = nodes[15]
        found, started = [], trio.current_time()
        await dht.find_providers(KEY, found.append, limit=20)
        assert [provider.peer_id for provider in found] == [nodes[0][0].peer_id]
        assert trio.current_time() - started < 5.0
        assert dht.routing_table_size == 7, "the dead are still in the table"
        started = trio.current_time()
        await dht.find_providers(KEY, found.append, limit=20)
        assert trio.current_time() - started < 1.0, "a second search pays for the dead again"


async def test_a_large_network_stores_at_the_k_closest_and_finds_there(clock):
    async with open_world(latency_s=0.02) as world:
        nodes = await world.network(24)
        (host, dht), (_, searcher) = nodes[7], nodes[20]
        report = await dht.provide(KEY)
        assert (report.closest, report.stored) == (20, 20)
        found = []
        lookup = await searcher.find_providers(KEY, found.append, limit=1)
        assert [provider.peer_id for provider in found] == [host.peer_id]
        assert lookup.seconds < 1.0


async def test_clients_are_in_nobody_s_table_and_still_provide_and_find(clock):
    async with open_world() as world:
        nodes = await world.network(5)
        client_host, client = await world.node(is_server=False, bootstrap=nodes[0][0])
        await until(lambda: client.routing_table_size == 5)
        assert (await client.provide(KEY)).stored == 5
        found = []
        await nodes[3][1].find_providers(KEY, found.append, limit=5)
        assert [provider.peer_id for provider in found] == [client_host.peer_id]
        await trio.sleep(60)
        assert all(dht.routing_table_size == 4 for _, dht in nodes)
        assert client_host.peer_id in nodes[0][0].peers


async def test_a_node_without_addresses_is_told_that_nobody_keeps_its_record(clock):
    async with open_world() as world:
        nodes = await world.network(4)
        _, dht = await world.node(listens=False, bootstrap=nodes[0][0])
        await until(lambda: dht.routing_table_size == 4)
        report = await dht.provide(KEY)
        assert report.stored == 0
        assert "no address" in report.reason
        assert (await nodes[0][1].find_providers(KEY, lambda _: None, limit=5)).providers == 0


async def test_a_lonely_node_says_so(clock):
    async with open_world() as world:
        _, dht = await world.node()
        report = await dht.provide(KEY)
        assert (report.closest, report.stored) == (0, 0)
        assert report.reason
        found = []
        lookup = await dht.find_providers(KEY, found.append, limit=5)
        assert (lookup.asked, len(found)) == (0, 1), "its own record is all there is"


async def test_full_servers_are_not_counted_as_holders(clock):
    async with open_world() as world:
        nodes = [await world.node(store=MemoryProviderStore(max_records=0)) for _ in range(3)]
        host, dht = await world.node()
        for other, _ in nodes:
            await host.connect(other.peer_id, other.addresses())
        await until(lambda: dht.routing_table_size == 3)
        report = await dht.provide(KEY)
        assert (report.closest, report.stored) == (3, 0)
        assert "kept" in report.reason


async def test_a_withdrawn_share_is_no_longer_offered_here(clock):
    async with open_world() as world:
        store = MemoryProviderStore()
        _, dht = await world.node(store=store)
        await dht.provide(KEY)
        assert store.count() == 1
        await dht.withdraw(KEY)
        assert store.count() == 0


async def test_find_peer_gives_addresses_of_strangers_and_of_oneself(clock):
    async with open_world() as world:
        nodes = await world.network(6)
        client_host, client = await world.node(is_server=False, bootstrap=nodes[0][0])
        stranger_host, _ = await world.node(bootstrap=nodes[0][0])
        assert stranger_host.peer_id not in client_host.peers
        await until(lambda: nodes[0][1].routing_table_size == 6)
        assert await client.find_peer(stranger_host.peer_id) == tuple(stranger_host.addresses())
        assert await client.find_peer(client_host.peer_id) == tuple(client_host.addresses())
        nobody = world.host(listens=False)
        assert await client.find_peer(nobody.peer_id) == ()


async def test_networks_with_other_protocol_ids_do_not_mix(clock):
    async with open_world() as world:
        host, dht = await world.node()
        other_host, other = await world.node(protocol_id="/other/kad/1.0.0", bootstrap=host)
        await trio.sleep(60)
        assert set(host.handlers) == {"/shoal/kad/1.0.0"}
        assert set(other_host.handlers) == {"/other/kad/1.0.0"}
        assert dht.routing_table_size == other.routing_table_size == 0


async def test_the_dead_leave_the_table_without_a_search(clock):
    async with open_world() as world:
        nodes = await world.network(5)
        for host, _ in nodes[1:3]:
            host.stop("frozen")
        await trio.sleep(400)
        assert nodes[0][1].routing_table_size == nodes[4][1].routing_table_size == 2


async def test_a_peer_that_was_away_is_back_in_the_tables_after_the_next_refresh(clock):
    async with open_world() as world:
        nodes = await world.network(5)
        away, _ = nodes[2]
        away.stop("frozen")
        others = [dht for host, dht in nodes if host is not away]
        await until(lambda: all(dht.routing_table_size == 3 for dht in others), timeout_s=400)
        away.state = "up"
        for stream in away.streams:
            stream.reset()
        await until(lambda: all(dht.routing_table_size == 4 for dht in others), timeout_s=700)


async def test_refreshing_looks_at_every_bucket(clock):
    async with open_world() as world:
        nodes = await world.network(24)
        _, dht = nodes[0]
        before = dht.statistics()
        await dht.refresh_routing_table()
        assert dht.statistics().walks == before.walks + 1 + len(before.buckets)
        assert before.since_refresh_s is None
        await trio.sleep(60)
        assert dht.statistics().since_refresh_s == pytest.approx(60)


async def test_a_node_that_was_cut_off_comes_back_by_itself(clock):
    async with open_world() as world:
        nodes = await world.network(6)
        host, dht = nodes[5]
        others = [other for other, _ in nodes[:5]]
        for other in others:
            other.state = "dead"
            other.peers.discard(host.peer_id)
        host.peers.clear()
        for stream in host.streams:
            stream.reset()
        await dht.find_providers(KEY, lambda _: None, limit=1)
        await trio.sleep(1800)
        assert dht.routing_table_size == 0
        for other in others:
            other.state = "up"
        await until(lambda: dht.routing_table_size == 5, timeout_s=15)


@pytest.mark.parametrize("key", [b"", bytes(81)])
async def test_keys_have_1_to_80_bytes(clock, key):
    async with open_world() as world:
        _, dht = await world.node()
        with pytest.raises(ValueError, match="1 to 80 bytes"):
            await dht.provide(key)
        with pytest.raises(ValueError, match="1 to 80 bytes"):
            await dht.find_providers(key, lambda _: None, limit=1)


async def test_what_the_block_raises_comes_out_as_it_is(clock):
    async with open_world() as world:
        host = world.host()
        with pytest.raises(ZeroDivisionError):
            async with open_kademlia(host, KademliaSettings(), MemoryProviderStore()):
                raise ZeroDivisionError
        assert host.handlers == {}


async def test_a_bug_in_the_upkeep_is_not_hidden_by_the_block_it_ends(clock, monkeypatch):
    async def crash(self):
        raise ZeroDivisionError

    monkeypatch.setattr(Upkeep, "run", crash)
    async with open_world() as world:
        with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
            async with open_kademlia(world.host(), KademliaSettings(), MemoryProviderStore()):
                await trio.sleep_forever()


async def test_the_block_can_be_cancelled(clock):
    async with open_world() as world:
        with trio.move_on_after(1) as scope:
            async with open_kademlia(world.host(), KademliaSettings(), MemoryProviderStore()):
                await trio.sleep_forever()
        assert scope.cancelled_caught


async def test_statistics_tell_what_happened(clock):
    async with open_world() as world:
        nodes = await world.network(5)
        await nodes[0][1].provide(KEY)
        statistics = nodes[0][1].statistics()
        assert statistics.routing_table == sum(statistics.buckets) == 4
        assert statistics.streams_out == 4
        assert statistics.streams_in >= 1
        assert statistics.walks >= 1
        assert statistics.median_walk_s > 0
        assert statistics.queries == statistics.hour_queries >= 8
        assert statistics.failures == statistics.hour_failures == statistics.queries_running == 0
        assert 0 < statistics.median_query_s <= statistics.slow_query_s
        assert sum(statistics.distances) == 4
        assert not statistics.is_client


async def test_questions_that_fail_or_are_under_way_are_told(clock):
    async with open_world() as world:
        nodes = await world.network(3)
        client = await world.node(is_server=False)
        dht = nodes[0][1]
        assert not dht.statistics().is_client
        assert client[1].statistics().is_client
        nodes[1][0].stop("frozen")
        before = dht.statistics()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dht.find_providers, KEY, lambda _: None, 1)
            await trio.sleep(ANSWER_S / 2)
            assert dht.statistics().queries_running == 1
        after = dht.statistics()
        assert (after.queries_running, after.hour_failures - before.hour_failures) == (0, 1)


async def test_many_keys_share_lookups_and_are_found_by_others(clock):
    async with open_world() as world:
        nodes = await world.network(25)
        (host, dht), *others = nodes
        keys = [multihash(str(number)) for number in range(300)]
        walks = dht.statistics().walks
        reports = await dht.provide_all(keys)
        assert all(report.stored == report.closest == 20 for report in reports.values())
        assert dht.statistics().walks - walks < 9
        assert 12 < dht.network_size < 50
        assert dht.region_bits == 0
        for key in keys[::50]:
            found = []
            await others[0][1].find_providers(key, found.append, limit=3)
            assert [provider.peer_id for provider in found] == [host.peer_id]


async def test_a_provider_finds_itself_from_afar_as_long_as_others_hold_its_record(clock):
    async with open_world() as world:
        nodes = await world.network(30)
        (host, dht), *others = nodes
        assert not await dht.finds_itself(KEY)
        await dht.provide(KEY)
        assert await dht.finds_itself(KEY)
        for _, other in others:
            await other._server.drop_record(KEY, host.peer_id)  # they forgot it, and its own record doesn't count
        assert not await dht.finds_itself(KEY)


async def test_who_knows_nobody_finds_nothing(clock):
    async with open_world() as world:
        _, dht = await world.node()
        assert not await dht.finds_itself(KEY)
