"""The watched folders and the files shared from them, in the state database.

Rules: each call is one transaction and may come from any thread. Paths are blobs: a folder above a share may have a
name that is not UTF-8.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence

from node.store.database import Database
from node.store.identity import Identity, pack, unpack


class WatchedFolders:
    """What is watched, and what came of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def folders(self) -> list[str]:
        """The watched folders, in the order in which they were added."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT path FROM watched_folders ORDER BY added_at").fetchall()
        return [os.fsdecode(path) for (path,) in rows]

    def add_folder(self, path: str, now: float) -> None:
        """Watch a folder from now on."""
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO watched_folders VALUES (?, ?)", (os.fsencode(path), now))

    def remove_folder(self, path: str, kept: Sequence[str] = ()) -> None:
        """Watch a folder no more, nor those of its files that stay shared."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM watched_folders WHERE path = ?", (os.fsencode(path),))
            _remove_files(connection, kept)

    def files(self) -> list[tuple[str, Identity, bytes]]:
        """Every file that is shared because its folder is watched: path, state when it was digested, CID."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT path, identity, cid FROM watched_files").fetchall()
        return [(os.fsdecode(path), unpack(identity)[0], cid) for path, identity, cid in rows]

    def set_files(self, files: Iterable[tuple[str, Identity, bytes]]) -> None:
        """These files are shared now, in these states."""
        with self._database.write() as connection:
            connection.executemany(
                "REPLACE INTO watched_files (path, identity, cid) VALUES (?, ?, ?)",
                [(os.fsencode(path), pack([identity]), cid) for path, identity, cid in files],
            )

    def remove_files(self, paths: Sequence[str]) -> None:
        """These files are watched no more."""
        with self._database.write() as connection:
            _remove_files(connection, paths)


def _remove_files(connection: sqlite3.Connection, paths: Sequence[str]) -> None:
    connection.executemany("DELETE FROM watched_files WHERE path = ?", [(os.fsencode(path),) for path in paths])
