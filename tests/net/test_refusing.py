"""Peers that this node has nothing to do with: neither dialled nor let in, until that is taken back."""

from __future__ import annotations

from contextlib import suppress

import pytest

from node.net.errors import DialError
from node.net.host import open_host
from tests.net.hosts import open_pair, settings, until


async def test_a_refused_peer_can_neither_be_dialled_nor_come_in():
    async with open_pair() as (here, stranger):
        here.refuse(frozenset({stranger.peer_id}))
        await here.disconnect(stranger.peer_id)
        with pytest.raises(DialError, match="banned here"):
            await here.connect(stranger.addresses()[0])
        with suppress(DialError):
            await stranger.connect(here.addresses()[0])  # it may take the connection for made until it is closed

        async def is_gone() -> bool:
            return not here.connections() and not stranger.connections()

        await until(is_gone)
        async with open_host(settings()) as other:
            await other.connect(here.addresses()[0])

        here.refuse(frozenset())
        await stranger.connect(here.addresses()[0])
        assert stranger.peer_id in [each.peer_id for each in here.connections()]


async def test_a_connection_tells_what_its_peer_runs():
    async with open_pair(agent="shoal/9.9") as (here, _):

        async def is_told() -> bool:
            return [each.agent for each in here.connections()] == ["shoal/9.9"]

        await until(is_told)
