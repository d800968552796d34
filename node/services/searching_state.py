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

    def __init__(self, number: int, query: Query, scope: Scope, patience_s: float | None) -> None:
        self.number = number  # since the node started, the first is 1
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
        self.is_stopped = False
        self.work = trio.CancelScope()  # everything that is done for it

    @property
    def seconds(self) -> float:
        """How long it has taken, or took."""
        return self.took_s if self.took_s is not None else trio.current_time() - self.began_at

    def stop(self) -> None:
        """Have nobody asked and nothing checked any more; what was found stays. What has ended stays as it is."""
        if not self.checked.is_set():
            self.is_stopped = True
            self.work.cancel()

    def end(self) -> None:
        """Nobody is asked any more: who still owes an answer is told of as one that gave none."""
        if self.over.is_set():
            return
        self.took_s = self.seconds
        for asked in self.asked.values():
            if asked.answer.reply is Reply.WAITING:
                asked.answer = PeerAnswer(Reply.LEFT if self.is_stopped else Reply.SILENT)
        self.over.set()
        self.note_change()

    def settle(self) -> None:
        """Nothing is checked any more either."""
        self.end()
        self.results.settle()
        self.checked.set()
        self.note_change()

    def note_change(self) -> None:
        """Number what is worth showing, and wake who waits for news."""
        self.results.ranked(everything=self.over.is_set())
        self.changed.set()
        self.changed = trio.Event()
