"""What is told of an item while everything about it changes."""

from __future__ import annotations

from types import SimpleNamespace

import trio

from node.services.choosing import Choosing
from node.services.snapshots import Snapshots
from node.status import TransferState
from node.swarm.rates import Rate
from protocols.bitfield import Bitfield
from tests.services.test_library import node

SLOW_BPS = 400_000.0


async def test_a_row_read_before_its_manifest_came_is_told_as_it_was_then(tmp_path):
    async with node(tmp_path) as here:
        here.host.addresses = here.host.connections = list
        snapshots = Snapshots(here.library, here.host, SimpleNamespace(bans={}))
        await Choosing(here.library).limit_node((None, SLOW_BPS))
        row = await here.get()
        assert not row.chunk_count
        await here.until_some_is_here()
        told = await snapshots.detail(row, cells=100)
        assert told.cells == ""
        told = await snapshots.detail(here.library.catalogue.get(row.cid), cells=100)
        assert "#" in told.cells


async def test_as_many_peers_are_told_of_as_are_listed(tmp_path):
    async with node(tmp_path) as here:
        here.host.addresses = here.host.connections = list
        snapshots = Snapshots(here.library, here.host, SimpleNamespace(bans={}))
        await here.get()
        row = await here.until(TransferState.SEEDING)
        with trio.fail_after(20):
            while here.library.exchange.swarms[row.cid].sessions:  # noqa: ASYNC110 - both are complete and part
                await trio.sleep(0.005)
        (peer,) = snapshots.peers(row)
        assert peer.chunks_have == peer.chunks
        told = snapshots.item(row)
        assert (told.peers_known, told.peers_connected) == (1, 0)


async def test_who_is_known_to_a_running_download_is_counted_once(tmp_path):
    async with node(tmp_path) as here:
        here.host.addresses = here.host.connections = list
        snapshots = Snapshots(here.library, here.host, SimpleNamespace(bans={}))
        await Choosing(here.library).limit_node((None, SLOW_BPS))
        row = await here.get()
        await here.until_some_is_here()
        here.library.active[row.cid].finder.add_hint("nobody", ())
        assert snapshots.item(row).peers_known == 2


async def test_the_average_speed_goes_on_over_a_pause(tmp_path):
    async with node(tmp_path) as here:
        here.host.addresses = here.host.connections = list
        snapshots = Snapshots(here.library, here.host, SimpleNamespace(bans={}))
        await Choosing(here.library).limit_node((None, SLOW_BPS))
        row = await here.get()
        await here.until_some_is_here()
        with trio.fail_after(20):
            while (await snapshots.detail(row, cells=1)).average_bps is None:  # noqa: ASYNC110 - bytes are no event
                await trio.sleep(0.05)
        before = (await snapshots.detail(row, cells=1)).average_bps
        await here.library.resume(await here.library.pause(row))
        after = (await snapshots.detail(row, cells=1)).average_bps
        assert after is not None
        assert 0.5 * before < after < 2 * before
        assert after < 4 * SLOW_BPS


async def test_of_a_share_it_is_told_how_much_of_it_others_have(tmp_path):
    async with node(tmp_path) as here:
        here.host.addresses = here.host.connections = list
        snapshots = Snapshots(here.library, here.host, SimpleNamespace(bans={}))
        await here.get()
        row = await here.until(TransferState.SEEDING)
        if active := here.library.active.get(row.cid):
            await active.ended.wait()
        swarm = here.library.exchange.swarms[row.cid]
        swarm.sessions.clear()
        assert snapshots.item(row).copies is None
        half = Bitfield(row.chunk_count)
        half.set(0)
        idle = Rate()
        swarm.sessions["leecher"] = SimpleNamespace(down=idle, up=idle, remote_have=half, address="", agent="")
        assert snapshots.item(row).copies == 1 / row.chunk_count
        swarm.sessions.clear()
