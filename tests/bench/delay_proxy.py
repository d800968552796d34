"""A TCP relay on loopback that delays every byte, each way by half of a round trip. Runs in a process of its own."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial

import trio

READ_SIZE = 1 << 20


async def carry(source: trio.SocketStream, sink: trio.SocketStream, delay_s: float) -> None:
    """One direction: what comes goes on `delay_s` later, however much is under way."""
    sending, receiving = trio.open_memory_channel[tuple[float, bytes]](100_000)

    async def arrive() -> None:
        async with sending:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while data := await source.receive_some(READ_SIZE):
                    await sending.send((trio.current_time() + delay_s, bytes(data)))

    async def leave() -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for due, data in receiving:
                await trio.sleep_until(due)
                await sink.send_all(data)
            await sink.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(arrive)
        nursery.start_soon(leave)


async def main(port: int, round_trip_s: float) -> None:
    """Relays connections to `port`, and prints its own port."""

    async def relay(client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream("127.0.0.1", port)
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(carry, client, server, round_trip_s / 2)
            nursery.start_soon(carry, server, client, round_trip_s / 2)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, relay, 0, host="127.0.0.1"))
        print(listener.socket.getsockname()[1], flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), float(sys.argv[2]))
