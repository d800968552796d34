"""Search in what this node shares and in what it knows of others: the words of names, in sqlite's FTS5.

Rules: a name matches when `protocols.search.tokens.matches` says so, and no other way: the index holds those tokens
and nothing else. Triggers in `schema` keep it in step with the items and with the catalogues held, within the same
transaction. Hits come in the order of their claims' ids: this node's own, then the first entry of every publisher,
the second of every publisher, and so on. So a search reads only as many rows as it returns, and whoever publishes
10,000 entries has no more of the first screen than whoever publishes ten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.store.database import Database
from protocols.cid import Cid
from protocols.search.tokens import is_single

CLAIM_PLACE: Final = 32
"""A claim's id is its place in its first publisher's catalogue, shifted so far, and a number that makes it unique."""

OWN: Final = 0
"""This node as a publisher, and the place of its claims; those of others have the places from 1."""

MAX_TOKENS: Final = 32
"""Of a query: no name of 255 bytes matches many more, and each costs a walk through the index."""

MAX_PUBLISHERS: Final = 50
"""Named with a hit: a download begins with a few dozen peers, and finds the others by itself."""


@dataclass(frozen=True, slots=True)
class IndexHit:
    """What one or more publishers say can be had; nobody has checked it, unless it is this node's own."""

    cid: str
    name: str
    size: int  # bytes
    files: int
    is_own: bool  # this node seeds it
    publishers: tuple[str, ...]  # peer ids of others, at most MAX_PUBLISHERS
    issued_at: float | None = None  # unix time at which the last of those signed it, as that one says


class SearchIndex:
    """The index in the state database; its methods are for threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, tokens: Sequence[str], limit: int, *, own_only: bool = False) -> list[IndexHit]:
        """Up to `limit` hits for what `tokens_of_query` made of a query; none for no tokens or too many.

        A CID comes several times if publishers disagree about its name or size.
        """
        if not 0 < len(tokens) <= MAX_TOKENS:
            return []
        with self._database.read() as connection:
            rows = connection.execute(_OWN if own_only else _ALL, (_expression(tokens), limit)).fetchall()
            return [_hit(connection, *row) for row in rows]

    def document_frequency(self, token: str) -> int:
        """How many names have this token."""
        with self._database.read() as connection:
            row = connection.execute("SELECT doc FROM word_counts WHERE term = ?", (token,)).fetchone()
        return row[0] if row else 0


_HITS: Final = "SELECT id, cid, name, size, files FROM words JOIN claims ON id = words.rowid WHERE words MATCH ?"
_ALL: Final = f"{_HITS} ORDER BY words.rowid LIMIT ?"
# A claim that began as this node's own keeps its id when only others make it any more: hence the second condition.
_OWN: Final = (
    f"{_HITS} AND words.rowid < {1 << CLAIM_PLACE} "
    f"AND EXISTS (SELECT 1 FROM offers WHERE claim = id AND publisher = {OWN}) ORDER BY words.rowid LIMIT ?"
)


def _expression(tokens: Sequence[str]) -> str:
    """The tokens as FTS5 asks for all of them; none has a quote in it, and the tokenizer leaves each in one piece."""
    return " ".join(f'"{token}"' + "*" * is_single(token) for token in tokens)


def _hit(connection: sqlite3.Connection, claim: int, cid: bytes, name: str, size: int, files: int) -> IndexHit:
    rows = connection.execute(
        "SELECT peer_id, issued_at FROM offers LEFT JOIN publishers ON number = publisher WHERE claim = ? "
        "ORDER BY publisher LIMIT ?",
        (claim, MAX_PUBLISHERS + 1),
    ).fetchall()
    peers = [peer_id for peer_id, _ in rows]
    return IndexHit(
        cid=str(Cid.from_bytes(cid)),
        name=name,
        size=size,
        files=files,
        is_own=None in peers,
        publishers=tuple(peer for peer in peers if peer)[:MAX_PUBLISHERS],
        issued_at=max((issued_at for _, issued_at in rows if issued_at is not None), default=None),
    )
