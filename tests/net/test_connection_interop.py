"""Our connection layer against plain py-libp2p on the other side, in both roles."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio
from libp2p.abc import IHost, INetStream
from libp2p.host.ping import PingService
from libp2p.network.stream.exceptions import StreamEOF, StreamError, StreamReset

from node.net.muxed_stream import MuxedConnectionLost
from tests.net.muxed_hosts import Hosts, open_hosts, until

ECHO, SINK, SOURCE, HOLD = "/test/echo/1", "/test/sink/1", "/test/source/1", "/test/hold/1"
BULK = 6 << 20
BLOCK = hashlib.sha256(b"block").digest() * 8192  # 256 KiB


async def echo(stream: INetStream) -> None:
    """Sends back what comes until the end, then ends too."""
    try:
        while True:
            await stream.write(await stream.read(65_536))
    except StreamEOF:
        await stream.close()


async def sink(stream: INetStream) -> None:
    """Reads to the end and answers with the digest of it."""
    digest = hashlib.sha256()
    try:
        while True:
            digest.update(await stream.read(65_536))
    except StreamEOF:
        await stream.write(digest.digest())
        await stream.close()


async def source(stream: INetStream) -> None:
    """Sends BULK bytes and the digest of them."""
    for _ in range(BULK // len(BLOCK)):
        await stream.write(BLOCK)
    await stream.write(hashlib.sha256(BLOCK * (BULK // len(BLOCK))).digest())
    await stream.close()


async def hold(stream: INetStream) -> None:
    """Keeps the stream open and does nothing."""
    await trio.sleep_forever()


@pytest.fixture(params=[True, False], ids=["we dial", "they dial"])
async def hosts(request: pytest.FixtureRequest) -> AsyncIterator[Hosts]:
    async with open_hosts(we_dial=request.param) as pair:
        for host in (pair.ours, pair.stock):
            for protocol, handler in ((ECHO, echo), (SINK, sink), (SOURCE, source), (HOLD, hold)):
                host.set_stream_handler(protocol, handler)
        yield pair


def each(hosts: Hosts) -> tuple[IHost, IHost]:
    return hosts.ours, hosts.stock


async def read_exactly(stream: INetStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await stream.read(size - len(data))
    return data


async def upload(hosts: Hosts, opener: IHost) -> None:
    stream = await hosts.open(opener, SINK)
    digest = hashlib.sha256()
    for _ in range(BULK // len(BLOCK)):
        await stream.write(BLOCK)
        digest.update(BLOCK)
    await stream.close_write()
    assert await read_exactly(stream, 32) == digest.digest()


async def download(hosts: Hosts, opener: IHost, pause_s: float = 0) -> None:
    stream = await hosts.open(opener, SOURCE)
    if pause_s:
        await read_exactly(stream, 1)
        await trio.sleep(pause_s)
        data = BLOCK[:1] + await read_exactly(stream, BULK - 1)
    else:
        data = await read_exactly(stream, BULK)
    assert await read_exactly(stream, 32) == hashlib.sha256(data).digest()
    with pytest.raises(StreamEOF):
        await stream.read(1)


async def ping_pong(hosts: Hosts, opener: IHost, number: int, gate: trio.Event | None = None) -> None:
    stream = await hosts.open(opener, ECHO)
    if gate is not None:
        await gate.wait()
    message = number.to_bytes(4) * 100
    await stream.write(message)
    assert await read_exactly(stream, len(message)) == message
    await stream.close()


async def test_small_messages(hosts: Hosts):
    for opener in each(hosts):
        await ping_pong(hosts, opener, 1)


async def test_bulk_both_ways_at_once(hosts: Hosts):
    async with trio.open_nursery() as nursery:
        for opener in each(hosts):
            nursery.start_soon(upload, hosts, opener)
            nursery.start_soon(download, hosts, opener)


async def test_two_hundred_streams_at_once(hosts: Hosts):
    opened, gate = 0, trio.Event()
    limiter = trio.CapacityLimiter(20)  # py-libp2p negotiates a few at a time and gives the rest up

    async def one(opener: IHost, number: int) -> None:
        nonlocal opened
        async with limiter:
            stream = await hosts.open(opener, ECHO)
        opened += 1
        if opened == 200:
            gate.set()
        await gate.wait()
        message = number.to_bytes(4) * 100
        await stream.write(message)
        assert await read_exactly(stream, len(message)) == message
        await stream.close()

    async with trio.open_nursery() as nursery:
        for number in range(100):
            for opener in each(hosts):
                nursery.start_soon(one, opener, number)
    await until(lambda: len(hosts.connection.session.streams) < 5)


async def test_half_close(hosts: Hosts):
    for opener in each(hosts):
        stream = await hosts.open(opener, ECHO)
        await stream.write(b"question")
        await stream.close_write()
        assert await read_exactly(stream, 8) == b"question"
        with pytest.raises(StreamEOF):
            await stream.read(1)


async def test_a_reset_by_the_stock_side_is_told_from_an_end(hosts: Hosts):
    async def abandon(stream: INetStream) -> None:
        await stream.read(1)
        await stream.reset()

    for opener, handler_of in ((hosts.ours, hosts.stock), (hosts.stock, hosts.ours)):
        seen: list[type[Exception]] = []

        async def watch(stream: INetStream, seen: list[type[Exception]] = seen) -> None:
            await stream.write(b"x")
            try:
                while True:
                    await stream.read(1)
            except StreamError as error:
                seen.append(type(error))

        if opener is hosts.ours:
            handler_of.set_stream_handler("/test/abandon/1", abandon)
            await watch(await hosts.open(opener, "/test/abandon/1"))
        else:
            handler_of.set_stream_handler("/test/watch/1", watch)
            stream = await hosts.open(opener, "/test/watch/1")
            await abandon(stream)
            await until(partial(bool, seen))
        assert seen == [StreamReset]


async def test_a_reset_of_ours_reaches_the_stock_side_and_nobody_else(hosts: Hosts):
    stream = await hosts.open(hosts.ours, HOLD)
    await stream.write(b"x")
    (stock,) = hosts.stock.get_network().get_connections(hosts.ours.get_id())
    await until(lambda: any(s.get_protocol() == HOLD for s in stock.get_streams()))
    held = next(s for s in stock.get_streams() if s.get_protocol() == HOLD)
    await stream.reset()
    await until(lambda: held.muxed_stream.reset_received)
    await ping_pong(hosts, hosts.ours, 1)


@pytest.mark.parametrize("who", ["ours", "stock"])
async def test_a_slow_reader(hosts: Hosts, who: str):
    await download(hosts, getattr(hosts, who), pause_s=0.3)


async def test_a_stream_that_the_stock_side_never_reads_stops_no_other(hosts: Hosts):
    stream = await hosts.open(hosts.ours, HOLD)
    with trio.move_on_after(0.2):
        while True:
            await stream.write(BLOCK)
    await upload(hosts, hosts.ours)
    await download(hosts, hosts.stock)


async def test_a_storm_of_timeouts_harms_nobody(hosts: Hosts):
    stream = await hosts.open(hosts.ours, ECHO)
    sent = received = b""
    for number in range(300):
        message = number.to_bytes(4) * (1 + number * 7 % 500)
        with trio.move_on_after(number % 5 * 0.0001):
            await stream.write(message)
            sent += message
        with trio.move_on_after(number % 7 * 0.0001):
            received += await stream.read(1 + number * 11 % 3000)
    await stream.close_write()
    received += await read_exactly(stream, len(sent) - len(received))
    with pytest.raises(StreamEOF):
        await stream.read(1)
    assert received == sent
    await ping_pong(hosts, hosts.stock, 1)


async def test_goodbye_from_the_stock_side(hosts: Hosts):
    stream = await hosts.open(hosts.ours, HOLD)
    connection = hosts.connection
    await hosts.stock.disconnect(hosts.ours.get_id())
    with pytest.raises(MuxedConnectionLost):  # neither an end nor a reset
        await stream.muxed_stream.read(1)
    await connection.event_closed.wait()
    await until(lambda: not hosts.ours.get_network().get_connections())


async def test_goodbye_to_the_stock_side(hosts: Hosts):
    await hosts.ours.disconnect(hosts.stock.get_id())
    await until(lambda: not hosts.stock.get_network().get_connections())


async def test_identify_and_ping(hosts: Hosts):
    await until(lambda: "/ipfs/ping/1.0.0" in _protocols(hosts.ours, hosts.stock.get_id()))
    await until(lambda: "/ipfs/ping/1.0.0" in _protocols(hosts.stock, hosts.ours.get_id()))
    for opener in each(hosts):
        assert len(await PingService(opener).ping(hosts.other(opener).get_id(), 3)) == 3


def _protocols(host: IHost, peer_id) -> list[str]:
    try:
        return list(host.get_peerstore().get_protocols(peer_id))
    except Exception:
        return []
