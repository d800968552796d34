"""The bytes that moved of each item, added to the catalogue now and then.

Rules: a session counts, the catalogue keeps; a crash forgets at most `SAVED_S` of them, and a full disk nothing.
"""

from __future__ import annotations

import logging

import trio

from node.errors import StorageError
from node.services.exchange import Exchange
from node.services.swarms import Swarm
from node.services.threads import in_thread
from node.store.catalogue import Catalogue
from protocols.cid import Cid

log = logging.getLogger(__name__)

SAVED_S = 5.0
"""How often they are saved: a commit every five seconds while something moves is nothing, and none while it doesn't."""


class Totals:
    """What moved and is not in the catalogue yet."""

    def __init__(self, catalogue: Catalogue, exchange: Exchange) -> None:
        self._catalogue = catalogue
        self._exchange = exchange

    async def run(self) -> None:
        """Save for as long as the node runs, and once more at its end."""
        try:
            while True:
                await trio.sleep(SAVED_S)
                await self.save()
        finally:
            with trio.CancelScope(shield=True):
                await self.save()

    def unsaved(self, cid: Cid) -> tuple[int, int]:
        """Bytes received and sent that are not in the catalogue's totals yet."""
        swarm = self._exchange.swarms.get(cid)
        return (swarm.total_received - swarm.saved[0], swarm.total_sent - swarm.saved[1]) if swarm else (0, 0)

    async def save(self) -> None:
        """Add what moved since the last time to each item's totals."""
        changes: dict[Cid, tuple[int, int]] = {}
        swarms: list[tuple[Swarm, tuple[int, int]]] = []
        for cid, swarm in self._exchange.swarms.items():
            unsaved = self.unsaved(cid)
            if any(unsaved):
                changes[cid] = unsaved
                swarms.append((swarm, unsaved))
                _count_saved(swarm, *unsaved)
        is_saved = not changes
        try:
            if changes:
                await in_thread(self._catalogue.add_totals, changes)
                is_saved = True
        except StorageError as error:  # they are kept the next time: no reason to stop anything
            log.warning("the bytes moved can't be saved now: %s", error)
        finally:  # also when it was cancelled before it began; another save may have been done meanwhile
            for swarm, (received, sent) in () if is_saved else swarms:
                _count_saved(swarm, -received, -sent)


def _count_saved(swarm: Swarm, received: int, sent: int) -> None:
    swarm.saved = (swarm.saved[0] + received, swarm.saved[1] + sent)
