"""The bytes that moved: each counted once, whoever comes and goes, and whatever fails."""

from __future__ import annotations

import threading

import pytest
import trio
import trio.testing

from node.services.session import PeerSession
from node.services.swarms import LEDGER_PEERS, Swarm
from node.services.totals import Totals
from node.store.errors import DiskFull
from protocols.exchange import Connection
from tests.services.fakes import stream_pair
from tests.services.test_exchange import CONTENT, connect, seeder

SIZES = {"request_limit": 1 << 20, "max_manifest_size": 1 << 23, "max_page_size": 1 << 19}


class Ledger:
    """A catalogue that is told of totals; it may wait to be let go on, and has no room for one change."""

    def __init__(self) -> None:
        self.sent = 0
        self.refused: int | None = None
        self.may_go_on = threading.Event()

    def add_totals(self, changes) -> None:
        self.may_go_on.wait(20)
        for _, sent in changes.values():
            if sent == self.refused:
                self.refused = None
                raise DiskFull("the disk is full")
            self.sent += sent


def moved(peer: str, sent: int) -> PeerSession:
    session = PeerSession(stream_pair("here", peer)[0], Connection(CONTENT.cid, **SIZES), outbound=True, now=0.0)
    session.up.add(sent, 0.0)
    return session


async def test_what_passed_counts_although_its_peer_is_forgotten():
    swarm = Swarm(CONTENT.cid)
    for number in range(LEDGER_PEERS + 10):
        swarm.settle(moved(f"peer {number}", 1000))
        assert swarm.total_sent == 1000 * (number + 1)
    assert len(swarm.ledger) == LEDGER_PEERS


async def test_what_passed_counts_although_another_session_takes_the_place(autojump_clock):
    async with seeder() as (exchange, network):
        peer = await connect(network)
        await peer.greet()
        await peer.fetch(0)
        sent = exchange.swarms[CONTENT.cid].total_sent
        assert sent > 0
        again = await connect(network)
        await again.greet()
        assert exchange.swarms[CONTENT.cid].total_sent == sent
        await trio.sleep(20)
        assert exchange.swarms[CONTENT.cid].total_sent == sent


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_what_could_not_be_saved_is_saved_the_next_time_and_once(is_cancelled):
    async with seeder() as (exchange, _):
        ledger = Ledger()
        totals = Totals(ledger, exchange)
        swarm = exchange.swarm(CONTENT.cid)
        swarm.settle(moved("a", 1000))
        if is_cancelled:
            with trio.CancelScope() as scope:
                scope.cancel()
                await totals.save()
            ledger.may_go_on.set()
        else:
            ledger.refused = 1000
            async with trio.open_nursery() as nursery:
                nursery.start_soon(totals.save)
                await trio.testing.wait_all_tasks_blocked()
                swarm.settle(moved("b", 500))
                nursery.start_soon(totals.save)
                await trio.testing.wait_all_tasks_blocked()
                ledger.may_go_on.set()
        await totals.save()
        assert ledger.sent == swarm.total_sent
        assert totals.unsaved(CONTENT.cid) == (0, 0)
