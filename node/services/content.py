"""What this node can serve of one manifest: a finished share, or as much of a download as is verified.

Rules: reading happens in worker threads, several requests a hop; nothing is read that is not in `have`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from node.errors import StorageError
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.exchange import Request
from protocols.manifest import Manifest

READERS = trio.CapacityLimiter(4)
"""Threads that read chunks for peers: more only add seeks, and a slow disk must not take every worker thread."""


class ChunkReader(Protocol):
    """Where chunks are read from: `node.store` has one for shares in place and one for partial downloads."""

    def read(self, index: int, offset: int, length: int) -> bytes:
        """Exactly `length` bytes of chunk `index` from `offset` on; raises StorageError. Called in a thread."""
        ...


class Content:
    """One manifest's bytes as this node has them."""

    def __init__(
        self, cid: Cid, manifest: Manifest, blocks: Sequence[bytes], have: Bitfield, reader: ChunkReader
    ) -> None:
        self.cid = cid
        self.manifest = manifest
        self.geometry = manifest.geometry
        self.have = have
        self.reader = reader
        self.on_unreadable: Callable[[StorageError], None] = lambda error: None
        self._blocks = tuple(blocks)

    def block(self, part: int) -> bytes | None:
        """The manifest block (part 0) or a digest page (part k), None where there is no such part."""
        return self._blocks[part] if part < len(self._blocks) else None

    async def read(self, requests: Sequence[Request]) -> list[bytes | StorageError]:
        """The bytes of each request, or why it can't be had; one thread hop for all of them."""
        return await trio.to_thread.run_sync(self._read_all, requests, limiter=READERS)

    def _read_all(self, requests: Sequence[Request]) -> list[bytes | StorageError]:
        answers: list[bytes | StorageError] = []
        for request in requests:
            try:
                answers.append(self.reader.read(request.chunk, request.offset, request.length))
            except StorageError as error:
                answers.append(error)
        return answers
