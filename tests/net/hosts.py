"""What the network tests share: real hosts on loopback, a stock py-libp2p host as the stranger, a wire that freezes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio
from libp2p import new_host
from libp2p.abc import IHost
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr

from node.net.host import Host, HostSettings, open_host
from node.net.identity import Identity
from node.net.streams import PeerStream

ECHO = "/test/echo/1.0.0"
DEADLINE_S = 60.0
"""A busy machine is slow, not wrong."""


def settings(**changes) -> HostSettings:
    """Settings of a new peer on an ephemeral loopback port."""
    return HostSettings(Identity.generate(), **changes)


@asynccontextmanager
async def open_pair(**changes) -> AsyncIterator[tuple[Host, Host]]:
    """Two hosts, the second connected to the first."""
    async with open_host(settings(**changes)) as first, open_host(settings(**changes)) as second:
        await second.connect(first.addresses()[0])
        yield first, second


@asynccontextmanager
async def open_stock_host() -> AsyncIterator[IHost]:
    """A py-libp2p host as it comes, listening on loopback."""
    host = new_host()
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        try:
            yield host
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(1):
                await host.close()


async def connect_stock(stock: IHost, host: Host) -> None:
    """Connect the stock host to ours."""
    await stock.connect(info_from_p2p_addr(Multiaddr(host.addresses()[0])))


async def echo(stream: PeerStream) -> None:
    """Send back what comes until the peer's FIN."""
    while data := await stream.receive_some():
        await stream.send_all(data)


async def roundtrip(host: Host, peer_id: str) -> None:
    """Prove that a stream to the peer works."""
    async with await host.open_stream(peer_id, ECHO) as stream:
        await stream.send_all(b"are you there?")
        assert await read_exactly(stream, 14) == b"are you there?"


async def read_exactly(stream: PeerStream, size: int) -> bytes:
    """`size` bytes, or fewer if the peer's FIN comes first."""
    data = bytearray()
    while len(data) < size and (more := await stream.receive_some(size - len(data))):
        data += more
    return bytes(data)


async def until(condition: Callable[[], object | Awaitable[object]], deadline_s: float = DEADLINE_S) -> None:
    """Wait for a state; `condition` may be async."""
    with trio.fail_after(deadline_s):
        while not await _value(condition()):  # noqa: ASYNC110 - states inside the library have no event
            await trio.sleep(0.01)


async def _value(result: object | Awaitable[object]) -> object:
    return await result if isinstance(result, Awaitable) else result


class FreezingProxy:
    """A TCP relay on loopback that stops moving bytes, both ways, while it is frozen."""

    def __init__(self) -> None:
        self.port = 0
        self._thawed = trio.Event()
        self._thawed.set()

    def freeze(self) -> None:
        """Stop moving bytes."""
        self._thawed = trio.Event()

    @asynccontextmanager
    async def relay_to(self, port: int) -> AsyncIterator[FreezingProxy]:
        """Relay connections to `port` until the block is left."""
        async with trio.open_nursery() as nursery:

            async def serve(client: trio.SocketStream) -> None:
                server = await trio.open_tcp_stream("127.0.0.1", port)
                async with client, server, trio.open_nursery() as both:
                    both.start_soon(self._pump, client, server)
                    both.start_soon(self._pump, server, client)

            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            self.port = listeners[0].socket.getsockname()[1]
            yield self
            nursery.cancel_scope.cancel()

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                await self._thawed.wait()
                await sink.send_all(data)
            await sink.send_eof()
