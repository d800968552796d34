"""Streams of the catalogue protocol: asking a peer, and answering one.

Rules: these move bytes and keep time; what is worth asking and what is told is decided in `catalogues`. Every stream
ends by itself: a peer that is silent too long, or talks for ever, has its stream reset.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

import trio

from protocols.catalog import MAX_OUTSTANDING, PROTOCOL_ID, Answer, Answering, Ask, Asking, GetPage, NoPage, Page, Tell
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError

QUIET_S = 20.0
"""The longest wait for the next bytes: a page is a fraction of a second of the slowest link worth having."""

STREAM_S = 300.0
"""The longest life of a stream: 5 MB, the largest catalogue, at 20 kB/s."""


class PeerStream(Protocol):
    """What is needed of `node.net.streams.PeerStream`."""

    @property
    def peer_id(self) -> str: ...
    @property
    def remote_address(self) -> str: ...
    async def send_all(self, data: bytes) -> None: ...
    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray: ...
    async def aclose(self) -> None: ...
    def reset(self) -> None: ...


class Network(Protocol):
    """What is needed of the host."""

    @property
    def peer_id(self) -> str: ...
    async def connect(self, target: str, hints: Iterable[str] = ()) -> str: ...
    async def open_stream(self, peer_id: str, protocol_id: str) -> PeerStream: ...


class Talk:
    """A stream on which this node asks and tells; made by `open_talk`."""

    def __init__(self, stream: PeerStream) -> None:
        self.remote_address = stream.remote_address
        self._stream = stream
        self._asking = Asking()
        self._answers: list[Answer] = []

    async def tell(self, tell: Tell) -> None:
        """Tell news."""
        await self._stream.send_all(self._asking.send(tell))

    async def ask(self, request: Ask) -> Tell:
        """What the peer tells of others and of itself."""
        await self._stream.send_all(self._asking.send(request))
        answer = await self._answer()
        assert isinstance(answer, Tell)  # Asking sees to it
        return answer

    async def fetch(self, pages: Iterable[Cid]) -> AsyncIterator[tuple[Cid, bytes | None]]:
        """The pages in their order, many asked for at once; None for one that the peer hasn't any more."""
        waiting = list(pages)
        sent = 0
        for number, cid in enumerate(waiting):
            for later in waiting[sent : number + MAX_OUTSTANDING]:
                await self._stream.send_all(self._asking.send(GetPage(later)))
                sent += 1
            answer = await self._answer()
            yield cid, answer.data if isinstance(answer, Page) else None

    async def _answer(self) -> Answer:
        while not self._answers:
            with trio.fail_after(QUIET_S):
                data = await self._stream.receive_some()
            if not data:
                self._asking.receive_eof()
                raise RemoteProtocolError("the stream ended")  # not reached: an answer is owed
            self._answers = self._asking.receive_data(data)
        return self._answers.pop(0)


@asynccontextmanager
async def open_talk(network: Network, peer: str) -> AsyncIterator[Talk]:
    """A stream to a peer, closed at the end and reset on any error.

    Raises ShoalError if the peer can't be reached or doesn't speak the protocol, and in the block RemoteProtocolError,
    trio.BrokenResourceError and trio.TooSlowError.
    """
    stream = await network.open_stream(peer, PROTOCOL_ID)
    try:
        with trio.fail_after(STREAM_S):
            yield Talk(stream)
        await stream.aclose()
    except BaseException:
        stream.reset()
        raise


class Answers(Protocol):
    """What a peer that asks is answered."""

    async def told(self, tell: Tell, peer: str, address: str) -> None: ...
    async def tell(self, ask: Ask, peer: str, address: str) -> Tell: ...
    async def page(self, cid: Cid, peer: str) -> bytes | None: ...


async def answer(stream: PeerStream, answers: Answers) -> None:
    """Answer on a stream that a peer opened, until it is done; raises RemoteProtocolError and the stream's errors."""
    answering = Answering()
    with trio.fail_after(STREAM_S):
        while True:
            with trio.fail_after(QUIET_S):
                data = await stream.receive_some()
            if not data:
                answering.receive_eof()
                return
            for message in answering.receive_data(data):
                match message:
                    case Tell():
                        await answers.told(message, stream.peer_id, stream.remote_address)
                    case Ask():
                        told = await answers.tell(message, stream.peer_id, stream.remote_address)
                        await stream.send_all(answering.send(told))
                    case GetPage():
                        page = await answers.page(message.cid, stream.peer_id)
                        await stream.send_all(answering.send(Page(page) if page else NoPage()))
