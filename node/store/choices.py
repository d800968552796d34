"""What a person has chosen about the node and its items: limits, the order of fetching, which files are wanted.

Rules: as in `catalogue`: each method is one transaction, may be called from any thread, and what it told is on record
when it returns. An item that is gone meanwhile is no error: there is nothing to choose about it any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from node.store.database import Database
from node.store.items import priority_word
from node.swarm.selection import Priority
from protocols.cid import Cid

UNCHOSEN = bytes([Priority.NORMAL])


class Choices:
    """The choices in the state database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def node_limits(self) -> tuple[float | None, float | None]:
        """The whole node's limits up and down, in bytes per second; None is none."""
        with self._database.read() as connection:
            up_bps, down_bps = connection.execute("SELECT up_bps, down_bps FROM node_limits").fetchone()
        return up_bps, down_bps

    def set_node_limits(self, up_bps: float | None, down_bps: float | None) -> None:
        """Keep the whole node's limits."""
        with self._database.write() as connection:
            connection.execute("UPDATE node_limits SET up_bps = ?, down_bps = ?", (up_bps, down_bps))

    def share_limits(self) -> dict[Cid, tuple[float | None, float | None]]:
        """The items that have limits of their own, and these, up and down."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT cid, up_limit_bps, down_limit_bps FROM items "
                "WHERE up_limit_bps IS NOT NULL OR down_limit_bps IS NOT NULL"
            ).fetchall()
        return {Cid.from_bytes(cid): (up_bps, down_bps) for cid, up_bps, down_bps in rows}

    def set_share_limits(self, cid: Cid, up_bps: float | None, down_bps: float | None) -> None:
        """Keep an item's own limits."""
        self._set(cid, "up_limit_bps = ?, down_limit_bps = ?", up_bps, down_bps)

    def set_sequential(self, cid: Cid, is_sequential: bool) -> None:
        """Fetch an item in file order, or rarest first."""
        self._set(cid, "is_sequential = ?", is_sequential)

    def only_files(self, cid: Cid) -> tuple[str, ...]:
        """The patterns of which the wanted files have to fit one; none if all are wanted, or it is known which."""
        with self._database.read() as connection:
            row = connection.execute("SELECT only_files FROM items WHERE cid = ?", (cid.to_bytes(),)).fetchone()
        return tuple(json.loads(row[0])) if row else ()

    def set_only_files(self, cid: Cid, patterns: Sequence[str]) -> None:
        """Want only files that fit one of these patterns, once the manifest tells which those are."""
        self._set(cid, "only_files = ?", json.dumps(list(patterns)))

    def set_only_peer(self, cid: Cid, peer_id: str) -> None:
        """Fetch an item from this peer alone; from whoever has it if "" is given."""
        self._set(cid, "only_peer = ?", peer_id)

    def set_placed(self, cid: Cid, is_placed: bool) -> None:
        """The wanted files of a download are in their place, or about to be; or no more."""
        self._set(cid, "is_placed = ?", is_placed)

    def priorities(self, cid: Cid) -> dict[int, Priority]:
        """How much each file of an item is wanted; those left out are NORMAL."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT levels FROM priorities JOIN items USING (number) WHERE cid = ?", (cid.to_bytes(),)
            ).fetchone()
        levels: bytes = row[0] if row else b""
        return {index: Priority(level) for index, level in enumerate(levels) if level != Priority.NORMAL}

    def set_priorities(
        self, cid: Cid, priorities: Mapping[int, Priority], file_count: int, *, skipped_bytes: int
    ) -> None:
        """Keep how much each of `file_count` files is wanted; of the skipped ones so many bytes aren't here."""
        levels = bytearray(UNCHOSEN * file_count)
        for index, priority in priorities.items():
            levels[index] = priority
        skipped = levels.count(Priority.SKIP)
        with self._database.write() as connection:
            connection.execute(
                "REPLACE INTO priorities SELECT number, ? FROM items WHERE cid = ?", (bytes(levels), cid.to_bytes())
            )
            connection.execute(
                "UPDATE items SET skipped_files = ?, skipped_bytes = ?, priority = ?, only_files = '[]' WHERE cid = ?",
                (skipped, skipped_bytes, priority_word(bytes(levels)), cid.to_bytes()),
            )

    def _set(self, cid: Cid, assignment: str, *values: object) -> None:
        with self._database.write() as connection:
            connection.execute(f"UPDATE items SET {assignment} WHERE cid = ?", (*values, cid.to_bytes()))
