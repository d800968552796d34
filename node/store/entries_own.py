"""What this node offers itself, as entries, and the head that it signed last.

Rules: the number of the last head is kept for ever, because none may be used twice; times and signatures are the
caller's business. Triggers in `schema` count the revision up whenever a share comes or goes.
"""

from __future__ import annotations

from node.store.database import Database
from node.store.search_index import CLAIM_PLACE, OWN
from protocols.catalog import Entry
from protocols.cid import Cid


class OwnEntries:
    """This node's shares in the state database; its methods are for threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """A number that is another one whenever the shares are others."""
        with self._database.read() as connection:
            revision: int = connection.execute("SELECT revision FROM own_catalogue").fetchone()[0]
        return revision

    def load(self, limit: int) -> tuple[int, list[Entry]]:
        """The revision, and up to `limit` shares by CID; 10,000 take some 50 ms."""
        with self._database.read() as connection:
            connection.execute("BEGIN")  # or the two would be of different moments
            try:
                revision: int = connection.execute("SELECT revision FROM own_catalogue").fetchone()[0]
                rows = connection.execute(
                    "SELECT cid, name, size, files FROM claims JOIN offers ON claim = id AND publisher = ? "
                    "WHERE id < ? ORDER BY id LIMIT ?",
                    (OWN, 1 << CLAIM_PLACE, limit),
                ).fetchall()
            finally:
                connection.execute("COMMIT")
        entries = [Entry(Cid.from_bytes(cid), name, size, files) for cid, name, size, files in rows]
        return revision, sorted(entries, key=lambda entry: entry.cid.digest)

    def last_head(self) -> tuple[int, bytes | None]:
        """The number of the last head that was signed, 0 before the first, and that head."""
        with self._database.read() as connection:
            row = connection.execute("SELECT seq, head FROM own_catalogue").fetchone()
        return row[0], row[1]

    def keep_head(self, seq: int, sealed: bytes | None) -> None:
        """Note the head that is about to be told; None if there is only a number that must not be used again."""
        with self._database.write() as connection:
            connection.execute("UPDATE own_catalogue SET seq = ?, head = ?", (seq, sealed))
