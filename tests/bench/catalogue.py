"""Catalogues of others: ten publishers of 10,000 entries each, kept, changed and searched.

The names are made of 8,000 words, some of which are in a tenth of all names and most in a few: as in real collections.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.services.catalogues_own import OwnCatalogue
from node.store.database import Database
from node.store.entries import HeldCatalogues
from node.store.entries_own import OwnEntries
from node.store.search_index import SearchIndex
from protocols.catalog import Entry, Head, encode_page, peer_id_of, seal, split
from protocols.cid import DAG_CBOR, Cid
from protocols.search.tokens import tokens_of_query
from tests.bench.figures import Figure, middle
from tests.bench.ground import SEED, Ground
from tests.bench.words import Words

PUBLISHERS = 10
ENTRIES = 10_000  # of each
QUERIES = 2_000
HITS = 300
SEARCH_LIMIT_MS = 50.0
SIGN_LIMIT_MS = 250.0
EXTENSIONS = ("mp4", "mkv", "pdf", "iso", "txt", "flac", "zip")


def measure(ground: Ground) -> list[Figure]:
    """Search among 100,000 entries, the price of one more entry, and of one more share of 10,000."""
    rng = random.Random(SEED)
    names = Names(rng)
    database = Database(ground.place("catalogue") / "state.db")
    try:
        held = HeldCatalogues(database)
        adding = [_add(held, number, names) for number in range(PUBLISHERS)]
        first, last = (sum(adding[some]) / ENTRIES / 2 for some in (slice(0, 2), slice(-2, None)))
        return [
            _search(SearchIndex(database), names),
            Figure("an entry more, among 80,000", last * 1e6, "µs", reference=first * 1e6, at_most=1.5),
            middle(
                "10,000 own shares and one more, signed",
                _own(database, names),
                "ms",
                reference=SIGN_LIMIT_MS,
                at_most=1,
            ),
        ]
    finally:
        database.close()


class Names(Words):
    """Names, and queries that find some of them."""

    def name(self) -> str:
        extension = self._rng.choice(EXTENSIONS)
        return f"{' '.join(self.some(2, 6))} {self._rng.randint(1900, 2030)}.{extension}"

    def query(self) -> tuple[str, ...]:
        """One to three words, now and then with an extension, which a seventh of all names have."""
        return tokens_of_query(" ".join([*self.some(1, 3), self._rng.choice(["", "", "pdf", "ext:iso"])]))


def _add(held: HeldCatalogues, number: int, names: Names) -> float:
    """Processor seconds for taking in one publisher's catalogue."""
    key = Ed25519PrivateKey.from_private_bytes(sha256(b"%d" % number).digest())
    entries = [Entry(Cid.of(DAG_CBOR, b"%d %d" % (number, place)), names.name(), place, 1) for place in range(ENTRIES)]
    pages = {Cid.of(DAG_CBOR, block): (block, page) for block, page in _blocks(entries)}
    head = Head(peer_id_of(key.public_key()), 1, 0, 1000, ENTRIES, tuple(pages))
    sealed = seal(head, key)
    start = time.process_time()
    held.adopt(head, sealed, head.publisher, pages)
    return time.process_time() - start


def _blocks(entries: Sequence[Entry]) -> Iterator[tuple[bytes, Sequence[Entry]]]:
    for page in split(sorted(entries, key=lambda entry: entry.cid)):
        yield encode_page(page), page


def _search(index: SearchIndex, names: Names) -> Figure:
    times = []
    for _ in range(QUERIES):
        query = names.query()
        start = time.perf_counter()
        index.search(query, HITS)
        times.append(time.perf_counter() - start)
    p99 = sorted(times)[QUERIES * 99 // 100]
    return Figure("search among 100,000 entries, p99", p99 * 1e3, "ms", reference=SEARCH_LIMIT_MS, at_most=1)


def _own(database: Database, names: Names) -> list[float]:
    """Milliseconds until a changed catalogue of 10,000 shares is signed, five times; in a thread in a real node."""
    own = OwnCatalogue(OwnEntries(database), Ed25519PrivateKey.generate(), time.time)
    _share(database, [names.name() for _ in range(ENTRIES)])
    own.update()
    times = []
    for number in range(5):
        _share(database, [f"one more {number}"])
        start = time.perf_counter()
        own.update()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _share(database: Database, names: Sequence[str]) -> None:
    with database.write() as connection:
        for name in names:
            cid = Cid.of(DAG_CBOR, name.encode())
            connection.execute(
                "INSERT OR IGNORE INTO items (cid, cid_text, name, state, added_at, size, file_count) "
                "VALUES (?, ?, ?, 'Complete', 0, 1, 1)",
                (cid.to_bytes(), str(cid), name),
            )
        connection.execute("UPDATE items SET state = 'Seeding' WHERE state = 'Complete'")
