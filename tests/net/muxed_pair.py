"""Two multiplexed connections over an in-memory wire: real handshake, real negotiation, virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
from libp2p.abc import IRawConnection
from libp2p.connection_types import ConnectionType
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.network.connection.exceptions import RawConnError
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from node.net.muxed_connection import MuxedConnection
from node.net.muxed_stream import MuxedStream
from node.net.upgrader import upgrader

ADDRESS = ("127.0.0.1", 4001)


class MemoryConnection(IRawConnection):
    """A raw connection over any trio stream, with the errors of py-libp2p's own."""

    def __init__(self, stream: trio.abc.Stream, *, is_initiator: bool) -> None:
        self.stream = stream
        self.is_initiator = is_initiator

    async def read(self, n: int | None = None) -> bytes:
        try:
            return bytes(await self.stream.receive_some(n))
        except trio.BrokenResourceError as error:
            raise ConnectionClosedError(str(error)) from error
        except trio.ClosedResourceError as error:
            raise RawConnError from error

    async def write(self, data: bytes) -> None:
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise RawConnError from error

    async def close(self) -> None:
        await self.stream.aclose()

    def get_remote_address(self) -> tuple[str, int]:
        return ADDRESS

    def get_transport_addresses(self) -> list[Multiaddr]:
        return [Multiaddr("/ip4/127.0.0.1/tcp/4001")]

    def get_connection_type(self) -> ConnectionType:
        return ConnectionType.DIRECT


class Pipe(trio.abc.SendStream, trio.abc.ReceiveStream):
    """One direction of a wire that holds `capacity` bytes, like the buffers of a network."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._bytes = bytearray()
        self.is_frozen = False
        self._is_closed = False
        self._changed = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(bytes(data))
        while view:
            await self._wait(lambda: len(self._bytes) < self.capacity)
            if self._is_closed:
                raise trio.BrokenResourceError("the wire is cut")
            room = self.capacity - len(self._bytes)
            self._bytes += view[:room]
            view = view[room:]
            self._change()

    async def wait_send_all_might_not_block(self) -> None:
        await self._wait(lambda: len(self._bytes) < self.capacity)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await self._wait(lambda: bool(self._bytes))
        data = bytes(self._bytes[:max_bytes])
        del self._bytes[: len(data)]
        self._change()
        return data

    async def aclose(self) -> None:
        self._is_closed = True
        self._change()
        await trio.lowlevel.checkpoint()

    async def _wait(self, condition: Callable[[], bool]) -> None:
        await trio.lowlevel.checkpoint()
        while (not condition() or self.is_frozen) and not self._is_closed:
            await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


Wire = trio.StapledStream[Pipe, Pipe]
Wires = tuple[Wire, Wire]


def wires(capacity: int = 100_000) -> Wires:
    """A wire each way."""
    there, back = Pipe(capacity), Pipe(capacity)
    return trio.StapledStream(there, back), trio.StapledStream(back, there)


class Pair:
    """Two running connections; `wires` are the trio streams under them."""

    client: MuxedConnection
    server: MuxedConnection

    def __init__(self, wires: Wires) -> None:
        self.wires = wires

    async def connect(self) -> None:
        """Handshake and negotiate; the connections aren't started."""
        keys = (create_new_key_pair(), create_new_key_pair())
        ids = [ID.from_pubkey(key.public_key) for key in keys]

        async def dial() -> None:
            dialling = upgrader(keys[0])
            raw = MemoryConnection(self.wires[0], is_initiator=True)
            secured = await dialling.upgrade_security(raw, True, ids[1])
            self.client = await dialling.upgrade_connection(secured, ids[1])

        async def answer() -> None:
            answering = upgrader(keys[1])
            raw = MemoryConnection(self.wires[1], is_initiator=False)
            secured = await answering.upgrade_security(raw, False)
            self.server = await answering.upgrade_connection(secured, secured.get_remote_peer())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial)
            nursery.start_soon(answer)

    def freeze(self) -> None:
        """The path dies: nothing moves, and nobody is told."""
        for wire in self.wires:
            wire.send_stream.is_frozen = True

    async def open(self) -> tuple[MuxedStream, MuxedStream]:
        """A stream opened by the client, as each side sees it."""
        ours = await self.client.open_stream()
        return ours, await self.server.accept_stream()


@asynccontextmanager
async def open_pair(capacity: int = 100_000, deadline_s: float = 60) -> AsyncIterator[Pair]:
    """Two started connections over wires that hold `capacity` bytes."""
    pair = Pair(wires(capacity))
    with trio.fail_after(deadline_s):
        await pair.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pair.client.start)
            nursery.start_soon(pair.server.start)
            yield pair
            nursery.cancel_scope.cancel()


async def read_exactly(stream: MuxedStream, size: int) -> bytes:
    """`size` bytes; raises what the stream raises if it ends before."""
    data = bytearray()
    while len(data) < size:
        data += await stream.read(size - len(data))
    return bytes(data)
