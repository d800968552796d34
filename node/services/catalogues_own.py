"""This node's own catalogue: its shares as pages, under a head that it signs.

Rules: `update` and `outrun` are for threads, and may come at once. Only pages whose entries changed are encoded anew,
and one signature is made for all of them. The number of a head is on disk before anybody hears of it. A node that is
told not to publish publishes nothing, and if it did before, an empty catalogue, so that others forget what it had.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocols.catalog import MAX_ENTRIES, MAX_LIFETIME_S, Entry, Head, encode_page, peer_id_of, seal, split, unseal
from protocols.catalog.limits import MAX_PAGES
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

LIFETIME_S = 24 * 3600
"""Half of what is allowed: what a node offered that left for good is forgotten within a day."""

RENEW_S = LIFETIME_S // 2
"""Renewed when half of it is over: a node that is off at night is in time."""


class Record(Protocol):
    """What is kept on disk; `node.store` has it."""

    def revision(self) -> int: ...
    def load(self, limit: int) -> tuple[int, list[Entry]]: ...
    def last_head(self) -> tuple[int, bytes | None]: ...
    def keep_head(self, seq: int, sealed: bytes | None) -> None: ...


class OwnCatalogue:
    """What this node tells of its own shares."""

    def __init__(
        self, record: Record, key: Ed25519PrivateKey, clock: Callable[[], float], *, is_public: bool = True
    ) -> None:
        self._record = record
        self._key = key
        self._clock = clock
        self._is_public = is_public
        self._publisher = peer_id_of(key.public_key())
        self._changing = threading.Lock()
        self._revision = -1
        self._seq, last = record.last_head()
        self.head = _read(last, self._publisher)
        self.sealed = last if self.head else None
        self._pages: dict[bytes, tuple[Cid, bytes]] = {}  # by the digests of its entries
        self.pages: dict[Cid, bytes] = {}
        self._count = 0  # of their entries

    def update(self) -> bool:
        """Bring head and pages up to date with the shares and the time; whether there is a new head."""
        with self._changing:
            if self._revision != self._record.revision():
                self._build()
            pages = tuple(self.pages)
            if self.head is None:
                is_new = bool(pages) or self._seq > 0  # who never published needs no head to say that there is nothing
            else:
                is_new = pages != self.head.pages or (bool(pages) and not self._is_fresh(self.head))
            if is_new:
                self._sign(pages)
            return is_new

    def outrun(self, seq: int) -> None:
        """Use only greater numbers: somebody has a head of this node's that its disk knows nothing of."""
        with self._changing:
            if self.head is None or seq > self.head.seq:
                self._seq = max(self._seq, seq)
                self.head = self.sealed = None
                self._record.keep_head(self._seq, None)

    def _is_fresh(self, head: Head) -> bool:
        """Whether a head needs no other yet; one of a clock that was ahead is no head to others."""
        now = self._clock()
        return head.is_current(now) and now < head.issued + RENEW_S

    def _build(self) -> None:
        self._revision, entries = self._record.load(MAX_ENTRIES + 1)
        if len(entries) > MAX_ENTRIES:
            log.warning("more than %d shares: the catalogue tells of so many", MAX_ENTRIES)
        pages: dict[bytes, tuple[Cid, bytes]] = {}
        # More pages than a head may name are no accident: somebody has made CIDs that each end one.
        for entries_of_page in islice(split(entries[:MAX_ENTRIES] if self._is_public else []), MAX_PAGES):
            key = b"".join([entry.cid.digest for entry in entries_of_page])
            pages[key] = self._pages.get(key) or _encode(entries_of_page)
        self._pages = pages
        self.pages = dict(pages.values())
        self._count = sum(len(key) for key in pages) // 32

    def _sign(self, pages: tuple[Cid, ...]) -> None:
        now = int(self._clock())
        # The time as well as the last number: after a lost disk the next one must still be greater than all before.
        self._seq = max(self._seq + 1, now)
        # Never sooner over than the one before: that would come back to life.
        expires = max(now + LIFETIME_S, min(self.head.expires if self.head else 0, now + MAX_LIFETIME_S))
        head = Head(self._publisher, self._seq, now, expires, self._count, pages)
        sealed = seal(head, self._key)
        self._record.keep_head(self._seq, sealed)
        self.head, self.sealed = head, sealed


def _encode(entries: Sequence[Entry]) -> tuple[Cid, bytes]:
    block = encode_page(entries)
    return Cid.of(DAG_CBOR, block), block


def _read(sealed: bytes | None, publisher: str) -> Head | None:
    """The last head, unless another version of shoal wrote it, or the key of this node is another one now."""
    try:
        head = unseal(sealed) if sealed else None
    except RemoteProtocolError:
        return None
    return head if head and head.publisher == publisher else None
