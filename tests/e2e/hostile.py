"""A peer that misbehaves in every way, one for each CID, as a process of its own: `python -m tests.e2e.hostile`.

It prints one JSON line with the link of each lie and stays until its stdin ends. Everything below the exchange
protocol is an honest libp2p host, so that only the lie under test is a lie.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import cbrrr
import trio

from node.net.host import HostSettings, open_host
from node.net.identity import load_or_create
from node.net.streams import PeerStream
from protocols.bitfield import Bitfield
from protocols.cid import DAG_CBOR, Cid
from protocols.exchange import (
    MAX_DATA,
    PROTOCOL_ID,
    BitfieldMessage,
    Connection,
    Data,
    GetMeta,
    Hello,
    Meta,
    Request,
    encode,
)
from protocols.link import Link
from protocols.manifest import FileEntry, Manifest, decode
from protocols.manifest import encode as encode_manifest

CHUNK = 1 << 20
CONTENT = random.Random(5).randbytes(5 * CHUNK + 77)


def honest_manifest(name: str = "lies.bin") -> bytes:
    """The manifest of CONTENT as one file."""
    digests = b"".join(hashlib.sha256(CONTENT[at : at + CHUNK]).digest() for at in range(0, len(CONTENT), CHUNK))
    entry = FileEntry((name,), len(CONTENT), hashlib.sha256(CONTENT).digest())
    return encode_manifest(Manifest(name, CHUNK, (entry,), digests)).block


def fields(**changes: object) -> bytes:
    """The honest manifest's fields with some of them changed."""
    return cbrrr.encode_dag_cbor(cbrrr.decode_dag_cbor(honest_manifest()) | changes)


def with_path(*path: str) -> bytes:
    """A folder with one file at a hostile path."""
    file = {"path": list(path), "size": 3, "sha256": hashlib.sha256(b"abc").digest()}
    return fields(folder=True, files=[file], digests=hashlib.sha256(b"abc").digest())


MANIFESTS: dict[str, Callable[[], bytes]] = {
    "manifest-nested": lambda: b"\x81" * 100_000 + b"\x01",
    "manifest-truncated": lambda: honest_manifest()[:-7],
    "manifest-count": lambda: fields(digests=bytes(32 * 3)),
    "manifest-non-canonical": lambda: b"\xb8\x08" + honest_manifest()[1:],
    "manifest-dots": lambda: with_path("..", "..", "etc", "passwd"),
    "manifest-slash": lambda: with_path("a/../../b"),
    "manifest-nul": lambda: with_path("a\0b"),
    "manifest-absolute": lambda: with_path("/etc/passwd"),
}
"""Blocks that hash to the CID they are asked for by, and are no manifest."""


class Liar:
    """One session's side of the conversation."""

    def __init__(self, stream: PeerStream) -> None:
        self.stream = stream
        self.mode = ""
        self.block = b""
        self.connection = Connection(None, request_limit=16 << 20, max_manifest_size=1 << 23, max_page_size=1 << 19)

    async def run(self) -> None:
        """Answer until the other side has had enough."""
        while data := await self.stream.receive_some():
            for message in self.connection.receive_data(data):
                match message:
                    case Hello():
                        self.mode = MODES[message.cid]
                        self.block = BLOCKS[self.mode]
                        await self.say(self.connection.hello("liar/1"))
                        await self.announce()
                    case GetMeta():
                        await self.meta(message)
                    case Request():
                        await LIES[self.mode](self, message)

    async def say(self, message: object) -> None:
        """Send a message that is legal."""
        for part in self.connection.send(message):
            await self.stream.send_all(part)

    async def announce(self) -> None:
        """Claim to have everything, where there is a geometry to claim it in."""
        try:
            geometry = decode(self.block).geometry
        except Exception:  # a hostile manifest: no bitfield can be made for it
            return
        self.connection.set_geometry(geometry)
        await self.say(BitfieldMessage(Bitfield.full(geometry.chunk_count).to_bytes()))

    async def meta(self, asked: GetMeta) -> None:
        """The manifest, or another one."""
        block = self.block
        if self.mode == "wrong-manifest":
            block = bytes(len(block))
        await self.say(Meta(0, len(block), asked.offset, block[asked.offset : asked.offset + MAX_DATA]))

    async def data(self, request: Request, payload: bytes) -> None:
        """Serve a request with any bytes of the right length."""
        for at in range(0, len(payload), MAX_DATA):
            await self.say(Data(request.chunk, request.offset + at, payload[at : at + MAX_DATA]))


async def wrong_data(liar: Liar, request: Request) -> None:
    await liar.data(request, bytes(request.length))


async def too_much(liar: Liar, request: Request) -> None:
    for part in encode(Data(request.chunk, request.offset + request.length - 1, bytes(MAX_DATA))):
        await liar.stream.send_all(part)


async def too_little(liar: Liar, request: Request) -> None:
    start = request.chunk * CHUNK + request.offset
    await liar.say(Data(request.chunk, request.offset, CONTENT[start : start + min(request.length, MAX_DATA)]))
    await liar.stream.aclose()


async def nothing(liar: Liar, request: Request) -> None:
    await trio.lowlevel.checkpoint()


async def hang_up(liar: Liar, request: Request) -> None:
    await trio.lowlevel.checkpoint()
    liar.stream.reset()


async def garbage(liar: Liar, request: Request) -> None:
    await liar.stream.send_all(b"\xff" * 1000)


LIES: dict[str, Callable[[Liar, Request], Awaitable[None]]] = {
    "wrong-data": wrong_data,
    "too-much": too_much,
    "too-little": too_little,
    "nothing": nothing,
    "hang-up": hang_up,
    "garbage": garbage,
    "wrong-manifest": nothing,
    **dict.fromkeys(MANIFESTS, nothing),
}


BLOCKS = {mode: MANIFESTS.get(mode, lambda mode=mode: honest_manifest(mode))() for mode in LIES}
MODES = {Cid.of(DAG_CBOR, block): mode for mode, block in BLOCKS.items()}


async def handle(stream: PeerStream) -> None:
    """One session."""
    try:
        await Liar(stream).run()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return


async def main() -> None:
    """Lie until stdin ends."""
    with tempfile.TemporaryDirectory() as folder:
        identity = load_or_create(Path(folder, "key"))
        async with open_host(HostSettings(identity)) as host:
            host.set_handler(PROTOCOL_ID, handle)
            links = {mode: str(Link(cid, mode, None, tuple(host.addresses()))) for cid, mode in MODES.items()}
            print(json.dumps(links), flush=True)
            await trio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    trio.run(main)
