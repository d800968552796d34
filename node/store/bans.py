"""The peers that a person has banned, in the state database.

Rules: each method is one transaction and may be called from any thread. People ban peers one by one, so that the table
needs no bound.
"""

from __future__ import annotations

from node.status import BanStatus
from node.store.database import Database


class Bans:
    """Who is banned, over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[BanStatus]:
        """Every ban, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT peer_id, multiaddr, agent, banned_at FROM banned_peers ORDER BY banned_at, peer_id"
            ).fetchall()
        return [BanStatus(*row) for row in rows]

    def add(self, ban: BanStatus) -> None:
        """Keep a ban; one of the same peer stays as it is."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO banned_peers (peer_id, multiaddr, agent, banned_at) VALUES (?, ?, ?, ?)",
                (ban.peer_id, ban.multiaddr, ban.agent, ban.banned_at),
            )

    def remove(self, peer_id: str) -> None:
        """Forget a ban."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM banned_peers WHERE peer_id = ?", (peer_id,))
