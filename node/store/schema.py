"""The tables of the state database, as the steps that made them what they are.

Rules: a step that was released is never changed, only followed by another; each runs in one transaction that also
raises the schema version. Version 0 is an empty file. Large values have tables of their own, so that listing 10,000
items reads none of them. Paths are blobs: a folder above a share may have a name that is not UTF-8.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

_CATALOGUE = (
    """
    CREATE TABLE items (
        number INTEGER PRIMARY KEY,        -- the row number people type; a removed one is used again only if highest
        cid BLOB NOT NULL UNIQUE,          -- 36 bytes
        cid_text TEXT NOT NULL UNIQUE,     -- base32, for prefixes
        name TEXT NOT NULL,                -- the manifest's, or what the link said until that is known
        state TEXT NOT NULL,               -- a word of TransferState
        reason TEXT NOT NULL DEFAULT '',
        is_folder INTEGER NOT NULL DEFAULT 0,
        is_import INTEGER NOT NULL DEFAULT 0,  -- 1: files have the manifest's names; 0: those of names.local_paths
        size INTEGER NOT NULL DEFAULT 0,
        chunk_size INTEGER NOT NULL DEFAULT 0,  -- 0: the manifest is not known yet
        chunk_count INTEGER NOT NULL DEFAULT 0,
        file_count INTEGER NOT NULL DEFAULT 0,
        chunks_have INTEGER NOT NULL DEFAULT 0,
        bytes_have INTEGER NOT NULL DEFAULT 0,
        path BLOB,                         -- the complete file or folder; NULL while it is being downloaded
        destination BLOB,                  -- the folder a download ends in
        output_name TEXT,                  -- the name a person chose for it with -o
        hints TEXT NOT NULL DEFAULT '[]',  -- multiaddrs from the link
        added_at REAL NOT NULL,
        received INTEGER NOT NULL DEFAULT 0,
        sent INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX items_by_name ON items (name)",
    """
    CREATE TABLE blocks (
        number INTEGER NOT NULL REFERENCES items ON DELETE CASCADE,
        part INTEGER NOT NULL,             -- 0: the manifest; k: digest page k - 1
        data BLOB NOT NULL,
        PRIMARY KEY (number, part)
    )
    """,
    """
    CREATE TABLE chunks (
        number INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
        have BLOB NOT NULL,                -- bitfield: written
        flushed BLOB NOT NULL,             -- bitfield: also known to have reached the disk itself
        boot_id TEXT NOT NULL              -- of the boot in which the rest was written
    )
    """,
    """
    CREATE TABLE identities (
        number INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
        data BLOB NOT NULL                 -- identity.pack, a file each
    )
    """,
)

_NETWORK = (
    """
    CREATE TABLE provider_records (        -- held for others
        key BLOB NOT NULL,
        peer_id TEXT NOT NULL,
        addresses TEXT NOT NULL,           -- JSON list
        expires_at REAL NOT NULL,
        PRIMARY KEY (key, peer_id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX provider_records_by_expiry ON provider_records (expires_at)",
    """
    CREATE TABLE provides (                -- what this node provides
        key BLOB PRIMARY KEY,
        closest INTEGER NOT NULL,
        stored INTEGER NOT NULL,
        last_at REAL,
        next_due REAL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE addresses (               -- where peers were reached
        peer_id TEXT NOT NULL,
        address TEXT NOT NULL,
        last_success REAL NOT NULL,
        PRIMARY KEY (peer_id, address)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX addresses_by_success ON addresses (last_success)",
)


def _create(connection: sqlite3.Connection) -> None:
    for statement in (*_CATALOGUE, *_NETWORK):
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create,)
"""Step n makes version n + 1 of version n."""
