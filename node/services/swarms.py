"""Everybody in session with this node about one manifest, and what passed between us.

Rules: a swarm outlives the download that began it, and goes on serving; what is remembered of peers that left is
bounded; nothing here decides about chunks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from node.services.content import Content
from node.services.session import PeerSession
from node.services.uploading import Uploads
from node.swarm.limits import TokenBucket
from protocols.cid import Cid
from protocols.exchange import BitfieldMessage, Have, Message, Peers

LEDGER_PEERS = 256
"""Peers whose totals are remembered after they left, per manifest: a screenful many times over."""

MAX_BANNED = 4096
"""Banned peers that are remembered, the latest, per manifest: a new peer id costs its maker next to nothing."""


class Listener(Protocol):
    """A download that wants to hear what its sessions say, and a person of them; all but `heard` are synchronous."""

    def session_opened(self, session: PeerSession) -> None: ...
    def session_closed(self, session: PeerSession, error: Exception | None) -> None: ...
    async def heard(self, session: PeerSession, message: Message) -> None: ...
    def pardoned(self, peer: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PeerTotals:
    """Payload bytes that passed between this node and one peer about one manifest."""

    address: str = ""
    received: int = 0
    sent: int = 0
    chunks_have: int = 0  # when it was last heard of
    agent: str = ""  # what it says it runs

    def plus(self, session: PeerSession) -> PeerTotals:
        """With what a session moved."""
        have = session.remote_have.count if session.remote_have is not None else 0
        received, sent = self.received + session.down.total, self.sent + session.up.total
        return PeerTotals(session.address, received, sent, have, session.agent or self.agent)


NOTHING_YET = PeerTotals()


class Swarm:
    """Everybody in session with this node about one manifest; what is sent to them passes all of `buckets`."""

    def __init__(self, cid: Cid, buckets: tuple[TokenBucket, ...] = ()) -> None:
        self.cid = cid
        self.content: Content | None = None
        self.uploads = Uploads(buckets)
        self.listener: Listener | None = None
        self.on_told: Callable[[PeerSession, Peers], None] | None = None  # who wants to know of more peers
        self.sessions: dict[str, PeerSession] = {}
        self.banned: dict[str, float] = {}  # unix time, in order
        self.liars: set[str] = set()  # those of them that sent wrong data
        self.ledger: dict[str, PeerTotals] = {}
        self._forgotten = (0, 0)  # received from and sent to peers that the ledger has let go
        self.saved = (0, 0)  # of `total_received` and `total_sent`, what the catalogue has counted already

    @property
    def total_received(self) -> int:
        """Payload bytes of this manifest that came in, over all sessions since the node started."""
        return self._forgotten[0] + sum(totals.received for totals in self.totals().values())

    @property
    def total_sent(self) -> int:
        """Payload bytes of this manifest that went out, likewise."""
        return self._forgotten[1] + sum(totals.sent for totals in self.totals().values())

    def totals(self) -> dict[str, PeerTotals]:
        """What passed between us and each peer, those that have left included."""
        totals = dict(self.ledger)
        for peer, session in self.sessions.items():
            totals[peer] = totals.get(peer, NOTHING_YET).plus(session)
        return totals

    def settle(self, session: PeerSession) -> None:
        """A session is over: keep its totals; of peers beyond `LEDGER_PEERS` the oldest are forgotten."""
        self.ledger[session.peer] = self.ledger.pop(session.peer, NOTHING_YET).plus(session)
        while len(self.ledger) > LEDGER_PEERS:
            oldest = self.ledger.pop(next(iter(self.ledger)))
            self._forgotten = self._forgotten[0] + oldest.received, self._forgotten[1] + oldest.sent

    def ban(self, peer: str, *, has_lied: bool) -> None:
        """Have nothing more to do with a peer that sent wrong data, or broke the protocol."""
        self.banned[peer] = time.time()
        if has_lied:
            self.liars.add(peer)
        while len(self.banned) > MAX_BANNED:
            oldest = next(iter(self.banned))
            del self.banned[oldest]
            self.liars.discard(oldest)

    def pardon(self, peer: str) -> None:
        """A person lifts the ban of a peer: it may be asked and served again."""
        self.banned.pop(peer, None)
        self.liars.discard(peer)
        if self.listener:
            self.listener.pardoned(peer)

    def set_content(self, content: Content) -> None:
        """What is served from now on; sessions that waited for the manifest get our bitfield."""
        first = self.content is None
        self.content = content
        self.uploads.set_content(content)
        for session in self.sessions.values():
            if first:
                announce(session, content)

    def announce_have(self, chunks: tuple[int, ...]) -> None:
        """Tell every peer of newly verified chunks."""
        for session in tuple(self.sessions.values()):
            if not session.is_closing:
                session.queue(Have(chunks=chunks))


def announce(session: PeerSession, content: Content) -> None:
    """Send our bitfield, and have the session check the peer's against the geometry from here on."""
    session.set_geometry(content.geometry)
    session.queue(BitfieldMessage(data=content.have.to_bytes()))
