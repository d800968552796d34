"""What a node remembers of the network: provider records held for others, its own provides, addresses that worked.

Rules: each table is bounded; each call is one transaction of well under a millisecond. The shapes are those that
`node.net` (ProviderStore, AddressBook) and `node.services.providing` (Schedule) ask for, without knowing them; the
address book's methods are to be called in a thread. Times are unix time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from node.status import ProvideStatus
from node.store.database import Database
from node.swarm.fair_share import FairShare

MAX_PER_KEY = 500
"""An answer carries a sample of them, and a downloader has use for a few dozen."""

MAX_RECORDS = 100_000
"""Some 30 MB of database: a thousand shares of a hundred neighbours."""

MAX_PEERS = 2_000
"""A swarm and a routing table several times over; one whose last success is oldest makes room."""

MAX_ADDRESSES_PER_PEER = 8
"""A peer has a few networks and moves now and then."""


class ProviderRecords:
    """Provider records held for others, in the state database.

    When all room is taken, the provider with the most records gives its oldest one up to whoever would still have
    fewer: a flood by one peer neither pushes others out nor keeps them out. A key that is full refuses newcomers.
    """

    def __init__(self, database: Database, *, max_per_key: int = MAX_PER_KEY, max_records: int = MAX_RECORDS) -> None:
        self._database = database
        self._max_per_key = max_per_key
        self._max_records = max_records
        self._count = 0
        self._fair = FairShare({})
        with database.read() as connection:
            self._recount(connection)

    def add(self, key: bytes, peer_id: str, addresses: Sequence[str], expires_at: float) -> bool:
        """Keep or renew a record; False if there is no room for another one."""
        values = (json.dumps(list(addresses)), expires_at, key, peer_id)
        with self._database.write() as connection:
            renewed = connection.execute(
                "UPDATE provider_records SET addresses = ?, expires_at = ? WHERE key = ? AND peer_id = ?", values
            ).rowcount
            if renewed:
                return True
            held: int = connection.execute("SELECT count(*) FROM provider_records WHERE key = ?", (key,)).fetchone()[0]
            is_full = self._count >= self._max_records
            heaviest = self._fair.who_gives_way(peer_id) if is_full else None
            if held >= self._max_per_key or (is_full and heaviest is None):
                return False
            if heaviest is not None:
                connection.execute(
                    "DELETE FROM provider_records WHERE (key, peer_id) = (SELECT key, peer_id FROM provider_records "
                    "WHERE peer_id = ? ORDER BY expires_at LIMIT 1)",
                    (heaviest,),
                )
            connection.execute(
                "INSERT INTO provider_records (addresses, expires_at, key, peer_id) VALUES (?, ?, ?, ?)", values
            )
        self._count += 0 if is_full else 1
        if heaviest is not None:
            self._fair.gave(heaviest)
        self._fair.took(peer_id)
        return True

    def get(self, key: bytes, now: float) -> list[tuple[str, tuple[str, ...]]]:
        """Peer id and addresses of every record of `key` that is still valid, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT peer_id, addresses FROM provider_records WHERE key = ? AND expires_at > ? "
                "ORDER BY expires_at DESC",
                (key, now),
            ).fetchall()
        return [(peer_id, tuple(json.loads(addresses))) for peer_id, addresses in rows]

    def remove(self, key: bytes, peer_id: str) -> None:
        """Drop a record if it is there."""
        with self._database.write() as connection:
            gone = connection.execute(
                "DELETE FROM provider_records WHERE key = ? AND peer_id = ?", (key, peer_id)
            ).rowcount
        if gone:
            self._count -= 1
            self._fair.gave(peer_id)

    def expire(self, now: float) -> None:
        """Drop every record that is no longer valid."""
        with self._database.write() as connection:
            gone = connection.execute("DELETE FROM provider_records WHERE expires_at <= ?", (now,)).rowcount
        if gone:
            with self._database.read() as connection:
                self._recount(connection)

    def count(self) -> int:
        """How many records are held."""
        return self._count

    def _recount(self, connection: sqlite3.Connection) -> None:
        counts = connection.execute("SELECT peer_id, count(*) FROM provider_records GROUP BY peer_id").fetchall()
        self._count = sum(count for _, count in counts)
        self._fair = FairShare(dict(counts))


class ProvideSchedule:
    """When this node provided each of its keys last and is to do it again; a row for each key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> list[tuple[bytes, ProvideStatus]]:
        """All keys, the ones due first in front."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT key, closest, stored, last_at, next_due FROM provides ORDER BY next_due"
            ).fetchall()
        return [(key, ProvideStatus(closest, stored, last_at, due)) for key, closest, stored, last_at, due in rows]

    def save_all(self, statuses: Sequence[tuple[bytes, ProvideStatus]]) -> None:
        """How keys stand after a round, and when they are due again."""
        with self._database.write() as connection:
            connection.executemany(
                "REPLACE INTO provides (key, closest, stored, last_at, next_due) VALUES (?, ?, ?, ?, ?)",
                [(key, status.closest, status.stored, status.at, status.due) for key, status in statuses],
            )

    def remove_all(self, keys: Sequence[bytes]) -> None:
        """These keys are provided no more."""
        with self._database.write() as connection:
            connection.executemany("DELETE FROM provides WHERE key = ?", [(key,) for key in keys])


class AddressBook:
    """Where peers were reached before, in the state database: the way back into the network without a bootstrap."""

    def __init__(
        self, database: Database, *, max_peers: int = MAX_PEERS, max_addresses: int = MAX_ADDRESSES_PER_PEER
    ) -> None:
        self._database = database
        self._max_peers = max_peers
        self._max_addresses = max_addresses

    def record(self, peer_id: str, address: str, now: float) -> None:
        """A connection to `peer_id` at `address` (without /p2p/) has just succeeded."""
        with self._database.write() as connection:
            connection.execute("REPLACE INTO addresses VALUES (?, ?, ?)", (peer_id, address, now))
            connection.execute(
                "DELETE FROM addresses WHERE peer_id = ?1 AND address NOT IN "
                "(SELECT address FROM addresses WHERE peer_id = ?1 ORDER BY last_success DESC LIMIT ?2)",
                (peer_id, self._max_addresses),
            )
            peers: int = connection.execute("SELECT count(DISTINCT peer_id) FROM addresses").fetchone()[0]
            if peers > self._max_peers:
                connection.execute(
                    "DELETE FROM addresses WHERE peer_id IN (SELECT peer_id FROM addresses GROUP BY peer_id "
                    "ORDER BY max(last_success) LIMIT ?)",
                    (peers - self._max_peers,),
                )

    def addresses(self, peer_id: str) -> tuple[str, ...]:
        """The addresses at which the peer was reached, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT address FROM addresses WHERE peer_id = ? ORDER BY last_success DESC", (peer_id,)
            ).fetchall()
        return tuple(address for (address,) in rows)

    def recent(self, limit: int) -> list[tuple[str, str]]:
        """(peer id, address) of up to `limit` peers reached most recently, newest first."""
        with self._database.read() as connection:
            # sqlite gives the other columns of a group from the row that has the maximum
            rows = connection.execute(
                "SELECT peer_id, address, max(last_success) AS at FROM addresses GROUP BY peer_id "
                "ORDER BY at DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [(peer_id, address) for peer_id, address, _ in rows]
