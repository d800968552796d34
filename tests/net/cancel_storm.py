"""Tasks that read and write numbered records on several streams while a storm cancels them at random points.

The storm is driven by scheduling alone, so it runs as fast as it can and repeats from its seed, but for the order in
which trio runs tasks.
"""

from __future__ import annotations

import random
from collections import Counter
from unittest.mock import patch

import trio
from libp2p.stream_muxer.exceptions import MuxedStreamEOF

from node.net import muxed_stream
from node.net.muxed_stream import MuxedStream
from tests.net.muxed_pair import open_pair

STREAMS = 6
SEND_LIMIT = 10_000  # so that most writes wait, and can be cancelled there


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

    async def send(self, stream: MuxedStream, number: int) -> None:
        """Writes records until the storm is over; one that was cancelled is written again, whole."""
        count = 0
        while not self.is_over:
            size = self.rng.choice([8, 100, 5000, 20_000])
            if await self.attempt("write", stream.write, record(size, count, number)):
                count += 1
        await stream.write(record(8, count, number))
        await stream.close_write()

    async def receive(self, stream: MuxedStream, number: int) -> None:
        """Reads the records and checks that each comes once, in order and whole."""
        buffer, count, size = bytearray(), 0, 8
        while True:
            while len(buffer) < size:
                try:
                    data = await self.attempt("read", stream.read, self.rng.choice([1, 1000, 65_536, None]))
                except MuxedStreamEOF:
                    assert not buffer
                    return
                if isinstance(data, bytes):
                    buffer += data
                size = size_of(buffer)
            assert buffer[:size] == record(size, count, number)
            count += 1
            del buffer[:size]
            size = size_of(buffer)


def record(size: int, count: int, number: int) -> bytes:
    """The `count`th record of stream `number`."""
    return size.to_bytes(4) + count.to_bytes(4) + bytes([number]) * (size - 8)


def size_of(buffer: bytearray) -> int:
    """Of the record at the start, or of the smallest if it isn't known yet."""
    return int.from_bytes(buffer[:4]) if len(buffer) >= 4 else 8


async def rage(seed: int, hits: dict[str, int], capacity: int = 5000) -> Storm:
    """A whole storm over wires of `capacity`; what goes wrong in it is raised."""
    storm = Storm(seed, hits)
    with patch.object(muxed_stream, "SEND_LIMIT", SEND_LIMIT):
        async with open_pair(capacity, deadline_s=60) as pair, trio.open_nursery() as nursery:
            nursery.start_soon(storm.rage)
            for number in range(STREAMS):
                for here, there in (await pair.open(), reversed(await pair.open())):
                    nursery.start_soon(storm.send, here, number)
                    nursery.start_soon(storm.receive, there, number)
    return storm
