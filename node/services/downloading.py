"""One download, from nothing but its CID to a verified file in place.

Rules: whom to ask for what is `asking`'s subject; here are the steps: manifest → room on disk → chunks → whole-file
hashes → rename. A chunk is hashed, then written, then recorded, in a worker thread, and only then announced. A
download of which files are skipped *rests* when the others are in their place: it serves what it has, and goes on when
more is wanted.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Protocol, TypeVar

import trio

from node.errors import IntegrityError, ShoalError, StorageError
from node.services.asking import Asking
from node.services.content import ChunkReader, Content
from node.services.swarms import Swarm
from node.services.threads import single, stoppable
from node.status import TransferState
from node.store.watch import Watch
from node.swarm.candidates import Candidates
from node.swarm.download import Download
from node.swarm.limits import TokenBucket
from node.swarm.manifest_fetch import Fetched, InvalidManifestError, check_block
from node.swarm.selection import Wishes
from node.swarm.settings import DownloadSettings
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.manifest import Manifest
from protocols.rope import Rope

log = logging.getLogger(__name__)

WRITERS = 2
"""Tasks that hash and write: two keep both cores of a small machine busy; more would only add thread hops."""

FULL_DISK_RETRY_S = 5.0

T = TypeVar("T")


class Storage(ChunkReader, Protocol):
    """Where one download is kept; all of it blocks and is called in threads (`CatalogueStorage`)."""

    def saved_manifest(self) -> tuple[Manifest, tuple[bytes, ...]] | None: ...
    def save_manifest(self, manifest: Manifest, blocks: Sequence[bytes]) -> None: ...
    def wishes(self) -> Wishes: ...
    def open(self, manifest: Manifest, watch: Watch) -> Bitfield: ...
    def write(self, chunks: Sequence[tuple[int, Rope]]) -> tuple[list[int], list[int]]: ...
    def place(self, files: Collection[int], watch: Watch) -> None: ...
    def finish(self, watch: Watch) -> None: ...
    def close(self) -> None: ...


class DownloadTask:
    """The running state of one download and the steps it takes."""

    def __init__(self, swarm: Swarm, candidates: Candidates, storage: Storage, rng: random.Random) -> None:
        self.swarm = swarm
        self.cid: Cid = swarm.cid
        self.candidates = candidates
        self.asking = Asking(swarm, candidates)
        self.state = TransferState.DOWNLOADING
        self.is_resting = False  # every wanted file is in its place, and others are skipped
        self.blocked = ""  # why nothing can move though peers are there: a full disk
        self.error: ShoalError | None = None
        self.bad_chunks = 0
        self.bad_now: set[int] = set()  # chunks whose last copy was wrong, and that none has come for since
        self.lookups: Callable[[], int] = lambda: 1  # how often the DHT was asked so far
        self.has_chunks: Callable[[], None] = lambda: None  # called at once, with each batch, and in the end
        self.buckets: tuple[TokenBucket, ...] = ()  # what it asks for has to pass all of these
        self._wishes = Wishes()
        self._storage = storage
        self._rng = rng

    @property
    def machine(self) -> Download | None:
        """The decisions about chunks, once the manifest is known."""
        return self.asking.machine

    def fetch_only_from(self, peer: str) -> None:
        """Ask nobody but this peer from now on, or, if it is "", whoever has something."""
        self.asking.fetch_only_from(peer)

    def wish(self, wishes: Wishes) -> None:
        """Fetch other files, or in another order, from now on; what was written down for a restart is the caller's."""
        self._wishes = wishes
        if self.machine:
            self.machine.set_priorities(wishes.priorities)
            self.machine.set_sequential(wishes.is_sequential)
            self.asking.pump()
            self.asking.wake()

    # --- the steps --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Download until the file is in place; raises ShoalError when it can't be."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.asking.run)
                manifest, blocks = await self._manifest()
                await self._read_wishes()
                machine = self._start(manifest, blocks, await self._open(manifest))
                for _ in range(WRITERS):
                    nursery.start_soon(self._write, machine)
                while not await self._has_all_chunks(machine):
                    await self._rest(machine)
                nursery.cancel_scope.cancel()
            await self._finish()
        except* ShoalError as group:
            raise single(group) from group
        finally:
            self.asking.end()
            with trio.CancelScope(shield=True):
                await self._close()

    async def _manifest(self) -> tuple[Manifest, tuple[bytes, ...]]:
        saved = await trio.to_thread.run_sync(self._storage.saved_manifest)
        if saved:
            return saved
        fetch = self.asking.fetch
        while not fetch.is_complete:
            self.asking.pump()
            await self.asking.news()
            if fetch.unchecked:
                await self._check_block(fetch.unchecked)
        manifest = fetch.manifest
        assert manifest is not None
        save = partial(self._storage.save_manifest, manifest, fetch.blocks)
        await self._when_there_is_room(partial(trio.to_thread.run_sync, save))
        return manifest, fetch.blocks

    async def _close(self) -> None:
        try:
            await trio.to_thread.run_sync(self._storage.close)
        except StorageError as error:  # no reason to fail: what isn't on the disk for sure is read again if need be
            log.warning("%s: what was written can't be brought to the disk now: %s", self.cid, error)

    async def _read_wishes(self) -> None:
        before = self._wishes
        wishes = await trio.to_thread.run_sync(self._storage.wishes)
        if self._wishes is before:  # else a person has chosen meanwhile
            self._wishes = wishes

    async def _check_block(self, fetched: Fetched) -> None:
        try:
            self.asking.fetch.checked(await trio.to_thread.run_sync(check_block, fetched))
        except RemoteProtocolError as error:
            self.asking.fetch.refused()
            self.asking.ban(fetched.peer, str(error))
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

    def _start(self, manifest: Manifest, blocks: tuple[bytes, ...], have: Bitfield) -> Download:
        machine = Download(
            manifest.geometry,
            have,
            rng=self._rng,
            now=trio.current_time(),
            settings=DownloadSettings(sequential=self._wishes.is_sequential),
            priorities=self._wishes.priorities,
        )
        machine.set_limits(*self.buckets)
        self.swarm.set_content(Content(self.cid, manifest, blocks, have, self._storage))
        if have.count:
            self.has_chunks()
        self.asking.begin(machine)
        return machine

    async def _has_all_chunks(self, machine: Download) -> bool:
        """Wait until all that is wanted is here; whether that is all there is."""
        while not machine.is_complete:
            await self.asking.news()
            self.asking.pump()
        return machine.have.is_complete

    async def _rest(self, machine: Download) -> None:
        """Put the wanted files in their place, and wait until more is wanted."""
        wanted = self._wishes.wanted(len(machine.geometry.file_sizes))
        self.state = TransferState.VERIFYING
        await self._when_there_is_room(partial(stoppable, self._storage.place, wanted, progress=lambda done: None))
        self.state = TransferState.SEEDING
        self.is_resting = True  # sessions stay open, for more may be wanted soon
        while machine.is_complete and wanted == self._wishes.wanted(len(machine.geometry.file_sizes)):
            await self.asking.news()
        self.is_resting = False
        self.state = TransferState.DOWNLOADING

    async def _finish(self) -> None:
        self.state = TransferState.VERIFYING
        await self._when_there_is_room(partial(stoppable, self._storage.finish, progress=lambda done: None))
        self.state = TransferState.SEEDING
        self.has_chunks()  # an empty file has none, and is shared all the same
        self.asking.dismiss_complete()

    async def _write(self, machine: Download) -> None:
        while True:
            batch = await self.asking.unwritten.take()
            good, bad = await self._write_batch(machine, batch)
            now = trio.current_time()
            data = dict(batch)
            for chunk in good:
                is_disputed = chunk in machine.reputation.cases
                machine.chunk_verified(chunk, now, bytes(data[chunk]) if is_disputed else b"")
                self.bad_now.discard(chunk)
            for chunk in bad:
                self._bad_chunk(machine, chunk, now, bytes(data[chunk]))
            if good:
                self.has_chunks()
                self.swarm.announce_have(tuple(good))
            self.asking.wake()

    async def _write_batch(self, machine: Download, batch: list[tuple[int, Rope]]) -> tuple[list[int], list[int]]:
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
                    machine.resume(trio.current_time())
                return answer

    def _block(self, reason: str) -> None:
        if not self.blocked:
            log.warning("%s: %s", self.cid, reason)
            self.asking.pause()
        self.blocked = reason

    def _bad_chunk(self, machine: Download, chunk: int, now: float, data: bytes) -> None:
        self.bad_chunks += 1
        self.bad_now.add(chunk)
        suspects = machine.chunk_failed(chunk, now, data)
        log.warning("%s: chunk %d doesn't match its digest; it came from %s", self.cid, chunk, ", ".join(suspects))

    # --- for eyes ---------------------------------------------------------------------------------------------

    @property
    def is_alone(self) -> bool:
        """Whether nobody is in session who may still send anything."""
        return self.asking.is_alone

    @property
    def lacks_chunks(self) -> bool:
        """Whether a chunk is missing that nobody in session has."""
        return self.machine is not None and self.machine.picker.first_unavailable() is not None

    def stall_reason(self) -> str:
        """Why nothing comes in, in words; "" while something does."""
        if self.is_resting:
            return ""
        return self.blocked or self.asking.stall_reason(was_looked_up=bool(self.lookups()))
