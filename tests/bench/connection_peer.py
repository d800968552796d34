"""One side of the connection benchmark, in a process of its own: a server that takes bulk, or a client that sends it.

`serve` prints its address and runs until it is killed. `send` prints what it measured as JSON. The layer is
`ours` or `stock` (py-libp2p's own Noise and yamux); both run in a plain py-libp2p host, so only the layer differs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio
from libp2p import new_host
from libp2p.abc import IHost, IMuxedStream, INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_x25519
from libp2p.exceptions import BaseLibp2pError
from libp2p.network.config import ConnectionConfig
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as StockNoise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr

from node.net.upgrader import upgrader

SINK, ECHO = "/bench/sink/1", "/bench/echo/1"
TICK_S = 0.01
REQUEST_SIZE = 64


def make_host(layer: str) -> IHost:
    """A host that dials nobody by itself."""
    key_pair = create_new_key_pair()
    host = new_host(
        key_pair=key_pair,
        sec_opt={NOISE: StockNoise(key_pair, noise_privkey=create_x25519().private_key)},
        muxer_opt={YAMUX: Yamux},
        connection_config=ConnectionConfig(max_connections_per_peer=1),
    )
    if layer == "ours":
        host.get_network().upgrader = upgrader(key_pair)

    async def stay_quiet(*_: object) -> None:
        """The library would dial all that it hears of."""

    host.get_network().auto_connector.maybe_connect = stay_quiet
    return host


class Lateness:
    """How late a ticker of this event loop fires, in seconds."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    async def watch(self) -> None:
        while True:
            due = trio.current_time() + TICK_S
            await trio.sleep_until(due)
            self.seen.append(trio.current_time() - due)

    def p99_ms(self) -> float:
        return percentile(self.seen, 0.99) * 1e3


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def rss_mb() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def bare(stream: INetStream) -> IMuxedStream:
    """The muxer's stream: the layer that is measured, without what py-libp2p puts on top."""
    return stream.muxed_stream


async def serve(layer: str, read_size: int) -> None:
    """Answers SINK and ECHO until killed."""
    host = make_host(layer)

    async def sink(net_stream: INetStream) -> None:
        """Reads eight bytes that say how many follow, those, and answers with what it saw of itself."""
        stream, lateness = bare(net_stream), Lateness()
        size = int.from_bytes(await stream.read(8))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lateness.watch)
            seen, rss, cpu = 0, [], time.process_time()
            while seen < size:
                seen += len(await stream.read(min(read_size, size - seen)))
                if seen >= (len(rss) + 1) << 30:
                    rss.append(rss_mb())
            cpu = time.process_time() - cpu
            nursery.cancel_scope.cancel()
        report = json.dumps(
            {"lateness_p99_ms": lateness.p99_ms() if lateness.seen else 0.0, "rss_mb": rss, "cpu_s": cpu}
        )
        await stream.write(report.encode().ljust(1000))

    async def echo(net_stream: INetStream) -> None:
        stream = bare(net_stream)
        with suppress(BaseLibp2pError):  # the client is done; the library would end the host over it
            while True:
                await stream.write(await stream.read(REQUEST_SIZE))

    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        host.set_stream_handler(SINK, sink)
        host.set_stream_handler(ECHO, echo)
        print(host.get_addrs()[0], flush=True)
        await trio.sleep_forever()


@asynccontextmanager
async def connected(layer: str, address: str) -> AsyncIterator[tuple[IMuxedStream, IMuxedStream]]:
    """A bulk stream and one for small requests, on one connection."""
    host = make_host(layer)
    async with host.run([]):
        server = info_from_p2p_addr(Multiaddr(address))
        await host.connect(server)
        await trio.sleep(0.3)  # identify, which both sides run on a new connection, is not what is measured
        yield tuple([bare(await host.new_stream(server.peer_id, [protocol])) for protocol in (SINK, ECHO)])


async def read_exactly(stream: IMuxedStream, size: int) -> bytes:
    """`size` bytes."""
    data = b""
    while len(data) < size:
        data += await stream.read(size - len(data))
    return data


async def ask(stream: IMuxedStream, round_trips: list[float]) -> None:
    """Small requests, one after the other, with a pause as a person or a DHT would make."""
    request = os.urandom(REQUEST_SIZE)
    while True:
        began = time.perf_counter()
        await stream.write(request)
        await read_exactly(stream, REQUEST_SIZE)
        round_trips.append(time.perf_counter() - began)
        await trio.sleep(0.002)


async def send(layer: str, address: str, size: int, write_size: int, *, with_requests: bool) -> dict[str, object]:
    """Sends `size` bytes and tells how long it took and what else was seen meanwhile."""
    async with connected(layer, address) as (bulk, small):
        data, left, lateness, round_trips = os.urandom(write_size), size, Lateness(), []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lateness.watch)
            if with_requests:
                nursery.start_soon(ask, small, round_trips)
            cpu, began = time.process_time(), time.perf_counter()
            await bulk.write(size.to_bytes(8))
            while left:
                piece = data if left >= write_size else data[:left]
                await bulk.write(piece)
                left -= len(piece)
            report = json.loads(await read_exactly(bulk, 1000))
            seconds = time.perf_counter() - began
            nursery.cancel_scope.cancel()
        return {
            "mb_s": size / seconds / 1e6,
            "cpu_s": time.process_time() - cpu,
            "lateness_p99_ms": lateness.p99_ms() if lateness.seen else 0.0,
            "request_p99_ms": percentile(round_trips, 0.99) * 1e3 if round_trips else None,
            "request_p50_ms": percentile(round_trips, 0.5) * 1e3 if round_trips else None,
            "receiver": report,
        }


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["serve", "send"])
    parser.add_argument("--layer", choices=["ours", "stock"], required=True)
    parser.add_argument("--address")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--read", type=int, default=262_144)
    parser.add_argument("--write", type=int, default=262_144)
    parser.add_argument("--requests", action="store_true")
    chosen = parser.parse_args()
    if chosen.role == "serve":
        await serve(chosen.layer, chosen.read)
    result = await send(chosen.layer, chosen.address, chosen.size, chosen.write, with_requests=chosen.requests)
    print(json.dumps(result), flush=True)
    os._exit(0)  # the library takes its time to stop, and nothing is left to save


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    trio.run(main)
