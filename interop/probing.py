"""Streams between shoal's connection layer and another: somebody answers as a protocol says, somebody else probes.

The Go peer's `answer` and `probe` in Python, on shoal's own host: the same protocols, the same questions.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

import trio
from telling import emit, ready

from node.net.errors import ConnectionLost, StreamReset
from node.net.host import Host
from node.net.streams import PeerStream

ECHO, EARLY, RESET, HELD, LEAVE = (
    f"/shoal/interop/{what}/1.0.0" for what in ("echo", "early", "reset", "held", "leave")
)
SIZE = 100_000
HELD_SIZE = 32 << 20  # twice the largest window
PIECE = 1 << 14
STALL_S = 0.5  # without a byte taken: the other side's window is full


async def answer(host: Host, arguments: argparse.Namespace) -> None:
    """Treat streams as their protocols say."""
    echoed = trio.Event()

    async def echo(stream: PeerStream) -> None:
        await stream.send_all(await read_all(stream))
        await stream.send_eof()
        echoed.set()

    async def early(stream: PeerStream) -> None:
        await stream.send_eof()
        await swallow(stream)

    async def reset(stream: PeerStream) -> None:
        await stream.receive_some(1)
        stream.reset()

    async def held(stream: PeerStream) -> None:
        await echoed.wait()
        await swallow(stream)

    async def leave(stream: PeerStream) -> None:
        await stream.receive_some(1)
        leaving.send_nowait(stream.peer_id)

    leaving, left = trio.open_memory_channel[str](1)
    for protocol, handler in {ECHO: echo, EARLY: early, RESET: reset, HELD: held, LEAVE: leave}.items():
        host.set_handler(protocol, handler)
    ready(host)
    async for peer_id in left:  # not in the handler, which the connection takes with it
        await host.disconnect(peer_id)


async def swallow(stream: PeerStream) -> None:
    """Read to the end and say how it went."""
    try:
        emit("swallowed", bytes=len(await read_all(stream)))
    except (StreamReset, ConnectionLost) as error:
        emit("broken", error=repr(error))


async def probe(host: Host, arguments: argparse.Namespace) -> None:
    """See how somebody who answers treats streams."""
    ready(host)
    what, address = arguments.arguments
    peer = await host.connect(address)
    await PROBES[what](host, peer, arguments)
    emit("probed", what=what)


async def probe_echo(host: Host, peer: str, arguments: argparse.Namespace) -> None:
    """Send on many streams at once, end each and have everything back."""
    streams = [await host.open_stream(peer, ECHO) for _ in range(arguments.count)]
    async with trio.open_nursery() as nursery:
        for number, stream in enumerate(streams):
            nursery.start_soon(echoed, stream, number.to_bytes(4, "big") * (SIZE // 4))


async def echoed(stream: PeerStream, sent: bytes) -> None:
    """It comes back."""
    await stream.send_all(sent)
    await stream.send_eof()
    heard = await read_all(stream)
    assert heard == sent, f"{len(heard)} bytes came back, and not the {len(sent)} that were sent"


async def probe_early(host: Host, peer: str, arguments: argparse.Namespace) -> None:
    """Hear the end first, and send then."""
    async with await host.open_stream(peer, EARLY) as stream:
        assert await read_all(stream) == b""
        await stream.send_all(bytes(SIZE))
    await probe_echo(host, peer, arguments)  # what was sent before has arrived then


async def probe_reset(host: Host, peer: str, arguments: argparse.Namespace) -> None:
    """Be reset, and tell that from an end; the connection stays."""
    stream = await host.open_stream(peer, RESET)
    await stream.send_all(b"!")
    try:
        heard = await read_all(stream)
    except StreamReset:
        await probe_echo(host, peer, arguments)
        return
    raise AssertionError(f"{len(heard)} bytes and an end instead of a reset")


async def probe_abandon(host: Host, peer: str, arguments: argparse.Namespace) -> None:
    """Reset a stream that the other side reads; the connection stays."""
    stream = await host.open_stream(peer, EARLY)
    await stream.send_all(bytes(SIZE))
    assert await read_all(stream) == b""
    stream.reset()
    await probe_echo(host, peer, arguments)


async def probe_held(host: Host, peer: str, arguments: argparse.Namespace) -> None:
    """Write to somebody who doesn't read until its window is full; other streams go on meanwhile."""
    taken = 0

    async def write_all(stream: PeerStream) -> None:
        nonlocal taken
        for _ in range(HELD_SIZE // PIECE):
            await stream.send_all(bytes(PIECE))
            taken += PIECE
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_all, await host.open_stream(peer, HELD))
        before = -1
        while before != taken or not taken:
            before = taken
            await trio.sleep(STALL_S)
        emit("held", bytes=taken)
        await probe_echo(host, peer, arguments)
    await probe_echo(host, peer, arguments)  # what was sent before has arrived then


async def probe_leave(host: Host, peer: str, arguments: argparse.Namespace) -> None:
    """Have the other side close the connection under an open stream, and connect again."""
    stream = await host.open_stream(peer, ECHO)
    await stream.send_all(bytes(SIZE))
    await (await host.open_stream(peer, LEAVE)).send_all(b"!")
    try:
        heard = await read_all(stream)
    except ConnectionLost:
        await probe_echo(host, await host.connect(arguments.arguments[1]), arguments)
        return
    raise AssertionError(f"{len(heard)} bytes and an end of a stream whose connection was closed")


PROBES: dict[str, Callable[[Host, str, argparse.Namespace], Awaitable[None]]] = {
    "echo": probe_echo,
    "early": probe_early,
    "reset": probe_reset,
    "abandon": probe_abandon,
    "held": probe_held,
    "leave": probe_leave,
}


async def read_all(stream: PeerStream) -> bytes:
    """Everything to the end."""
    pieces = []
    while piece := await stream.receive_some():
        pieces.append(piece)
    return b"".join(pieces)
