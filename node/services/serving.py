"""Answering one peer session: the manifest, its pages, and the chunks that were asked for.

Rules: what waits is bounded by the protocol's own accounting (request_limit and MAX_REQUESTS); requests are read a
batch at a time, and the next batch is read while the last one is on its way to the socket.
"""

from __future__ import annotations

import logging
from collections import deque

import trio

from node.errors import StorageError
from node.services.content import Content
from node.services.session import PeerSession
from protocols.exchange import (
    MAX_DATA,
    Cancel,
    Data,
    GetMeta,
    Meta,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
)

log = logging.getLogger(__name__)

READ_LEAST = 1 << 20
READ_MOST = 4 << 20
READ_S = 0.02
"""One thread hop reads what the peer takes in so long, within these bytes: a hop a chunk is dear at full speed, and
since all peers together can't be sent more than the machine can, neither do their batches take more memory."""

Answer = tuple[Request, bytes]


class Serving:
    """The requests of one peer session, in the order they came."""

    def __init__(self, session: PeerSession) -> None:
        self.session = session
        self.content: Content | None = None
        self._waiting: deque[Request] = deque()
        self._wake = trio.Event()

    def get_meta(self, message: GetMeta) -> None:
        """Answer with the part of the block from the offset that was asked for."""
        block = self.content.block(message.part) if self.content else None
        if block is None or message.offset >= len(block):
            self.session.queue(RejectMeta(part=message.part, reason=RejectReason.UNAVAILABLE))
            return
        data = block[message.offset : message.offset + MAX_DATA]
        self.session.queue(Meta(part=message.part, total=len(block), offset=message.offset, data=data))

    def request(self, message: Request) -> None:
        """Put a request in the line."""
        self._waiting.append(message)
        self._wake.set()

    def cancel(self, message: Cancel) -> None:
        """End a request early, if it is still in the line."""
        request = Request(chunk=message.chunk, offset=message.offset, length=message.length)
        if request in self._waiting:
            self._waiting.remove(request)
            self._reject(request, RejectReason.CANCELLED)

    async def run(self) -> None:
        """Serve until cancelled; one batch is read ahead."""
        ready, answered = trio.open_memory_channel[list[Answer]](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, ready)
            async with answered:
                async for batch in answered:
                    for request, data in batch:
                        await self._send(request, data)

    async def _read(self, ready: trio.MemorySendChannel[list[Answer]]) -> None:
        while True:
            while not self._waiting:
                await self._wake.wait()
                self._wake = trio.Event()
            batch = self._next_batch()
            if self.content is None:
                for request in batch:
                    self._reject(request, RejectReason.UNAVAILABLE)
                continue
            answers: list[Answer] = []
            for request, answer in zip(batch, await self.content.read(batch), strict=True):
                if isinstance(answer, StorageError):
                    self._unreadable(request, answer)
                else:
                    answers.append((request, answer))
            await ready.send(answers)

    def _next_batch(self) -> list[Request]:
        most = min(max(READ_LEAST, int(self.session.up.bps(trio.current_time()) * READ_S)), READ_MOST)
        batch = [self._waiting.popleft()]
        size = batch[0].length
        while self._waiting and size + self._waiting[0].length <= most:
            batch.append(self._waiting.popleft())
            size += batch[-1].length
        return batch

    async def _send(self, request: Request, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), MAX_DATA):
            part = view[start : start + MAX_DATA]
            await self.session.send_data(Data(chunk=request.chunk, offset=request.offset + start, data=part))

    def _unreadable(self, request: Request, error: StorageError) -> None:
        log.warning("chunk %d can't be read for %s: %s", request.chunk, self.session.peer, error)
        if self.content:
            self.content.on_unreadable(error)
        self._reject(request, RejectReason.UNAVAILABLE)

    def _reject(self, request: Request, reason: RejectReason) -> None:
        self.session.queue(Reject(chunk=request.chunk, offset=request.offset, length=request.length, reason=reason))
