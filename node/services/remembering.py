"""The address book on disk, as the host uses it: sqlite in threads, behind `node.net.book.AddressBook`."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from node.errors import StorageError
from node.services.threads import in_thread
from node.store.records import AddressBook

log = logging.getLogger(__name__)


class RememberedAddresses:
    """Where peers were reached, over restarts."""

    def __init__(self, saved: AddressBook) -> None:
        self._saved = saved

    async def record(self, peer_id: str, address: str) -> None:
        """A connection to `peer_id` at `address` has just succeeded."""
        try:
            await in_thread(self._saved.record, peer_id, address, time.time())
        except StorageError as error:  # the connection is there, and is worth more than the memory of it
            log.warning("an address can't be remembered now: %s", error)

    async def addresses(self, peer_id: str) -> Sequence[str]:
        """The addresses at which the peer was reached, newest first."""
        return await in_thread(self._saved.addresses, peer_id)

    async def recent(self, limit: int) -> Sequence[tuple[str, str]]:
        """(peer id, address) of the peers reached most recently, newest first."""
        return await in_thread(self._saved.recent, limit)
