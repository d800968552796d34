"""The catalogue: every share and download of this node, kept across restarts.

Rules: one row per CID; a row number stays with its item. Each method is one transaction and may be called from any
thread. What a caller is told here is on record when the method returns; the order hash, disk, record is the caller's
(see `downloads`).
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from node.errors import NotFoundError
from node.status import TransferState
from node.store import chunk_table
from node.store.choices import Choices
from node.store.chunk_table import Held
from node.store.database import Database
from node.store.identity import Identity, pack, unpack
from node.store.importing import Imported
from node.store.items import COLUMNS, Item, item_from_row
from protocols.cid import Cid
from protocols.geometry import Geometry
from protocols.manifest import Manifest, attach_pages, decode


class Catalogue:
    """The items in the state database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.choices = Choices(database)

    # --- looking ----------------------------------------------------------------------------------------------

    def items(self) -> list[Item]:
        """All rows by number; 10,000 of them take a tenth of a second."""
        return self._select("ORDER BY number")

    def totals(self) -> tuple[int, int, int]:
        """How many rows seed, and the bytes that all rows have received and sent; some milliseconds for 10,000."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(state = ?), 0), coalesce(sum(received), 0), coalesce(sum(sent), 0) FROM items",
                (TransferState.SEEDING,),
            ).fetchone()
        return row[0], row[1], row[2]

    def find(self, cid: Cid) -> Item | None:
        """The row of this CID, if there is one."""
        return next(iter(self._select("WHERE cid = ?", cid.to_bytes())), None)

    def get(self, cid: Cid) -> Item:
        """The row of this CID; raises NotFoundError."""
        item = self.find(cid)
        if item is None:
            raise NotFoundError(f"{cid} is not in the catalogue")
        return item

    def numbered(self, number: int) -> Item | None:
        """The row of this number, if there is one."""
        return next(iter(self._select("WHERE number = ?", number)), None)

    def named(self, name: str) -> list[Item]:
        """The rows of exactly this name."""
        return self._select("WHERE name = ? ORDER BY number", name)

    def with_prefix(self, prefix: str, limit: int) -> list[Item]:
        """Up to `limit` rows whose CID in base32 begins like this."""
        return self._select("WHERE cid_text >= ? AND cid_text < ? ORDER BY number LIMIT ?", prefix, prefix + "~", limit)

    # --- adding and changing ----------------------------------------------------------------------------------

    def add_share(
        self,
        cid: Cid,
        manifest: Manifest,
        blocks: Sequence[bytes],
        path: str,
        identities: Sequence[Identity],
        now: float,
    ) -> Item:
        """A share of what is at `path`; `blocks` are the manifest block and its pages.

        The same content shared before, or being downloaded, keeps its row, which then points here.
        """
        self.add_shares([Imported(cid, manifest, tuple(blocks), path, tuple(identities))], now)
        return self.get(cid)

    def add_shares(self, shares: Iterable[Imported], now: float) -> None:
        """Shares of many paths in one transaction, each as `add_share` does it."""
        with self._database.write() as connection:
            for share in shares:
                number = _insert(connection, share.cid, share.manifest.name, now)
                _set_manifest(connection, number, share.manifest, share.blocks)
                connection.execute("UPDATE items SET is_import = 1 WHERE number = ?", (number,))
                _set_complete(connection, number, share.path, share.identities)

    def add_download(
        self,
        cid: Cid,
        destination: str,
        now: float,
        *,
        name: str = "",
        size: int = 0,
        output_name: str | None = None,
        hints: Sequence[str] = (),
    ) -> Item:
        """A download of which only the CID is known; a CID that has a row already keeps it as it is."""
        with self._database.write() as connection:
            known = connection.execute("SELECT 1 FROM items WHERE cid = ?", (cid.to_bytes(),)).fetchone()
            if known is None:
                number = _insert(connection, cid, name, now)
                connection.execute(
                    "UPDATE items SET size = ?, destination = ?, output_name = ?, hints = ? WHERE number = ?",
                    (size, os.fsencode(destination), output_name, json.dumps(list(hints)), number),
                )
        return self.get(cid)

    def set_manifest(self, cid: Cid, manifest: Manifest, blocks: Sequence[bytes]) -> Item:
        """The manifest of a download has arrived, block and pages; none of its chunks is had yet."""
        with self._write(cid) as (connection, number):
            _set_manifest(connection, number, manifest, blocks)
            chunk_table.create(connection, number, manifest.geometry.chunk_count)
        return self.get(cid)

    def set_destination(self, cid: Cid, destination: str) -> None:
        """The download is to go into another folder; nothing of it is here yet."""
        with self._write(cid) as (connection, number):
            connection.execute("UPDATE items SET destination = ? WHERE number = ?", (os.fsencode(destination), number))
            connection.execute("DELETE FROM identities WHERE number = ?", (number,))

    def set_state(self, cid: Cid, state: TransferState, reason: str = "") -> None:
        """The item is in another state, to be found again after a restart."""
        with self._write(cid) as (connection, number):
            connection.execute("UPDATE items SET state = ?, reason = ? WHERE number = ?", (state, reason, number))

    def complete_download(self, cid: Cid, path: str, identities: Sequence[Identity]) -> Item:
        """The download is in its place at `path`, and seeds from there."""
        with self._write(cid) as (connection, number):
            _set_complete(connection, number, path, identities)
        return self.get(cid)

    def set_identities(self, cid: Cid, identities: Sequence[Identity]) -> None:
        """The files were verified as they are now, and every chunk is right."""
        with self._write(cid) as (connection, number):
            connection.execute(
                "UPDATE items SET chunks_have = chunk_count, bytes_have = size WHERE number = ?", (number,)
            )
            connection.execute("DELETE FROM chunks WHERE number = ?", (number,))
            connection.execute("REPLACE INTO identities VALUES (?, ?)", (number, pack(identities)))

    def set_damaged(self, cid: Cid, bad: Iterable[int], geometry: Geometry) -> None:
        """These chunks of complete content are not what they were."""
        with self._write(cid) as (connection, number):
            _have_none(connection, number, geometry.chunk_count)
            chunk_table.record(connection, number, set(range(geometry.chunk_count)).difference(bad), geometry)

    def reopen(self, cid: Cid, found: Sequence[Identity]) -> Item:
        """Damaged content of a download is to be downloaded again, in place of the files as they were just found."""
        with self._write(cid) as (connection, number):
            (chunk_count,) = connection.execute("SELECT chunk_count FROM items WHERE number = ?", (number,)).fetchone()
            _have_none(connection, number, chunk_count)
            connection.execute(
                "UPDATE items SET path = NULL, state = ?, reason = '' WHERE number = ?",
                (TransferState.DOWNLOADING, number),
            )
            connection.execute("REPLACE INTO identities VALUES (?, ?)", (number, pack(found)))
        return self.get(cid)

    def add_totals(self, totals: Mapping[Cid, tuple[int, int]]) -> None:
        """Bytes received and sent since the last call; one transaction for all items, unknown ones are skipped."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE items SET received = received + ?, sent = sent + ? WHERE cid = ?",
                [(received, sent, cid.to_bytes()) for cid, (received, sent) in totals.items()],
            )

    def remove(self, cid: Cid) -> None:
        """The row and all that belongs to it are gone; files are not touched."""
        with self._write(cid) as (connection, number):
            connection.execute("DELETE FROM items WHERE number = ?", (number,))

    # --- chunks -----------------------------------------------------------------------------------------------

    def held(self, cid: Cid) -> Held:
        """Which chunks of a download are on disk."""
        item = self.get(cid)
        with self._database.read() as connection:
            return chunk_table.load(connection, item.number, item.chunk_count)

    def record_chunks(self, cid: Cid, indexes: Iterable[int], geometry: Geometry) -> None:
        """These chunks have been verified and written."""
        with self._write(cid) as (connection, number):
            chunk_table.record(connection, number, indexes, geometry)

    def forget_chunks(self, cid: Cid, indexes: Iterable[int], geometry: Geometry) -> None:
        """These chunks turned out bad or gone: they are to be fetched again."""
        with self._write(cid) as (connection, number):
            chunk_table.forget(connection, number, indexes, geometry)

    def mark_flushed(self, cid: Cid, indexes: Iterable[int], geometry: Geometry) -> None:
        """These chunks, written before a flush, have reached the disk."""
        with self._write(cid) as (connection, number):
            chunk_table.mark_flushed(connection, number, indexes, geometry.chunk_count)

    # --- blocks and identities --------------------------------------------------------------------------------

    def blocks(self, cid: Cid) -> tuple[bytes, ...]:
        """The manifest block and its digest pages; empty while the manifest is unknown."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT data FROM blocks JOIN items USING (number) WHERE cid = ? ORDER BY part", (cid.to_bytes(),)
            ).fetchall()
        return tuple(data for (data,) in rows)

    def manifest(self, cid: Cid) -> Manifest | None:
        """The manifest with all its digests, None while it is unknown. The largest takes a second to decode."""
        blocks = self.blocks(cid)
        return attach_pages(decode(blocks[0]), blocks[1:]) if blocks else None

    def identities(self, cid: Cid) -> tuple[Identity, ...]:
        """What the files of a complete item were when they were last known to be right.

        Of a download: the damaged files that it is to replace, as they were found.
        """
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT data FROM identities JOIN items USING (number) WHERE cid = ?", (cid.to_bytes(),)
            ).fetchone()
        return unpack(row[0]) if row else ()

    # --- inside -----------------------------------------------------------------------------------------------

    def _select(self, condition: str, *values: object) -> list[Item]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM items {condition}", values)  # neither is outside text
            return [item_from_row(row) for row in rows]

    @contextmanager
    def _write(self, cid: Cid) -> Iterator[tuple[sqlite3.Connection, int]]:
        with self._database.write() as connection:
            row = connection.execute("SELECT number FROM items WHERE cid = ?", (cid.to_bytes(),)).fetchone()
            if row is None:
                raise NotFoundError(f"{cid} is not in the catalogue")
            yield connection, row[0]


def _insert(connection: sqlite3.Connection, cid: Cid, name: str, now: float) -> int:
    """The number of the CID's row, which is made if there is none."""
    connection.execute(
        "INSERT INTO items (cid, cid_text, name, state, added_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (cid.to_bytes(), str(cid), name, TransferState.DOWNLOADING, now),
    )
    number: int = connection.execute("SELECT number FROM items WHERE cid = ?", (cid.to_bytes(),)).fetchone()[0]
    return number


def _set_manifest(connection: sqlite3.Connection, number: int, manifest: Manifest, blocks: Sequence[bytes]) -> None:
    geometry = manifest.geometry
    connection.execute(
        "UPDATE items SET name = ?, is_folder = ?, size = ?, chunk_size = ?, chunk_count = ?, file_count = ?, "
        "chunks_have = 0, bytes_have = 0 WHERE number = ?",
        (
            manifest.name,
            manifest.is_folder,
            geometry.total_size,
            geometry.chunk_size,
            geometry.chunk_count,
            len(manifest.files),
            number,
        ),
    )
    connection.execute("DELETE FROM blocks WHERE number = ?", (number,))
    connection.executemany(
        "INSERT INTO blocks VALUES (?, ?, ?)", [(number, part, block) for part, block in enumerate(blocks)]
    )


def _have_none(connection: sqlite3.Connection, number: int, chunk_count: int) -> None:
    chunk_table.create(connection, number, chunk_count)
    connection.execute("UPDATE items SET chunks_have = 0, bytes_have = 0 WHERE number = ?", (number,))


def _set_complete(connection: sqlite3.Connection, number: int, path: str, identities: Sequence[Identity]) -> None:
    connection.execute(
        "UPDATE items SET path = ?, state = ?, reason = '', chunks_have = chunk_count, bytes_have = size, "
        "is_sequential = 0, only_files = '[]', skipped_files = 0, skipped_bytes = 0, is_placed = 0, only_peer = '' "
        "WHERE number = ?",
        (os.fsencode(path), TransferState.SEEDING, number),
    )
    connection.execute("DELETE FROM chunks WHERE number = ?", (number,))
    connection.execute("DELETE FROM priorities WHERE number = ?", (number,))
    connection.execute("REPLACE INTO identities VALUES (?, ?)", (number, pack(identities)))
