"""A Python peer for what `shoal` can't be told to do: break the rules, move bare bytes, ping, ask the DHT.

Rules: shoal's own host below, the Go peer's commands and events above. It ends when its work is done or its stdin ends.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import faulty
import probing
import trio
from meddler import MODES
from telling import emit, ready

from node.net.host import Host, HostSettings, open_host
from node.net.identity import Identity, load_or_create
from node.net.kad_reports import KademliaSettings
from node.net.kademlia import Kademlia, open_kademlia
from node.net.provider_store import MemoryProviderStore, Provider
from node.net.streams import PeerStream

BARE = "/shoal/interop/bare/1.0.0"
BARE_BUFFER = 256 << 10
PING = "/ipfs/ping/1.0.0"
PING_SIZE = 32
PROVIDERS = 20


async def serve(host: Host, arguments: argparse.Namespace) -> None:
    """Be a DHT server."""
    async with joined(host, arguments):
        await until_stdin_ends()


async def provide(host: Host, arguments: argparse.Namespace) -> None:
    """Put provider records, and stay so that others may find them."""
    async with joined(host, arguments) as dht:
        for key in map(bytes.fromhex, arguments.arguments):
            start = time.monotonic()
            report = await dht.provide(key)
            emit("provided", key=key.hex(), stored=report.stored, milliseconds=(time.monotonic() - start) * 1000)
        await until_stdin_ends()


async def find(host: Host, arguments: argparse.Namespace) -> None:
    """Find providers."""
    async with joined(host, arguments) as dht:
        for key in map(bytes.fromhex, arguments.arguments):
            found: list[Provider] = []
            start = time.monotonic()
            await dht.find_providers(key, found.append, PROVIDERS)
            emit(
                "found",
                key=key.hex(),
                providers={provider.peer_id: provider.addresses for provider in found},
                milliseconds=(time.monotonic() - start) * 1000,
            )


@asynccontextmanager
async def joined(host: Host, arguments: argparse.Namespace) -> AsyncIterator[Kademlia]:
    """This node's part in the DHT, once everybody that it bootstraps by is in its routing table."""
    async with open_kademlia(host, KademliaSettings(), MemoryProviderStore()) as dht:
        ready(host)
        for address in arguments.bootstrap:
            await host.connect(address)
        while dht.routing_table_size < len(arguments.bootstrap):  # noqa: ASYNC110 - the table has no event
            await trio.sleep(0.01)
        emit("joined", table=dht.routing_table_size)
        yield dht


async def until_stdin_ends() -> None:
    """Whoever started this has gone, or wants it to go."""
    await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


async def sink(host: Host, arguments: argparse.Namespace) -> None:
    """Swallow what comes on bare streams, and answer with how much it was."""

    async def swallow(stream: PeerStream) -> None:
        count, start = 0, time.monotonic()
        while data := await stream.receive_some():
            count += len(data)
        await stream.send_all(count.to_bytes(8, "big"))
        await stream.send_eof()
        emit("swallowed", bytes=count, milliseconds=(time.monotonic() - start) * 1000)

    host.set_handler(BARE, swallow)
    ready(host)
    await until_stdin_ends()


async def pour(host: Host, arguments: argparse.Namespace) -> None:
    """Send bytes on a bare stream."""
    ready(host)
    peer = await host.connect(arguments.arguments[0])
    stream = await host.open_stream(peer, BARE)
    buffer = bytes(BARE_BUFFER)
    start = time.monotonic()
    for at in range(0, arguments.bytes, BARE_BUFFER):
        await stream.send_all(buffer[: arguments.bytes - at])
    await stream.send_eof()
    answer = b""
    while more := await stream.receive_some():
        answer += more
    if int.from_bytes(answer, "big") != arguments.bytes:
        raise SystemExit(f"{int.from_bytes(answer, 'big')} bytes arrived")
    emit("poured", bytes=arguments.bytes, milliseconds=(time.monotonic() - start) * 1000)


async def ping(host: Host, arguments: argparse.Namespace) -> None:
    """Measure round trips."""
    ready(host)
    peer = await host.connect(arguments.arguments[0])
    async with await host.open_stream(peer, PING) as stream:
        for _ in range(3):
            start = time.monotonic()
            sent, heard = os.urandom(PING_SIZE), b""
            await stream.send_all(sent)
            while len(heard) < PING_SIZE and (more := await stream.receive_some()):
                heard += more
            if heard != sent:
                raise SystemExit(f"{heard!r} instead of {sent!r}")
            emit("pong", milliseconds=(time.monotonic() - start) * 1000)


COMMANDS = {
    command.__name__: command
    for command in (faulty.seed, faulty.fetch, probing.answer, probing.probe, serve, provide, find, sink, pour, ping)
}


async def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--misbehave", choices=MODES, default="")
    parser.add_argument("--peer", default="")
    parser.add_argument("--bootstrap", action="append", default=[])
    parser.add_argument("--bytes", type=int, default=1 << 20)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    identity = load_or_create(arguments.key) if arguments.key else Identity.generate()
    async with open_host(HostSettings(identity)) as host:
        await COMMANDS[arguments.command](host, arguments)


if __name__ == "__main__":
    trio.run(main)
