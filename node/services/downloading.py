"""One download, from nothing but its CID to a verified file in place.

Rules: which chunk from whom is `node.swarm.Download`'s decision; here its commands become messages and messages
become its news. A chunk is hashed, then written, then recorded, in a worker thread, and only then announced. The
steps: manifest → room on disk → chunks → whole-file hashes → rename.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import trio

from node.errors import IntegrityError, ShoalError, StorageError
from node.services.content import ChunkReader, Content
from node.services.session import PeerSession
from node.services.swarms import Swarm
from node.services.threads import single, stoppable
from node.services.writing import Buffers, WriteQueue
from node.status import TransferState
from node.store.watch import Watch
from node.swarm.candidates import Candidates
from node.swarm.commands import BanPeer, CancelRange, DropChunk, RequestRange
from node.swarm.download import Download
from node.swarm.limits import TokenBucket
from node.swarm.manifest_fetch import ANSWER_TIMEOUT_S, Fetched, InvalidManifestError, ManifestFetch, check_block
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import (
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    Have,
    Message,
    Meta,
    Reject,
    RejectMeta,
    Request,
)
from protocols.manifest import Manifest

log = logging.getLogger(__name__)

WRITERS = 2
"""Tasks that hash and write: two keep both cores of a small machine busy; more would only add thread hops."""

FULL_DISK_RETRY_S = 5.0
LONGEST_TICK_S = 1.0

T = TypeVar("T")


class Storage(ChunkReader, Protocol):
    """Where one download is kept; all of it blocks and is called in threads (`CatalogueStorage`)."""

    def saved_manifest(self) -> tuple[Manifest, tuple[bytes, ...]] | None: ...
    def save_manifest(self, manifest: Manifest, blocks: Sequence[bytes]) -> None: ...
    def open(self, manifest: Manifest, watch: Watch) -> Bitfield: ...
    def write(self, chunks: Sequence[tuple[int, bytearray]]) -> tuple[list[int], list[int]]: ...
    def finish(self, watch: Watch) -> None: ...
    def close(self) -> None: ...


class DownloadTask:
    """The running state of one download and the glue around its decisions."""

    def __init__(self, swarm: Swarm, candidates: Candidates, storage: Storage, rng: random.Random) -> None:
        self.swarm = swarm
        self.cid: Cid = swarm.cid
        self.candidates = candidates
        self.machine: Download | None = None
        self.state = TransferState.DOWNLOADING
        self.blocked = ""  # why nothing can move though peers are there: a full disk
        self.error: ShoalError | None = None
        self.bad_chunks = 0
        self.bad_now: set[int] = set()  # chunks whose last copy was wrong, and that none has come for since
        self.started_at = trio.current_time()
        self.lookups: Callable[[], int] = lambda: 1  # how often the DHT was asked so far
        self.has_chunks: Callable[[], None] = lambda: None  # called with each batch of verified chunks
        self.buckets: tuple[TokenBucket, ...] = ()  # what it asks for has to pass all of these
        self._fetch = ManifestFetch(self.cid)
        self._storage = storage
        self._rng = rng
        self._buffers = Buffers()
        self._unwritten = WriteQueue()
        self._wake = trio.Event()

    # --- news from the sessions -------------------------------------------------------------------------------

    def session_opened(self, session: PeerSession) -> None:
        """A peer has joined the swarm."""
        self.candidates.connected(session.peer, trio.current_time())
        self._welcome(session)
        self._wake.set()

    def session_closed(self, session: PeerSession, error: Exception | None) -> None:
        """A peer has left; one that broke the protocol is not asked again."""
        now = trio.current_time()
        self._fetch.peer_left(session.peer)
        if self.machine:
            self.machine.peer_left(session.peer, now)
        if isinstance(error, RemoteProtocolError):
            self._ban(session.peer, str(error))
        self.candidates.ended(session.peer, now, f"it said: {session.farewell}" if session.farewell else "it hung up")
        self._wake.set()

    def fetch_only_from(self, peer: str) -> None:
        """Ask nobody but this peer from now on, or, if it is "", whoever has something."""
        self.candidates.only = peer
        for session in tuple(self.swarm.sessions.values()):
            if self._may_ask(session):
                self._welcome(session)
            else:  # it may come back to be served
                session.bye(ByeReason.FINISHED, "another peer was chosen")
        self._wake.set()

    async def heard(self, session: PeerSession, message: Message) -> None:
        """One message for the download; waits only when complete chunks pile up before the disk."""
        now = trio.current_time()
        machine = self.machine
        match message:
            case Data() if machine:
                await self._data(session, message, machine, now)
            case Meta():
                self._fetch.received(session.peer, message)
                self._wake.set()
            case RejectMeta():
                self._fetch.rejected(session.peer, message.reason, now)
            case BitfieldMessage() if machine and session.remote_have is not None:
                machine.peer_bitfield(session.peer, session.remote_have, now)
            case Have() if machine:
                machine.peer_has(session.peer, message.chunks, now)
            case Reject() if machine:
                range_ = message.chunk, message.offset, message.length
                machine.request_rejected(session.peer, *range_, now, message.reason)
            case Bye():
                session.farewell = message.text
                log.info("%s says bye: %s", session.peer, message.text or message.reason.name.lower())
                session.bye(ByeReason.FINISHED)
            case _:
                pass  # before the geometry is known the connection keeps what was said
        self._pump()

    async def _data(self, session: PeerSession, data: Data, machine: Download, now: float) -> None:
        length = len(data.data)
        session.down.add(length, now)
        verdict = machine.data_received(session.peer, data.chunk, data.offset, length, now)
        if verdict.keep:
            buffer = self._buffers.of(data.chunk, machine.geometry.chunk_length(data.chunk))
            for start, end in verdict.keep:
                buffer[start:end] = data.data[start - data.offset : end - data.offset]
        if verdict.complete:
            # What a peer may send on credit is little until its first chunk is verified, whether it lies or not.
            is_proven = machine.peers[session.peer].pipeline.is_proven
            self._pump()  # keep the peers busy before waiting for the disk
            await self._unwritten.put(data.chunk, self._buffers.take(data.chunk), is_urgent=not is_proven)

    # --- the steps --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Download until the file is in place; raises ShoalError when it can't be."""
        self.swarm.listener = self
        for session in tuple(self.swarm.sessions.values()):
            self.session_opened(session)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._tick)
                manifest, blocks = await self._manifest()
                have = await self._open(manifest)
                self._start(manifest, blocks, have)
                for _ in range(WRITERS):
                    nursery.start_soon(self._write)
                await self._all_chunks()
                nursery.cancel_scope.cancel()
            await self._finish()
        except* ShoalError as group:
            raise single(group) from group
        finally:
            self.swarm.listener = None
            self._withdraw()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._storage.close)

    async def _manifest(self) -> tuple[Manifest, tuple[bytes, ...]]:
        saved = await trio.to_thread.run_sync(self._storage.saved_manifest)
        if saved:
            return saved
        while not self._fetch.is_complete:
            self._pump()
            await self._wake.wait()
            self._wake = trio.Event()
            if self._fetch.unchecked:
                await self._check_block(self._fetch.unchecked)
        manifest = self._fetch.manifest
        assert manifest is not None
        save = partial(self._storage.save_manifest, manifest, self._fetch.blocks)
        await self._when_there_is_room(partial(trio.to_thread.run_sync, save))
        return manifest, self._fetch.blocks

    async def _check_block(self, fetched: Fetched) -> None:
        try:
            self._fetch.checked(await trio.to_thread.run_sync(check_block, fetched))
        except RemoteProtocolError as error:
            self._fetch.refused()
            self._ban(fetched.peer, str(error))
        except InvalidManifestError as error:
            raise IntegrityError(f"the manifest of {self.cid} is not valid: {error}") from error

    async def _open(self, manifest: Manifest) -> Bitfield:
        """The chunks that are here already, once there is room for the others."""
        return await self._when_there_is_room(
            partial(stoppable, self._storage.open, manifest, progress=lambda done: None)
        )

    async def _when_there_is_room(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The answer of `attempt`, which is made again for as long as the disk is full; raises its other errors."""
        while True:
            try:
                answer = await attempt()
            except StorageError as error:
                if not error.is_full:
                    raise
                self.blocked = str(error)
                await trio.sleep(FULL_DISK_RETRY_S)
            else:
                self.blocked = ""
                return answer

    def _start(self, manifest: Manifest, blocks: tuple[bytes, ...], have: Bitfield) -> None:
        now = trio.current_time()
        self.machine = Download(manifest.geometry, have, rng=self._rng, now=now)
        self.machine.set_limits(*self.buckets)
        self.swarm.set_content(Content(self.cid, manifest, blocks, have, self._storage))
        for session in tuple(self.swarm.sessions.values()):
            self._welcome(session)
        self._pump()

    def _may_ask(self, session: PeerSession) -> bool:
        return self.candidates.only in ("", session.peer)

    def _welcome(self, session: PeerSession) -> None:
        """Ask a peer from here on, if it may be asked; one that is known already stays as it is."""
        if not self._may_ask(session):
            return
        if self.machine is None:
            self._fetch.peer_joined(session.peer)
        elif session.peer not in self.machine.peers:
            self._join(session, self.machine)

    def _join(self, session: PeerSession, machine: Download) -> None:
        now = trio.current_time()
        machine.peer_joined(session.peer, session.connection.remote_request_limit, now)
        if session.remote_have is not None:
            machine.peer_bitfield(session.peer, session.remote_have, now)

    async def _all_chunks(self) -> None:
        assert self.machine is not None
        while not self.machine.is_complete:
            await self._wake.wait()
            self._wake = trio.Event()
            self._pump()

    async def _finish(self) -> None:
        self.state = TransferState.VERIFYING
        await self._when_there_is_room(partial(stoppable, self._storage.finish, progress=lambda done: None))
        self.state = TransferState.SEEDING
        for session in tuple(self.swarm.sessions.values()):
            if session.remote_have is not None and session.remote_have.is_complete:
                session.bye(ByeReason.FINISHED, "both sides are complete")

    async def _write(self) -> None:
        assert self.machine is not None
        while True:
            batch = await self._unwritten.take()
            good, bad = await self._write_batch(batch)
            now = trio.current_time()
            data = dict(batch)
            for chunk in good:
                self.machine.chunk_verified(chunk, now, data[chunk])
                self.bad_now.discard(chunk)
            for chunk in bad:
                self._bad_chunk(chunk, now, data[chunk])
            for buffer in data.values():
                self._buffers.give_back(buffer)
            if good:
                self.has_chunks()
                self.swarm.announce_have(tuple(good))
            self._wake.set()

    async def _write_batch(self, batch: list[tuple[int, bytearray]]) -> tuple[list[int], list[int]]:
        assert self.machine is not None
        while True:
            try:
                answer = await trio.to_thread.run_sync(self._storage.write, batch)
            except StorageError as error:
                if not error.is_full:
                    raise
                self._block(str(error))
                await trio.sleep(FULL_DISK_RETRY_S)
            else:
                if self.blocked:
                    self.blocked = ""
                    self.machine.resume(trio.current_time())
                return answer

    def _block(self, reason: str) -> None:
        if not self.blocked:
            log.warning("%s: %s", self.cid, reason)
            assert self.machine is not None
            self.machine.pause()
        self.blocked = reason
        self._pump()

    def _bad_chunk(self, chunk: int, now: float, data: bytearray) -> None:
        assert self.machine is not None
        self.bad_chunks += 1
        self.bad_now.add(chunk)
        suspects = self.machine.chunk_failed(chunk, now, data)
        log.warning("%s: chunk %d doesn't match its digest; it came from %s", self.cid, chunk, ", ".join(suspects))

    # --- decisions into messages ------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            now = trio.current_time()
            source = self.machine.next_wakeup(now) if self.machine else self._fetch.next_wakeup()
            wait = min(LONGEST_TICK_S, max(0.01, (source if source is not None else math.inf) - now))
            await trio.sleep(wait)
            self._pump()

    def _pump(self) -> None:
        now = trio.current_time()
        if self.machine is None:
            if (asked := self._fetch.command(now)) and asked[0] in self.swarm.sessions:
                self.swarm.sessions[asked[0]].queue(asked[1])
            return
        for command in self.machine.commands(now):
            match command:
                case BanPeer():
                    self._ban(command.peer, command.reason)
                case DropChunk():
                    self._buffers.drop(command.chunk)
                case RequestRange() | CancelRange():
                    self._tell(command)
        if self.machine.is_complete:
            self._wake.set()

    def _tell(self, command: RequestRange | CancelRange) -> None:
        session = self.swarm.sessions.get(command.peer)
        if session is None or session.is_closing:
            return
        range_ = command.chunk, command.offset, command.length
        if isinstance(command, RequestRange):
            session.queue(Request(*range_))
        elif session.connection.awaits(*range_):  # its end may have come in the same bytes, not yet got to here
            session.queue(Cancel(*range_))

    def _ban(self, peer: str, reason: str) -> None:
        self.candidates.ban(peer, reason, trio.current_time())
        self.swarm.banned.add(peer)
        if session := self.swarm.sessions.get(peer):
            session.sent_bad_data = True
            session.bye(ByeReason.BAD_DATA, reason)

    def _withdraw(self) -> None:
        """Ask for nothing more: the sessions stay open for the other side."""
        if self.machine:
            self.machine.pause()
            self._pump()

    # --- for eyes ---------------------------------------------------------------------------------------------

    @property
    def is_alone(self) -> bool:
        """Whether nobody is in session who may still send anything."""
        return not any(self._may_ask(session) and not session.is_closing for session in self.swarm.sessions.values())

    @property
    def lacks_chunks(self) -> bool:
        """Whether a chunk is missing that nobody in session has."""
        return self.machine is not None and self.machine.picker.first_unavailable() is not None

    def _no_manifest(self) -> str:
        if trio.current_time() - self.started_at < ANSWER_TIMEOUT_S:
            return ""
        peers = len(self.swarm.sessions)
        return f"{peers} {'peer is' if peers == 1 else 'peers are'} connected, none has sent the manifest"

    def stall_reason(self) -> str:
        """Why nothing comes in, in words; "" while something does."""
        if self.blocked:
            return self.blocked
        if self.is_alone:
            return self.candidates.why_none() if self.lookups() else ""
        if self.machine is None:
            return self._no_manifest()
        return self.machine.stall_reason(trio.current_time()) or ""
