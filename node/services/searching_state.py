"""One search: what was asked, who was, and what came of it so far."""

from __future__ import annotations

from enum import StrEnum

import trio

from node.services.searching_asking import PeerAnswer, Reply
from node.services.searching_results import Results
from protocols.search import Query

SOFT_S = 2.0
HARD_S = 5.0
"""A person looks at an empty list for two seconds; once there is something on it, three more don't matter."""


class Scope(StrEnum):
    """Where to look; each includes the one before."""

    LOCAL = "local"
    PEERS = "peers"
    ALL = "all"


class Asked:
    """One peer that was asked."""

    def __init__(self, peer: str, found: str) -> None:
        self.peer = peer
        self.found = found
        self.answer = PeerAnswer(Reply.WAITING)


class Search:
    """One search, and what came of it so far."""

    def __init__(self, query: Query, scope: Scope, patience_s: float | None) -> None:
        self.query = query
        self.scope = scope
        self.results = Results()
        self.asked: dict[str, Asked] = {}
        self.connected = 0
        self.keywords: list[str] = []
        self.providers: set[str] = set()  # whom the DHT named for them
        self.began_at = trio.current_time()
        self.took_s: float | None = None
        self.soft_s, self.hard_s = (SOFT_S, HARD_S) if patience_s is None else (patience_s, patience_s)
        self.over = trio.Event()
        self.checked = trio.Event()
        self.changed = trio.Event()

    @property
    def seconds(self) -> float:
        """How long it has taken, or took."""
        return self.took_s if self.took_s is not None else trio.current_time() - self.began_at

    def note_change(self) -> None:
        """Number what is worth showing, and wake who waits for news."""
        self.results.ranked(everything=self.over.is_set())
        self.changed.set()
        self.changed = trio.Event()
