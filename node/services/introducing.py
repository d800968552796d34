"""Telling the peers of a swarm of one another, so that a swarm holds together without the DHT.

Rules (SPEC.md of the exchange protocol, section 7): who is in session about a manifest hears of the others in session
about it: the first time as soon as there is somebody to hear of, then at most once a minute and only what is new.
Who has every chunk needs nobody. What may be told to whom is `node.net.introductions`' decision.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

import trio

from node.net.introductions import Whereabouts, introduce
from node.services.exchange import Exchange
from node.services.session import PeerSession
from node.services.swarms import Swarm
from protocols.exchange import MAX_PEERS, Peers

CHECK_S = 1.0
"""How often it is looked whether somebody is to be told: a newcomer waits no longer for the first others."""

INTERVAL_S = 60.0
"""Between two messages to one peer: at most 300 bytes a second to it, and for it at most 25 peers a minute to dial."""

UNREACHABLE_S = 5.0
"""The pause after there was nobody to tell of: identify, which says where peers listen, takes a moment."""


class Surroundings(Protocol):
    """What this service needs of `node.net.introductions.Introductions`."""

    def whereabouts(self) -> Mapping[str, Whereabouts]: ...


class Introducing:
    """Sends PEERS to everybody in session with this node."""

    def __init__(self, exchange: Exchange, surroundings: Surroundings, rng: random.Random) -> None:
        self._exchange = exchange
        self._surroundings = surroundings
        self._rng = rng
        # Whom each session has heard of, as sessions: who comes back has a new one, and is news again.
        self._told: WeakKeyDictionary[PeerSession, WeakSet[PeerSession]] = WeakKeyDictionary()
        self._next_at: WeakKeyDictionary[PeerSession, float] = WeakKeyDictionary()

    async def run(self) -> None:
        """Look after all swarms until cancelled."""
        while True:
            await trio.sleep(CHECK_S)
            due = [
                (session, news)
                for swarm in self._exchange.swarms.values()
                if len(swarm.sessions) > 1
                for session in swarm.sessions.values()
                if (news := self._news(swarm, session))
            ]
            if due:
                where = self._surroundings.whereabouts()
                for session, news in due:
                    self._tell(session, news, where)

    def _news(self, swarm: Swarm, session: PeerSession) -> list[PeerSession]:
        """Whom a peer has not heard of, if it is to hear of anybody now."""
        is_complete = session.remote_have is not None and session.remote_have.is_complete
        if is_complete or not session.connection.is_open or trio.current_time() < self._next_at.get(session, 0.0):
            return []
        told = self._told.setdefault(session, WeakSet())
        return [other for other in swarm.sessions.values() if other is not session and other not in told]

    def _tell(self, session: PeerSession, news: list[PeerSession], where: Mapping[str, Whereabouts]) -> None:
        now = trio.current_time()
        self._next_at[session] = now + UNREACHABLE_S
        listener = where.get(session.peer)
        if listener is None:
            return  # its connection has just gone
        tellable = [
            (other, known)
            for other in news
            if other.peer in where and (known := introduce(other.peer, where[other.peer], listener))
        ]
        chosen = self._rng.sample(tellable, min(len(tellable), MAX_PEERS))
        if chosen:
            session.queue(Peers(tuple(known for _, known in chosen)))
            self._told[session].update(other for other, _ in chosen)
            self._next_at[session] = now + INTERVAL_S
