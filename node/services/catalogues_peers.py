"""Servers of the DHT, told along with catalogues: so that a newcomer isn't left with the one peer it came by.

Rules: what may be told to whom, and what to take of what is told, is `node.net.introductions`' decision. What is told
is a hint: few are tried, and none once this node knows as many servers as it can use.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import trio

from node.errors import ShoalError
from node.net.introductions import Whereabouts, introduce, understand
from protocols.catalog import MAX_PEERS
from protocols.exchange import KnownPeer

log = logging.getLogger(__name__)

ENOUGH = 20
"""Servers in the routing table: a bucket's worth, from which on it grows by its own lookups."""

TRIES = 5
"""Dials for one peer's word: enough to find somebody who is there, too few to be of use against a third party."""

DIAL_TIMEOUT_S = 10.0


class Surroundings(Protocol):
    """What is needed of `node.net.introductions.Introductions`."""

    def whereabouts(self) -> Mapping[str, Whereabouts]: ...


class Table(Protocol):
    """What is needed of Kademlia."""

    @property
    def routing_table_size(self) -> int: ...
    def claims_to_serve(self, peer_id: str) -> bool: ...
    def connected(self) -> Collection[str]: ...


class Network(Protocol):
    """What is needed of the host."""

    @property
    def peer_id(self) -> str: ...
    async def connect(self, target: str, hints: Iterable[str] = ()) -> str: ...


class ServerHints:
    """Tells of servers, and follows what is told of them."""

    def __init__(self, network: Network, surroundings: Surroundings, table: Table, rng: random.Random) -> None:
        self._network = network
        self._surroundings = surroundings
        self._table = table
        self._rng = rng
        self._is_trying = False

    @property
    def wanted(self) -> int:
        """How many servers are worth asking for."""
        return 0 if self._table.routing_table_size >= ENOUGH else MAX_PEERS

    def sample(self, count: int, peer: str, address: str) -> tuple[KnownPeer, ...]:
        """Up to `count` servers that this node is connected to, for a peer at this address."""
        listener = Whereabouts(address, ())
        known = [
            told
            for other, where in self._surroundings.whereabouts().items()
            if other != peer and self._table.claims_to_serve(other) and (told := introduce(other, where, listener))
        ]
        return tuple(self._rng.sample(known, min(len(known), count)))

    async def follow(self, told: Sequence[KnownPeer], teller: str) -> None:
        """Connect to some of the servers that a peer at the address `teller` told of, if there is need."""
        if self._is_trying or not self.wanted:
            return
        known = {*self._table.connected(), self._network.peer_id}
        found = [hint for each in told if (hint := understand(each, teller)) and hint[0] not in known]
        self._is_trying = True
        try:
            async with trio.open_nursery() as nursery:
                for peer, addresses in self._rng.sample(found, min(len(found), TRIES)):
                    nursery.start_soon(self._try, peer, addresses)
        finally:
            self._is_trying = False

    async def _try(self, peer: str, addresses: tuple[str, ...]) -> None:
        with trio.move_on_after(DIAL_TIMEOUT_S):
            try:
                await self._network.connect(peer, addresses)  # Kademlia hears of it, and asks whether it serves
            except ShoalError as error:
                log.debug("a server that was told of isn't there: %s", error)
