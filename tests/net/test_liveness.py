"""Peers that are gone without a word are noticed, and those that are only busy are not."""

from __future__ import annotations

import pytest
import trio

from node.net import addresses as multiaddrs
from node.net import liveness
from node.net.host import open_host
from node.net.streams import Traffic
from tests.net.hosts import ECHO, FreezingProxy, echo, open_pair, open_stock_host, roundtrip, settings, until

INTERVAL_S = 15.0


async def died_after(traffic: Traffic, ping_once) -> float:
    started = trio.current_time()
    await liveness.wait_dead(ping_once, traffic, interval_s=INTERVAL_S)
    return trio.current_time() - started


async def test_a_silent_peer_is_dead_after_two_misses(autojump_clock):
    assert await died_after(Traffic(), trio.sleep_forever) == pytest.approx(4 * INTERVAL_S)


async def test_a_peer_that_refuses_pings_at_once_is_dead_no_later(autojump_clock):
    assert await died_after(Traffic(), trio.lowlevel.checkpoint) == pytest.approx(2 * INTERVAL_S)


async def test_answers_keep_a_peer_alive(autojump_clock):
    traffic = Traffic()

    async def answered() -> None:
        traffic.received += 32

    with trio.move_on_after(100 * INTERVAL_S) as scope:
        await liveness.wait_dead(answered, traffic, interval_s=INTERVAL_S)
    assert scope.cancelled_caught


async def test_one_lost_answer_is_forgiven(autojump_clock):
    traffic, pings = Traffic(), 0

    async def every_other() -> None:
        nonlocal pings
        pings += 1
        traffic.received += 32 * (pings % 2)

    with trio.move_on_after(100 * INTERVAL_S) as scope:
        await liveness.wait_dead(every_other, traffic, interval_s=INTERVAL_S)
    assert scope.cancelled_caught
    assert pings > 50


async def test_a_peer_that_sends_is_not_pinged(autojump_clock):
    traffic = Traffic()

    async def never() -> None:
        pytest.fail("pinged a busy peer")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(liveness.wait_dead, never, traffic)
        for _ in range(20):
            await trio.sleep(liveness.PING_INTERVAL_S * 0.9)
            traffic.received += 1
        nursery.cancel_scope.cancel()


async def test_a_frozen_path_is_noticed_on_both_sides():
    proxy = FreezingProxy()
    gone: list[str] = []
    async with open_host(settings(ping_interval_s=0.2)) as one, open_host(settings(ping_interval_s=0.2)) as two:
        one.on_disconnected(gone.append)
        two.on_disconnected(gone.append)
        one.set_handler(ECHO, echo)
        async with proxy.relay_to(multiaddrs.socket_address(one.addresses()[0])[1]):
            await two.connect(f"/ip4/127.0.0.1/tcp/{proxy.port}/p2p/{one.peer_id}")
            await trio.sleep(1)  # several pings are answered meanwhile
            await roundtrip(two, one.peer_id)
            proxy.freeze()
            await until(lambda: not one.connections() and not two.connections(), 4)
            await until(lambda: sorted(gone) == sorted([one.peer_id, two.peer_id]))


async def test_the_librarys_own_hosts_answer_our_pings_and_get_answers():
    async with open_host(settings(ping_interval_s=0.05)) as one, open_stock_host() as stock:
        await one.connect(str(stock.get_addrs()[0]))
        received = one.connections()[0].received
        await until(lambda: one.connections()[0].received > received + 5 * liveness.PING_SIZE)


async def test_pings_are_answered():
    async with open_pair() as (one, two), await two.open_stream(one.peer_id, liveness.PING) as stream:
        for _ in range(3):
            assert 0 < await liveness.ping(stream) < 1


async def test_a_wrong_answer_to_a_ping_is_none():
    async with open_pair() as (one, two):

        async def liar(stream) -> None:
            await stream.send_all(bytes(liveness.PING_SIZE))

        one.set_handler(liveness.PING, liar)
        async with await two.open_stream(one.peer_id, liveness.PING) as stream:
            with pytest.raises(trio.BrokenResourceError):
                await liveness.ping(stream)
