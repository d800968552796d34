"""Chunks on their way to the disk: collected as they come in, then gathered and handed out a batch at a time.

Why gathered: a hop into a thread and a commit cost as much as hashing a chunk, for a file of 3 kB a hundred times as
much; and each hop makes the loop's thread and the worker wait for each other. Rules: what waits is bounded in bytes;
a chunk waits for others for `GATHER_S` at most.
"""

from __future__ import annotations

from collections import deque
from operator import itemgetter

import trio

from protocols.framing import Buffer
from protocols.rope import Rope, parts_of

Chunk = tuple[int, Rope]

BATCH = 4 << 20
BATCH_CHUNKS = 256
"""Bytes and chunks written per thread hop and sqlite commit: about 15 ms of hashing and writing, or of opening small
files; and no more chunks than one HAVE tells of and the loop takes note of in 3 ms."""

GATHER_S = 0.02
"""How long a chunk waits for others: less than anybody notices, and at 100 MB/s time for one more."""

WAITING = 8 << 20
"""Bytes that may wait for a writer, and a chunk of each session: when the disk is slower than the network the sessions
stop reading."""

PINNED = 5
"""A piece that is less than this part of the buffer it lies in is copied: a piece keeps all of its buffer in memory,
and a peer could see to it that the rest is of no use. A Noise message is a quarter of what is opened together, and so
isn't copied."""


class Arrived:
    """What has arrived of the chunks under way: the buffers it came in, uncopied."""

    def __init__(self) -> None:
        self._pieces: dict[int, list[tuple[int, Buffer]]] = {}

    def keep(self, chunk: int, offset: int, data: Buffer | Rope) -> None:
        """Bytes of a chunk, which nobody changes any more; none of them is here already."""
        pieces = self._pieces.setdefault(chunk, [])
        for part in parts_of(data):
            if isinstance(part, memoryview) and PINNED * len(part) < part.obj.__sizeof__():
                part = bytes(part)
            pieces.append((offset, part))
            offset += len(part)

    def take(self, chunk: int) -> Rope:
        """A complete chunk, which is under way no more."""
        return Rope([data for _, data in sorted(self._pieces.pop(chunk), key=itemgetter(0))])

    def drop(self, chunk: int) -> None:
        """The chunk, if it is under way, is given up."""
        self._pieces.pop(chunk, None)


class WriteQueue:
    """The chunks that wait for a writer, in the order in which they were completed."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._size = 0
        self._gathering = trio.Lock()
        self._arrived = trio.Event()
        self._is_due = trio.Event()  # there is a full batch, or something urgent
        self._room = trio.lowlevel.ParkingLot()

    async def put(self, chunk: int, data: Rope, *, is_urgent: bool) -> None:
        """Queue a complete chunk, then wait while `WAITING` bytes are queued; an urgent one waits for no others.

        In this order, since nobody asks for it again: its peer may go while there is no room, and its task with it.
        """
        self._chunks.append((chunk, data))
        self._size += len(data)
        self._arrived.set()
        if is_urgent or self._size >= BATCH:
            self._is_due.set()
        while self._size >= WAITING:
            await self._room.park()

    async def take(self) -> list[Chunk]:
        """The next batch: at least one chunk, at most one beyond `BATCH` bytes, and at most `BATCH_CHUNKS`."""
        async with self._gathering:
            if not self._chunks:
                self._arrived = trio.Event()
                await self._arrived.wait()
            with trio.move_on_after(GATHER_S):
                await self._is_due.wait()
            return self._take()

    def _take(self) -> list[Chunk]:
        batch: list[Chunk] = []
        size = 0
        while self._chunks and size < BATCH and len(batch) < BATCH_CHUNKS:
            batch.append(self._chunks.popleft())
            size += len(batch[-1][1])
        self._size -= size
        self._room.unpark_all()
        if not self._chunks:
            self._is_due = trio.Event()
        return batch
