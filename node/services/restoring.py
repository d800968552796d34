"""Complete items that are not what they were: shared again, fetched again where they are bad, or forgotten.

Rules: what a person shared themselves is what they want it to be, and never put back; a download that is damaged is
made whole in its place. Nothing is shared before it is verified.
"""

from __future__ import annotations

import os

from node.errors import StorageError
from node.services.rechecking import Rechecking
from node.services.seeding import Seeding
from node.services.storage import reopen
from node.services.threads import in_thread
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.errors import shown
from node.store.items import Item
from protocols.cid import Cid


class Restoring:
    """What `resume` and `get` do with complete items; called on a CID's turn."""

    def __init__(self, catalogue: Catalogue, seeding: Seeding, rechecking: Rechecking) -> None:
        self._catalogue = catalogue
        self._seeding = seeding
        self._rechecking = rechecking

    async def restore(self, item: Item) -> Item:
        """Share a complete item again, or make a download of it if it is damaged; raises StorageError."""
        if await self._needs_repair(item):
            await self._reopen(item)
        else:
            await self._share_again(item)
        return await in_thread(self._catalogue.get, item.cid)

    async def prepare_get(self, cid: Cid, directory: str | None) -> None:
        """See to it that content that isn't on this disk as it was any more can be fetched again, into a directory.

        Where it is if none is named: a damaged download is repaired there, what is gone has its row dropped.
        """
        item = await in_thread(self._catalogue.find, cid)
        if item is None or not item.is_complete:
            return
        is_here = directory is None or is_same(place_of(item), directory)
        if item.state is not TransferState.ERROR:
            if await in_thread(self._seeding.is_sound, item):
                return
            if is_here and await in_thread(self._seeding.is_touched, item):
                await self._share_again(item)
                return
        if is_here and await in_thread(os.path.lexists, item.path) and await self._needs_repair(item):
            await self._reopen(item)
        else:
            await self._seeding.withdraw(cid, "the shared file has changed")
            await in_thread(self._catalogue.remove, cid)

    async def _share_again(self, item: Item) -> None:
        """Seed a complete item, verified first if its files were touched; raises StorageError if they changed."""
        changed = f"{shown(item.path or '')} is not what was shared any more; verify it or share it again"
        is_sound = item.state is not TransferState.ERROR and await in_thread(self._seeding.is_sound, item)
        if not is_sound and not await in_thread(self._seeding.is_touched, item):
            raise StorageError(changed)
        await self._seeding.begin(item)
        if not is_sound:
            self._rechecking.begin(item, changed)

    async def _needs_repair(self, item: Item) -> bool:
        """Whether it is a download of which something is known to be bad."""
        if item.is_import or item.state is TransferState.ERROR:
            return not item.is_import
        return not await in_thread(self._seeding.is_touched, item)

    async def _reopen(self, item: Item) -> None:
        await self._seeding.withdraw(item.cid, "the shared file is damaged")
        await in_thread(reopen, self._catalogue, item, self._seeding.descriptors)


def place_of(item: Item) -> str:
    """The folder in which an item is, or will be."""
    return os.path.dirname(item.path) if item.path is not None else item.destination or ""


def is_same(folder: str, other: str) -> bool:
    """Whether two paths are of the same folder."""
    return os.path.realpath(folder) == os.path.realpath(other)
