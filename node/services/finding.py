"""Keeping a download supplied with peers: provider lookups, hints, dials and their retries.

Rules: whom to dial next is `node.swarm.Candidates`' decision; here are only the lookup and the dials. Lookups come
close together while nobody is there and never stop while the download runs, so that a new seeder is found within
half a minute.
"""

from __future__ import annotations

import logging
from typing import Protocol

import trio

from node.errors import ShoalError
from node.services.exchange import Exchange
from node.services.swarms import Swarm
from node.swarm.candidates import Candidate, Candidates
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

WANTED_SESSIONS = 30
"""Peers in session per download: more than the uplinks that fill an ordinary line, far below MAX_SESSIONS."""

DIALS = 8
"""Dials under way per download; a dead address costs seconds, so they must overlap."""

PROVIDERS_WANTED = 50
"""Distinct providers after which a lookup stops: well above WANTED_SESSIONS, so that dead ones may be among them."""

FIRST_LOOKUP_S = 2.0
NEXT_LOOKUP_S = 25.0
"""Pauses between lookups: doubling while nobody answers, at most so long that a new seeder joins within 30 s."""

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
        self.lookups_done = 0

    def add_hint(self, peer: str, addresses: tuple[str, ...]) -> None:
        """A peer that a link or a person named."""
        self._candidates.add(peer, addresses, trio.current_time())
        self._changed.set()

    async def run(self) -> None:
        """Look up and dial for as long as the download runs."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_up)
            while True:
                self._dial_due(nursery)
                now = trio.current_time()
                due = self._candidates.next_wakeup()
                with trio.move_on_after(max(0.05, due - now) if due is not None else NEXT_LOOKUP_S):
                    await self._changed.wait()
                self._changed = trio.Event()

    async def _look_up(self) -> None:
        pause = FIRST_LOOKUP_S
        while True:
            if len(self._swarm.sessions) < WANTED_SESSIONS:
                await self._routing.find_providers(self._swarm.cid.multihash, self._found, PROVIDERS_WANTED)
                self.lookups_done += 1
            await trio.sleep(pause)
            pause = NEXT_LOOKUP_S if self._swarm.sessions else min(NEXT_LOOKUP_S, pause * 2)

    def _found(self, provider: FoundProvider) -> None:
        if self._candidates.add(provider.peer_id, provider.addresses, trio.current_time()):
            self._changed.set()

    def _dial_due(self, nursery: trio.Nursery) -> None:
        room = min(DIALS - self._dialling, WANTED_SESSIONS - len(self._swarm.sessions) - self._dialling)
        for candidate in self._candidates.due(trio.current_time(), max(0, room)):
            self._dialling += 1
            nursery.start_soon(self._dial, candidate)

    async def _dial(self, candidate: Candidate) -> None:
        reason = f"it didn't answer within {DIAL_TIMEOUT_S:.0f} s"
        try:
            with trio.move_on_after(DIAL_TIMEOUT_S):
                await self._exchange.open(candidate.peer, tuple(candidate.addresses), self._swarm.cid)
                return
        except RemoteProtocolError as error:
            reason = str(error)
        except (ShoalError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            reason = str(error) or "the connection broke"
        finally:
            self._dialling -= 1
            self._changed.set()
        log.info("%s is no use for %s now: %s", candidate.peer, self._swarm.cid, reason)
        self._candidates.ended(candidate.peer, trio.current_time(), reason)
