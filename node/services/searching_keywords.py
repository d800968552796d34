"""Which words of its shares' names this node lets the DHT know: the rarest of each, beside the share's own key.

Rules: rare is what few names in the own index have, which knows more of them the more catalogues are held. Words are
worked out in a thread and a little later than the share itself is provided, so that sharing never waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

import trio

from node.errors import StorageError
from node.services.keywords import MAX_PER_SHARE
from node.services.provide_plan import STEP
from node.services.threads import in_thread
from node.store.items import Item
from protocols.cid import DAG_CBOR, Cid
from protocols.search.tokens import keyword_key, keywords, rarest, tokens_of_name

log = logging.getLogger(__name__)

BATCH = 500
"""Shares a hop: some fifty milliseconds in the thread, and at a start with 10,000 shares twenty hops."""

SHARES_AT_ONCE = STEP // MAX_PER_SHARE
"""Shares whose keywords are added between two chances for others."""


class Names(Protocol):
    """Where the name of a share is found: `node.store.catalogue` has it."""

    def find(self, cid: Cid) -> Item | None: ...


class Frequencies(Protocol):
    """What is needed of the index."""

    def document_frequency(self, token: str) -> int: ...


class Provider(Protocol):
    """What is needed of `providing`."""

    def add(self, key: bytes, keywords: Sequence[bytes] = ()) -> None: ...
    def status(self, key: bytes) -> object | None: ...


def keyword_keys(name: str, frequency: Callable[[str], int]) -> tuple[bytes, ...]:
    """The keys of a name's rarest keywords, the rarest first."""
    words = rarest(keywords(tokens_of_name(name)), frequency, MAX_PER_SHARE)
    return tuple(map(keyword_key, words))


class KeywordProviding:
    """Adds keywords to what is provided."""

    def __init__(self, providing: Provider, names: Names, index: Frequencies) -> None:
        self._providing = providing
        self._names = names
        self._index = index
        self._waiting: dict[bytes, None] = {}
        self._wake = trio.Event()

    def added(self, key: bytes) -> None:
        """A share is provided from now on: its keywords follow."""
        self._waiting[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Work out keywords for as long as the node runs."""
        while True:
            batch = list(islice(self._waiting, BATCH))
            if not batch:
                await self._wake.wait()
                self._wake = trio.Event()
                continue
            for key in batch:
                del self._waiting[key]
            try:
                found = await in_thread(self._keys, batch)
            except StorageError as error:
                log.warning("the keywords of %d shares can't be worked out now: %s", len(batch), error)
                continue
            for number, (key, keys) in enumerate(found):
                # It may be shared no more by now; and a key added without keywords would come back here for ever.
                if keys and self._providing.status(key) is not None:
                    self._providing.add(key, keys)
                if number % SHARES_AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()

    def _keys(self, batch: list[bytes]) -> list[tuple[bytes, tuple[bytes, ...]]]:
        items = [(key, self._names.find(Cid(DAG_CBOR, key[2:]))) for key in batch]
        return [(key, keyword_keys(item.name, self._index.document_frequency)) for key, item in items if item]
