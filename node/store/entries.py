"""What others offer: their catalogues as they signed them, and each entry as a claim in the search index.

Rules: what is held is bounded, in all and for each peer that told of it, so that invented publishers fill little; a
peer's own catalogue finds room where others' don't. A catalogue changes page by page, each in a transaction of its
own, because the transfers of this node write to the same database; its head changes last, so that after a crash it
is only fetched again. One change of one publisher at a time: the caller sees to that. Times are unix time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from node.store.database import Database
from node.store.search_index import CLAIM_PLACE
from protocols.catalog import Entry, Head
from protocols.cid import Cid

MAX_PUBLISHERS: Final = 1_000
"""A home node meets a few hundred peers; a thousand are more than anybody scrolls through."""

MAX_ENTRIES_HELD: Final = 200_000
"""About 100 MB of database with its index: twenty collections of 10,000."""

MAX_TOLD: Final = 100
"""Other publishers that one peer may have told of: ten peers fill a node, one doesn't."""

MAX_ENTRIES_TOLD: Final = 50_000
"""Entries of those, for the same reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is held; a test has less room."""

    publishers: int = MAX_PUBLISHERS
    entries: int = MAX_ENTRIES_HELD
    told: int = MAX_TOLD
    entries_told: int = MAX_ENTRIES_TOLD


class HeldCatalogues:
    """The catalogues of others in the state database; its methods are for threads."""

    def __init__(self, database: Database, limits: Limits = Limits()) -> None:
        self._database = database
        self._limits = limits

    # --- looking ----------------------------------------------------------------------------------------------

    def seq(self, publisher: str) -> int:
        """The number of the head that is held of a publisher; 0 if there is none."""
        return self._value("SELECT seq FROM publishers WHERE peer_id = ?", publisher) or 0

    def heads(self, now: float, limit: int, *, first: str = "") -> list[bytes]:
        """Up to `limit` sealed heads that are not over: that of the publisher `first`, then others at random."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT head FROM publishers WHERE head IS NOT NULL AND expires_at > ? "
                "ORDER BY peer_id = ? DESC, random() LIMIT ?",
                (now, first, limit),
            ).fetchall()
        return [head for (head,) in rows]

    def page(self, cid: Cid) -> bytes | None:
        """A page of any catalogue held."""
        page: bytes | None = self._value("SELECT data FROM pages WHERE cid = ?", cid.to_bytes())
        return page

    def pages_held(self, head: Head) -> dict[Cid, int]:
        """Those pages of a head that are here already, each with the number of its entries."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT cid, pages.entries FROM pages JOIN publishers ON number = publisher WHERE peer_id = ?",
                (head.publisher,),
            ).fetchall()
        held = {Cid.from_bytes(cid): entries for cid, entries in rows}
        return {page: held[page] for page in head.pages if page in held}

    def counts(self) -> tuple[int, int]:
        """How many publishers are known that offer something, and how many entries."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(entries), 0) FROM publishers WHERE entries"
            ).fetchone()
        return row[0], row[1]

    # --- changing ---------------------------------------------------------------------------------------------

    def make_room(self, head: Head, told_by: str) -> bool:
        """Whether this head may be held, told by this peer; its own may push out those that others told of."""
        while self._lacks_room(head, told_by):
            if head.publisher != told_by:
                return False
            weakest = self._value(
                "SELECT peer_id FROM publishers WHERE told_by <> peer_id AND peer_id <> ? ORDER BY expires_at LIMIT 1",
                told_by,
            )
            if weakest is None:
                return False
            self.forget(weakest)
        return True

    def adopt(
        self, head: Head, sealed: bytes, told_by: str, pages: Mapping[Cid, tuple[bytes, Sequence[Entry]]]
    ) -> None:
        """Hold this head: `pages` are those of its pages that were not held, as blocks and as entries."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO publishers (peer_id, seq, expires_at, told_by) VALUES (?, 0, ?, ?) ON CONFLICT DO NOTHING",
                (head.publisher, head.expires, told_by),
            )
            number, place = connection.execute(
                "SELECT number, entries FROM publishers WHERE peer_id = ?", (head.publisher,)
            ).fetchone()
        for cid, (block, entries) in pages.items():
            with self._database.write() as connection:
                _add_page(connection, number, place, cid, block, entries)
            place += len(entries)
        self._drop_pages(number, keep=head.pages)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE publishers SET seq = ?, issued_at = ?, expires_at = ?, entries = ?, head = ?, "
                "told_by = iif(told_by = peer_id, peer_id, ?) WHERE number = ?",
                (head.seq, head.issued, head.expires, head.count, sealed, told_by, number),
            )

    def forget(self, publisher: str) -> None:
        """Drop everything of a publisher."""
        number = self._value("SELECT number FROM publishers WHERE peer_id = ?", publisher)
        if number is not None:
            self._drop_pages(number, keep=())
            with self._database.write() as connection:
                connection.execute("DELETE FROM publishers WHERE number = ?", (number,))

    def expire(self, now: float) -> int:
        """Drop the catalogues whose time is over; how many they were."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT peer_id FROM publishers WHERE expires_at <= ?", (now,)).fetchall()
        for (publisher,) in rows:
            self.forget(publisher)
        return len(rows)

    # --- inside -----------------------------------------------------------------------------------------------

    def _value(self, query: str, *values: object) -> Any:  # noqa: ANN401 - whatever the column has
        with self._database.read() as connection:
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def _lacks_room(self, head: Head, told_by: str) -> bool:
        """Whether the head is one too many, counted without the one it replaces."""
        with self._database.read() as connection:
            publishers, entries, told, entries_told = connection.execute(
                "SELECT count(*), coalesce(sum(entries), 0), coalesce(sum(told_by = ?1), 0), "
                "coalesce(sum(iif(told_by = ?1, entries, 0)), 0) FROM publishers WHERE peer_id NOT IN (?1, ?2)",
                (told_by, head.publisher),
            ).fetchone()
            if told_by != head.publisher:
                row = connection.execute("SELECT entries FROM publishers WHERE peer_id = ?", (told_by,)).fetchone()
                publishers, entries = publishers + bool(row), entries + (row[0] if row else 0)
        limits = self._limits
        too_many = publishers >= limits.publishers or entries + head.count > limits.entries
        is_relayed = told_by != head.publisher
        return too_many or (is_relayed and (told >= limits.told or entries_told + head.count > limits.entries_told))

    def _drop_pages(self, number: int, keep: Iterable[Cid]) -> None:
        kept = {cid.to_bytes() for cid in keep}
        with self._database.read() as connection:
            rows = connection.execute("SELECT id, cid FROM pages WHERE publisher = ?", (number,)).fetchall()
        for page, cid in rows:
            if cid not in kept:
                with self._database.write() as connection:
                    connection.execute("DELETE FROM offers WHERE page = ?", (page,))
                    connection.execute("DELETE FROM pages WHERE id = ?", (page,))


def _add_page(
    connection: sqlite3.Connection, publisher: int, place: int, cid: Cid, block: bytes, entries: Sequence[Entry]
) -> None:
    """The page and its entries; those that were on another page of the publisher move here."""
    page = connection.execute(
        "INSERT INTO pages (publisher, cid, entries, data) VALUES (?, ?, ?, ?)",
        (publisher, cid.to_bytes(), len(entries), block),
    ).lastrowid
    for at, entry in enumerate(entries, place + 1):
        values = (entry.cid.to_bytes(), entry.name, entry.size, entry.files)
        connection.execute(
            "INSERT INTO claims VALUES ((SELECT coalesce(max(id), ?1) + 1 FROM claims WHERE id BETWEEN ?1 AND ?2), "
            "?3, ?4, ?5, ?6, name_tokens(?4)) ON CONFLICT (cid, name, size, files) DO NOTHING",
            (at << CLAIM_PLACE, ((at + 1) << CLAIM_PLACE) - 1, *values),
        )
        connection.execute(
            "INSERT INTO offers SELECT id, ?, ? FROM claims WHERE (cid, name, size, files) = (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET page = excluded.page",
            (publisher, page, *values),
        )
