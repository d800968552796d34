"""Searching by name: here, at the connected peers, and at those whom the DHT knows by a word of the query.

Rules: hits come in as they are found and say how; what doesn't match was dropped before. A search ends when everybody
has answered, or SOFT_S after its start if nothing was found, or at HARD_S, or when it is told to stop. What peers
claim is checked in the background (`searching_checking`), the rows that would be shown first before the others. The
latest searches are remembered with their numbers, so that `download 3` means what the person has just seen.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Protocol

import trio

from node.errors import StorageError, UsageError
from node.net.addresses import ip_of
from node.services.searching_answering import Index
from node.services.searching_asking import Network, ask
from node.services.searching_checking import Checking
from node.services.searching_results import Description, Source, network_of
from node.services.searching_state import Asked, Scope, Search
from node.services.threads import in_thread
from protocols.errors import LocalProtocolError
from protocols.search import Hit, Query
from protocols.search.tokens import keyword_key, keywords, rarest

log = logging.getLogger(__name__)

PEERS_ASKED = 16
"""Connected peers asked in one search (Tribler asks 20): the others are asked through the DHT if they have the word."""

PROVIDERS_ASKED = 20
"""Peers found in the DHT that are asked; as many as a keyword's closest nodes are."""

PROVIDERS_HEARD = 100
PROVIDERS_PER_NETWORK = 3
"""Of one /24 or /48: who fills a word's records from one network shall not keep the others from being asked."""

ASKED_AT_ONCE = 20

KEYWORDS_TRIED = 3
"""Words looked up one after the other until somebody is found for one: each tells the DHT a bit more."""

LOCAL_HITS = 300
"""Hits taken from the own index, which lets every publisher have its turn before anybody has a second one."""

SEARCHES_KEPT = 8
SHOWN_TEXT = 60
"""Characters of a text that nothing can match, in the sentence that says so."""

HERE, CATALOGUE, PEERS, DHT = "here", "catalogue", "peers", "DHT"
"""How a hit was found."""


class ConnectionInfo(Protocol):
    """A live connection, as the host tells of it."""

    @property
    def peer_id(self) -> str: ...
    @property
    def ip(self) -> str: ...


class SearchHost(Network, Protocol):
    """What is needed of the host."""

    @property
    def peer_id(self) -> str: ...
    def connections(self) -> Sequence[ConnectionInfo]: ...


class FoundProvider(Protocol):
    """A provider record's content: `node.net` has the class."""

    @property
    def peer_id(self) -> str: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...


class Routing(Protocol):
    """What is needed of Kademlia."""

    async def find_providers(self, key: bytes, found: Callable[[FoundProvider], None], limit: int) -> object: ...


class SearchedIndex(Index, Protocol):
    """What is needed of the index besides."""

    def document_frequency(self, token: str) -> int: ...


class Searching:
    """All searches of this node."""

    def __init__(
        self,
        host: SearchHost,
        routing: Routing,
        index: SearchedIndex,
        agent: str,
        rng: Random | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`agent` is what probes say of this node; `clock` gives unix time."""
        self._host = host
        self._routing = routing
        self._index = index
        self._rng = rng or Random()
        self._clock = clock
        self.checking = Checking(host, agent, self._rng, clock)
        self._nursery: trio.Nursery | None = None
        self._begun = 0
        self.latest: deque[Search] = deque(maxlen=SEARCHES_KEPT)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the searches' nursery open."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    def begin(self, text: str, scope: Scope = Scope.ALL, patience_s: float | None = None) -> Search:
        """Start a search, which then goes on by itself; raises UsageError for a text that nothing can match."""
        try:
            search = Search(self._begun + 1, Query(text), scope, patience_s)
        except LocalProtocolError as error:
            shown = repr(text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "…")
            raise UsageError(f"nothing can be found by {shown}: {error}") from error
        self._begun += 1
        self.latest.append(search)
        assert self._nursery is not None
        self._nursery.start_soon(self._run, search)
        return search

    async def _run(self, search: Search) -> None:
        try:
            with search.work:
                async with trio.open_nursery() as nursery:
                    if search.scope is not Scope.LOCAL:
                        nursery.start_soon(self.checking.check, search)
                    await self._look_here(search)
                    if search.scope is not Scope.LOCAL:
                        await self._look_around(search)
                    search.end()
        except Exception:  # the border: a bug met in one search costs neither the others nor the node
            log.exception("the search for %r failed", search.query.text)
        search.settle()

    # --- looking ----------------------------------------------------------------------------------------------

    async def _look_here(self, search: Search) -> None:
        try:
            rows = await in_thread(self._index.search, search.query.tokens, LOCAL_HITS)
        except StorageError as error:
            log.warning("the own index can't be searched now: %s", error)
            return
        for row in rows:
            description = Description(row.name, row.size, row.files)
            seen_at = min(row.issued_at, self._clock()) if row.issued_at else None  # clocks differ
            if row.is_own:
                search.results.add(row.cid, description, None, HERE, row.publishers)
            for publisher in row.publishers:
                search.results.add(row.cid, description, Source(publisher), CATALOGUE, (publisher,), seen_at)
            await trio.lowlevel.checkpoint()  # hundreds of rows of fifty publishers are a tenth of a second
        search.note_change()

    async def _look_around(self, search: Search) -> None:
        """Ask peers until all have answered or time is up; the deadline moves when the first hits come."""
        found_here = len(search.results)
        limiter = trio.CapacityLimiter(ASKED_AT_ONCE)
        with trio.CancelScope(deadline=search.began_at + search.soft_s) as scope:
            async with trio.open_nursery() as nursery:

                def start(peer: str, addresses: Iterable[str], found: str) -> None:
                    if peer not in search.asked and peer != self._host.peer_id:
                        search.asked[peer] = Asked(peer, found)
                        nursery.start_soon(ask_one, peer, tuple(addresses))

                async def ask_one(peer: str, addresses: tuple[str, ...]) -> None:
                    async with limiter:
                        await self._ask(search, peer, addresses)
                    if len(search.results) > found_here:
                        scope.deadline = search.began_at + search.hard_s

                peers = list(dict.fromkeys(connection.peer_id for connection in self._host.connections()))
                search.connected = len(peers)
                for peer in self._rng.sample(peers, min(PEERS_ASKED, len(peers))):
                    start(peer, (), PEERS)
                if search.scope is Scope.ALL:
                    await self._look_in_dht(search, start)

    async def _look_in_dht(self, search: Search, start: Callable[[str, Iterable[str], str], None]) -> None:
        """Ask those who provide the query's rarest word; the next one if nobody does."""

        networks: Counter[str] = Counter()

        def found(provider: FoundProvider) -> None:
            network = next((network_of(ip_of(address)) for address in provider.addresses), "")
            is_crowded = bool(network) and networks[network] >= PROVIDERS_PER_NETWORK
            if provider.peer_id == self._host.peer_id or is_crowded or len(search.providers) >= PROVIDERS_ASKED:
                return
            networks[network] += 1
            search.providers.add(provider.peer_id)
            start(provider.peer_id, provider.addresses, DHT)

        words = keywords(search.query.tokens)
        frequencies = await in_thread(lambda: {word: self._index.document_frequency(word) for word in words})
        for word in rarest(words, frequencies.__getitem__, KEYWORDS_TRIED):
            search.keywords.append(word)
            await self._routing.find_providers(keyword_key(word), found, PROVIDERS_HEARD)
            if search.providers:
                return

    async def _ask(self, search: Search, peer: str, addresses: tuple[str, ...]) -> None:
        asked = search.asked[peer]
        asked.answer = await ask(self._host, peer, addresses, search.query, search.began_at + search.hard_s)
        source = Source(peer, self._network_of(peer))
        for hit in asked.answer.hits:
            self._add(search, hit, source, asked.found)
        search.note_change()

    def _network_of(self, peer: str) -> str:
        return next((network_of(each.ip) for each in self._host.connections() if each.peer_id == peer), "")

    def _add(self, search: Search, hit: Hit, source: Source, found: str) -> None:
        claimants = (*((source.peer,) if hit.is_own else ()), *hit.publishers)
        others = [peer for peer in claimants if peer != self._host.peer_id]
        seen_at = self._clock() if hit.is_own else None
        search.results.add(str(hit.cid), Description(hit.name, hit.size, hit.files), source, found, others, seen_at)
