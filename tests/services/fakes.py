"""A network without sockets, and content without disks, for tests of the services."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable

import trio

from node.errors import NoPeersError, StorageError
from node.services.content import Content
from protocols.bitfield import Bitfield
from protocols.manifest import EncodedManifest, FileEntry, Manifest, decode, encode

CHUNK = 65_536
WINDOW = 256 * 1024
BYTES_PER_S = 10e6
"""Of every stream, so that things take time and a test can happen in the middle of them."""


class Pipe:
    """One direction of a stream: bounded, and either ended cleanly or broken."""

    def __init__(self) -> None:
        self.parts: deque[bytes] = deque()
        self.size = 0
        self.is_eof = False
        self.is_broken = False
        self.changed = trio.Event()

    def wake(self) -> None:
        self.changed.set()
        self.changed = trio.Event()


class FakeStream:
    """A PeerStream as the services see it."""

    def __init__(self, peer_id: str, incoming: Pipe, outgoing: Pipe) -> None:
        self.peer_id = peer_id
        self.remote_address = "/ip4/127.0.0.1/tcp/4001"
        self.incoming = incoming
        self.outgoing = outgoing
        self.is_closed = False

    async def send_all(self, data) -> None:
        await trio.sleep(len(data) / BYTES_PER_S)
        while self.outgoing.size >= WINDOW and not self.outgoing.is_broken and not self.is_closed:
            await self.outgoing.changed.wait()
        if self.is_closed:
            raise trio.ClosedResourceError
        if self.outgoing.is_broken:
            raise trio.BrokenResourceError("reset by the peer")
        self.outgoing.parts.append(bytes(data))
        self.outgoing.size += len(data)
        self.outgoing.wake()

    async def send_parts(self, parts) -> None:
        await self.send_all(b"".join(parts))

    async def receive_some(self, max_bytes=None) -> bytes:
        await trio.lowlevel.checkpoint()
        while not self.incoming.parts and not (self.incoming.is_eof or self.incoming.is_broken or self.is_closed):
            await self.incoming.changed.wait()
        if self.is_closed:
            raise trio.ClosedResourceError
        if self.incoming.parts:
            part = self.incoming.parts.popleft()
            self.incoming.size -= len(part)
            self.incoming.wake()
            return part
        if self.incoming.is_broken:
            raise trio.BrokenResourceError("reset by the peer")
        return b""

    async def receive_parts(self) -> list[memoryview]:
        """What came, in two parts that are cut anywhere."""
        data = memoryview(await self.receive_some())
        middle = len(data) // 3
        return [part for part in (data[:middle], data[middle:]) if part]

    async def aclose(self) -> None:
        self.is_closed = True
        self.outgoing.is_eof = True
        self.outgoing.wake()
        self.incoming.wake()
        await trio.lowlevel.checkpoint()

    def reset(self) -> None:
        self.is_closed = True
        for pipe in (self.incoming, self.outgoing):
            pipe.is_broken = pipe.is_broken or not pipe.is_eof
            pipe.wake()


def stream_pair(first: str, second: str) -> tuple[FakeStream, FakeStream]:
    """The two ends of a stream between two peers: the first peer's end, then the second's."""
    there, back = Pipe(), Pipe()
    return FakeStream(second, back, there), FakeStream(first, there, back)


class FakeNetwork:
    """Joins nodes by name: a dial calls the other node's handler with its end of a new stream."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.handlers: dict[str, Callable[[FakeStream], Awaitable[None]]] = {}
        self.providers: dict[bytes, list[str]] = {}

    def host(self, name: str) -> FakeHost:
        return FakeHost(self, name)


class FakeProvider:
    """A provider record."""

    def __init__(self, peer_id: str) -> None:
        self.peer_id = peer_id
        self.addresses = ("/ip4/127.0.0.1/tcp/4001",)


class FakeHost:
    """One node's view of the fake network: host and routing in one."""

    def __init__(self, network: FakeNetwork, name: str) -> None:
        self.network = network
        self.peer_id = name
        self.opened: list[FakeStream] = []

    async def connect(self, target, hints=()) -> str:
        await trio.lowlevel.checkpoint()
        if target not in self.network.handlers:
            raise NoPeersError(f"{target} is not reachable")
        return target

    async def open_stream(self, peer_id, protocol_id) -> FakeStream:
        await trio.lowlevel.checkpoint()
        ours, theirs = stream_pair(self.peer_id, peer_id)
        self.opened.append(ours)
        self.network.nursery.start_soon(self.network.handlers[peer_id], theirs)
        return ours

    async def find_providers(self, key, found, limit) -> None:
        await trio.lowlevel.checkpoint()
        for name in self.network.providers.get(key, []):
            found(FakeProvider(name))


class MemoryReader:
    """Chunks in memory; `broken` ones can't be read."""

    def __init__(self, data: bytes, manifest: Manifest) -> None:
        self.data = data
        self.geometry = manifest.geometry
        self.broken: set[int] = set()

    def read(self, index: int, offset: int, length: int) -> bytes:
        if index in self.broken:
            raise StorageError("the shared file is not the one that was shared")
        start = index * CHUNK + offset
        return self.data[start : start + length]


def one_file(data: bytes, name: str = "file.bin") -> EncodedManifest:
    """The manifest of one file in chunks of 64 KiB."""
    digests = b"".join(hashlib.sha256(data[at : at + CHUNK]).digest() for at in range(0, len(data), CHUNK))
    entry = FileEntry((name,), len(data), hashlib.sha256(data).digest())
    return encode(Manifest(name, CHUNK, (entry,), digests))


def complete_content(data: bytes) -> Content:
    """A finished share of one file, in memory."""
    encoded = one_file(data)
    manifest = decode(encoded.block)
    have = Bitfield.full(manifest.geometry.chunk_count)
    return Content(encoded.cid, manifest, (encoded.block, *encoded.pages), have, MemoryReader(data, manifest))
