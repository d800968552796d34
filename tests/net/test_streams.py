"""A PeerStream is a trio stream: its ends, its limits, and what cancelling does to everybody else."""

from __future__ import annotations

import random

import pytest
import trio
import trio.lowlevel
import trio.testing
from libp2p.peer.id import ID

from node.net import muxed_stream
from node.net.errors import ConnectionLost, StreamReset
from node.net.host import Host, open_host
from node.net.streams import PeerStream
from protocols.yamux import INITIAL_WINDOW
from tests.net.hosts import DEADLINE_S, ECHO, echo, open_pair, read_exactly, roundtrip, settings, until
from tests.timing import attempts

PLAIN = "/test/plain/1.0.0"


class Acceptor:
    """A handler that hands its streams to the test and keeps them until their host closes."""

    def __init__(self, host: Host) -> None:
        self._send, self._receive = trio.open_memory_channel[PeerStream](64)
        host.set_handler(PLAIN, self._handle)

    async def _handle(self, stream: PeerStream) -> None:
        await self._send.send(stream)
        await trio.sleep_forever()

    async def pair(self, opener: Host, acceptor: Host) -> tuple[PeerStream, PeerStream]:
        """Both ends of a new stream."""
        return await opener.open_stream(acceptor.peer_id, PLAIN), await self._receive.receive()


async def clog(stream: PeerStream) -> int:
    """Send until nothing moves any more; how many bytes went."""
    sent = 0
    while True:
        with trio.move_on_after(0.05) as scope:
            await stream.send_all(bytes(65_536))
        if not scope.cancelled_caught:
            sent += 65_536
        elif stream._muxed._stream.send_window == 0:  # else it is but slow: this machine has other things to do
            return sent


def muxed_connection(host: Host, peer: Host):
    """One side's muxer of the one connection between two hosts."""
    (connection,) = host.raw.get_network().get_connections(ID.from_base58(peer.peer_id))
    return connection.muxed_conn


@pytest.mark.slow
async def test_it_does_what_every_trio_stream_does(monkeypatch):
    monkeypatch.setattr(muxed_stream, "SEND_LIMIT", 1 << 16)  # sooner clogged
    async with open_pair() as (one, two):
        acceptor = Acceptor(one)

        async def make() -> tuple[PeerStream, PeerStream]:
            return await acceptor.pair(two, one)

        async def make_clogged() -> tuple[PeerStream, PeerStream]:
            left, right = await acceptor.pair(two, one)
            for stream in (left, right):
                await clog(stream)
            return left, right

        with trio.fail_after(DEADLINE_S):
            await trio.testing.check_half_closeable_stream(make, make_clogged)


async def test_bytes_arrive_whole_both_ways_in_every_size():
    rng = random.Random(7)
    data = rng.randbytes(3_000_000)
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)

        async def send(stream: PeerStream) -> None:
            position = 0
            while position < len(data):
                size = rng.choice([1, 7, 1000, 65_507, 65_508, 200_000, 700_000])
                await stream.send_all(memoryview(data)[position : position + size])
                position += size
            await stream.send_eof()

        async def receive(stream: PeerStream) -> None:
            received = bytearray()
            while more := await stream.receive_some(rng.choice([None, 1, 1000, 100_000])):
                received += more
            assert received == data

        async with trio.open_nursery() as nursery:
            for stream in (left, right):
                nursery.start_soon(send, stream)
                nursery.start_soon(receive, stream)


async def test_a_fin_is_an_end_and_half_a_close():
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        await left.send_all(b"question")
        await left.send_eof()
        assert await read_exactly(right, 100) == b"question"
        assert await right.receive_some() == b""
        await right.send_all(b"answer")
        await right.aclose()
        assert await read_exactly(left, 100) == b"answer"
        assert await left.receive_some() == b""
        with pytest.raises(trio.ClosedResourceError):
            await left.send_all(b"too late")
        await until(lambda: two.connections()[0].streams == one.connections()[0].streams == 0)


async def test_a_reset_is_not_an_end_and_what_came_before_it_is_not_lost():
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        await left.send_all(b"half a mess")
        await until(lambda: right._muxed._stream.unread == 11)
        left.reset()
        assert await right.receive_some() == b"half a mess"
        with pytest.raises(StreamReset):
            await right.receive_some()
        with pytest.raises(StreamReset):
            await right.send_all(b"hello?")
        with pytest.raises(trio.ClosedResourceError):
            await left.receive_some()


async def test_a_lost_connection_is_neither_end_nor_reset():
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        await left.send_all(b"last words")
        await until(lambda: right._muxed._stream.unread == 10)
        await muxed_connection(two, one).secured_conn.close()  # the cable is cut
        assert await right.receive_some() == b"last words"
        for stream in (left, right):
            with pytest.raises(ConnectionLost):
                await stream.receive_some()
            with pytest.raises(ConnectionLost):
                await stream.send_all(b"hello?")


async def test_a_peer_that_says_goodbye_is_a_lost_connection_too():
    async with open_host(settings()) as one:
        acceptor = Acceptor(one)
        async with open_host(settings()) as two:
            await two.connect(one.addresses()[0])
            _, right = await acceptor.pair(two, one)
        with pytest.raises(ConnectionLost):
            await right.receive_some()


async def test_cancelled_receives_lose_nothing():
    messages = [str(number).encode().zfill(8) for number in range(400)]
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        left, right = await Acceptor(one).pair(two, one)
        received = bytearray()
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                for message in messages:
                    await left.send_all(message)
                    await trio.lowlevel.checkpoint()
                await left.send_eof()

            nursery.start_soon(send)
            ended = False
            while not ended:
                with trio.move_on_after(0.0005):
                    more = await right.receive_some(5)
                    received += more
                    ended = not more
        assert received == b"".join(messages)
        await roundtrip(two, one.peer_id)


async def test_cancelled_sends_send_all_or_nothing_and_hurt_no_other_stream():
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        acceptor = Acceptor(one)
        bulk_left, bulk_right = await acceptor.pair(two, one)
        left, right = await acceptor.pair(two, one)
        bulk, message = 24 << 20, b"m" * 99_991
        sent = 0

        async def send_bulk() -> None:
            for _ in range(bulk >> 18):
                await bulk_left.send_all(bytes(1 << 18))
            await bulk_left.send_eof()

        async def receive_bulk() -> None:
            assert len(await read_exactly(bulk_right, bulk + 1)) == bulk

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_bulk)
            nursery.start_soon(receive_bulk)
            received: list[int] = []

            async def receive() -> None:
                while more := await right.receive_some():
                    received.append(len(more))
                    await trio.sleep(0.002)  # a slow reader: the sender's queue fills and its sends are cancelled

            nursery.start_soon(receive)
            cancelled = 0
            while cancelled < 20 or sent < 20 * len(message):
                with trio.move_on_after(0.001) as scope:
                    await left.send_all(message)
                cancelled += scope.cancelled_caught
                sent += 0 if scope.cancelled_caught else len(message)
            await left.send_eof()
        assert sum(received) == sent
        await roundtrip(two, one.peer_id)


async def test_a_cancelled_open_leaves_no_stream_and_no_broken_connection():
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        for delay in range(40):
            with trio.move_on_after(delay * 0.0002):
                stream = await two.open_stream(one.peer_id, ECHO)
                stream.reset()
        await roundtrip(two, one.peer_id)
        await until(lambda: two.connections()[0].streams == one.connections()[0].streams == 0)


async def test_a_receiver_may_pause(hurried_clock):
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        size = 20 << 20  # more than every buffer on the way
        async with trio.open_nursery() as nursery:
            nursery.start_soon(left.send_all, bytes(size))
            await trio.sleep(6)  # stock yamux breaks a stream whose window has been closed for five seconds
            assert len(await read_exactly(right, size)) == size
        await left.send_all(b"and on")
        assert await read_exactly(right, 6) == b"and on"


async def test_a_sender_waits_for_a_receiver_that_does_not_read():
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        sent = await clog(left)
        assert sent <= INITIAL_WINDOW + muxed_stream.SEND_LIMIT + 65_536
        received = 0
        while received < sent:
            received += len(await right.receive_some())


async def test_the_caller_may_change_a_buffer_that_it_has_sent():
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        buffer = bytearray(b"before")
        await left.send_all(buffer)
        buffer[:] = b"after!"
        await left.send_all(memoryview(buffer))
        buffer[:] = b"never!"
        assert await read_exactly(right, 12) == b"beforeafter!"


async def test_two_tasks_cannot_use_one_direction_at_once():
    async with open_pair() as (one, two):
        left, _ = await Acceptor(one).pair(two, one)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(left.receive_some)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await left.receive_some()
            nursery.cancel_scope.cancel()


async def test_closed_streams_are_forgotten_on_both_sides():
    async with open_pair() as (one, two):
        one.set_handler(ECHO, echo)
        tasks = trio.lowlevel.current_statistics().tasks_living
        for number in range(60):
            stream = await two.open_stream(one.peer_id, ECHO)
            await stream.send_all(b"x")
            if number % 3 == 0:
                stream.reset()
            else:
                await stream.receive_some()
                await stream.aclose()
        ends = [muxed_connection(one, two), muxed_connection(two, one)]
        await until(lambda: not any(end.session.streams for end in ends))
        (connection,) = one.raw.get_network().get_connections()
        await until(lambda: not connection.get_streams())
        await until(lambda: trio.lowlevel.current_statistics().tasks_living <= tasks)


async def test_a_peer_that_goes_on_sending_to_a_closed_stream_is_told_to_stop():
    async with open_pair() as (one, two):
        left, right = await Acceptor(one).pair(two, one)
        await left.aclose()

        async def send_for_ever() -> None:
            while True:
                await right.send_all(bytes(65_536))

        with trio.fail_after(DEADLINE_S), pytest.raises(StreamReset):
            await send_for_ever()


async def test_a_peer_that_does_not_read_cannot_hold_up_a_close():
    async with open_pair() as (one, two):
        acceptor = Acceptor(one)
        for attempt in attempts(0.5):
            left, right = await acceptor.pair(two, one)
            sent = await clog(left)
            with attempt:
                await left.aclose()
            assert len(await read_exactly(right, sent + 1)) == sent  # and nothing is lost if it reads after all


async def test_a_handler_that_forgets_its_stream_does_not_leave_the_peer_hanging():
    async with open_pair() as (one, two):

        async def forgetful(stream: PeerStream) -> None:
            await stream.send_all(b"done")

        one.set_handler(PLAIN, forgetful)
        stream = await two.open_stream(one.peer_id, PLAIN)
        assert await read_exactly(stream, 100) == b"done"
        await stream.aclose()
