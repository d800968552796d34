"""Many peers served by one node over streams in memory, in virtual time: fairly, within limits, whatever one does."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager

import pytest
import trio

from node.services.exchange import Exchange
from node.services.limiting import Limits
from node.swarm import upload
from protocols.exchange import MAX_REQUESTS, Cancel, Data, Reject, RejectReason, Request
from tests.services.fakes import BYTES_PER_S, CHUNK, FakeNetwork, complete_content
from tests.services.test_exchange import HandHeldPeer

MIB = 1 << 20
DATA = random.Random(9).randbytes(3 * MIB)
CHUNKS = len(DATA) // CHUNK
AHEAD = 40
"""Requests that a leecher here keeps open."""


@pytest.fixture(autouse=True)
def _turns_to_scale(monkeypatch):
    """Chunks are a sixteenth of the default here, and so are the turns that are about a chunk each."""
    monkeypatch.setattr(upload, "TURN", upload.TURN // 16)
    monkeypatch.setattr(upload, "MAX_LAG", upload.MAX_LAG // 16)


class Leecher(HandHeldPeer):
    """Asks for chunk after chunk, and counts what it gets."""

    received = 0

    async def hear_data(self) -> Data:
        data = await self.hear(Data)
        self.received += len(data.data)
        return data

    async def fetch_all(self, *, for_ever: bool = False) -> None:
        waiting = list(range(CHUNKS))
        await self.say(*(Request(waiting.pop(), 0, CHUNK) for _ in range(AHEAD)))
        while for_ever or self.received < len(DATA):
            data = await self.hear_data()
            if data.offset + len(data.data) < CHUNK:
                continue
            if for_ever:
                waiting.insert(0, data.chunk)
            if waiting:
                await self.say(Request(waiting.pop(), 0, CHUNK))

    async def fetch_on(self) -> None:
        await self.fetch_all(for_ever=True)


class Stage:
    """A seeder with limits, and the leechers that have joined it."""

    def __init__(self, exchange: Exchange, network: FakeNetwork, content) -> None:
        self.exchange = exchange
        self.network = network
        self.content = content
        self.nursery = network.nursery

    @property
    def limits(self) -> Limits:
        return self.exchange.limits

    def session(self, name: str):
        return self.exchange.swarms[self.content.cid].sessions[name]

    async def join(self, name: str) -> Leecher:
        stream = await self.network.host(name).open_stream("seeder", "/shoal/exchange/1.0.0")
        peer = Leecher(stream, self.content.cid)
        await peer.greet(self.content.geometry)
        return peer


@asynccontextmanager
async def stage(data: bytes = DATA):
    content = complete_content(data)

    async def find(cid):
        await trio.lowlevel.checkpoint()
        return content if cid == content.cid else None

    async with trio.open_nursery() as nursery:
        network = FakeNetwork(nursery)
        exchange = Exchange(network.host("seeder"), find, "shoal/test")
        await nursery.start(exchange.run)
        network.handlers["seeder"] = exchange.accept
        yield Stage(exchange, network, content)
        nursery.cancel_scope.cancel()


async def test_eight_leechers_at_once_end_together_though_they_swap_nothing(autojump_clock):
    async with stage() as here:
        here.limits.node.set(BYTES_PER_S, None)
        times: list[float] = []

        async def fetch(peer: Leecher) -> None:
            await peer.fetch_all()
            times.append(trio.current_time())

        peers = [await here.join(f"leecher-{number}") for number in range(8)]
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            for peer in peers:
                nursery.start_soon(fetch, peer)
        assert max(times) - started <= 1.25 * (min(times) - started)
        assert max(times) - started <= 1.05 * 8 * len(DATA) / BYTES_PER_S, "the line was busy all the time"


async def test_a_free_rider_gets_less_than_those_who_give_but_gets_something(autojump_clock):
    async with stage() as here:
        here.limits.node.set(1e6, None)
        givers, rider = [await here.join("giver-1"), await here.join("giver-2")], await here.join("rider")

        async def give() -> None:
            while True:
                for name in ("giver-1", "giver-2"):
                    here.session(name).down.add(200_000, trio.current_time())
                await trio.sleep(0.5)

        here.nursery.start_soon(give)
        for peer in (*givers, rider):
            here.nursery.start_soon(peer.fetch_on)
        await trio.sleep(20)
        before = [peer.received for peer in (*givers, rider)]
        await trio.sleep(60)
        gained = [peer.received - had for peer, had in zip((*givers, rider), before, strict=True)]
        assert min(gained[:2]) >= 2 * gained[2]
        assert gained[2] >= 0.05 * sum(gained), "who gives nothing yet must be able to begin"


async def test_a_flood_of_requests_does_not_make_others_wait(autojump_clock):
    async with stage() as here:
        here.limits.node.set(1e6, None)
        flood, modest = await here.join("flood"), await here.join("modest")
        await flood.say(*(Request(number % CHUNKS, number // CHUNKS * 5000, 5000) for number in range(MAX_REQUESTS)))
        await flood.hear_data()
        started = trio.current_time()
        assert len(await modest.fetch(5, here.content)) == CHUNK
        assert trio.current_time() - started < 1.0, "not behind the 2.5 MB that the other has asked for"


async def test_a_peer_that_reads_slowly_gets_its_own_pace_and_costs_the_others_nothing(autojump_clock):
    async with stage() as here:
        slow, fast = await here.join("slow"), await here.join("fast")

        async def trickle() -> None:
            await slow.say(*(Request(chunk, 0, CHUNK) for chunk in range(40)))
            while True:
                await slow.hear_data()
                await trio.sleep(1)

        here.nursery.start_soon(trickle)
        here.nursery.start_soon(fast.fetch_on)
        await trio.sleep(8)
        assert fast.received >= 0.9 * 8 * BYTES_PER_S
        assert slow.received >= 7 * CHUNK


async def test_a_request_cancelled_half_way_ends_with_reject_after_its_data(autojump_clock):
    async with stage() as here:
        here.limits.node.set(50_000, None)
        peer = await here.join("leecher")
        await peer.say(Request(0, 0, CHUNK), Request(1, 0, CHUNK))
        await peer.hear_data()
        await peer.say(Cancel(0, 0, CHUNK))
        ended = await peer.hear(Reject)
        assert (ended.chunk, ended.reason) == (0, RejectReason.CANCELLED)
        assert len(await peer.rest_of(1, here.content)) == CHUNK


async def test_a_file_that_breaks_half_way_ends_its_requests_and_not_the_session(autojump_clock):
    async with stage() as here:
        here.limits.node.set(50_000, None)
        peer = await here.join("leecher")
        await peer.say(Request(0, 0, CHUNK), Request(1, 0, CHUNK))
        await peer.hear_data()
        here.content.reader.broken.add(0)
        assert (await peer.hear(Reject)).reason is RejectReason.UNAVAILABLE
        assert len(await peer.rest_of(1, here.content)) == CHUNK


async def test_limits_of_node_and_share_hold_and_change_at_once(autojump_clock):
    async with stage() as here:
        peer = await here.join("leecher")
        here.nursery.start_soon(peer.fetch_on)

        async def speed(seconds: float = 10.0) -> float:
            await trio.sleep(2)
            before = peer.received
            await trio.sleep(seconds)
            return (peer.received - before) / seconds

        share = here.limits.of(here.content.cid)
        here.limits.node.set(3e5, None)
        assert await speed() == pytest.approx(3e5, rel=0.1)
        share.set(1e5, None)
        assert await speed() == pytest.approx(1e5, rel=0.1)
        share.set(0, None)
        assert await speed() == 0
        share.set(None, None)
        assert await speed() == pytest.approx(3e5, rel=0.1)
        here.limits.node.set(None, None)
        assert await speed(2) > 5e6


async def test_a_bug_met_in_serving_costs_the_sessions_and_not_the_node(autojump_clock):
    async with stage() as here:
        peer = await here.join("leecher")
        read, here.content.reader.read = here.content.reader.read, None
        await peer.say(Request(0, 0, CHUNK))
        with pytest.raises(trio.BrokenResourceError):
            await peer.hear_data()
        here.content.reader.read = read
        again = await here.join("leecher")
        assert len(await again.fetch(0, here.content)) == CHUNK
