"""Cancel storms: a thousand reads and writes cancelled at random points under load, nothing lost and nothing dead.

The storm is driven by scheduling alone, so it runs as fast as it can and repeats from its seed.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
import trio
import trio.testing
from libp2p.stream_muxer.exceptions import MuxedStreamEOF

from node.net import muxed_stream
from node.net.muxed_stream import SEND_LIMIT, MuxedStream
from protocols.yamux.limits import INITIAL_WINDOW, MAX_UNACKNOWLEDGED
from tests.net.muxed_pair import open_pair, read_exactly

STREAMS = 6


class Storm:
    """Cancels running operations until each kind was hit often enough."""

    def __init__(self, seed: int, hits: dict[str, int]) -> None:
        self.rng = random.Random(seed)
        self.hits = hits
        self.cancelled: Counter[str] = Counter()
        self._running: dict[trio.CancelScope, str] = {}

    @property
    def is_over(self) -> bool:
        return all(self.cancelled[kind] >= wanted for kind, wanted in self.hits.items())

    async def attempt(self, kind: str, operation, *arguments) -> object:
        """What the operation gives, or None if it was cancelled before it did anything."""
        with trio.CancelScope() as scope:
            self._running[scope] = kind
            try:
                return await operation(*arguments) or True
            finally:
                del self._running[scope]
        self.cancelled[kind] += 1
        return None

    async def rage(self) -> None:
        while not self.is_over:
            for scope, kind in list(self._running.items()):
                if self.cancelled[kind] < self.hits[kind] and self.rng.random() < 0.3:
                    scope.cancel()
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_of_cancelled_reads_and_writes_loses_nothing(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(muxed_stream, "SEND_LIMIT", 10_000)  # so that most writes wait, and can be cancelled there
    storm = Storm(seed, {"read": 1000, "write": 1000})

    async def send(stream: MuxedStream, number: int) -> None:
        """Writes numbered records until the storm is over; one that was cancelled is written again, whole."""
        count = 0
        while not storm.is_over:
            size = storm.rng.choice([8, 100, 5000, 20_000])
            record = size.to_bytes(4) + count.to_bytes(4) + bytes([number]) * (size - 8)
            if await storm.attempt("write", stream.write, record):
                count += 1
        await stream.write((8).to_bytes(4) + count.to_bytes(4))
        await stream.close_write()

    async def receive(stream: MuxedStream, number: int) -> None:
        """Reads the records and checks that each comes once, in order and whole."""
        buffer = bytearray()
        count, size = 0, 8
        while True:
            while len(buffer) < size:
                try:
                    data = await storm.attempt("read", stream.read, storm.rng.choice([1, 1000, 65_536, None]))
                except MuxedStreamEOF:
                    assert not buffer
                    return
                if isinstance(data, bytes):
                    buffer += data
                size = int.from_bytes(buffer[:4]) if len(buffer) >= 4 else 8
            record = bytes(buffer[:size])
            assert record == size.to_bytes(4) + count.to_bytes(4) + bytes([number]) * (size - 8)
            count += 1
            del buffer[:size]
            size = int.from_bytes(buffer[:4]) if len(buffer) >= 4 else 8

    async with open_pair(capacity=5000, deadline_s=60) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(storm.rage)
        for number in range(STREAMS):
            ours, theirs = await pair.open()
            nursery.start_soon(send, ours, number)
            nursery.start_soon(receive, theirs, number)
            nursery.start_soon(send, theirs, number)
            nursery.start_soon(receive, ours, number)
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
