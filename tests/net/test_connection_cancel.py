"""Cancel storms: a thousand reads and writes cancelled at random points under load, nothing lost, nothing dead."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from libp2p.stream_muxer.exceptions import MuxedStreamEOF

from node.net.muxed_stream import SEND_LIMIT
from protocols.yamux.limits import INITIAL_WINDOW, MAX_UNACKNOWLEDGED
from tests.net.cancel_storm import rage
from tests.net.muxed_pair import open_pair, read_exactly


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_of_cancelled_reads_and_writes_loses_nothing(seed: int):
    storm = await rage(seed, {"read": 1000, "write": 1000})
    assert storm.is_over


async def test_a_cancelled_write_has_written_all_or_nothing():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(bytes(SEND_LIMIT + INITIAL_WINDOW))
        with trio.CancelScope() as scope:
            scope.cancel()
            await ours.write(b"never")
        assert scope.cancelled_caught
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:

            async def blocked() -> None:
                await ours.write(b"never")

            nursery.start_soon(blocked)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        await ours.close_write()
        assert set(await read_exactly(theirs, SEND_LIMIT + INITIAL_WINDOW)) == {0}
        with pytest.raises(MuxedStreamEOF):
            await theirs.read()


async def test_a_cancelled_read_takes_nothing():
    async with open_pair() as pair:
        ours, theirs = await pair.open()
        await ours.write(b"hello")
        await trio.testing.wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await theirs.read()
        assert scope.cancelled_caught
        assert await theirs.read() == b"hello"


async def test_cancelled_opens_and_accepts_leave_no_stream_behind():
    async with open_pair() as pair:
        for _ in range(MAX_UNACKNOWLEDGED):
            await pair.client.open_stream()
        for operation in (pair.client.open_stream, pair.client.accept_stream):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(operation)
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
        assert len(pair.client.session.streams) == MAX_UNACKNOWLEDGED
        stream = await pair.server.open_stream()
        assert (await pair.client.accept_stream()).stream_id == stream.stream_id
