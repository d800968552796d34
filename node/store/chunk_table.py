"""Which chunks of a download are on disk: two bitfields and a boot id for each item.

Rules: a chunk gets into `have` after it was written, and into `flushed` after the disk confirmed it. After `kill -9`
the page cache survives, so `have` holds; after a crash of the machine only `flushed` does, and what is between the
two is doubtful until it was read again. Functions take the connection of a running transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from node.store.boot import boot_id
from protocols.bitfield import Bitfield
from protocols.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Held:
    """What the database says of one download's chunks."""

    have: Bitfield
    flushed: Bitfield
    boot_id: str

    @property
    def doubtful(self) -> tuple[int, ...]:
        """The chunks that a crash of the machine may have lost."""
        if self.boot_id == boot_id():
            return ()
        return tuple(self.flushed.missing_from(self.have))


def create(connection: sqlite3.Connection, number: int, chunk_count: int) -> None:
    """Begin with no chunk at all, whatever was there before."""
    empty = Bitfield(chunk_count).to_bytes()
    connection.execute("REPLACE INTO chunks VALUES (?, ?, ?, '')", (number, empty, empty))


def load(connection: sqlite3.Connection, number: int, chunk_count: int) -> Held:
    """What is known of the chunks; nothing is had where nothing was ever recorded."""
    row = connection.execute("SELECT have, flushed, boot_id FROM chunks WHERE number = ?", (number,)).fetchone()
    if row is None:
        return Held(Bitfield(chunk_count), Bitfield(chunk_count), "")
    return Held(Bitfield.from_bytes(chunk_count, row[0]), Bitfield.from_bytes(chunk_count, row[1]), row[2])


def record(connection: sqlite3.Connection, number: int, indexes: Iterable[int], geometry: Geometry) -> None:
    """The chunks are written. What an earlier boot left in doubt and nobody read again is forgotten here."""
    held = load(connection, number, geometry.chunk_count)
    gone = held.doubtful
    for index in gone:
        held.have.clear(index)
    new = [index for index in indexes if held.have.set(index)]
    connection.execute(
        "UPDATE chunks SET have = ?, boot_id = ? WHERE number = ?", (held.have.to_bytes(), boot_id(), number)
    )
    _count(connection, number, held.have, _size(geometry, new) - _size(geometry, gone))


def forget(connection: sqlite3.Connection, number: int, indexes: Iterable[int], geometry: Geometry) -> None:
    """The chunks turned out bad or gone."""
    held = load(connection, number, geometry.chunk_count)
    gone = [index for index in indexes if held.have.clear(index)]
    for index in gone:
        held.flushed.clear(index)
    connection.execute(
        "UPDATE chunks SET have = ?, flushed = ? WHERE number = ?",
        (held.have.to_bytes(), held.flushed.to_bytes(), number),
    )
    _count(connection, number, held.have, -_size(geometry, gone))


def mark_flushed(connection: sqlite3.Connection, number: int, indexes: Iterable[int], chunk_count: int) -> None:
    """Those of the chunks that are had have reached the disk."""
    held = load(connection, number, chunk_count)
    for index in indexes:
        if held.have[index]:
            held.flushed.set(index)
    connection.execute("UPDATE chunks SET flushed = ? WHERE number = ?", (held.flushed.to_bytes(), number))


def _size(geometry: Geometry, indexes: Iterable[int]) -> int:
    return sum(geometry.chunk_length(index) for index in indexes)


def _count(connection: sqlite3.Connection, number: int, have: Bitfield, more_bytes: int) -> None:
    connection.execute(
        "UPDATE items SET chunks_have = ?, bytes_have = bytes_have + ? WHERE number = ?",
        (have.count, more_bytes, number),
    )
