"""Finding out whether a peer has what it is said to have: its manifest, and one chunk chosen at random.

Rules: a probe is an ordinary exchange session that asks for one chunk, so nobody can answer probes and nothing else.
It believes only hashes. A peer that can't be reached or is busy has proved nothing either way; one that sends
something else than the CID or the digest names has.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Protocol

import trio

from node.errors import ShoalError
from node.services.session import ExchangeStream
from node.services.threads import in_thread
from protocols.bitfield import Bitfield
from protocols.cid import DIGEST_LENGTH, Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    MIN_REQUEST_LIMIT,
    PROTOCOL_ID,
    BitfieldMessage,
    Bye,
    ByeReason,
    Connection,
    Data,
    GetMeta,
    Message,
    MessageType,
    Meta,
    Reject,
    RejectMeta,
    Request,
)
from protocols.manifest import MAX_MANIFEST_SIZE, PAGE_DIGESTS, Manifest, check_page, decode

log = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 15.0
"""A peer that needs longer for one chunk is no use now."""

GUESSES = 100
"""At which chunk a peer has, until those that it has are listed: then it has few."""


class Network(Protocol):
    """What is needed of the host."""

    async def connect(self, target: str, hints: Iterable[str] = ()) -> str: ...
    async def open_stream(self, peer_id: str, protocol_id: str) -> ExchangeStream: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """What a probe found: the manifest, whether the peer has proved to have a chunk of it, and which it says it has."""

    manifest: Manifest | None = None
    has_chunk: bool = False
    lied: bool = False
    have: Bitfield | None = None


def content_of(manifest: Manifest) -> bytes:
    """A digest that is the same for the same bytes under another name of the share; every chunk's digest is in it."""
    files = manifest.files if manifest.is_folder else tuple(replace(file, path=()) for file in manifest.files)
    known = (manifest.is_folder, manifest.chunk_size, files, manifest.empty_dirs, manifest.digests, manifest.pages)
    return sha256(repr(known).encode()).digest()


class _Ended(Exception):
    """The peer doesn't give what was asked for."""


async def probe(network: Network, peer: str, cid: Cid, agent: str, rng: Random) -> Proof:
    """Ask a peer for the manifest and a random chunk; raises nothing for what it does."""
    talk: _Talk | None = None
    proof = Proof()
    try:
        with trio.move_on_after(PROBE_TIMEOUT_S):
            await network.connect(peer)
            talk = _Talk(await network.open_stream(peer, PROTOCOL_ID), cid)
            await talk.send(talk.connection.hello(agent))
            manifest = await talk.manifest()
            proof = Proof(manifest)
            has_chunk = await talk.prove(manifest, rng)
            proof = Proof(manifest, has_chunk, have=talk.have)
            await talk.send(Bye(ByeReason.FINISHED, ""))
            await talk.stream.aclose()
            talk = None
    except RemoteProtocolError as error:
        log.info("%s doesn't have %s: %s", peer, cid, error)
        proof = Proof(proof.manifest, lied=True)
    except (ShoalError, trio.BrokenResourceError, trio.ClosedResourceError, _Ended) as error:
        log.debug("%s has not proved to have %s: %s", peer, cid, error)
    finally:
        if talk is not None:
            talk.stream.reset()
    return proof


class _Talk:
    """One exchange stream, used step by step."""

    def __init__(self, stream: ExchangeStream, cid: Cid) -> None:
        self.stream = stream
        self.connection = Connection(
            cid,
            request_limit=MIN_REQUEST_LIMIT,  # nothing is served here
            max_manifest_size=MAX_MANIFEST_SIZE,
            max_page_size=PAGE_DIGESTS * DIGEST_LENGTH,
        )
        self._cid = cid
        self.have: Bitfield | None = None  # what the peer says it has
        self._chunk_count = 0

    async def send(self, message: Message) -> None:
        for part in self.connection.send(message):
            await self.stream.send_all(part)

    async def manifest(self) -> Manifest:
        """The manifest, whose bytes are those that the CID names; digests in pages are not here yet."""
        block = await self._block(0)
        if not self._cid.names(block):
            raise RemoteProtocolError("the manifest that was sent doesn't hash to its CID")
        return await in_thread(decode, block)

    async def prove(self, manifest: Manifest, rng: Random) -> bool:
        """Whether the peer sends a chunk that is right; a share without chunks is had by who has its manifest."""
        geometry = manifest.geometry
        self._chunk_count = geometry.chunk_count
        if not geometry.chunk_count:
            self.have = Bitfield(0)
            return True
        for message in self.connection.set_geometry(geometry):
            self._note(message)
        await self.send(BitfieldMessage(Bitfield(geometry.chunk_count).to_bytes()))
        while self.have is None:
            await self._receive()
        if not self.have.count:
            return False
        chunk = await in_thread(any_of, self.have, rng)
        digest = await self._digest(manifest, chunk)
        data = await self._chunk(chunk, geometry.chunk_length(chunk))
        if (await in_thread(sha256, data)).digest() != digest:
            raise RemoteProtocolError(f"chunk {chunk} doesn't hash to its digest")
        return True

    async def _digest(self, manifest: Manifest, chunk: int) -> bytes:
        if manifest.has_digests:
            return manifest.digest(chunk)
        number, place = divmod(chunk, PAGE_DIGESTS)
        page = await self._block(number + 1)
        check_page(manifest, number, page)
        return page[place * DIGEST_LENGTH : (place + 1) * DIGEST_LENGTH]

    async def _block(self, part: int) -> bytes:
        block = bytearray()
        total = 1
        while len(block) < total:
            await self.send(GetMeta(part=part, offset=len(block)))
            answer: Message | None = None
            while not isinstance(answer, Meta | RejectMeta):
                answer = next((each for each in await self._receive() if isinstance(each, Meta | RejectMeta)), None)
            if isinstance(answer, RejectMeta):
                raise _Ended("it has no such manifest")
            total = answer.total
            block += answer.data
        return bytes(block)

    async def _chunk(self, chunk: int, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            wanted = min(length, len(data) + MIN_REQUEST_LIMIT)  # what every peer accepts at once
            await self.send(Request(chunk=chunk, offset=len(data), length=wanted - len(data)))
            while len(data) < wanted:
                for message in await self._receive():
                    if isinstance(message, Reject):
                        raise _Ended("it doesn't send the chunk")
                    if isinstance(message, Data):
                        data += bytes(message.data)
        return bytes(data)

    async def _receive(self) -> list[Message]:
        """What came next; a bitfield among it is noted."""
        data = await self.stream.receive_some()
        if not data:
            raise _Ended("it ended the stream")
        messages = self.connection.receive_data(data)
        for message in messages:
            self._note(message)
            if message.TYPE is MessageType.BYE:
                raise _Ended("it said goodbye")
        return messages

    def _note(self, message: Message) -> None:
        if isinstance(message, BitfieldMessage):
            self.have = Bitfield.from_bytes(self._chunk_count, bytes(message.data))


def any_of(have: Bitfield, rng: Random) -> int:
    """One of the chunks had, of which there must be one, each as likely; to list two million takes 0.2 s."""
    for _ in range(GUESSES):
        chunk = rng.randrange(have.length)
        if have[chunk]:
            return chunk
    return rng.choice(list(have))
