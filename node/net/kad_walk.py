"""Driving a lookup: asks the peers it names, at most as many at once as it allows, and feeds it their answers.

Rules: no decision is made here, see `node.net.kad_lookup`; a peer's failure costs only that peer its place. Answers are
handed on as they arrive, and a caller that has heard enough ends the walk there and then.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net.kad_client import QueryError
from node.net.kad_keyspace import key_point
from node.net.kad_lookup import Lookup
from node.net.kad_messages import MAX_ADDRESSES, MAX_CLOSER, Contact, contacts

WALK_S = 30.0  # an honest walk takes a few seconds; nobody waits longer for a dishonest one


@dataclass(frozen=True, slots=True)
class WalkReport:
    """How a walk went: the up to k nearest that answered, nearest first, and its costs."""

    closest: tuple[Contact, ...]
    asked: int
    failed: int
    seconds: float


async def walk(
    request: Message,
    known: Iterable[Contact],
    own_id: str,
    ask: Callable[[Contact, Message], Awaitable[Message]],
    heard: Callable[[Message], bool] = lambda _: False,
) -> WalkReport:
    """Send `request` to ever nearer peers until the k nearest to its key have answered.

    `ask` queries one peer or raises QueryError; `heard` sees each answer as it arrives and ends the walk with True.
    Cancelling a walk cancels its queries.
    """
    journey = _Walk(request, known, own_id, ask, heard)
    started = trio.current_time()
    with trio.move_on_after(WALK_S):
        await journey.run()
    closest = tuple(journey.contacts[peer] for peer in journey.lookup.closest())
    return WalkReport(closest, journey.lookup.queries, journey.failed, trio.current_time() - started)


class _Walk:
    def __init__(
        self,
        request: Message,
        known: Iterable[Contact],
        own_id: str,
        ask: Callable[[Contact, Message], Awaitable[Message]],
        heard: Callable[[Message], bool],
    ) -> None:
        self.contacts = {contact.peer_id: contact for contact in known}
        self.lookup = Lookup(key_point(request.key), self.contacts, exclude=own_id)
        self.failed = 0
        self._request = request
        self._ask = ask
        self._heard = heard
        self._has_enough = False
        self._news = trio.Event()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            while not (self._has_enough or self.lookup.is_finished):
                self._news = trio.Event()
                peer = self.lookup.next(trio.current_time())
                if peer is not None:
                    nursery.start_soon(self._query, peer)
                    continue
                wakeup = self.lookup.next_wakeup()
                with trio.move_on_at(math.inf if wakeup is None else wakeup):
                    await self._news.wait()
            nursery.cancel_scope.cancel()

    async def _query(self, peer: str) -> None:
        try:
            reply = await self._ask(self.contacts[peer], self._request)
        except QueryError:
            self.failed += 1
            self.lookup.on_failure(peer)
        else:
            closer = contacts(reply.closerPeers, MAX_CLOSER)
            for contact in closer:
                self._learn(contact)
            self.lookup.on_success(peer, [contact.peer_id for contact in closer])
            self._has_enough = self._heard(reply) or self._has_enough
        self._news.set()

    def _learn(self, contact: Contact) -> None:
        # The first to name a peer may have a stale address of it, so what others say is added, not dropped.
        before = self.contacts.get(contact.peer_id, contact).addresses
        merged = tuple(dict.fromkeys((*before, *contact.addresses)))[:MAX_ADDRESSES]
        self.contacts[contact.peer_id] = Contact(contact.peer_id, merged)
