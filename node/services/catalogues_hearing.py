"""From heads that a peer tells of to catalogues on this node's disk.

Rules: a signature is verified before a page is asked for, and every page before anything is stored; pages are asked of
the peer that told of the head, which is at fault if they are not what the head says. One catalogue is fetched from one
peer at a time: if that fails, whoever else told of it is asked. One peer's pages are waited for in one place at a time,
and nobody keeps a place while it waits for somebody else: so a peer that is slow on purpose holds up little.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from weakref import WeakValueDictionary

import trio

from node.services.catalogues_own import OwnCatalogue
from node.services.catalogues_streams import Network, Talk, open_talk
from node.services.threads import in_thread
from node.store.entries import HeldCatalogues
from protocols.catalog import Entry, Head, decode_page, unseal
from protocols.cid import Cid
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

FETCHES = 4
"""Catalogues fetched at once: each may take 5 MB of memory before it is known to be whole."""

FETCH_S = 20.0
FETCH_ENTRY_S = 0.02
"""For one catalogue, and more for each of its entries: a long name at 20 kB/s, the slowest link worth having."""

MAX_SEEN = 4096
"""Heads known to be nothing new: in a dense network each is told by many, and need be verified only once."""

SealedHead = tuple[Head, bytes]


class Hearing:
    """Takes in what peers tell."""

    def __init__(self, network: Network, own: OwnCatalogue, held: HeldCatalogues, clock: Callable[[], float]) -> None:
        self._network = network
        self._own = own
        self._held = held
        self._clock = clock
        self._turns: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        self._tellers: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        self._fetching = trio.Semaphore(FETCHES)
        self._seen: OrderedDict[bytes, None] = OrderedDict()  # digests of sealed heads
        self.storing = trio.Lock()  # one change of what is held at a time

    async def hear(self, heads: Sequence[bytes], peer: str, adopted: Callable[[str, bytes], None]) -> None:
        """Fetch what is new of the sealed heads that a peer told of; `adopted(publisher, sealed head)` for each.

        Raises RemoteProtocolError if the peer told what is wrong, and what `open_talk` raises.
        """
        unknown = [sealed for sealed in heads if sha256(sealed).digest() not in self._seen]
        wanted = await in_thread(self._wanted, unknown) if unknown else []
        if not wanted:
            return
        later: list[SealedHead] = []  # somebody else is being asked for these
        async with self._tellers.setdefault(peer, trio.Lock()):
            async with self._fetching, open_talk(self._network, peer) as talk:
                for head, sealed in wanted:
                    turn = self._turns.setdefault(head.publisher, trio.Lock())
                    if turn.locked():
                        later.append((head, sealed))
                        continue
                    async with turn:
                        await self._take(talk, head, sealed, peer, adopted)
            for head, sealed in later:
                async with (
                    self._turns.setdefault(head.publisher, trio.Lock()),
                    self._fetching,
                    open_talk(self._network, peer) as talk,
                ):
                    await self._take(talk, head, sealed, peer, adopted)

    def _wanted(self, heads: Sequence[bytes]) -> list[SealedHead]:
        """Those that are current and newer than what is held; in a thread, since signatures take 0.1 ms each."""
        wanted = []
        for sealed in heads:
            head = unseal(sealed)
            if head.publisher == self._network.peer_id:
                self._own.outrun(head.seq)
            elif head.seq <= self._held.seq(head.publisher):
                self._note_seen(sealed)
            elif head.is_current(self._clock()):
                wanted.append((head, sealed))
        return wanted

    def _note_seen(self, sealed: bytes) -> None:
        self._seen[sha256(sealed).digest()] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)

    async def _take(
        self, talk: Talk, head: Head, sealed: bytes, peer: str, adopted: Callable[[str, bytes], None]
    ) -> None:
        with trio.fail_after(FETCH_S + FETCH_ENTRY_S * head.count):
            is_new = await self._fetch(talk, head, sealed, peer)
        if is_new:
            self._note_seen(sealed)
            adopted(head.publisher, sealed)

    async def _fetch(self, talk: Talk, head: Head, sealed: bytes, peer: str) -> bool:
        """Whether the head is held now, and wasn't before."""
        if head.seq <= await in_thread(self._held.seq, head.publisher):
            return False  # another peer was quicker
        async with self.storing:
            if not await in_thread(self._held.make_room, head, peer):
                log.debug("no room for the catalogue of %s, told by %s", head.publisher, peer)
                return False
        here = await in_thread(self._held.pages_held, head)
        pages = await _fetch_pages(talk, head, here)
        if pages is None:
            return False
        async with self.storing:
            if await in_thread(self._held.pages_held, head) != here:
                return False  # it had to make room for another one meanwhile
            await in_thread(self._held.adopt, head, sealed, peer, pages)
        log.debug("the catalogue of %s has %d entries, told by %s", head.publisher, head.count, peer)
        return True


async def _fetch_pages(
    talk: Talk, head: Head, here: dict[Cid, int]
) -> dict[Cid, tuple[bytes, tuple[Entry, ...]]] | None:
    """The pages of a head that aren't here; None if the peer has a newer head by now, and not all of these pages."""
    pages: dict[Cid, tuple[bytes, tuple[Entry, ...]]] = {}
    count = sum(here.values())
    is_gone = False
    async for cid, block in talk.fetch(page for page in head.pages if page not in here):
        if block is None:
            is_gone = True
            continue
        entries = await in_thread(decode_page, block)
        count += len(entries)
        if count > head.count:
            break
        pages[cid] = (block, entries)
    if is_gone:
        return None
    if count != head.count:
        raise RemoteProtocolError(f"the pages of a head of {head.count} entries have {count}")
    return pages
