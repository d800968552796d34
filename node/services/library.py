"""What this node shares and downloads: the commands on it.

Rules: the catalogue is the truth about what is to happen, the tasks (`running`, `seeding`) are what does happen; a
state is written before its task starts, so that a restart goes on with the same. One command on a CID at a time: two
terminals may ask for the same thing at once. A command that was begun is done, though who asked for it hangs up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

import trio

from node.errors import ShoalError, StorageError, UsageError
from node.services.content import Content
from node.services.exchange import Exchange
from node.services.finding import Routing
from node.services.named_peers import NamedPeer
from node.services.provide_plan import STEP
from node.services.providing import Providing
from node.services.rechecking import Rechecking
from node.services.restoring import Restoring, is_same, place_of
from node.services.running import Active, Running
from node.services.seeding import Seeding
from node.services.storage import delete_download, delete_partial
from node.services.threads import in_thread, stoppable
from node.services.totals import Totals
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.errors import shown
from node.store.importing import Imported, import_scan
from node.store.items import Item
from node.store.scanning import Scan, scan
from node.store.verifying import Verified, verify
from protocols.cid import Cid
from protocols.exchange import ByeReason
from protocols.link import Link

log = logging.getLogger(__name__)

IMPORTERS = trio.Semaphore(1)
"""One share is hashed at a time: hashing already uses every core, and two would only make both late."""


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
        self.exchange = exchange
        self.providing = providing
        self.totals = Totals(catalogue, exchange)
        self._seeding = Seeding(catalogue, exchange, providing, self.totals)
        self._seeding.on_unreadable = self.source_failed
        self._running = Running(catalogue, exchange, routing, providing, self._seeding, peer_id=peer_id)
        self.rechecking = Rechecking(catalogue, exchange, self._seeding, self._lock)
        self._restoring = Restoring(catalogue, self._seeding, self.rechecking)
        self._own_folder = own_folder
        self._nursery: trio.Nursery | None = None
        self._turns: WeakValueDictionary[Cid, trio.Lock] = WeakValueDictionary()
        self._verifying: set[Cid] = set()
        self._is_closing = False

    @property
    def active(self) -> dict[Cid, Active]:
        """The downloads that run."""
        return self._running.active

    def average_bps(self, cid: Cid) -> float | None:
        """How fast a download came while it was active, since the node started; see `ActiveAverage`."""
        average = self._running.averages.get(cid)
        return average.bps() if average else None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Go on with what the last run left, then hold the downloads' nursery open."""
        items = await in_thread(self.catalogue.items)
        async with trio.open_nursery() as nursery:
            self._nursery = self._running.nursery = nursery
            for number, item in enumerate(items):
                if item.state is TransferState.SEEDING:
                    self.providing.add(item.cid.multihash)
                elif item.state is TransferState.DOWNLOADING:
                    self._running.start(item)
                if number % STEP == 0:
                    await trio.lowlevel.checkpoint()
            nursery.start_soon(self.rechecking.run)
            task_status.started()
            await self.totals.run()

    async def find_content(self, cid: Cid) -> Content | None:
        """What this node seeds of a manifest; None if it doesn't, or not now."""
        content = None if cid in self.rechecking else await self._seeding.find_content(cid)
        return None if cid in self.rechecking else content

    def source_failed(self, cid: Cid, error: StorageError) -> None:
        """A shared file changed or vanished: not one byte more of it is served, unless it is verified again."""
        assert self._nursery is not None
        self._nursery.start_soon(self.rechecking.source_failed, cid, error)

    async def close(self) -> None:
        """End the downloads, which go on at the next start, and say goodbye to every peer."""
        self._is_closing = True
        await self._running.end_all()
        await self.totals.save()
        await self.exchange.close()

    # --- commands ---------------------------------------------------------------------------------------------

    async def share(self, path: str, progress: Callable[[Scan, int], None]) -> Shared:
        """Share a file or folder in place; `progress(what was found, bytes hashed)` comes from a thread.

        Raises ShoalError.
        """
        async with IMPORTERS:
            found = await in_thread(scan, path, self._own_folder)
            imported = await stoppable(import_scan, found, progress=partial(progress, found))
        async with self._turn(imported.cid):
            await self._running.end(imported.cid)
            known = await in_thread(self.catalogue.find, imported.cid)
            if known and not known.is_complete:  # nobody would ever look at what was fetched of it
                await in_thread(delete_partial, self.catalogue, known, self._seeding.descriptors)
            item = await in_thread(
                self.catalogue.add_share,
                imported.cid,
                imported.manifest,
                imported.blocks,
                imported.path,
                imported.identities,
                time.time(),
            )
            await self.totals.save()
            self.exchange.close_swarm(item.cid, ByeReason.STOPPING, "shared anew")
            self.providing.add(item.cid.multihash)
        return Shared(item, found, known is None or known.state is not TransferState.SEEDING)

    async def share_all(self, shares: Sequence[Imported]) -> None:
        """Share what was digested already, in one transaction; raises ShoalError."""
        async with AsyncExitStack() as turns:
            for cid in sorted({share.cid for share in shares}, key=str):  # in one order: nobody waits in a ring
                await turns.enter_async_context(self._turn(cid))
            for share in shares:
                await self._running.end(share.cid)
            await in_thread(self.catalogue.add_shares, shares, time.time())
            await self.totals.save()
            for share in shares:
                self.exchange.close_swarm(share.cid, ByeReason.STOPPING, "shared anew")
                self.providing.add(share.cid.multihash)
                await trio.lowlevel.checkpoint()  # hundreds of them: others want to be heard meanwhile

    async def unshare(self, cid: Cid, path: str) -> None:
        """Forget the share of what was at `path`; another one of the same content stays."""
        async with self._turn(cid):
            item = await in_thread(self.catalogue.find, cid)
            if item and item.path == path:
                await self._seeding.withdraw(cid, "no longer shared")
                await in_thread(self.catalogue.remove, cid)

    async def get(
        self,
        link: Link,
        directory: str,
        hints: tuple[tuple[str, str], ...],
        chosen: NamedPeer | None = None,
        *,
        is_elsewhere_wrong: bool = False,
        prepare: Callable[[Item], Awaitable[None]] | None = None,
    ) -> Item:
        """Start or go on with a download into `directory`; `hints` are (peer id, multiaddr) of the link.

        If a peer is chosen nobody else is asked, until it is got again without one; that holds over restarts. What is
        in another folder already stays there; `is_elsewhere_wrong` makes that a UsageError, unless nothing of it has
        been fetched. `prepare` is done with the item of what isn't complete before anything of it is fetched.
        """
        async with self._turn(link.cid):
            await self._restoring.prepare_get(link.cid, directory if is_elsewhere_wrong else None)
            if is_elsewhere_wrong and (known := await in_thread(self.catalogue.find, link.cid)):
                await self._move(known, directory)
            add = partial(self.catalogue.add_download, name=link.name or "", size=link.size or 0, hints=link.peers)
            item = await in_thread(add, link.cid, directory, time.time())
            if not item.is_complete:
                if prepare:
                    await prepare(item)
                await in_thread(self.catalogue.choices.set_only_peer, item.cid, chosen.peer_id if chosen else "")
                item = await self._resume(await self._fresh(item))
            if active := self.active.get(item.cid):
                if chosen:
                    active.finder.add_hint(chosen.peer_id, chosen.addresses)
                active.task.fetch_only_from(item.only_peer)
                for peer, address in hints:
                    active.finder.add_hint(peer, (address,))
            return item

    async def settled(self, cid: Cid) -> None:
        """Wait until no command on a CID is under way."""
        async with self._lock(cid):
            pass
        await self.rechecking.settled(cid)

    async def pause(self, item: Item) -> Item:
        """Stop a download for now; what is verified stays."""
        async with self._turn(item.cid):
            item = await self._ended(item)
            if item.is_complete:
                raise UsageError(f"#{item.number} {item.name} is complete: there is nothing to pause")
            await self._set_state(item, TransferState.PAUSED)
            return await self._fresh(item)

    async def resume(self, item: Item) -> Item:
        """Go on with a paused or failed download, share again what was stopped, or fetch again what is damaged."""
        async with self._turn(item.cid):
            item = await self._fresh(item)
            if item.is_complete:
                item = await self._restoring.restore(item)
            return item if item.is_complete else await self._resume(item)

    async def stop(self, item: Item) -> Item:
        """Stop sharing, or stop a download; the row, the files and what is verified stay."""
        async with self._turn(item.cid):
            item = await self._ended(item)
            await self._set_state(item, TransferState.COMPLETE if item.is_complete else TransferState.PAUSED)
            if item.is_complete:
                await self._seeding.withdraw(item.cid, "no longer shared")
            return await self._fresh(item)

    async def cancel(self, item: Item, *, delete: bool) -> Item:
        """Give an item up and forget its row; the item as it was.

        What was fetched of a download is deleted, also files that have their place already unless they were changed
        since; or it is kept, and found by the next `get` into the same folder. The files of a complete item are the
        person's own: to delete them is a UsageError.
        """
        async with self._turn(item.cid):
            item = await self._ended(item)
            if item.is_complete and delete:
                raise UsageError(f"#{item.number} {item.name} is complete: shoal never deletes files that are whole")
            await self._seeding.withdraw(item.cid, "no longer shared")
            if delete:
                descriptors = self._seeding.descriptors
                await stoppable(delete_download, self.catalogue, item, descriptors, progress=lambda done: None)
            await in_thread(self.catalogue.remove, item.cid)
            self.exchange.limits.forget(item.cid)
            return item

    async def verify(self, item: Item, progress: Callable[[int], None]) -> tuple[Item, Verified]:
        """Hash everything that is here again; `progress(bytes hashed)` comes from a thread."""
        async with self._turn(item.cid) as scope:
            was_running = item.cid in self.active
            item = await self._ended(item)
            self._verifying.add(item.cid)
            try:
                scope.shield = False  # for the hashing, which changes nothing and may take an hour
                descriptors = self._seeding.descriptors
                verified = await stoppable(verify, self.catalogue, item, descriptors, progress=progress)
            finally:
                scope.shield = True
                self._verifying.discard(item.cid)
                if was_running and item.state is TransferState.DOWNLOADING:
                    self._start(item)
            if item.is_complete:
                await self._verified(item, verified)
            return await self._fresh(item), verified

    # --- inside -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, cid: Cid) -> AsyncIterator[trio.CancelScope]:
        """Wait for the commands on a CID that came before; raises ShoalError rather than wait for all to be hashed.

        A cancel waits until the command is done: half of one would leave a row that says what doesn't happen. For the
        same reason a download that was ended for a command that failed goes on.
        """
        if cid in self._verifying:
            raise ShoalError("it is being verified; try again when that is done")
        async with self._lock(cid):
            self.rechecking.give_up(cid)
            with trio.CancelScope(shield=True) as scope:
                try:
                    yield scope
                except ShoalError:
                    await self._go_on(cid)
                    raise

    def _lock(self, cid: Cid) -> trio.Lock:
        return self._turns.setdefault(cid, trio.Lock())

    async def _go_on(self, cid: Cid) -> None:
        item = await in_thread(self.catalogue.find, cid)
        if item and item.state is TransferState.DOWNLOADING:
            self._start(item)

    def _start(self, item: Item) -> None:
        """Have a download run, unless it does or the node is about to stop: then it goes on at the next start."""
        if item.cid not in self.active and not self._is_closing:
            self._running.start(item)

    async def _resume(self, item: Item) -> Item:
        if item.cid not in self.active:
            await self._set_state(item, TransferState.DOWNLOADING)
            self._start(item)
        return await self._fresh(item)

    async def _move(self, item: Item, directory: str) -> None:
        """Have a download, of which nothing is here yet, go to another folder; raises UsageError for any other item."""
        place = place_of(item)
        if is_same(place, directory):
            return
        if not item.is_complete and not item.bytes_have:
            item = await self._ended(item)
        if item.is_complete or item.bytes_have:
            name = f"#{item.number} {shown(item.name or str(item.cid))}"
            if item.is_complete:
                raise UsageError(f"{name} is complete in {shown(place)}; copy it from there, or cancel it first")
            raise UsageError(f"{name} is partly in {shown(place)}; let it go on without -o, or cancel it first")
        await in_thread(delete_partial, self.catalogue, item, self._seeding.descriptors)
        await in_thread(self.catalogue.set_destination, item.cid, directory)

    async def _ended(self, item: Item) -> Item:
        """The item once its download has ended: it may have become complete just before."""
        was_running = await self._running.end(item.cid)
        item = await self._fresh(item)
        if was_running and item.state is TransferState.SEEDING:
            self.providing.add(item.cid.multihash)
        return item

    async def _verified(self, item: Item, verified: Verified) -> None:
        if verified.bad:
            again = "share it again as it is" if item.is_import else f"fetch them again: resume {item.number}"
            reason = f"{len(verified.bad)} of {item.chunk_count} chunks are not what was shared; {again}"
            await self._set_state(item, TransferState.ERROR, reason)
            await self._seeding.withdraw(item.cid, "the shared file is damaged")
        elif item.state is TransferState.ERROR:
            await self._seeding.begin(item)

    async def _set_state(self, item: Item, state: TransferState, reason: str = "") -> None:
        await in_thread(self.catalogue.set_state, item.cid, state, reason)

    async def _fresh(self, item: Item) -> Item:
        return await in_thread(self.catalogue.get, item.cid)
