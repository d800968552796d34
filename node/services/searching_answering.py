"""Answering other nodes' searches from what this node shares and from the catalogues that it holds.

Rules: one query at a time for each peer and a few a second, or it is told to come back later; looking is done in a
thread, and only a few at once, so that whoever asks the most costs the node's own work nothing. A query is never
passed on.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import trio

from node.services.session import ExchangeStream
from node.store.search_index import IndexHit
from protocols.cid import Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.search import MAX_PUBLISHERS, Answering, Hit, Outcome, Query, answer

log = logging.getLogger(__name__)

QUERIES_PER_S = 5.0
BURST = 10.0
"""Of one peer: a person types no faster, and a script that does is told to wait."""

PEERS_REMEMBERED = 1024
"""Peers whose recent queries are counted; far more than are ever connected."""

RUNNING = 16
"""Queries under way for everybody together: each is a few hundred kilobytes at most."""

QUERY_TIMEOUT_S = 5.0
"""How long a peer may take to say what it wants, and then to read the answer."""

LOOKERS = trio.CapacityLimiter(2)
"""Threads that look into the index for others: the node's own searches have theirs beside them."""


class Index(Protocol):
    """What is searched: `node.store.search_index` has it."""

    def search(self, tokens: Sequence[str], limit: int, *, own_only: bool = False) -> list[IndexHit]: ...


class SearchAnswers:
    """The node's end of `/shoal/search/1.0.0` for those who ask."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # queries left, and when that was so
        self._running: set[str] = set()

    async def accept(self, stream: ExchangeStream) -> None:
        """Answer one query on a stream that a peer opened."""
        with trio.move_on_after(QUERY_TIMEOUT_S):
            try:
                await self._converse(stream)
            except RemoteProtocolError as error:
                log.info("%s asked what can't be answered: %s", stream.peer_id, error)
                stream.reset()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                log.debug("%s left before it was answered", stream.peer_id)

    async def _converse(self, stream: ExchangeStream) -> None:
        query = await _read_query(stream)
        if query is None:
            return
        hits: list[Hit] = []
        outcome = Outcome.BUSY
        if self._may_ask(stream.peer_id):
            self._running.add(stream.peer_id)
            try:
                hits, outcome = await trio.to_thread.run_sync(self._look, query, limiter=LOOKERS)
            finally:
                self._running.discard(stream.peer_id)
        for frame in answer(hits, outcome):
            await stream.send_all(frame)

    def _may_ask(self, peer: str) -> bool:
        """Take one from the peer's bucket, unless it is empty or the peer's last query still runs."""
        now = trio.current_time()
        left, since = self._buckets.pop(peer, (BURST, now))
        left = min(BURST, left + (now - since) * QUERIES_PER_S)
        is_welcome = left >= 1 and peer not in self._running and len(self._running) < RUNNING
        self._buckets[peer] = (left - is_welcome, now)
        if len(self._buckets) > PEERS_REMEMBERED:
            self._buckets.popitem(last=False)
        return is_welcome

    def _look(self, query: Query) -> tuple[list[Hit], Outcome]:
        found = self._index.search(query.tokens, query.limit + 1)
        hits: dict[tuple[str, str], Hit] = {}
        for row in found[: query.limit]:
            if hit := _to_send(row):
                hits.setdefault((row.cid, row.name), hit)
        return list(hits.values()), Outcome.MORE if len(found) > query.limit else Outcome.COMPLETE


async def _read_query(stream: ExchangeStream) -> Query | None:
    answering = Answering()
    while data := await stream.receive_some():
        if query := answering.receive_data(data):
            return query
    return None


def _to_send(row: IndexHit) -> Hit | None:
    """A row of the index as others are told of it; None for what can't be said, such as a share nobody has now."""
    try:
        return Hit(Cid.parse(row.cid), row.name, row.size, row.files, row.is_own, row.publishers[:MAX_PUBLISHERS])
    except LocalProtocolError as error:
        log.debug("%s isn't told to others: %s", row.cid, error)
        return None
