"""What this node shares and downloads: the commands on it, and how each item lives across restarts.

Rules: the catalogue is the truth about what is to happen, the tasks here are what does happen; a state is written
before its task starts, so that a restart goes on with the same. One download task per CID, and one command on a CID
at a time: two terminals may ask for the same thing at once.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakValueDictionary

import trio

from node.errors import ShoalError, StorageError, UsageError
from node.services.content import Content
from node.services.downloading import DownloadTask
from node.services.exchange import Exchange
from node.services.finding import PeerFinder, Routing
from node.services.named_peers import NamedPeer
from node.services.providing import Providing
from node.services.storage import CatalogueStorage
from node.services.swarms import Swarm
from node.services.threads import in_thread, single, stoppable
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.descriptors import Descriptors
from node.store.errors import SourceChanged
from node.store.importing import import_scan
from node.store.items import Item
from node.store.scanning import Scan, scan
from node.store.sources import source_of
from node.store.verifying import Verified, verify
from node.swarm.candidates import Candidates
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.exchange import ByeReason
from protocols.link import Link
from protocols.manifest import Manifest

log = logging.getLogger(__name__)

IMPORTERS = trio.Semaphore(1)
"""One share is hashed at a time: hashing already uses every core, and two would only make both late."""

TOTALS_SAVED_S = 5.0
"""How often bytes moved are added to the catalogue; a crash forgets at most these seconds of them."""


@dataclass(slots=True)
class Active:
    """A download that runs now, or has just ended."""

    task: DownloadTask
    finder: PeerFinder
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)
    error: ShoalError | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What `share` did: the item, what was found at the path, and whether it was not shared before."""

    item: Item
    scan: Scan
    is_new: bool


class Library:
    """All items of this node."""

    def __init__(
        self,
        catalogue: Catalogue,
        exchange: Exchange,
        routing: Routing,
        providing: Providing,
        *,
        peer_id: str,
        own_folder: str,
    ) -> None:
        self.catalogue = catalogue
        self.active: dict[Cid, Active] = {}
        self.exchange = exchange
        self.providing = providing
        self.descriptors = Descriptors()
        self._routing = routing
        self._peer_id = peer_id
        self._own_folder = own_folder
        self._nursery: trio.Nursery | None = None
        self._turns: WeakValueDictionary[Cid, trio.Lock] = WeakValueDictionary()
        self._verifying: set[Cid] = set()
        self._is_closing = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Go on with what the last run left, then hold the downloads' nursery open."""
        items = await in_thread(self.catalogue.items)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for item in items:
                if item.state is TransferState.SEEDING:
                    self.providing.add(item.cid.multihash)
                elif item.state is TransferState.DOWNLOADING:
                    self._start(item)
            task_status.started()
            try:
                while True:
                    await trio.sleep(TOTALS_SAVED_S)
                    await self._save_totals()
            finally:
                with trio.CancelScope(shield=True):
                    await self._save_totals()

    # --- commands ---------------------------------------------------------------------------------------------

    async def share(self, path: str, progress: Callable[[Scan, int], None]) -> Shared:
        """Share a file or folder in place; `progress(what was found, bytes hashed)` comes from a thread.

        Raises ShoalError.
        """
        async with IMPORTERS:
            found = await in_thread(scan, path, self._own_folder)
            imported = await stoppable(import_scan, found, progress=partial(progress, found))
        async with self._turn(imported.cid):
            known = await in_thread(self.catalogue.find, imported.cid)
            await self._end_download(imported.cid)
            item = await in_thread(
                self.catalogue.add_share,
                imported.cid,
                imported.manifest,
                imported.blocks,
                imported.path,
                imported.identities,
                time.time(),
            )
            await self._save_totals()
            self.exchange.close_swarm(item.cid, ByeReason.STOPPING, "shared anew")
            self.providing.add(item.cid.multihash)
        return Shared(item, found, known is None or known.state is not TransferState.SEEDING)

    async def get(
        self, link: Link, directory: str, hints: tuple[tuple[str, str], ...], chosen: NamedPeer | None = None
    ) -> Item:
        """Start or go on with a download into `directory`; `hints` are (peer id, multiaddr) of the link.

        If a peer is chosen nobody else is asked, until it is got again without one; that holds over restarts.
        """
        async with self._turn(link.cid):
            await self._forget_if_gone(link.cid)
            add = partial(self.catalogue.add_download, name=link.name or "", size=link.size or 0, hints=link.peers)
            item = await in_thread(add, link.cid, directory, time.time())
            if not item.is_complete:
                await in_thread(self.catalogue.choices.set_only_peer, item.cid, chosen.peer_id if chosen else "")
                item = await self._resume(await self._fresh(item))
            if active := self.active.get(item.cid):
                if chosen:
                    active.finder.add_hint(chosen.peer_id, chosen.addresses)
                active.task.fetch_only_from(item.only_peer)
                for peer, address in hints:
                    active.finder.add_hint(peer, (address,))
            return item

    async def pause(self, item: Item) -> Item:
        """Stop a download for now; what is verified stays."""
        async with self._turn(item.cid):
            item = await self._ended(item)
            if item.is_complete:
                raise UsageError(f"#{item.number} {item.name} is complete: there is nothing to pause")
            await self._set_state(item, TransferState.PAUSED)
            return await self._fresh(item)

    async def resume(self, item: Item) -> Item:
        """Go on with a paused or failed download, or share again what was stopped."""
        async with self._turn(item.cid):
            item = await self._fresh(item)
            if not item.is_complete:
                return await self._resume(item)
            if not await in_thread(self._is_sound, item):
                raise StorageError(f"{item.path} is not what was shared any more; verify it or share it again")
            await self._set_state(item, TransferState.SEEDING)
            self.providing.add(item.cid.multihash)
            return await self._fresh(item)

    async def stop(self, item: Item) -> Item:
        """Stop sharing, or stop a download; the files and what is verified stay."""
        async with self._turn(item.cid):
            item = await self._ended(item)
            await self._set_state(item, TransferState.COMPLETE if item.is_complete else TransferState.PAUSED)
            if item.is_complete:
                await self._withdraw(item.cid, "no longer shared")
            return await self._fresh(item)

    async def verify(self, item: Item, progress: Callable[[int], None]) -> tuple[Item, Verified]:
        """Hash everything that is here again; `progress(bytes hashed)` comes from a thread."""
        async with self._turn(item.cid):
            was_running = item.cid in self.active
            item = await self._ended(item)
            self._verifying.add(item.cid)
            try:
                verified = await stoppable(verify, self.catalogue, item, self.descriptors, progress=progress)
            finally:
                self._verifying.discard(item.cid)
                if was_running and item.state is TransferState.DOWNLOADING and not self._is_closing:
                    self._start(item)
            if item.is_complete:
                await self._verified(item, verified)
            return await self._fresh(item), verified

    def _manifest(self, item: Item) -> Manifest:
        manifest = self.catalogue.manifest(item.cid)
        assert manifest is not None
        return manifest

    async def find_content(self, cid: Cid) -> Content | None:
        """What this node seeds of a manifest; None if it doesn't."""
        item = await in_thread(self.catalogue.find, cid)
        if item is None or item.state is not TransferState.SEEDING:
            return None
        try:
            return await in_thread(self._open_content, item)
        except StorageError as error:
            self.source_failed(cid, error)
            return None

    def source_failed(self, cid: Cid, error: StorageError) -> None:
        """A shared file changed or vanished: not one byte more of it is served."""
        assert self._nursery is not None
        self._nursery.start_soon(self._fail_source, cid, error)

    async def close(self) -> None:
        """End the downloads, which go on at the next start, and say goodbye to every peer."""
        self._is_closing = True
        for active in tuple(self.active.values()):
            active.scope.cancel()
            await active.ended.wait()
        await self._save_totals()
        await self.exchange.close()

    # --- one download -----------------------------------------------------------------------------------------

    async def _resume(self, item: Item) -> Item:
        if item.cid not in self.active:
            await self._set_state(item, TransferState.DOWNLOADING)
            self._start(item)
        return await self._fresh(item)

    def _start(self, item: Item) -> None:
        swarm = self.exchange.swarm(item.cid)
        candidates = Candidates(self._peer_id)
        storage = CatalogueStorage(self.catalogue, item.cid, self.descriptors)
        task = DownloadTask(swarm, candidates, storage, random.Random())
        finder = PeerFinder(self.exchange, self._routing, swarm, candidates)
        task.lookups = lambda: finder.lookups_done
        finder.lacks_chunks = lambda: task.lacks_chunks
        task.has_chunks = lambda: self.providing.add(item.cid.multihash)
        task.buckets = self.exchange.limits.down(item.cid)
        if item.only_peer:
            finder.add_hint(item.only_peer, ())
            task.fetch_only_from(item.only_peer)
        self.active[item.cid] = active = Active(task, finder)
        assert self._nursery is not None
        self._nursery.start_soon(self._download, item, active)

    async def _download(self, item: Item, active: Active) -> None:
        try:
            with active.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(active.finder.run)
                    await active.task.run()
                    nursery.cancel_scope.cancel()
                if content := await self.find_content(item.cid):
                    active.task.swarm.set_content(content)
        except* ShoalError as group:
            active.error = single(group)
            log.warning("the download of %s failed: %s", item.cid, active.error)
        except* Exception:  # the border: a bug met in one download costs neither the others nor the node
            active.error = ShoalError("the download failed inside the node; its log says where")
            log.exception("the download of %s failed", item.cid)
        finally:
            if active.error:
                with trio.CancelScope(shield=True):
                    await self._note_error(item.cid, str(active.error))
            self.active.pop(item.cid, None)
            active.ended.set()

    async def _end_download(self, cid: Cid) -> None:
        if active := self.active.get(cid):
            active.scope.cancel()
            await active.ended.wait()
            await self._withdraw(cid, "paused")

    async def _ended(self, item: Item) -> Item:
        """The item once its download has ended: it may have become complete just before."""
        was_running = item.cid in self.active
        await self._end_download(item.cid)
        item = await self._fresh(item)
        if was_running and item.state is TransferState.SEEDING:
            self.providing.add(item.cid.multihash)
        return item

    # --- inside -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, cid: Cid) -> AsyncIterator[None]:
        """Wait for the commands on a CID that came before; raises ShoalError rather than wait for all to be hashed."""
        if cid in self._verifying:
            raise ShoalError("it is being verified; try again when that is done")
        async with self._turns.setdefault(cid, trio.Lock()):
            yield

    async def _forget_if_gone(self, cid: Cid) -> None:
        """Drop the row of content that isn't on this disk as it was any more, so that it can be fetched again."""
        item = await in_thread(self.catalogue.find, cid)
        if item and item.is_complete and not await in_thread(self._is_sound, item):
            await self._withdraw(cid, "the shared file has changed")
            await in_thread(self.catalogue.remove, cid)

    def _is_sound(self, item: Item) -> bool:
        identities = self.catalogue.identities(item.cid)
        return source_of(item, self._manifest(item), identities, self.descriptors).identities_now() == list(identities)

    def _open_content(self, item: Item) -> Content:
        manifest = self._manifest(item)
        source = source_of(item, manifest, self.catalogue.identities(item.cid), self.descriptors)
        have = Bitfield.full(manifest.geometry.chunk_count)
        content = Content(item.cid, manifest, self.catalogue.blocks(item.cid), have, source)
        content.on_unreadable = partial(self.source_failed, item.cid)
        return content

    async def _fail_source(self, cid: Cid, error: StorageError) -> None:
        async with self._turns.setdefault(cid, trio.Lock()):
            item = await in_thread(self.catalogue.find, cid)
            if item and item.state is TransferState.SEEDING and isinstance(error, SourceChanged):
                log.warning("%s is shared no more: %s", item.name, error)
                await self._note_error(cid, str(error))
                await self._withdraw(cid, "the shared file has changed")

    async def _verified(self, item: Item, verified: Verified) -> None:
        if verified.bad:
            reason = f"{len(verified.bad)} of {item.chunk_count} chunks are not what was shared"
            await self._set_state(item, TransferState.ERROR, reason)
            await self._withdraw(item.cid, "the shared file is damaged")
        elif item.state is TransferState.ERROR:
            await self._set_state(item, TransferState.SEEDING)
            self.providing.add(item.cid.multihash)

    async def _withdraw(self, cid: Cid, reason: str) -> None:
        await self.providing.remove(cid.multihash)
        await self._save_totals()
        self.exchange.close_swarm(cid, ByeReason.STOPPING, reason)

    async def _set_state(self, item: Item, state: TransferState, reason: str = "") -> None:
        await in_thread(self.catalogue.set_state, item.cid, state, reason)

    async def _note_error(self, cid: Cid, reason: str) -> None:
        """Set the state of an item that failed by itself; nobody waits for it, so that a full disk is only logged."""
        try:
            await in_thread(self.catalogue.set_state, cid, TransferState.ERROR, reason)
        except ShoalError as error:
            log.warning("%s failed (%s), and that can't be kept: %s", cid, reason, error)

    async def _fresh(self, item: Item) -> Item:
        return await in_thread(self.catalogue.get, item.cid)

    def unsaved(self, cid: Cid) -> tuple[int, int]:
        """Bytes received and sent that are not in the catalogue's totals yet."""
        swarm = self.exchange.swarms.get(cid)
        return (swarm.total_received - swarm.saved[0], swarm.total_sent - swarm.saved[1]) if swarm else (0, 0)

    async def _save_totals(self) -> None:
        """Add what moved since the last time to each item's totals."""
        changes: dict[Cid, tuple[int, int]] = {}
        before: list[tuple[Swarm, tuple[int, int]]] = []
        for cid, swarm in self.exchange.swarms.items():
            unsaved = self.unsaved(cid)
            if any(unsaved):
                changes[cid] = unsaved
                before.append((swarm, swarm.saved))
                swarm.saved = (swarm.total_received, swarm.total_sent)
        try:
            if changes:
                await in_thread(self.catalogue.add_totals, changes)
        except StorageError as error:  # they are kept the next time: no reason to stop anything
            log.warning("the bytes moved can't be saved now: %s", error)
            for swarm, saved in before:
                swarm.saved = saved
