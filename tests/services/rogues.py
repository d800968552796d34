"""Seeders that misbehave, each in one way, over the fake network: everything but the lie is honest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from protocols.bitfield import Bitfield
from protocols.exchange import (
    MAX_DATA,
    BitfieldMessage,
    Bye,
    Cancel,
    Connection,
    Data,
    GetMeta,
    Have,
    Hello,
    Message,
    Meta,
    Reject,
    RejectReason,
    Request,
    encode,
)
from tests.services.fakes import CHUNK, FakeNetwork

Lie = Callable[["Rogue", Request], Awaitable[None]]
REQUEST_LIMIT = 16 << 20


class Rogue:
    """A peer that claims every chunk and answers requests by a lie; `ends_after` messages of its own it hangs up."""

    def __init__(self, network: FakeNetwork, name: str, content, data: bytes, lie: Lie, ends_after: int = 1 << 30):
        self.content = content
        self.data = data
        self.lie = lie
        self.sessions = 0
        self.sent = 0  # messages, of the session that came last
        self.requests = 0
        self.answered = 0
        self._ends_after = ends_after
        network.handlers[name] = self.accept
        network.providers.setdefault(content.cid.multihash, []).append(name)

    async def accept(self, stream) -> None:
        """One session."""
        self.stream = stream
        self.sessions += 1
        self.sent = 0
        self.connection = Connection(
            None, request_limit=REQUEST_LIMIT, max_manifest_size=1 << 23, max_page_size=1 << 19
        )
        try:
            await self._converse()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _converse(self) -> None:
        while data := await self.stream.receive_some():
            for message in self.connection.receive_data(data):
                match message:
                    case Hello():
                        await self.say(self.connection.hello("rogue"))
                        self.connection.set_geometry(self.content.geometry)
                        await self.say(BitfieldMessage(Bitfield.full(self.content.geometry.chunk_count).to_bytes()))
                    case GetMeta():
                        block = self.content.block(message.part)
                        await self.say(Meta(message.part, len(block), message.offset, block[message.offset :]))
                    case Request():
                        self.requests += 1
                        await self.lie(self, message)
                    case Bye():
                        return

    async def say(self, message: Message) -> None:
        """Say what is legal, or hang up in place of it."""
        if self.sent >= self._ends_after:
            self.stream.reset()
            raise trio.BrokenResourceError
        self.sent += 1
        for part in self.connection.send(message):
            await self.stream.send_all(part)

    async def blurt(self, *messages: Message) -> None:
        """Say what isn't legal."""
        for message in messages:
            for part in encode(message):
                await self.stream.send_all(part)

    def truth(self, request: Request) -> bytes:
        """What was asked for."""
        start = request.chunk * CHUNK + request.offset
        return self.data[start : start + request.length]

    async def serve(self, request: Request, payload: bytes) -> None:
        """Answer a request in full."""
        for at in range(0, len(payload), MAX_DATA):
            await self.say(Data(request.chunk, request.offset + at, payload[at : at + MAX_DATA]))
        self.answered += 1


async def honest(rogue: Rogue, request: Request) -> None:
    await rogue.serve(request, rogue.truth(request))


async def silent(rogue: Rogue, request: Request) -> None:
    await trio.lowlevel.checkpoint()


async def wrong_bytes(rogue: Rogue, request: Request) -> None:
    await rogue.serve(request, bytes(request.length))


async def trickle(rogue: Rogue, request: Request) -> None:
    """A byte of the frame a second."""
    for part in rogue.connection.send(Data(request.chunk, request.offset, rogue.truth(request))):
        for at in range(len(part)):
            await rogue.stream.send_all(bytes(part[at : at + 1]))
            await trio.sleep(1)


async def too_much(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Data(request.chunk, request.offset, bytes(request.length + 1)))


async def crumbs(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Data(request.chunk, request.offset, rogue.truth(request)[:1]))


async def elsewhere(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Data(request.chunk, request.offset + 1, rogue.truth(request)[1:]))


async def twice(rogue: Rogue, request: Request) -> None:
    await rogue.serve(request, rogue.truth(request))
    await rogue.blurt(Data(request.chunk, request.offset, rogue.truth(request)))


async def unasked_meta(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Meta(0, 5, 0, b"block"))


async def unasked_reject(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Reject(request.chunk, request.offset, request.length + 1, RejectReason.BUSY))


async def cancelled_for_nothing(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Reject(request.chunk, request.offset, request.length, RejectReason.CANCELLED))


async def haves_again(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Have((0,)))


async def haves_beyond(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Have((rogue.content.geometry.chunk_count,)))


async def two_bitfields(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(BitfieldMessage(Bitfield.full(rogue.content.geometry.chunk_count).to_bytes()))


async def asks_for_what_is_not_there(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Request(rogue.content.geometry.chunk_count, 0, 1))


async def asks_beyond_the_chunk(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Request(0, CHUNK - 1, 2))


async def cancels_what_it_never_asked(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(Cancel(0, 0, 1))


async def greets_again(rogue: Rogue, request: Request) -> None:
    await rogue.blurt(rogue.connection.hello("again"))


async def refuses(rogue: Rogue, request: Request) -> None:
    await rogue.say(Reject(request.chunk, request.offset, request.length, RejectReason.BUSY))


BREACHES: dict[str, Lie] = {
    lie.__name__.replace("_", " "): lie
    for lie in (
        too_much,
        crumbs,
        elsewhere,
        twice,
        unasked_meta,
        unasked_reject,
        cancelled_for_nothing,
        haves_again,
        haves_beyond,
        two_bitfields,
        asks_for_what_is_not_there,
        asks_beyond_the_chunk,
        cancels_what_it_never_asked,
        greets_again,
    )
}
"""What breaks the protocol: each costs its peer the session, and its name."""
