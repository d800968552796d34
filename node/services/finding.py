"""Keeping a download supplied with peers: provider lookups, hints, what other peers tell, dials and their retries.

Rules: whom to dial next is `node.swarm.Candidates`' decision; here are only the lookup and the dials. Lookups come
close together while nobody is there and never stop while the download needs peers, so that a new seeder is found within
half a minute. Peers are few when there are fewer than wanted, or when none of them has a chunk that is missing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

import trio

from node.errors import ShoalError
from node.net.introductions import understand
from node.services.exchange import Exchange, RefusedError
from node.services.session import PeerSession
from node.services.swarms import Swarm
from node.swarm.candidates import Candidate, Candidates
from protocols.errors import RemoteProtocolError
from protocols.exchange import Peers

log = logging.getLogger(__name__)

WANTED_SESSIONS = 30
"""Peers in session per download: more than the uplinks that fill an ordinary line, far below MAX_SESSIONS."""

MORE_SESSIONS = 10
"""Sessions beyond that while none of the peers has a chunk that is missing: one of the next may."""

DIALS = 8
"""Dials under way per download; a dead address costs seconds, so they must overlap."""

PROVIDERS_WANTED = 50
"""Distinct providers after which a lookup stops: well above WANTED_SESSIONS, so that dead ones may be among them."""

FIRST_LOOKUP_S = 2.0
NEXT_LOOKUP_S = 25.0
"""Pauses between lookups: doubling while nobody answers, at most so long that a new seeder joins within 30 s."""

LONGEST_NAP_S = 5.0
"""How long nobody looks whether somebody is to be dialled: a session that ends makes its peer due again."""

TOLD_LEAST_S = 30.0
"""Between two PEERS of one peer that are looked at; it is to send one a minute, and networks make some late."""

DIAL_TIMEOUT_S = 15.0


class FoundProvider(Protocol):
    """A provider record's content: `node.net` has the class."""

    @property
    def peer_id(self) -> str: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...


class Routing(Protocol):
    """What this service needs of Kademlia."""

    async def find_providers(self, key: bytes, found: Found, limit: int) -> object: ...


class Found(Protocol):
    """Called for each distinct provider as it arrives."""

    def __call__(self, provider: FoundProvider) -> None: ...


class PeerFinder:
    """Finds and dials peers for one download until it is cancelled."""

    def __init__(self, exchange: Exchange, routing: Routing, swarm: Swarm, candidates: Candidates) -> None:
        self._exchange = exchange
        self._routing = routing
        self._swarm = swarm
        self._candidates = candidates
        self._dialling = 0
        self._changed = trio.Event()
        self._told_at: WeakKeyDictionary[PeerSession, float] = WeakKeyDictionary()
        self._recorded: frozenset[tuple[str, str]] = frozenset()  # peers and addresses that the last lookup found
        self._records: set[tuple[str, str]] = set()  # and this one so far
        self.lookups_done = 0
        self.lacks_chunks: Callable[[], bool] = lambda: False  # whether a chunk is missing that no peer in session has
        self.is_needed: Callable[[], bool] = lambda: True  # whether anything is to be fetched at present

    def add_hint(self, peer: str, addresses: tuple[str, ...]) -> None:
        """A peer that a link or a person named."""
        self._candidates.announced(peer, addresses, trio.current_time())
        self._changed.set()

    async def run(self) -> None:
        """Look up and dial for as long as the download runs."""
        self._swarm.on_told = self._told
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._look_up)
                while True:
                    self._dial_due(nursery)
                    due = self._candidates.next_wakeup()
                    nap = due - trio.current_time() if due is not None else LONGEST_NAP_S
                    with trio.move_on_after(min(LONGEST_NAP_S, max(0.05, nap))):
                        await self._changed.wait()
                    self._changed = trio.Event()
        finally:
            self._swarm.on_told = None

    async def _look_up(self) -> None:
        pause = FIRST_LOOKUP_S
        while True:
            if self._room > 0:
                await self._routing.find_providers(self._swarm.cid.multihash, self._found, PROVIDERS_WANTED)
                self.lookups_done += 1
                self._recorded, self._records = frozenset(self._records), set()
            await trio.sleep(pause)
            pause = NEXT_LOOKUP_S if self._swarm.sessions else min(NEXT_LOOKUP_S, pause * 2)

    def _found(self, provider: FoundProvider) -> None:
        """A provider record; one that wasn't there at the last lookup, or names a new address, is an announcement."""
        record = {(provider.peer_id, address) for address in ("", *provider.addresses)}
        self._records |= record
        learn = self._candidates.add if record <= self._recorded else self._candidates.announced
        if learn(provider.peer_id, provider.addresses, trio.current_time()):
            self._changed.set()

    def _told(self, session: PeerSession, message: Peers) -> None:
        """A peer tells of others: hints, which are dialled like any."""
        now = trio.current_time()
        if now - self._told_at.get(session, -TOLD_LEAST_S) < TOLD_LEAST_S:
            return
        self._told_at[session] = now
        named = [person for known in message.peers if (person := understand(known, session.address))]
        if self._candidates.told(session.peer, named, now):
            log.info("%s tells of %s for %s", session.peer, ", ".join(peer for peer, _ in named), self._swarm.cid)
            self._changed.set()

    @property
    def _room(self) -> int:
        """How many more sessions are wanted."""
        if not self.is_needed():
            return 0
        room = WANTED_SESSIONS - len(self._swarm.sessions)
        return room + MORE_SESSIONS if room <= 0 and self.lacks_chunks() else room

    def _dial_due(self, nursery: trio.Nursery) -> None:
        room = min(DIALS, self._room) - self._dialling
        for candidate in self._candidates.due(trio.current_time(), max(0, room)):
            self._dialling += 1
            nursery.start_soon(self._dial, candidate)

    async def _dial(self, candidate: Candidate) -> None:
        reason, has_refused = f"it didn't answer within {DIAL_TIMEOUT_S:.0f} s", False
        try:
            with trio.move_on_after(DIAL_TIMEOUT_S):
                await self._exchange.open(candidate.peer, tuple(candidate.addresses), self._swarm.cid)
                return
        except RemoteProtocolError as error:
            reason, has_refused = str(error), isinstance(error, RefusedError)
        except (ShoalError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            reason = str(error) or "the connection broke"
        finally:
            self._dialling -= 1
            self._changed.set()
        if self._candidates.ended(candidate.peer, trio.current_time(), reason, has_refused=has_refused):
            log.info("%s is no use for %s now: %s", candidate.peer, self._swarm.cid, reason)
