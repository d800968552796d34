"""Getting into the network: whom to dial, when to try again, and what is said of it."""

from __future__ import annotations

import trio

from node.errors import NoPeersError
from node.services.bootstrapping import LONGEST_PAUSE_S, Bootstrapping

BOOTSTRAP = "/ip4/192.0.2.1/tcp/4001/p2p/first"


class FakeNetwork:
    def __init__(self):
        self.up = set()
        self.dialled = []
        self.connected = []

    async def connect(self, target):
        await trio.sleep(0.1)
        self.dialled.append(target)
        if target not in self.up:
            raise NoPeersError("nobody there")
        self.connected.append(target)
        return target

    def connections(self):
        return self.connected


class FakeBook:
    peers = (("old", "/ip4/192.0.2.9/tcp/4001"),)

    async def recent(self, limit):
        await trio.lowlevel.checkpoint()
        return self.peers[:limit]


def start(nursery, network, servers=lambda: 1):
    nursery.start_soon(Bootstrapping(network, servers, (BOOTSTRAP,), FakeBook()).run)


async def test_the_named_and_the_remembered_are_dialled_at_the_start(autojump_clock, nursery):
    network = FakeNetwork()
    network.up = {BOOTSTRAP}
    start(nursery, network)
    await trio.sleep(1)
    assert sorted(network.dialled) == [BOOTSTRAP, "/ip4/192.0.2.9/tcp/4001/p2p/old"]
    await trio.sleep(1000)
    assert len(network.dialled) == 2


async def test_who_is_alone_tries_again_and_says_a_reason_once(autojump_clock, nursery, caplog):
    network = FakeNetwork()
    start(nursery, network)
    await trio.sleep(10 * LONGEST_PAUSE_S)
    assert 2 * 10 < len(network.dialled) < 2 * 20
    assert caplog.text.count("nobody there") == 1
    network.up = {BOOTSTRAP}
    await trio.sleep(2 * LONGEST_PAUSE_S)
    tries = len(network.dialled)
    await trio.sleep(10 * LONGEST_PAUSE_S)
    assert len(network.dialled) == tries
    network.connected.clear()
    await trio.sleep(5)
    assert network.connected == [BOOTSTRAP]


async def test_company_that_is_no_dht_server_is_no_network(autojump_clock, nursery):
    network = FakeNetwork()
    network.connected = ["a stranger on the LAN"]
    known = 0
    start(nursery, network, lambda: known)
    await trio.sleep(2 * LONGEST_PAUSE_S)
    tries = len(network.dialled)
    assert tries > 4
    known = 1
    await trio.sleep(LONGEST_PAUSE_S)
    tries = len(network.dialled)
    await trio.sleep(10 * LONGEST_PAUSE_S)
    assert len(network.dialled) == tries
