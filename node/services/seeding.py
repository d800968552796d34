"""The complete items: what of them is served, and how that begins and ends.

Rules: a file is served only while it is the file that was digested; the provider record and the sessions go with the
share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from node.errors import ShoalError, StorageError
from node.services.content import Content
from node.services.exchange import Exchange
from node.services.providing import Providing
from node.services.threads import in_thread
from node.services.totals import Totals
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.descriptors import Descriptors
from node.store.items import Item
from node.store.sources import Source, source_of
from protocols.bitfield import Bitfield
from protocols.cid import Cid
from protocols.exchange import ByeReason
from protocols.manifest import Manifest

log = logging.getLogger(__name__)


class Seeding:
    """What this node offers of what it has."""

    def __init__(self, catalogue: Catalogue, exchange: Exchange, providing: Providing, totals: Totals) -> None:
        self.descriptors = Descriptors()
        self.on_unreadable: Callable[[Cid, StorageError], None] = lambda cid, error: None
        self._catalogue = catalogue
        self._exchange = exchange
        self._providing = providing
        self._totals = totals

    async def begin(self, item: Item) -> None:
        """Share an item that is complete."""
        await in_thread(self._catalogue.set_state, item.cid, TransferState.SEEDING)
        self._providing.add(item.cid.multihash)

    async def withdraw(self, cid: Cid, reason: str) -> None:
        """Offer nothing of this CID any more, and tell everybody in session why."""
        await self._providing.remove(cid.multihash)
        await self._totals.save()
        self._exchange.close_swarm(cid, ByeReason.STOPPING, reason)

    async def fail(self, cid: Cid, reason: str) -> None:
        """Note that an item failed by itself; nobody waits for it, so that a full disk is only logged."""
        try:
            await in_thread(self._catalogue.set_state, cid, TransferState.ERROR, reason)
        except ShoalError as error:
            log.warning("%s failed (%s), and that can't be kept: %s", cid, reason, error)

    async def find_content(self, cid: Cid) -> Content | None:
        """What this node seeds of a manifest; None if it doesn't."""
        item = await in_thread(self._catalogue.find, cid)
        if item is None or item.state is not TransferState.SEEDING:
            return None
        try:
            return await in_thread(self._open_content, item)
        except StorageError as error:
            self.on_unreadable(cid, error)
            return None

    def is_sound(self, item: Item) -> bool:
        """Whether the files of a complete item are those that were digested; for a thread."""
        source = self._source(item, self._manifest(item))
        return source.identities_now() == list(self._catalogue.identities(item.cid))

    def is_touched(self, item: Item) -> bool:
        """Whether the files of a complete item are all there and as long as ever; for a thread."""
        manifest = self._manifest(item)
        now = self._source(item, manifest).identities_now()
        return [identity and identity.size for identity in now] == [file.size for file in manifest.files]

    def _open_content(self, item: Item) -> Content:
        manifest = self._manifest(item)
        have = Bitfield.full(manifest.geometry.chunk_count)
        content = Content(item.cid, manifest, self._catalogue.blocks(item.cid), have, self._source(item, manifest))
        content.on_unreadable = partial(self.on_unreadable, item.cid)
        return content

    def _manifest(self, item: Item) -> Manifest:
        manifest = self._catalogue.manifest(item.cid)
        assert manifest is not None
        return manifest

    def _source(self, item: Item, manifest: Manifest) -> Source:
        return source_of(item, manifest, self._catalogue.identities(item.cid), self.descriptors)
