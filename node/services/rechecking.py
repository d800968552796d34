"""Shares whose files are not, to the last number, those that were digested: verified again by themselves, or given up.

Why: `chmod -R`, a backup's hard links or a copy put in the place of its original change what a file is known by, and
not one byte of it. Rules: nothing of such a share is served until every byte was hashed again. One share at a time is
hashed, and then the disk is left alone for as long as that took. A command on a share comes before this: it ends the
hashing, which begins again when somebody next asks for the share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from node.errors import ShoalError, StorageError
from node.services.exchange import Exchange
from node.services.seeding import Seeding
from node.services.threads import in_thread, stoppable
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.errors import SourceChanged
from node.store.items import Item
from node.store.verifying import verify
from protocols.cid import Cid
from protocols.exchange import ByeReason

log = logging.getLogger(__name__)


class Rechecking:
    """The shares that wait to be verified again; `lock_of` gives the lock of the commands on a CID."""

    def __init__(
        self, catalogue: Catalogue, exchange: Exchange, seeding: Seeding, lock_of: Callable[[Cid], trio.Lock]
    ) -> None:
        self._catalogue = catalogue
        self._exchange = exchange
        self._seeding = seeding
        self._lock_of = lock_of
        self._waiting: dict[Cid, str] = {}  # in order, what was wrong with each; the first may be under way
        self._under_way = trio.CancelScope()
        self._changed = trio.Event()

    def __contains__(self, cid: Cid) -> bool:
        """Whether a share waits to be verified again, or is being verified: none of it may be served."""
        return cid in self._waiting

    async def run(self) -> None:
        """Verify one share after the other."""
        while True:
            if not self._waiting:
                await self._news()
                continue
            began = trio.current_time()
            with trio.CancelScope() as self._under_way:
                await self._recheck(*next(iter(self._waiting.items())))
            await trio.sleep(trio.current_time() - began)

    async def source_failed(self, cid: Cid, error: StorageError) -> None:
        """A share can't be read: if a file of it changed, verify all of it, or give it up if that is seen at once."""
        if not isinstance(error, SourceChanged) or cid in self._waiting:
            return
        async with self._lock_of(cid):
            item = await in_thread(self._catalogue.find, cid)
            if item is None or item.state is not TransferState.SEEDING or cid in self._waiting:
                return
            if await in_thread(self._seeding.is_touched, item):
                self.begin(item, str(error))
            else:
                await self._fail(item, str(error))

    def begin(self, item: Item, reason: str) -> None:
        """Serve nothing of a share until it is verified; `reason` is what it fails with if it can't be."""
        log.info("%s is verified again: %s", item.name, reason)
        self._waiting[item.cid] = reason
        self._exchange.close_swarm(item.cid, ByeReason.STOPPING, "its files were touched and are verified again")
        self._wake()

    def give_up(self, cid: Cid) -> None:
        """Don't verify a share after all, until it is asked for: a command on it has begun."""
        if cid in self._waiting:
            if cid == next(iter(self._waiting)):
                self._under_way.cancel()
            self._ended(cid)

    async def settled(self, cid: Cid) -> None:
        """Wait until a share doesn't wait to be verified."""
        while cid in self._waiting:
            await self._news()

    async def _recheck(self, cid: Cid, reason: str) -> None:
        """Verify one share; a cancel is of `give_up`, which has taken it out already."""
        try:
            item = await in_thread(self._catalogue.get, cid)
            descriptors = self._seeding.descriptors
            verified = await stoppable(verify, self._catalogue, item, descriptors, progress=lambda done: None)
            if verified.bad:
                async with self._lock_of(cid):
                    await self._fail(item, reason)
            else:
                log.info("%s is what was shared, every byte of it", item.name)
        except ShoalError as error:  # somebody writes to it at this moment, or it is gone: whoever asks next will see
            log.warning("%s can't be verified again now: %s", cid, error)
        except Exception:  # the border: a bug met in one share costs no other
            log.exception("%s can't be verified again", cid)
        self._ended(cid)

    async def _fail(self, item: Item, reason: str) -> None:
        log.warning("%s is shared no more: %s", item.name, reason)
        with trio.CancelScope(shield=True):
            await self._seeding.fail(item.cid, reason)
            await self._seeding.withdraw(item.cid, "the shared file has changed")

    async def _news(self) -> None:
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _ended(self, cid: Cid) -> None:
        self._waiting.pop(cid, None)
        self._wake()
