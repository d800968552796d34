"""The tables of the state database, as the steps that made them what they are.

Rules: a step that was released is never changed, only followed by another; each runs in one transaction that also
raises the schema version. Version 0 is an empty file. Large values have tables of their own, so that listing 10,000
items reads none of them. Paths are blobs: a folder above a share may have a name that is not UTF-8.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from node.status import TransferState
from node.store.items import priority_word

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


_OWN_CLAIMS = 1 << 32
"""Claims below this id are, or were, of this node's own shares; see `search_index.CLAIM_PLACE`."""

_SEARCH = (
    """
    CREATE TABLE claims (                  -- what somebody says can be had; one row for all who say the same
        id INTEGER PRIMARY KEY,            -- place in its first publisher's catalogue << 32 | tie: the order of hits
        cid BLOB NOT NULL,                 -- 36 bytes
        name TEXT NOT NULL,
        size INTEGER NOT NULL,
        files INTEGER NOT NULL,
        tokens TEXT NOT NULL,              -- as indexed: to take a row out of the index it must be told them again
        UNIQUE (cid, name, size, files)
    )
    """,
    """
    CREATE TABLE offers (                  -- who says so
        claim INTEGER NOT NULL,
        publisher INTEGER NOT NULL,        -- 0: this node
        page INTEGER,                      -- of the publisher's catalogue; NULL for this node's own
        PRIMARY KEY (claim, publisher)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX offers_by_page ON offers (page)",
    """
    CREATE TABLE publishers (
        number INTEGER PRIMARY KEY,        -- from 1
        peer_id TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        expires_at REAL NOT NULL,
        entries INTEGER NOT NULL DEFAULT 0,
        head BLOB,                         -- as it was signed; NULL until all its pages are here
        told_by TEXT NOT NULL              -- the peer that told of it, which may be itself
    )
    """,
    "CREATE INDEX publishers_by_expiry ON publishers (expires_at)",
    """
    CREATE TABLE pages (                   -- of catalogues, to be passed on as they are
        id INTEGER PRIMARY KEY,
        publisher INTEGER NOT NULL,
        cid BLOB NOT NULL,
        entries INTEGER NOT NULL,
        data BLOB NOT NULL,
        UNIQUE (cid, publisher)
    )
    """,
    "CREATE INDEX pages_by_publisher ON pages (publisher)",
    """
    CREATE TABLE own_catalogue (           -- one row
        revision INTEGER NOT NULL,         -- grows whenever a share comes or goes
        seq INTEGER NOT NULL,              -- of the last head that was signed
        head BLOB
    )
    """,
    "INSERT INTO own_catalogue VALUES (0, 0, NULL)",
    # What is indexed are the words of protocols.search.tokens, blanks between them. This tokenizer leaves them as they
    # are: they hold ASCII letters and digits, the colon of `ext:`, and what isn't ASCII.
    """
    CREATE VIRTUAL TABLE words USING fts5(
        tokens, content = claims, content_rowid = id, detail = none, columnsize = 0, prefix = 1,
        tokenize = "ascii tokenchars ':'"
    )
    """,
    "CREATE VIRTUAL TABLE word_counts USING fts5vocab(words, row)",
    """
    CREATE TRIGGER claim_added AFTER INSERT ON claims BEGIN
        INSERT INTO words (rowid, tokens) VALUES (new.id, new.tokens);
    END
    """,
    """
    CREATE TRIGGER claim_removed AFTER DELETE ON claims BEGIN
        INSERT INTO words (words, rowid, tokens) VALUES ('delete', old.id, old.tokens);
    END
    """,
    """
    CREATE TRIGGER claim_moved AFTER UPDATE OF id ON claims BEGIN
        INSERT INTO words (words, rowid, tokens) VALUES ('delete', old.id, old.tokens);
        INSERT INTO words (rowid, tokens) VALUES (new.id, new.tokens);
        UPDATE offers SET claim = new.id WHERE claim = old.id;
    END
    """,
    """
    CREATE TRIGGER offer_removed AFTER DELETE ON offers
    WHEN NOT EXISTS (SELECT 1 FROM offers WHERE claim = old.claim) BEGIN
        DELETE FROM claims WHERE id = old.claim;
    END
    """,
)

_OFFER_OWN = f"""
    INSERT INTO claims (id, cid, name, size, files, tokens) VALUES (
        (SELECT coalesce(max(id), 0) + 1 FROM claims WHERE id < {_OWN_CLAIMS}),
        new.cid, new.name, new.size, new.file_count, name_tokens(new.name)
    ) ON CONFLICT (cid, name, size, files) DO UPDATE SET id = excluded.id WHERE id >= {_OWN_CLAIMS};
    INSERT INTO offers (claim, publisher)
        SELECT id, 0 FROM claims WHERE (cid, name, size, files) = (new.cid, new.name, new.size, new.file_count);
    UPDATE own_catalogue SET revision = revision + 1;
"""
_WITHDRAW_OWN = """
    DELETE FROM offers WHERE publisher = 0 AND claim IN (
        SELECT id FROM claims WHERE (cid, name, size, files) = (old.cid, old.name, old.size, old.file_count)
    );
    UPDATE own_catalogue SET revision = revision + 1;
"""
_IS_SEEDING, _WAS_SEEDING = (f"{row}.state = '{TransferState.SEEDING}'" for row in ("new", "old"))
# Triggers, because many paths lead into and out of seeding, and none may be forgotten.
_OWN_SHARES = (
    f"""
    CREATE TRIGGER item_seeds AFTER UPDATE OF state ON items
    WHEN {_IS_SEEDING} AND NOT {_WAS_SEEDING} BEGIN {_OFFER_OWN} END
    """,
    f"""
    CREATE TRIGGER item_stops AFTER UPDATE OF state ON items
    WHEN {_WAS_SEEDING} AND NOT {_IS_SEEDING} BEGIN {_WITHDRAW_OWN} END
    """,
    f"CREATE TRIGGER item_removed AFTER DELETE ON items WHEN {_WAS_SEEDING} BEGIN {_WITHDRAW_OWN} END",
)


_CHOICES = (
    "ALTER TABLE items ADD COLUMN up_limit_bps REAL",  # NULL: no limit of its own
    "ALTER TABLE items ADD COLUMN down_limit_bps REAL",
    "ALTER TABLE items ADD COLUMN is_sequential INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE items ADD COLUMN only_files TEXT NOT NULL DEFAULT '[]'",  # patterns, until there is a manifest
    "ALTER TABLE items ADD COLUMN skipped_files INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE items ADD COLUMN skipped_bytes INTEGER NOT NULL DEFAULT 0",  # of them, what isn't here
    "ALTER TABLE items ADD COLUMN is_placed INTEGER NOT NULL DEFAULT 0",  # 1: the wanted files are in their place
    """
    CREATE TABLE priorities (
        number INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
        levels BLOB NOT NULL               -- a byte for each file, of node.swarm.Priority
    )
    """,
    "CREATE TABLE node_limits (up_bps REAL, down_bps REAL)",  # one row
    "INSERT INTO node_limits VALUES (NULL, NULL)",
)


_WATCHED = (
    """
    CREATE TABLE watched_folders (
        path BLOB PRIMARY KEY,
        added_at REAL NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE watched_files (           -- shared because they lie in a watched folder
        path BLOB PRIMARY KEY,
        identity BLOB NOT NULL,            -- identity.pack, as it was when the file was digested
        cid BLOB NOT NULL                  -- 36 bytes
    ) WITHOUT ROWID
    """,
)


_BANNED = """
    CREATE TABLE banned_peers (            -- by a person, for the whole node
        peer_id TEXT PRIMARY KEY,
        multiaddr TEXT NOT NULL,           -- where it was last; '' if that isn't known
        agent TEXT NOT NULL,
        banned_at REAL NOT NULL
    ) WITHOUT ROWID
"""


_PRIORITY = "ALTER TABLE items ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal'"  # of the wanted files; or 'mixed'


_RECORDS_BY_PEER = "CREATE INDEX provider_records_by_peer ON provider_records (peer_id, expires_at)"  # who gives way


_ISSUED = "ALTER TABLE publishers ADD COLUMN issued_at REAL"  # the head; NULL for one held since an earlier version


def _create(connection: sqlite3.Connection) -> None:
    for statement in (*_CATALOGUE, *_NETWORK):
        connection.execute(statement)


def _index(connection: sqlite3.Connection) -> None:
    for statement in _SEARCH:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO claims SELECT row_number() OVER (ORDER BY number), cid, name, size, file_count, name_tokens(name) "
        "FROM items WHERE state = ?",
        (TransferState.SEEDING,),
    )
    connection.execute("INSERT INTO offers SELECT id, 0, NULL FROM claims")
    for statement in _OWN_SHARES:
        connection.execute(statement)


def _add_choices(connection: sqlite3.Connection) -> None:
    for statement in _CHOICES:
        connection.execute(statement)


def _add_chosen_peers(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE items ADD COLUMN only_peer TEXT NOT NULL DEFAULT ''")  # "": whoever has it


def _add_watched(connection: sqlite3.Connection) -> None:
    for statement in _WATCHED:
        connection.execute(statement)


def _add_banned(connection: sqlite3.Connection) -> None:
    connection.execute(_BANNED)


def _add_priority(connection: sqlite3.Connection) -> None:
    connection.execute(_PRIORITY)
    for number, levels in connection.execute("SELECT number, levels FROM priorities").fetchall():
        connection.execute("UPDATE items SET priority = ? WHERE number = ?", (priority_word(levels), number))


def _index_records(connection: sqlite3.Connection) -> None:
    connection.execute(_RECORDS_BY_PEER)


def _date_heads(connection: sqlite3.Connection) -> None:
    connection.execute(_ISSUED)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create,
    _index,
    _add_choices,
    _add_chosen_peers,
    _add_watched,
    _add_banned,
    _add_priority,
    _index_records,
    _date_heads,
)
"""Step n makes version n + 1 of version n."""
