"""A Python peer for what `shoal` can't be told to do: to break the rules, to move bare bytes, to ping.

Rules: shoal's own host and codec, so that only the fault under test is a fault; the same events in JSON lines as the
Go peer. It stays until its stdin ends or its work is done.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from node.net import liveness
from node.net.host import Host, HostSettings, open_host
from node.net.identity import Identity, load_or_create
from node.net.streams import PeerStream
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.exchange import (
    MAX_DATA,
    PROTOCOL_ID,
    BitfieldMessage,
    Bye,
    ByeReason,
    Connection,
    Data,
    GetMeta,
    Hello,
    Message,
    Meta,
    Request,
    encode,
)
from protocols.manifest import EncodedManifest, FileEntry, Manifest
from protocols.manifest import decode as decode_manifest
from protocols.manifest import encode as encode_manifest

BARE = "/shoal/interop/bare/1.0.0"
CHUNK = 1 << 20
BARE_BUFFER = 256 << 10
REQUEST_LIMIT = 16 << 20
BULK_BEFORE_THE_END = 6  # messages that the modes that break off send: in the middle of a file
EXIT_CODE = 9  # of a process that was told to die


class Broken(Exception):
    """The mode has broken the stream off."""


def emit(event: str, **values: object) -> None:
    """Print one event."""
    print(json.dumps({"event": event, **values}), flush=True)


class Meddler:
    """Writes messages as one mode has it."""

    def __init__(self, stream: PeerStream, mode: str) -> None:
        self.stream = stream
        self.mode = mode
        self.bulk = 0

    async def write(self, message: Message) -> None:
        """The message, or what the mode makes of it."""
        frame = b"".join(encode(message))
        is_bulk = isinstance(message, Data | Request)
        self.bulk += is_bulk
        match self.mode, message:
            case ("silent", _) | ("no-data", Data() | Request()):
                return
            case ("wrong-data", Data()) | ("wrong-manifest", Meta()):
                frame = frame[:-1] + bytes([frame[-1] ^ 1])
            case "unknown-type", Hello():
                frame += b"\x01\x7f"
            case "unknown-optional", Hello():
                frame += b"\x05\xf0more"
            case "two-hellos", Hello():
                frame *= 2
            case "newer-version", Hello():
                frame = b"".join(encode(Hello(2, message.cid, message.request_limit, "p" * 60)))
                frame = bytes([frame[0] + 4]) + frame[1:] + b"more"  # the length is still one byte
            case "version-0", Hello():
                frame = b"".join(encode(Hello(0, message.cid, message.request_limit, message.agent)))
            case "huge-length", Data() | Request() if self.bulk == 1:
                frame = b"\xff\xff\xff\x7f" + frame
            case "unasked-data", Data() | Request() if self.bulk == 1:
                frame += b"".join(encode(Data(0, 1, b"!")))
            case "truncated", Data() | Request() if self.bulk == 1:
                await self.stream.send_all(frame[: len(frame) // 2 + 1])
                await self.stream.send_eof()
                raise Broken
            case (("resets" | "dies"), _) if self.bulk == BULK_BEFORE_THE_END:
                if self.mode == "dies":
                    os._exit(EXIT_CODE)  # as a crash would: without a word
                self.stream.reset()
                raise Broken
        await self.stream.send_all(frame)


MODES = (
    "silent", "no-data", "wrong-data", "wrong-manifest", "unknown-type", "unknown-optional", "two-hellos",
    "newer-version", "version-0", "huge-length", "unasked-data", "truncated", "resets", "dies",
)  # fmt: skip


class Talk:
    """One conversation, in which every message of the other side is reported that ends something."""

    def __init__(self, stream: PeerStream, cid: Cid | None, mode: str) -> None:
        self.stream = stream
        self.meddler = Meddler(stream, mode)
        self.connection = Connection(
            cid, request_limit=REQUEST_LIMIT, max_manifest_size=8 << 20, max_page_size=512 << 10
        )

    async def say(self, message: Message) -> None:
        """Enter the message in the books, and write it."""
        self.connection.send(message)
        await self.meddler.write(message)

    async def run(self, answer: Callable[[Message], Awaitable[None]]) -> None:
        """Answer every message until the other side ends it."""
        try:
            while data := await self.stream.receive_some():
                for message in self.connection.receive_data(data):
                    if isinstance(message, Bye):
                        emit("ended", peer=self.stream.peer_id, reason=message.reason.name.lower(), text=message.text)
                        return
                    await answer(message)
            emit("ended", peer=self.stream.peer_id, reason="", text="end of stream")
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            emit("ended", peer=self.stream.peer_id, reason="", text=repr(error))
        except Broken:
            emit("broken")
            await trio.sleep_forever()


def describe(path: Path) -> EncodedManifest:
    """The manifest of one small file."""
    content = path.read_bytes()
    parts = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    entry = FileEntry((path.name,), len(content), hashlib.sha256(content).digest())
    return encode_manifest(Manifest(path.name, CHUNK, (entry,), digests))


async def seed(host: Host, arguments: argparse.Namespace) -> None:
    """Serve one file, with one fault."""
    path = Path(arguments.argument)
    content, described = path.read_bytes(), describe(path)  # noqa: ASYNC240 - nothing else runs yet
    geometry = decode_manifest(described.block).geometry

    async def serve(stream: PeerStream) -> None:
        talk = Talk(stream, None, arguments.misbehave)

        async def answer(message: Message) -> None:
            match message:
                case Hello():
                    await talk.say(talk.connection.hello("pypeer/1"))
                    talk.connection.set_geometry(geometry)
                    await talk.say(BitfieldMessage(Bitfield.full(geometry.chunk_count).to_bytes()))
                case GetMeta():
                    data = described.block[message.offset : message.offset + MAX_DATA]
                    await talk.say(Meta(0, len(described.block), message.offset, data))
                case Request():
                    start = message.chunk * CHUNK + message.offset
                    for at in range(0, message.length, MAX_DATA):
                        data = content[start + at : start + min(at + MAX_DATA, message.length)]
                        await talk.say(Data(message.chunk, message.offset + at, data))

        await talk.run(answer)

    host.set_handler(PROTOCOL_ID, serve)
    ready(host, cid=str(described.cid))
    await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


async def fetch(host: Host, arguments: argparse.Namespace) -> None:
    """Ask a seeder for every chunk of a file that is here already, with one fault, and say how it ends."""
    described = describe(Path(arguments.argument))
    geometry = decode_manifest(described.block).geometry
    ready(host)
    peer = await host.connect(arguments.peer)
    talk = Talk(await host.open_stream(peer, PROTOCOL_ID), described.cid, arguments.misbehave)
    arrived = 0

    async def answer(message: Message) -> None:
        nonlocal arrived
        match message:
            case BitfieldMessage():
                for chunk in range(geometry.chunk_count):
                    await talk.say(Request(chunk, 0, geometry.chunk_length(chunk)))
            case Data():
                arrived += len(message.data)
                if arrived == sum(geometry.file_sizes):
                    emit("fetched")
                    await talk.say(Bye(ByeReason.FINISHED))

    talk.connection.set_geometry(geometry)
    await talk.say(talk.connection.hello("pypeer/1"))
    await talk.say(BitfieldMessage(Bitfield(geometry.chunk_count).to_bytes()))
    await talk.run(answer)


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
    await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


async def pour(host: Host, arguments: argparse.Namespace) -> None:
    """Send bytes on a bare stream."""
    ready(host)
    peer = await host.connect(arguments.argument)
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
    peer = await host.connect(arguments.argument)
    async with await host.open_stream(peer, liveness.PING) as stream:
        for _ in range(3):
            start = time.monotonic()
            await liveness.ping(stream)
            emit("pong", milliseconds=(time.monotonic() - start) * 1000)


def ready(host: Host, **values: object) -> None:
    """The first event."""
    emit("ready", peer=host.peer_id, addresses=host.addresses(), **values)


COMMANDS = {command.__name__: command for command in (seed, fetch, sink, pour, ping)}


async def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("argument", nargs="?", default="")
    parser.add_argument("--misbehave", choices=MODES, default="")
    parser.add_argument("--peer", default="")
    parser.add_argument("--bytes", type=int, default=1 << 20)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    identity = load_or_create(arguments.key) if arguments.key else Identity.generate()
    async with open_host(HostSettings(identity)) as host:
        await COMMANDS[arguments.command](host, arguments)


if __name__ == "__main__":
    trio.run(main)
