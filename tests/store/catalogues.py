"""Catalogues of made-up publishers, as they would arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.store.entries import HeldCatalogues
from protocols.catalog import Entry, Head, encode_page, peer_id_of, seal, split
from protocols.cid import DAG_CBOR, Cid

NOW = 1_780_000_000


def entry(name: str, size: int = 1) -> Entry:
    return Entry(Cid.of(DAG_CBOR, name.encode()), name, size, 1)


@dataclass
class Publisher:
    """Signs what a test tells it to."""

    name: str
    seq: int = 0

    def __post_init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(sha256(self.name.encode()).digest())
        self.peer_id = peer_id_of(self.key.public_key())
        self.pages: dict[Cid, tuple[bytes, Sequence[Entry]]] = {}

    def publish(self, names: Iterable[str] = (), *, entries: Iterable[Entry] = (), **changes) -> Head:
        """The next head, of shares with these names; `pages` are its pages from then on."""
        ordered = sorted([*map(entry, names), *entries], key=lambda one: one.cid)
        blocks = [(encode_page(page), page) for page in split(ordered)]
        self.pages = {Cid.of(DAG_CBOR, block): (block, page) for block, page in blocks}
        self.seq += 1
        head = Head(self.peer_id, self.seq, NOW, NOW + 3600, len(ordered), tuple(self.pages))
        self.head = replace(head, **changes)
        self.sealed = seal(self.head, self.key)
        return self.head

    def store(self, held: HeldCatalogues, told_by: str | None = None) -> None:
        """Put the head into a store, with those pages that it lacks."""
        here = held.pages_held(self.head)
        missing = {cid: page for cid, page in self.pages.items() if cid not in here}
        held.adopt(self.head, self.sealed, told_by or self.peer_id, missing)
