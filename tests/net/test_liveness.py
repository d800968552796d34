"""Peers that are gone without a word are noticed, and those that ask whether we are there get an answer."""

from __future__ import annotations

import trio
from libp2p.host.ping import PingService
from libp2p.peer.id import ID

from node.net import addresses as multiaddrs
from node.net import liveness
from node.net.host import open_host
from tests.net.hosts import (
    ECHO,
    FreezingProxy,
    connect_stock,
    echo,
    open_pair,
    open_stock_host,
    read_exactly,
    roundtrip,
    settings,
    until,
)

NOTICED_S = 30.0
PATIENCE_S = 600.0  # of a clock that hurries; that it takes no more than NOTICED_S is proved where there is no machine


async def test_a_frozen_path_is_noticed_on_both_sides(hurried_clock):
    proxy = FreezingProxy()
    gone: list[str] = []
    async with open_host(settings()) as one, open_host(settings()) as two:
        one.on_disconnected(gone.append)
        two.on_disconnected(gone.append)
        one.set_handler(ECHO, echo)
        async with proxy.relay_to(multiaddrs.socket_address(one.addresses()[0])[1]):
            await two.connect(f"/ip4/127.0.0.1/tcp/{proxy.port}/p2p/{one.peer_id}")
            await trio.sleep(NOTICED_S)  # pings are answered meanwhile
            await roundtrip(two, one.peer_id)
            proxy.freeze()
            await until(lambda: not one.connections() and not two.connections(), PATIENCE_S)
            await until(lambda: sorted(gone) == sorted([one.peer_id, two.peer_id]))


async def test_pings_are_answered():
    async with open_pair() as (one, two), await two.open_stream(one.peer_id, liveness.PING) as stream:
        for number in range(3):
            await stream.send_all(bytes([number]) * liveness.PING_SIZE)
            assert await read_exactly(stream, liveness.PING_SIZE) == bytes([number]) * liveness.PING_SIZE


async def test_the_librarys_own_hosts_get_answers():
    async with open_host(settings()) as one, open_stock_host() as stock:
        await connect_stock(stock, one)
        assert len(await PingService(stock).ping(ID.from_base58(one.peer_id), 3)) == 3


async def test_a_peer_that_stops_asking_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(liveness, "IDLE_TIMEOUT_S", 0.05)
    async with open_pair() as (one, two), await two.open_stream(one.peer_id, liveness.PING) as stream:
        assert await stream.receive_some() == b""
