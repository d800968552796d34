"""Conversations of the exchange protocol with one fault in them, on shoal's own host.

Rules: the codec and the books are shoal's, so that only the fault under test is a fault.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio
from meddler import Broken, Meddler
from telling import emit, ready

from node.net.host import Host
from node.net.streams import PeerStream
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.exchange import (
    MAX_DATA,
    MAX_META,
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
)
from protocols.manifest import EncodedManifest, FileEntry, Manifest
from protocols.manifest import decode as decode_manifest
from protocols.manifest import encode as encode_manifest

CHUNK = 1 << 20
REQUEST_LIMIT = 16 << 20


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
    path = Path(arguments.arguments[0])
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
                    data = described.block[message.offset : message.offset + MAX_META]
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
    described = describe(Path(arguments.arguments[0]))
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
