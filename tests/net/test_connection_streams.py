"""Streams of our multiplexed connection: what a read or a write gives, and how each of the ends is told."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from libp2p.stream_muxer.exceptions import MuxedStreamClosed, MuxedStreamEOF, MuxedStreamReset

from node.net import muxed_stream
from node.net.muxed_stream import SEND_LIMIT, MuxedConnectionLost, MuxedStream
from protocols.yamux.limits import INITIAL_WINDOW, LINGER_S
from tests.net.muxed_pair import ADDRESS, open_pair, read_exactly


async def write_forever(stream: MuxedStream) -> None:
    while True:
        await stream.write(bytes(100_000))


async def test_bytes_both_ways_in_order():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"question")
        assert await theirs.read(100) == b"question"
        await theirs.write(bytearray(b"ans"))
        await theirs.write(memoryview(b"-wer-")[1:4])
        assert await read_exactly(ours, 6) == b"answer"


async def test_either_side_may_open():
    async with open_pair() as pair:
        ours = await pair.server.open_stream()
        theirs = await pair.client.accept_stream()
        await ours.write(b"hello")
        assert await theirs.read() == b"hello"
        assert (ours.stream_id, theirs.stream_id) == (2, 2)


async def test_read_takes_at_most_what_is_asked_and_keeps_the_rest():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"0123456789")
        assert await theirs.read(4) == b"0123"
        assert await theirs.read(0) == b""
        assert await theirs.read(1) == b"4"
        assert await theirs.read(-1) == b"56789"
        await ours.write(b"more")
        assert await theirs.read(None) == b"more"


@pytest.mark.parametrize("n", [None, -1, 1 << 30])
async def test_no_read_is_so_large_that_it_keeps_others_waiting(n: int | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(muxed_stream, "READ_LIMIT", 1000)
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(bytes(2500))
        await trio.testing.wait_all_tasks_blocked()
        assert [len(await theirs.read(n)) for _ in range(3)] == [1000, 1000, 500]


async def test_nothing_written_is_nothing_sent():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"")
        await ours.write(b"x")
        assert await theirs.read() == b"x"


async def test_a_buffer_may_be_used_again_after_the_write():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        buffer = bytearray(b"a" * 9000)
        await ours.write(memoryview(buffer)[:8000])
        buffer[:] = b"b" * 9000
        assert await read_exactly(theirs, 8000) == b"a" * 8000


async def test_half_close():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"request")
        await ours.close_write()
        assert await theirs.read() == b"request"
        with pytest.raises(MuxedStreamEOF):
            await theirs.read()
        with pytest.raises(MuxedStreamClosed):
            await ours.write(b"more")
        await theirs.write(b"reply")
        await theirs.close()
        assert await ours.read() == b"reply"
        with pytest.raises(MuxedStreamEOF):
            await ours.read()
        assert pair.client.session.streams == pair.server.session.streams == ()


async def test_reading_goes_on_after_close():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.close()
        await theirs.write(b"late")
        assert await ours.read() == b"late"


async def test_the_context_manager_closes():
    async with open_pair() as pair:
        async with await pair.client.open_stream() as ours:
            await ours.write(b"x")
        theirs = await pair.server.accept_stream()
        assert await theirs.read() == b"x"
        with pytest.raises(MuxedStreamEOF):
            await theirs.read()


async def test_a_reset_is_neither_an_end_nor_a_loss():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"unread")
        await trio.testing.wait_all_tasks_blocked()
        await ours.reset()
        await trio.testing.wait_all_tasks_blocked()
        for stream in (ours, theirs):
            if stream is theirs:
                assert await stream.read() == b"unread"
            with pytest.raises(MuxedStreamReset, match=r"reset by (us|peer)"):
                await stream.read()
            with pytest.raises(MuxedStreamReset):
                await stream.write(b"x")
            await stream.close()
            await stream.close_write()
            await stream.reset()


@pytest.mark.parametrize("end", ["peer", "wire", "us"])
async def test_a_lost_connection_is_said_after_what_had_arrived(end: str):
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await theirs.write(b"last words")
        await trio.testing.wait_all_tasks_blocked()
        match end:
            case "peer":
                await pair.server.close()
            case "wire":
                await trio.aclose_forcefully(pair.wires[1])
            case "us":
                await pair.client.close()
        await trio.testing.wait_all_tasks_blocked()
        await ours.reset()  # as py-libp2p does with all streams of a lost connection
        assert await ours.read(4) == b"last"
        assert await ours.read() == b" words"
        with pytest.raises(MuxedConnectionLost):
            await ours.read()
        with pytest.raises(MuxedConnectionLost):
            await ours.write(b"x")
        await ours.close()
        await ours.reset()


async def test_an_end_that_arrived_before_the_loss_stays_an_end():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await theirs.close()
        await trio.testing.wait_all_tasks_blocked()
        await pair.server.close()
        with pytest.raises(MuxedStreamEOF):
            await ours.read()


@pytest.mark.parametrize("what", ["reset here", "reset there", "end here", "loss"])
async def test_whoever_waits_is_woken(what: str):
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        woken = []

        async def reader() -> None:
            with pytest.raises((MuxedStreamReset, MuxedConnectionLost, MuxedStreamEOF)):
                await ours.read()
            woken.append("reader")

        async def writer() -> None:
            with pytest.raises((MuxedStreamReset, MuxedConnectionLost, MuxedStreamClosed)):
                await write_forever(ours)
            woken.append("writer")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader)
            nursery.start_soon(writer)
            await trio.testing.wait_all_tasks_blocked()
            assert woken == []
            match what:
                case "reset here":
                    await ours.reset()
                case "reset there":
                    await theirs.reset()
                case "end here":
                    await ours.close_write()
                    await theirs.close()
                case "loss":
                    await pair.server.close()
        assert sorted(woken) == ["reader", "writer"]


async def test_two_readers_and_two_writers_are_all_served():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        seen = []

        async def reader() -> None:
            seen.append(await theirs.read(1))

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(reader)
                await trio.testing.wait_all_tasks_blocked()
            await ours.write(b"ab")
        assert sorted(seen) == [b"a", b"b"]
        size = SEND_LIMIT + INITIAL_WINDOW
        async with trio.open_nursery() as nursery:
            await ours.write(bytes(size))
            for _ in range(2):
                nursery.start_soon(ours.write, bytes(size))
                await trio.testing.wait_all_tasks_blocked()
            assert len(await read_exactly(theirs, 3 * size)) == 3 * size


async def test_a_side_that_has_stopped_reading_says_so_and_may_still_write():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"unread")
        async with trio.open_nursery() as nursery:

            async def read_more() -> None:
                with pytest.raises(MuxedStreamClosed, match="stopped reading"):
                    await read_exactly(theirs, 100)

            nursery.start_soon(read_more)
            await trio.testing.wait_all_tasks_blocked()
            theirs.stop_reading()
        await theirs.write(b"answer")
        assert await ours.read() == b"answer"


async def test_backpressure_reaches_the_writer(autojump_clock: trio.testing.MockClock):
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        written = 0
        with trio.move_on_after(5) as scope:
            while True:
                await ours.write(bytes(10_000))
                written += 10_000
        assert scope.cancelled_caught
        assert SEND_LIMIT <= written - INITIAL_WINDOW <= SEND_LIMIT + 10_000
        assert len(await read_exactly(theirs, written)) == written


async def test_a_stream_nobody_reads_costs_its_initial_window_and_stops_no_other():
    async with open_pair() as pair:
        stuck, unread = await pair.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write_forever, stuck)
            for _ in range(50):
                ours, theirs = await pair.open()
                await ours.write(b"hello")
                assert await theirs.read() == b"hello"
                await theirs.close()
                await ours.close()
            await trio.testing.wait_all_tasks_blocked()
            assert pair.server.session.unread == INITIAL_WINDOW
            nursery.cancel_scope.cancel()
        assert len(await read_exactly(unread, INITIAL_WINDOW)) == INITIAL_WINDOW


async def test_a_reader_that_pauses_for_a_minute_harms_nothing(autojump_clock: trio.testing.MockClock):
    async with open_pair(deadline_s=200) as pair, trio.open_nursery() as nursery:
        ours, theirs = await pair.open()

        async def push() -> None:
            for number in range(40):
                await ours.write(bytes([number]) * 65_536)
            await ours.close()

        nursery.start_soon(push)
        for number in range(40):
            if number in {0, 10, 20}:
                await trio.sleep(20 if number else 60)
            assert await read_exactly(theirs, 65_536) == bytes([number]) * 65_536
        with pytest.raises(MuxedStreamEOF):
            await theirs.read()


async def test_a_closed_stream_that_the_peer_never_ends_is_reset(autojump_clock: trio.testing.MockClock):
    async with open_pair(deadline_s=200) as pair:
        ours, theirs = await pair.open()
        await ours.close()
        started = trio.current_time()
        with pytest.raises(MuxedStreamReset):
            await write_forever(theirs)
        assert trio.current_time() - started <= LINGER_S + 11
        assert pair.client.session.streams == ()


async def test_streams_know_their_connection():
    async with open_pair() as pair:
        ours, _ = await pair.open()
        assert ours.muxed_conn is pair.client
        assert ours.get_remote_address() == ADDRESS
        with pytest.raises(NotImplementedError):
            ours.set_deadline(1)
