"""What is told of an item while everything about it changes."""

from __future__ import annotations

from types import SimpleNamespace

from node.services.choosing import Choosing
from node.services.snapshots import Snapshots
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
