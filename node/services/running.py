"""The downloads that run: their tasks, how each begins and how it ends.

Rules: one task per CID. What a download ends with is noted in the catalogue; a bug met in one costs no other. One that
failed leaves no session open: its peers' answers to what it asked last would be taken for the next one's.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field

import trio

from node.errors import ShoalError
from node.services.downloading import DownloadTask
from node.services.exchange import Exchange
from node.services.finding import PeerFinder, Routing
from node.services.providing import Providing
from node.services.seeding import Seeding
from node.services.storage import CatalogueStorage
from node.services.threads import single
from node.store.catalogue import Catalogue
from node.store.items import Item
from node.swarm.candidates import Candidates
from node.swarm.rates import ActiveAverage
from protocols.cid import Cid

log = logging.getLogger(__name__)

MAX_AVERAGES = 1024
"""Downloads whose average speed is remembered, those begun last: more than anybody looks at, a few numbers each."""


@dataclass(slots=True)
class Active:
    """A download that runs now, or has just ended."""

    task: DownloadTask
    finder: PeerFinder
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)
    error: ShoalError | None = None


class Running:
    """The download tasks of this node, by CID."""

    def __init__(
        self,
        catalogue: Catalogue,
        exchange: Exchange,
        routing: Routing,
        providing: Providing,
        seeding: Seeding,
        *,
        peer_id: str,
    ) -> None:
        self.active: dict[Cid, Active] = {}
        self.averages: dict[Cid, ActiveAverage] = {}  # since the node started, over pauses
        self.nursery: trio.Nursery | None = None
        self._catalogue = catalogue
        self._exchange = exchange
        self._routing = routing
        self._providing = providing
        self._seeding = seeding
        self._peer_id = peer_id

    def start(self, item: Item) -> None:
        """Begin, or go on with, the download of an item."""
        swarm = self._exchange.swarm(item.cid)
        candidates = Candidates(self._peer_id)
        storage = CatalogueStorage(self._catalogue, item.cid, self._seeding.descriptors)
        task = DownloadTask(swarm, candidates, storage, random.Random())
        finder = PeerFinder(self._exchange, self._routing, swarm, candidates)
        task.lookups = lambda: finder.lookups_done
        finder.lacks_chunks = lambda: task.lacks_chunks
        finder.is_needed = lambda: not task.is_resting
        task.has_chunks = lambda: self._providing.add(item.cid.multihash)
        task.asking.average = self._average(item.cid)
        task.buckets = self._exchange.limits.down(item.cid)
        if item.only_peer:
            finder.add_hint(item.only_peer, ())
            task.fetch_only_from(item.only_peer)
        swarm.listener = task.asking  # from here on, so that the swarm isn't taken for one that nobody needs
        self.active[item.cid] = active = Active(task, finder)
        assert self.nursery is not None
        self.nursery.start_soon(self._run, item, active)

    async def end(self, cid: Cid) -> bool:
        """End the download of a CID; whether there was one. It may have become complete just before."""
        active = self.active.get(cid)
        if active is None:
            return False
        active.scope.cancel()
        await active.ended.wait()
        await self._seeding.withdraw(cid, "paused")
        return True

    async def end_all(self) -> None:
        """End every download; they go on at the next start."""
        running = tuple(self.active.values())
        for active in running:  # all of them first: each has something to bring to the disk
            active.scope.cancel()
        for active in running:
            await active.ended.wait()

    def _average(self, cid: Cid) -> ActiveAverage:
        """How fast the download was in this run of the node, to be gone on with."""
        self.averages[cid] = average = self.averages.pop(cid, None) or ActiveAverage()
        average.begin()
        while len(self.averages) > MAX_AVERAGES:
            del self.averages[next(iter(self.averages))]
        return average

    async def _run(self, item: Item, active: Active) -> None:
        try:
            with active.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(active.finder.run)
                    await active.task.run()
                    nursery.cancel_scope.cancel()
                if content := await self._seeding.find_content(item.cid):
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
                    await self._seeding.fail(item.cid, str(active.error))
                    await self._seeding.withdraw(item.cid, "the download failed")
            self.active.pop(item.cid, None)
            active.ended.set()
