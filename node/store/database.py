"""The one sqlite database of a node, `<home>/state.db`: connections, transactions, schema version.

Rules: one connection writes, guarded by a lock, so that writers queue here and never inside sqlite; readers have
connections of their own, which WAL lets run beside the writer. A transaction commits without fsync (WAL with
synchronous=NORMAL): `kill -9` loses nothing that was committed; a power cut may lose the last commits but never
breaks the database, which is why bitfields carry a boot id. All methods may be called from any thread.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.errors import StorageError
from node.store.errors import DiskFull, os_errors, shown
from node.store.schema import MIGRATIONS
from protocols.search.tokens import tokens_of_name

BUSY_TIMEOUT_S = 5.0
"""Only a person's own sqlite shell can hold the database against us; it gets this long before we give up."""

IDLE_READERS = 8
"""Reading connections kept open: as many as worker threads usually read at once."""

WAL_KEPT_BYTES = 16 << 20
"""What the WAL is cut back to: the digest pages of one large share can blow it up to 64 MiB."""

_WORDS = {
    sqlite3.SQLITE_READONLY: "it can't be written",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_IOERR: "the disk reports an I/O error",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is not a database",
    sqlite3.SQLITE_BUSY: "another program holds it",
    sqlite3.SQLITE_LOCKED: "another program holds it",
}


class Database:
    """An open state database, its schema brought up to date; raises StorageError when it can't be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        with os_errors("can't open the database", path):
            # Made before sqlite would, because what a person shares is nobody else's business.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with self._explained():
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
            self._adopt()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed when the body ends, rolled back when it raises. Waits for other writers."""
        with self._writing, self._explained():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:  # sqlite itself rolls back when the disk is full
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees what is committed; never waits for a writer. Each statement is its own snapshot."""
        with self._explained():
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
            try:
                yield connection
            finally:
                if len(self._readers) < IDLE_READERS:
                    self._readers.append(connection)
                else:
                    connection.close()

    def close(self) -> None:
        """Close every connection; sqlite then folds the WAL into the database file."""
        with self._writing:
            while self._readers:
                self._readers.pop().close()
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.create_function("name_tokens", 1, _name_tokens, deterministic=True)  # the triggers call it
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _adopt(self) -> None:
        try:
            self._migrate()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise StorageError(f"{shown(self.path)} is some other program's database ({error})") from error

    def _migrate(self) -> None:
        version: int = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StorageError(
                f"{shown(self.path)} was written by a newer shoal (schema {version}, this one knows up to "
                f"{len(MIGRATIONS)}): update shoal, or use another data folder"
            )
        for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
            self._writer.execute("BEGIN IMMEDIATE")
            migration(self._writer)
            self._writer.execute(f"PRAGMA user_version = {number}")
            self._writer.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what sqlite says about the disk into a StorageError; a wrong statement stays the bug it is."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise DiskFull(f"can't write {shown(self.path)}: the disk is full") from error
            if code not in _WORDS:
                raise
            raise StorageError(f"can't use {shown(self.path)}: {_WORDS[code]} ({error})") from error


def _name_tokens(name: str) -> str:
    return " ".join(tokens_of_name(name))
